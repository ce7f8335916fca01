"""Traces in Tempo. Since 3.0 it redacts by trace id over gRPC; before, only retention removes what is stored."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, TypeVar

from syndarix_obs_read.backends.stack.clients.http_client import Access, HttpClient, Server
from syndarix_obs_read.backends.stack.clients.tempo import Tempo
from syndarix_obs_read.backends.stack.queries.quoting import quoted
from syndarix_obs_read.errors import BackendUnavailable
from syndarix_obs_read.privacy.places import NotAtHome, Note, Person, Verdict
from syndarix_obs_read.privacy.scan import scan
from syndarix_obs_read.settings import ReadSettings, variable

T = TypeVar("T")
_SUBMIT: Final = "/tempopb.BackendScheduler/SubmitRedaction"
_TENANT: Final = "single-tenant"
_DAY_NS: Final = 86_400 * 10**9
_MOST: Final = 100_000
_AT_ONCE: Final = 20
"""Names in one search."""
_FIELD_TENANT, _FIELD_TRACE = b"\x0a", b"\x12\x10"
_LATER: Final = {
    "NOT_FOUND": "Tempo has not listed its blocks yet",
    "ALREADY_EXISTS": "Tempo is at work on another redaction",
    "FAILED_PRECONDITION": "Tempo is at work on another redaction",
}
_FILES_S: Final = 5_400
"""Seconds until a redacted trace has left the live store and the replaced block is deleted, with Tempo's defaults."""


class TempoSource(NotAtHome):
    """Blocks, live store and write-ahead log of Tempo."""

    name = "tempo"
    holds = "spans: attributes with the pseudonym, short previews of texts"
    kept = "`RETENTION_DAYS`"
    method = "3.0: redaction by trace id over gRPC, the whole trace goes; 2.x: retention alone"
    retries = True
    destinations = frozenset({"tempo"})

    def __init__(self, settings: ReadSettings) -> None:
        self._settings = settings

    def find(self, person: Person) -> int:
        """Traces with a span of the person."""
        return len(self._traces(person))

    def erase(self, person: Person, note: Note) -> int:
        """Ask for the redaction of all traces known."""
        traces = sorted({*self._traces(person), *person.traces, *note.get("traces", ())})
        new = len(traces) - len(note.get("traces", ()))
        note["traces"] = traces
        note.setdefault("asked_at", time.time())
        if traces:
            note["said"] = submit_redaction(self._settings.tempo_grpc, self._settings.tenant or _TENANT, traces)
        return max(0, new)

    def verify(self, person: Person, note: Note) -> Verdict:
        """Look for the traces by id and by search, and search Tempo's files if they are on this machine."""
        left = self.find(person) + asyncio.run(_known(self._settings, note.get("traces", ())))
        folder, said = self._settings.tempo_data, str(note.get("said", ""))
        words = f"search and {len(note.get('traces', ()))} traces by id"
        hits = 0
        if folder is not None:
            ids = [bytes.fromhex(each) for each in note.get("traces", ())]
            jobs, data = _files(folder)
            found = scan(data, [*person.needles, *ids])
            # Its list of jobs names the trace ids that it was told to redact, for an hour.
            hits = sum(found.hits.values()) + sum(scan(jobs, person.needles).hits.values())
            words = f"{words}, then {found.words()}"
        else:
            words += f"; not in the bytes: {variable('tempo_data')} says where Tempo's files are"
        if not left and not hits:
            return Verdict(True, words)
        return Verdict(False, words, left + hits, said or "Tempo still holds the spans", self._by(note))

    def _by(self, note: Note) -> str:
        begun = datetime.fromtimestamp(note.get("asked_at", time.time()), UTC)
        only_retention = "retention" in str(note.get("said", ""))
        wait = timedelta(days=self._settings.retention_days) if only_retention else timedelta(seconds=_FILES_S)
        return (begun + wait).isoformat(timespec="seconds")

    def _traces(self, person: Person) -> list[str]:
        return asyncio.run(_search(self._settings, person))


def _files(folder: Path) -> tuple[list[Path], list[Path]]:
    """Tempo's files: those of its list of jobs, and the others."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    jobs = [path for path in files if path.name == "work.json" or "scheduler" in path.relative_to(folder).parts]
    return jobs, [path for path in files if path not in jobs]


def submit_redaction(address: str, tenant: str, traces: Sequence[str]) -> str:
    """Ask Tempo to redact traces; returns why it has not taken that, in words, or "" when it has.

    Raises:
        BackendUnavailable: nothing answers at the address.
    """
    try:
        import grpc
    except ImportError:
        raise BackendUnavailable("redaction in Tempo needs gRPC: pip install 'syndarix-obs[grpc]'") from None

    name = tenant.encode()
    ids = b"".join(_FIELD_TRACE + bytes.fromhex(each.rjust(32, "0")) for each in traces)
    body = _FIELD_TENANT + bytes((len(name),)) + name + ids
    with grpc.insecure_channel(address) as channel:
        try:
            channel.unary_unary(_SUBMIT)(body, timeout=20)
        except grpc.RpcError as error:
            code = error.code().name
            if code == "UNIMPLEMENTED":
                return "this version of Tempo (before 3.0) cannot redact: its retention removes the spans"
            if code in _LATER:
                return f"{_LATER[code]}: `forget --resume` asks again"
            raise BackendUnavailable(
                f"Tempo's gRPC port at {address} does not answer ({code}); {variable('tempo_grpc')} says where it is"
            ) from error
    return ""


async def _search(settings: ReadSettings, person: Person) -> list[str]:
    async def ask(tempo: Tempo) -> list[str]:
        now = time.time_ns() + _DAY_NS // 24
        start = now - settings.retention_days * _DAY_NS
        names = [quoted(each) for each in person.names]
        # A session's name may stand in notes that name nobody.
        wanted = [f'span.user.id = "{person.pseudonym}"', *(f"span.session.id = {each}" for each in names)]
        some = [wanted[place : place + _AT_ONCE] for place in range(0, len(wanted), _AT_ONCE)]
        pages = [await tempo.search(f"{{ {' || '.join(each)} }}", start, now, _MOST, spans=1) for each in some]
        return list(dict.fromkeys(found.trace_id for page in pages for found in page))

    return await _with(settings, ask)


async def _known(settings: ReadSettings, traces: Sequence[str]) -> int:
    async def ask(tempo: Tempo) -> int:
        found = await asyncio.gather(*(tempo.trace(each) for each in traces))
        return sum(bool(each) for each in found)

    return await _with(settings, ask) if traces else 0


async def _with(settings: ReadSettings, ask: Callable[[Tempo], Awaitable[T]]) -> T:
    access = Access(settings.tenant, settings.token_file, settings.basic_auth_file)
    server = Server("Tempo", settings.tempo_url, variable("tempo_url"))
    client = HttpClient(server, access, timeout_s=settings.timeout, max_bytes=settings.max_response_bytes)
    try:
        return await ask(Tempo(client))
    finally:
        await client.close()

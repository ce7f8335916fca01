"""Lines in Loki: copies without the person go back first, then the person's are deleted, then that is checked.

Loki answers a delete at once and does it hours later; it hides the lines before they are gone. So neither its answer
nor an empty query is proof: the request must be `processed`, and its files are searched if they are on this machine.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.delivery.frames import Frame, parse
from syndarix_obs.delivery.outcome import Kind
from syndarix_obs.destinations.loki import LokiEmitter
from syndarix_obs.destinations.loki_push import anonymous_frame, encode_line, labels_text
from syndarix_obs_read.backends.stack.clients.http_client import Access, HttpClient, Server
from syndarix_obs_read.backends.stack.clients.loki import Line, Loki
from syndarix_obs_read.backends.stack.lines import record
from syndarix_obs_read.backends.stack.queries.quoting import any_of, quoted
from syndarix_obs_read.errors import BackendUnavailable
from syndarix_obs_read.privacy.http import ask
from syndarix_obs_read.privacy.places import NotAtHome, Note, Person, Verdict
from syndarix_obs_read.privacy.scan import scan
from syndarix_obs_read.settings import ReadSettings, variable

_DELETE: Final = "/loki/api/v1/delete"
_DAY_NS: Final = 86_400 * 10**9
_PUSH: Final = 500
_NAMES: Final = 40
_ALL: Final = '{service_name=~".+"}'
_SESSION, _TRACE = "session_id", "trace_id"
_SWEEP_S: Final = 120
"""Seconds in which Loki deletes the files of replaced chunks, once their time has come."""
_REQUESTS: Final = ("deletion", "delete_requests")
"""Parts of paths where Loki keeps delete requests, which name the pseudonym for as long as Loki filters by them."""


class LokiSource(NotAtHome):
    """Chunks, index and write-ahead log of Loki."""

    name = "loki"
    holds = "a line per record with its payload; pseudonym and session as structured metadata"
    kept = "`RETENTION_DAYS`, or shorter by class with `retention_stream`"
    method = (
        "copies without the person are pushed, then the delete API; gone at the first compaction after Loki's "
        "`delete_request_cancel_period`"
    )
    retries = False
    destinations = frozenset({"loki"})

    def __init__(self, settings: ReadSettings) -> None:
        self._settings = settings
        self._url = settings.loki_url.rstrip("/")

    def learn(self, person: Person) -> Person:
        """Sessions of the person that nobody else's lines name."""
        lines = self._found([_of_user(person)])
        named = {name for line in lines if (name := line.labels.get(_SESSION)) and name != line.labels.get(_TRACE)}
        shared = {line.labels.get(_SESSION) for line in self._found(_of_others(person, sorted(named)))}
        return replace(person, sessions=tuple(sorted({*person.sessions, *(named - shared)})))

    def find(self, person: Person) -> int:
        """Lines under the pseudonym, and those that name nobody but a session of the person."""
        return len(self._lines(person))

    def erase(self, person: Person, note: Note) -> int:
        """Push copies, bring all to disk, and ask for the deletion."""
        lines = self._lines(person)
        if not lines:
            return 0
        self._push(lines)
        note["from_s"] = min(min(line.ts_ns for line in lines) // 10**9, note.get("from_s", 2**40))
        self._ask(person, note)
        return len(lines)

    def verify(self, person: Person, note: Note) -> Verdict:
        """Ask for lines and for the state of the request, and search Loki's files if they are on this machine."""
        left = self.find(person)
        waiting = self._waiting(person)
        by = _due(note, self._settings)
        if waiting:
            return Verdict(False, "Loki's list of delete requests", left, "Loki has not deleted the lines yet", by)
        folder = self._settings.loki_data
        if folder is None:
            words = "request processed, no line found; not in the bytes: "
            return Verdict(not left, f"{words}{variable('loki_data')} says where Loki's files are", left, gone_by=by)
        found = scan(_files(folder), person.needles)
        hits = sum(found.hits.values())
        why = "Loki's files still hold the lines: its write-ahead log and replaced chunks follow" if hits else ""
        if left and not hits:
            why = "Loki's files are free of the lines, its caches answer with them for some minutes more"
        if hits and time.time() > note.get("asked_at", 0) + self._settings.loki_delete_seconds + _SWEEP_S:
            # Loki calls a request processed also when chunks were not in its index yet, and then they stay for good.
            self._ask(person, note)
            why = "Loki's files still hold lines that its index did not know at the time: it was asked once more"
        return Verdict(not left and not hits, f"{left} lines found, then {found.words()}", left + hits, why, by)

    def _ask(self, person: Person, note: Note) -> None:
        ask(self._settings, "POST", f"{self._url}/flush")
        start = note.get("from_s", int(time.time()) - self._settings.retention_days * 86_400)
        for query in _selectors(person):
            params = {"query": query, "start": str(start), "end": str(int(time.time()))}
            ask(self._settings, "POST", f"{self._url}{_DELETE}", params=params)
        note["asked_at"] = time.time()

    def _lines(self, person: Person) -> list[Line]:
        return self._found(_selectors(person))

    def _found(self, queries: Sequence[str]) -> list[Line]:
        now = time.time_ns() + _DAY_NS // 24
        start = now - self._settings.retention_days * _DAY_NS
        return [line for query in queries for line in asyncio.run(_every(self._settings, query, start, now))]

    def _waiting(self, person: Person) -> bool:
        answer = ask(self._settings, "GET", f"{self._url}{_DELETE}").json() or []
        ours = set(_selectors(person))
        return any(each.get("status") != "processed" for each in answer if each.get("query") in ours)

    def _push(self, lines: Sequence[Line]) -> None:
        emitter = LokiEmitter(self._url, tenant=self._settings.tenant)
        frames = sorted(_copies(lines), key=lambda frame: frame.time_ns)
        for start in range(0, len(frames), _PUSH):
            outcome = emitter.send(frames[start : start + _PUSH], self._settings.timeout)
            if outcome.kind is not Kind.DELIVERED:
                raise BackendUnavailable(f"Loki did not take the copies without the person ({outcome.reason})")


def _of_user(person: Person) -> str:
    return f'{_ALL} | user="{person.pseudonym}"'


def _selectors(person: Person) -> list[str]:
    """Queries for the person's lines, and for lines without a user (notes of others) about the person's sessions."""
    return [_of_user(person), *(f'{_ALL} | user="" | {_SESSION}=~{names}' for names in _some(person.names))]


def _of_others(person: Person, sessions: Sequence[str]) -> list[str]:
    of_others = f'{_ALL} | user!="" | user!="{person.pseudonym}"'
    return [f"{of_others} | {_SESSION}=~{names}" for names in _some(sessions)]


def _some(names: Sequence[str]) -> list[str]:
    """Literals that match some of the names each: a query has an end."""
    return [quoted(any_of(names[start : start + _NAMES])) for start in range(0, len(names), _NAMES)]


async def _every(settings: ReadSettings, query: str, start_ns: int, end_ns: int) -> list[Line]:
    access = Access(settings.tenant, settings.token_file, settings.basic_auth_file)
    server = Server("Loki", settings.loki_url, variable("loki_url"))
    client = HttpClient(server, access, timeout_s=settings.timeout, max_bytes=settings.max_response_bytes)
    try:
        return await Loki(client).every(query, start_ns, end_ns)
    finally:
        await client.close()


def _copies(lines: Sequence[Line]) -> Iterator[Frame]:
    for line in lines:
        labels = labels_text([line.labels.get(name, "") for name in v.LOKI_LABELS])
        told = record(line, payload=False)
        text = "{}" if told is None else json.dumps(dict(told.data), ensure_ascii=False)
        frame = anonymous_frame(parse(encode_line(text, None, labels, b"", line.ts_ns)).frames[0])
        if frame is not None and told is not None:
            yield frame


def _due(note: Note, settings: ReadSettings) -> str | None:
    asked = note.get("asked_at")
    if asked is None:
        return None
    due = datetime.fromtimestamp(asked, UTC) + timedelta(seconds=settings.loki_delete_seconds)
    return due.isoformat(timespec="seconds")


def _files(folder: Path) -> list[Path]:
    return [
        path for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part in str(path.relative_to(folder)) for part in _REQUESTS)
    ]  # fmt: skip


def delete_requests(settings: ReadSettings) -> list[dict[str, Any]]:
    """Delete requests that Loki knows, as it lists them."""
    return list(json.loads(ask(settings, "GET", f"{settings.loki_url.rstrip('/')}{_DELETE}").text) or [])

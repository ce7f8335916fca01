"""Replays as sessions of their own: kept in the backend that is read, listed, and read again as tapes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.replaying.tape import Tape, step_from, tape_from
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import StoredRecord
from syndarix_obs_read.errors import Ambiguous, NotFound
from syndarix_obs_read.scoring import writer
from syndarix_obs_read.settings import ReadSettings

_MOST_RECORDS: Final = 5_000
_FLUSH_S: Final = 10.0
_SHOWN: Final = 3


def keep(settings: ReadSettings, run: Tape, mode: str, result: str, *, as_file: bool = False) -> str:
    """Keep a run in the backend that the settings name; as a file at home where nothing may be written there.

    Args:
        settings: name the backend.
        run: what happened.
        mode: `verify`, `fork` or `requests`.
        result: how it ended.
        as_file: keep a file: a recording that is a file itself needs no backend.

    Returns:
        Where it is, in words.
    """
    if as_file or not settings.may_write:
        path = settings.home / "replays" / f"{run.session_id}.json"
        run.save(path)
        return str(path)
    from syndarix_obs.replaying import keeping

    with writer(settings) as platform:
        keeping.keep(platform.runtime.source, run, mode, result)
        delivered = platform.flush(_FLUSH_S)
    return f"the {settings.backend} backend" if delivered else f"waits on disk for the {settings.backend} backend"


async def kept(backend: Backend, name: str) -> Tape | None:
    """The replay of this id or a unique beginning of it; None when the backend has none.

    Raises:
        Ambiguous: several begin so.
        NotFound: it was kept without content.
    """
    rows = await _records(backend, Filter(session_id=name, kinds=(v.KIND_REPLAY,)))
    if not rows:
        every = await _records(backend, Filter(kinds=(v.KIND_REPLAY,)), payloads=False)
        found = sorted({row.text("session_id") for row in every if row.text("session_id").startswith(name)})
        if len(found) > 1:
            raise several(name, found)
        return await kept(backend, found[0]) if found else None
    return _tape(rows)


def several(name: str, found: Sequence[str]) -> Ambiguous:
    """The error for a beginning that several replays have."""
    shown = tuple(found[:_SHOWN])
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return Ambiguous(f"several replays begin with {name!r}: {', '.join(shown)}{more}; give more characters", shown)


async def replays_of(backend: Backend, session_id: str) -> list[StoredRecord]:
    """The replays of a session, newest first; what each of them did is not read."""
    from syndarix_obs.replaying.keeping import trace_of_replays

    where = Filter(trace_id=trace_of_replays(session_id), kinds=(v.KIND_REPLAY,))
    rows = await _records(backend, where, payloads=False)
    return [row for row in rows if not row.count("step") and row.text("replay_of")]  # an erased one names none


async def _records(backend: Backend, where: Filter, *, payloads: bool = True) -> tuple[StoredRecord, ...]:
    return (await backend.records(where, limit=_MOST_RECORDS, payloads=payloads)).rows


def _tape(rows: Iterable[StoredRecord]) -> Tape:
    ordered = sorted(rows, key=lambda row: row.count("step"))
    heads = [_part(row, "tape") for row in ordered if not row.count("step")]
    steps = [_part(row, "tape_step") for row in ordered if row.count("step")]
    missing = next((row for row, part in zip(ordered[len(heads) :], steps, strict=True) if part is None), None)
    if not heads or heads[0] is None or missing is not None:
        which = "its head" if missing is None else f"its step {missing.count('step')}"
        raise NotFound(
            f"the replay {ordered[0].text('session_id')} cannot be read: {which} was cut or kept without content "
            "(SYNDARIX_OBS_CAPTURE, SYNDARIX_OBS_MAX_PAYLOAD_BYTES); replay the session once more"
        )
    first = ordered[0]  # its ids are fields of their own: within a payload they may be masked
    ids = {"session_id": first.text("session_id"), "replay_of": first.text("replay_of")}
    return tape_from({**heads[0], **ids}, [step_from(each) for each in steps if each is not None])


def _part(row: StoredRecord, name: str) -> dict[str, Any] | None:
    found = row.payload.get(name)
    if isinstance(found, str):
        try:
            found = json.loads(found)
        except ValueError:
            return None
    return found if isinstance(found, dict) and not row.payload.get(v.LOG_TRUNCATED) else None

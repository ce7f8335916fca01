"""Statistics by agent: every record counts, so of each only what is counted travels."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.lgtm.candidates import Servers
from syndarix_obs_read.backends.lgtm.fetch import heads
from syndarix_obs_read.backends.lgtm.lines import is_running
from syndarix_obs_read.backends.loki import Line
from syndarix_obs_read.backends.rows import AgentRow, StoredRecord
from syndarix_obs_read.backends.sqlite.agents import FILTERS, statistics
from syndarix_obs_read.backends.sqlite.conditions import DEFAULT_KINDS
from syndarix_obs_read.backends.sqlite.scratch import Scratch
from syndarix_obs_read.queries import logql

_KINDS: Final = (v.KIND_LLM_CALL, v.KIND_TOOL_CALL, v.KIND_DECISION, v.KIND_SAFETY)
_FIELDS: Final = (
    "record_id", "start_ns", "end_ns", "status", "first_token_s", "loop_count", "confidence", "passed", "session_id",
)  # fmt: skip
"""The session's id comes last: it is the caller's own text, and may hold spaces."""
_TEXTS: Final = ("agent", "tool")
_STEPS: Final = tuple(kind for kind in DEFAULT_KINDS if kind != v.KIND_SESSION)
_MOST_RUNNING: Final = 500
_LABELS: Final = ("kind", "level")


async def found(servers: Servers, where: Filter) -> list[AgentRow]:
    """Every agent that did something in the period, by name."""
    with Scratch() as scratch:
        statistics(scratch.connection, where)  # a filter that does not fit is refused before anything is fetched
        place, narrowed = await servers.reach.of(where), servers.reach.until_past(where)
        calls, sessions = await asyncio.gather(
            servers.loki.every(_short(logql.lines(narrowed, _KINDS)), *place),
            heads(servers.loki, logql.lines(narrowed, (v.KIND_SESSION,)), *place),
        )
        if running := sorted(_running(sessions))[:_MOST_RUNNING]:  # any step of theirs is progress
            steps = f"{logql.selector(kind=_STEPS)} {logql.among('session_id', running)}"
            calls += await servers.loki.every(_short(steps), *place)
        given = {name: value for name in FILTERS if (value := getattr(where, name)) is not None}
        await scratch.ask(lambda s: _fill(s, calls, sessions, given))
        await servers.ledger.fill(scratch, where, ("agent",))
        return await scratch.ask(lambda s: statistics(s.connection, where))


def _short(query: str) -> str:
    return logql.columns(query, _FIELDS, _TEXTS, _LABELS)


def _running(sessions: list[StoredRecord]) -> set[str]:
    ended = {each.text("record_id") for each in sessions if not is_running(each)}
    return {each.text("session_id") for each in sessions if each.text("record_id") not in ended} - {""}


def _fill(scratch: Scratch, calls: Iterable[Line], sessions: list[StoredRecord], given: dict[str, Any]) -> None:
    scratch.add(_records(calls, given))
    scratch.add(sessions)


def _records(lines: Iterable[Line], given: dict[str, Any]) -> Iterator[StoredRecord]:
    for line in lines:
        values = line.text.split(" ", len(_FIELDS) - 1)
        if len(values) != len(_FIELDS) or not (values[1].isdecimal() and values[2].isdecimal()):
            continue  # none of ours
        record_id, start, end, status, first_token, loop, confidence, passed, session_id = values
        data: dict[str, Any] = {
            **logql.fields_of(line.labels), **given,
            "record_id": record_id, "start_ns": int(start), "end_ns": int(end), "session_id": session_id or None,
            "status": status, "first_token_s": _number(first_token), "loop_count": _number(loop),
            "confidence": _number(confidence), "passed": None if not passed else passed == "true",
        }  # fmt: skip
        yield StoredRecord(data, line.level)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None

"""What goes wrong, how often, since when? Errors grouped by fingerprint, with an example of each."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from pydantic import Field

from syndarix_obs import vocabulary as v
from syndarix_obs_read.amounts import Frozen
from syndarix_obs_read.answers.base import ListAnswer, Moment, Period, listing
from syndarix_obs_read.answers.empty import why_empty
from syndarix_obs_read.answers.loops import Loop, list_loops
from syndarix_obs_read.answers.wording import title
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import COUNTED_UP_TO, Rows, StoredRecord
from syndarix_obs_read.timerange import TimeRange, to_datetime

_KINDS: Final = tuple(kind for kind in v.WORK_KINDS if kind != v.KIND_COST)
"""Without plain spans, which the stack has no lines of; what they fail with passes up to a step that is here."""
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}", re.ASCII)
_WORD = re.compile(r"[A-Za-z0-9_-]{8,}", re.ASCII)
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*", re.ASCII)
_LONGEST: Final = 2_000
_BUCKETS: Final = 24
_VALUES: Final = 10


class ErrorGroup(Frozen):
    """Errors that are the same but for numbers and ids."""

    fingerprint: str
    kind: str = Field(description="What failed: tool_call, llm_call, …")
    where: str = Field(description="The tool, model, task, … that failed.")
    error_type: str | None
    message: str = Field(description="The message of the last one.")
    pattern: str = Field(description="The message with numbers and ids taken out.")
    count: int = Field(description="Failures; an error that passes up through task and session counts once.")
    sessions: int = Field(description="Sessions in which it happened.")
    agents: tuple[str, ...]
    by_agent: Mapping[str, int] = Field(default_factory=dict, description="Failures by agent.")
    by_version: Mapping[str, int] = Field(default_factory=dict, description="Failures by version of the agent.")
    over_time: tuple[int, ...] = Field(default=(), description=f"Failures in {_BUCKETS} even parts of the period.")
    first_seen: Moment
    last_seen: Moment
    example_trace: str | None = Field(description="A trace of the last one.")
    example_span: str


class ErrorList(ListAnswer):
    """Groups, the most frequent first; and agents that went in circles, which is an error nobody raised."""

    groups: tuple[ErrorGroup, ...]
    errors: int = Field(description="Failures in all groups.")
    loops: tuple[Loop, ...] = Field(description="Loops detected in the same time, the last first.")


async def group_errors(backend: Backend, where: Filter, period: TimeRange, limit: int) -> ErrorList:
    """Errors in the period that fit the filter, grouped."""
    page = await _failures(backend, replace(where.within(period), status=v.STATUS_ERROR, kinds=where.kinds or _KINDS))
    origins = without_echoes(page.rows)
    groups = sorted(_groups(origins, period), key=lambda group: (-group.count, group.last_seen, group.fingerprint))
    shown = Rows(tuple(groups[:limit]), len(groups) > limit, len(groups))
    about = listing(shown, "agent, tool, model or time")
    if page.more:
        about["hints"] = (*about.get("hints", ()), f"only the newest {COUNTED_UP_TO:,} errors were looked at")
    if not groups:
        about["hints"] = await why_empty(backend, where, period)
    loops = await list_loops(backend, replace(where, status=None, kinds=()), period, limit)
    return ErrorList(
        backend=backend.name,
        period=Period.of(period),
        groups=tuple(groups[:limit]),
        errors=len(origins),
        loops=loops.loops,
        **about,
    )


async def _failures(backend: Backend, where: Filter) -> Rows[StoredRecord]:
    """The newest errors. Only lines of the application's log come with their payload, where their message may stand:
    those of ten thousand failed calls would be gigabytes."""
    kinds = tuple(kind for kind in where.kinds if kind != v.KIND_APP)
    pages = []
    if kinds:
        pages.append(await backend.records(replace(where, kinds=kinds), limit=COUNTED_UP_TO, payloads=False))
    if v.KIND_APP in where.kinds:
        lines = replace(where, kinds=(v.KIND_APP,))
        pages.append(await backend.records(lines, limit=COUNTED_UP_TO, payloads=True))
    found = sorted((row for page in pages for row in page.rows), key=lambda row: row.start_ns, reverse=True)
    more = any(page.more for page in pages) or len(found) > COUNTED_UP_TO
    return Rows(tuple(found[:COUNTED_UP_TO]), more)


def without_echoes(records: Iterable[StoredRecord]) -> list[StoredRecord]:
    """Failures where they arose: without the spans an exception only passed through, and the log lines about it."""
    failed = list(records)
    passed_on = {(r.text("trace_id"), r.optional("parent_id"), *_what(r)) for r in failed if r.kind != v.KIND_APP}
    raised = {(r.text("trace_id"), *_what(r)) for r in failed if r.kind != v.KIND_APP}
    return [
        record
        for record in failed
        if (record.text("trace_id"), record.text("span_id"), *_what(record)) not in passed_on
        and not (record.kind == v.KIND_APP and (record.text("trace_id"), *_what(record)) in raised)
    ]


def normalise(message: str) -> str:
    """A message without what differs from one time to the next: `<id>` for ids, `<n>` for numbers."""
    text = _UUID.sub("<id>", message[:_LONGEST])
    return _NUMBER.sub("<n>", _WORD.sub(_without_id, text))


def _without_id(word: re.Match[str]) -> str:
    """A long word with a digit in it is an id."""
    return "<id>" if any(c.isdigit() for c in word[0]) else word[0]


def _what(record: StoredRecord) -> tuple[str, str]:
    return record.text("error_type"), record.text("error_message")


def _message(record: StoredRecord) -> str:
    return record.text("error_message") or str(record.payload.get("message") or "")


def _counted(records: Iterable[StoredRecord], name: str) -> dict[str, int]:
    """How many have each value of a field, the most frequent first; those without one are left out."""
    return dict(Counter(value for record in records if (value := record.text(name))).most_common(_VALUES))


def _over_time(records: Iterable[StoredRecord], period: TimeRange) -> tuple[int, ...]:
    found = [0] * _BUCKETS
    length = max(1, period.until_ns - period.since_ns)
    for record in records:
        found[min(_BUCKETS - 1, max(0, (record.start_ns - period.since_ns) * _BUCKETS // length))] += 1
    return tuple(found)


def _groups(records: Iterable[StoredRecord], period: TimeRange) -> list[ErrorGroup]:
    groups: defaultdict[tuple[str, str, str, str], list[StoredRecord]] = defaultdict(list)
    patterns: dict[str, str] = {}  # the same message comes often
    for record in records:
        message = _message(record)
        if message not in patterns:
            patterns[message] = normalise(message)
        groups[record.kind, title(record), record.text("error_type"), patterns[message]].append(record)
    return [_group(key, found, period) for key, found in groups.items()]


def _group(key: tuple[str, str, str, str], records: list[StoredRecord], period: TimeRange) -> ErrorGroup:
    kind, where, error_type, pattern = key
    last = max(records, key=lambda record: record.start_ns)
    return ErrorGroup(
        fingerprint=hashlib.blake2b("\0".join(key).encode(errors="replace"), digest_size=6).hexdigest(),
        kind=kind,
        where=where,
        error_type=error_type or None,
        message=_message(last),
        pattern=pattern,
        count=len(records),
        sessions=len({record.text("session_id") for record in records if record.get("session_id")}),
        agents=tuple(sorted({record.text("agent") for record in records if record.get("agent")})),
        by_agent=_counted(records, "agent"),
        by_version=_counted(records, "agent_version"),
        over_time=_over_time(records, period),
        first_seen=to_datetime(min(record.start_ns for record in records)),
        last_seen=to_datetime(last.start_ns),
        example_trace=last.optional("trace_id"),
        example_span=last.text("span_id"),
    )

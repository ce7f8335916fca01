"""What was decided, out of which options, why, how surely, and what came of it? One by one, or as patterns."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from pydantic import Field

from syndarix_obs import vocabulary as v
from syndarix_obs_read.amounts import Frozen
from syndarix_obs_read.answers.base import ListAnswer, Moment, Period, listing, some_fields
from syndarix_obs_read.answers.empty import why_empty
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend, OutcomeSource
from syndarix_obs_read.backends.rows import COUNTED_UP_TO, Rows, StoredRecord
from syndarix_obs_read.outcomes import failed_outcomes, is_success
from syndarix_obs_read.timerange import TimeRange, to_datetime

_EXAMPLES: Final = 3
_COUNTED: Final = ("decision_type", "selected", "options", "confidence", "session_id", "trace_id")
_OF_RUN: Final = ("session_id", "span_id", "outcome")
"""Fields of decisions and of runs that patterns are made of."""
_RUNS_OF_ONE: Final = 3
"""Runs that a session has at most, on average."""
_LONGEST_NS: Final = 86_400 * 10**9
"""How long before a decision its session is looked for together with others."""


class Decision(Frozen):
    """One decision."""

    decision_id: str
    trace_id: str
    span_id: str
    timestamp: Moment
    decision_type: str
    options: tuple[str, ...]
    selected: str
    reasoning: str | None = Field(description="Why, in the agent's words.")
    confidence: float | None
    context_summary: Any = Field(default=None, description="What the agent knew.")
    relevant_memory: Any = Field(default=None, description="Memories that led to it.")
    agent: str | None
    session_id: str | None
    project: str | None
    task_type: str | None
    outcome: str | None = Field(description="What its session led to; `running` while that goes on.")
    automatic: bool = Field(default=False, description="Whether it was read from a model's answer, not stated.")
    reason_source: str | None = Field(default=None, description="`thinking`, `text`, `none` or `stated`.")
    forced: bool = Field(default=False, description="Whether the request named the tool.")
    tool_outcome: str | None = Field(default=None, description="How the chosen tools ended: `ok` or `error`.")


class DecisionList(ListAnswer):
    """Decisions, the last first."""

    decisions: tuple[Decision, ...]


class DecisionPattern(Frozen):
    """Decisions of one type with the same options and the same choice."""

    decision_type: str
    selected: str
    over: tuple[str, ...] = Field(description="The other options.")
    count: int
    confidence: float | None = Field(description="Mean of those that state one.")
    outcomes: Mapping[str, int] = Field(description="What their sessions led to.")
    success_rate: float | None = Field(description="Share of the ended sessions that succeeded.")
    examples: tuple[str, ...] = Field(description="Some of their traces.")


class PatternList(ListAnswer):
    """Patterns, the most frequent first."""

    patterns: tuple[DecisionPattern, ...]
    decisions: int = Field(description="Decisions that were looked at.")
    failed_outcomes: tuple[str, ...] = Field(
        default_factory=failed_outcomes, description="Outcomes that count as failed: a setting."
    )


async def list_decisions(backend: Backend, where: Filter, period: TimeRange, limit: int) -> DecisionList:
    """Decisions in the period that fit the filter."""
    page = await backend.records(_wanted(where, period), limit=limit, payloads=True)
    about = listing(page, "agent, type, session, text or time")
    if not page.rows:
        about["hints"] = await why_empty(backend, where, period)
    outcomes = await outcomes_of(backend, page.rows, where)
    decisions = tuple(_decision(record, outcomes) for record in page.rows)
    return DecisionList(backend=backend.name, period=Period.of(period), decisions=decisions, **about)


async def decision_patterns(backend: Backend, where: Filter, period: TimeRange, limit: int) -> PatternList:
    """What was chosen over what, how often, how surely, and with which outcome."""
    page = await some_fields(backend, _wanted(where, period), _COUNTED, COUNTED_UP_TO)
    outcomes = await outcomes_of(backend, page.rows, where)
    groups: defaultdict[tuple[str, str, tuple[str, ...]], list[StoredRecord]] = defaultdict(list)
    for record in page.rows:
        selected = record.text("selected")
        over = tuple(sorted({str(option) for option in record.get("options", ())} - {selected}))
        groups[record.text("decision_type"), selected, over].append(record)
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    patterns = tuple(_pattern(*key, records, outcomes) for key, records in ordered[:limit])
    shown = Rows(patterns, len(ordered) > limit, len(ordered))
    about = listing(shown, "agent, type or time")
    if page.more:
        about["hints"] = (*about.get("hints", ()), f"only the newest {COUNTED_UP_TO:,} decisions were looked at")
    if not patterns:
        about["hints"] = await why_empty(backend, where, period)
    return PatternList(
        backend=backend.name, period=Period.of(period), patterns=patterns, decisions=len(page.rows), **about
    )


def _wanted(where: Filter, period: TimeRange) -> Filter:
    return replace(where.within(period), kinds=(v.KIND_DECISION,))


async def outcomes_of(
    backend: Backend, records: Iterable[StoredRecord], where: Filter
) -> Mapping[str, tuple[str, str | None]]:
    """Status and outcome of the sessions that the decisions lie in: those of a session's first run."""
    times = {session: record.start_ns for record in records if (session := record.optional("session_id"))}
    if not times:
        return {}
    if isinstance(backend, OutcomeSource):
        return await backend.outcomes(set(times))
    # Runs are asked for and not sessions, which also say what they did and cost.
    around = Filter(
        kinds=(v.KIND_SESSION,), project=where.project,
        since_ns=max(0, min(times.values()) - _LONGEST_NS), until_ns=max(times.values()) + 1,
    )  # fmt: skip
    found = await _ends(backend, around, times, max(COUNTED_UP_TO, _RUNS_OF_ONE * len(times)))
    if times.keys() - found.keys():  # it still runs, or began long before
        running = replace(around, kinds=(), status=v.STATUS_RUNNING)
        still = (await backend.sessions(running, COUNTED_UP_TO)).rows
        found = {row.session_id: (row.status, row.outcome) for row in still if row.session_id in times} | found
    if times.keys() - found.keys():
        before = replace(around, since_ns=0, until_ns=around.since_ns)
        found = await _ends(backend, before, times, COUNTED_UP_TO) | found
    return found


async def _ends(
    backend: Backend, around: Filter, sessions: Collection[str], limit: int
) -> dict[str, tuple[str, str | None]]:
    """How the first run of each of these sessions ended."""
    runs = (await some_fields(backend, around, _OF_RUN, limit)).rows
    found: dict[str, tuple[str, str | None]] = {}
    for run in sorted(runs, key=lambda run: (run.start_ns, run.text("span_id"))):
        if (session := run.text("session_id")) in sessions:
            found.setdefault(session, (run.text("status"), run.optional("outcome")))
    return found


def _decision(record: StoredRecord, outcomes: Mapping[str, tuple[str, str | None]]) -> Decision:
    payload, attributes = record.payload, record.get("attributes") or {}
    reasoning = payload.get("reasoning")
    return Decision(
        decision_id=record.text("decision_id") or record.text("span_id"),
        trace_id=record.text("trace_id"),
        span_id=record.text("span_id"),
        timestamp=to_datetime(record.start_ns),
        decision_type=record.text("decision_type"),
        options=tuple(str(option) for option in record.get("options", ())),
        selected=record.text("selected"),
        reasoning=None if reasoning is None else str(reasoning),
        confidence=record.get("confidence"),
        context_summary=payload.get("context_summary"),
        relevant_memory=payload.get("relevant_memory"),
        agent=record.optional("agent"),
        session_id=record.optional("session_id"),
        project=record.optional("project"),
        task_type=record.optional("task_type"),
        outcome=_name(outcomes.get(record.text("session_id"))),
        automatic=bool(attributes.get(v.DECISION_AUTOMATIC)),
        reason_source=attributes.get(v.DECISION_REASON_SOURCE),
        forced=bool(attributes.get(v.DECISION_FORCED)),
        tool_outcome=attributes.get(v.DECISION_OUTCOME),
    )


def _name(outcome: tuple[str, str | None] | None) -> str | None:
    return None if outcome is None else outcome[1] or outcome[0]


def _pattern(
    decision_type: str,
    selected: str,
    over: tuple[str, ...],
    records: list[StoredRecord],
    outcomes: Mapping[str, tuple[str, str | None]],
) -> DecisionPattern:
    stated = [float(each) for record in records if (each := record.get("confidence")) is not None]
    known = [found for record in records if (found := outcomes.get(record.text("session_id")))]
    ended = [found for found in known if found[0] != v.STATUS_RUNNING]
    names = Counter(name for found in known if (name := _name(found)))
    return DecisionPattern(
        decision_type=decision_type,
        selected=selected,
        over=over,
        count=len(records),
        confidence=math.fsum(stated) / len(stated) if stated else None,
        outcomes=dict(names.most_common()),
        success_rate=sum(is_success(*found) for found in ended) / len(ended) if ended else None,
        examples=tuple(dict.fromkeys(record.text("trace_id") for record in records))[:_EXAMPLES],
    )

"""A session that ran away: what it made most of, and what it did most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import Field

from syndarix_obs import vocabulary as v
from syndarix_obs_read.amounts import Frozen
from syndarix_obs_read.analysis import runaway as analysis
from syndarix_obs_read.answers.errors import normalise
from syndarix_obs_read.backends.rows import StoredRecord

_LONGEST_ERROR: Final = 120
_LOOPS_FROM: Final = 3
"""Calls of one tool from which on it is worth naming."""


class RunawaySum(Frozen):
    """One thing that the session made most of."""

    what: str = Field(description="calls, errors, input_tokens, output_tokens or cost (dollars).")
    amount: float = Field(description="What the session made.")
    part: float = Field(description="Of all in this time, 0 to 1.")
    largest_before: float = Field(description="The most that one session made in the time before.")


class Runaway(Frozen):
    """One session that did most of it: nothing was changed, something ran away."""

    session_id: str
    sums: tuple[RunawaySum, ...]
    sessions_before: int = Field(description="Sessions of the time before that it was held against.")
    tool: str | None = Field(description="What it called most, when that is three times or more.")
    tool_calls: int
    error: str | None = Field(description="The error that it met most.")
    verdict: str


@dataclass(frozen=True, slots=True)
class _Sum:
    """Something that can be summed over a session, the unit for people, and what is too little for a word."""

    amount: Callable[[StoredRecord], float]
    shown: Callable[[float], str]
    least: float = 0.0


def _is_call(record: StoredRecord) -> bool:
    return record.kind in (v.KIND_LLM_CALL, v.KIND_TOOL_CALL)


def _tokens(name: str) -> Callable[[StoredRecord], float]:
    return lambda record: float(record.count(name)) if record.kind == v.KIND_LLM_CALL else 0.0


def _cost(record: StoredRecord) -> float:
    return float(record.text("cost_usd") or 0) if record.kind == v.KIND_LLM_CALL else 0.0


_SUMS: Final[Mapping[str, _Sum]] = {
    "cost": _Sum(_cost, lambda amount: f"${amount:.3g}"),
    "calls": _Sum(lambda record: float(_is_call(record)), lambda amount: f"{amount:,.0f}", least=10),
    "errors": _Sum(
        lambda record: float(_is_call(record) and record.failed), lambda amount: f"{amount:,.0f}", least=5
    ),
    "input_tokens": _Sum(_tokens("input_tokens"), lambda amount: f"{amount:,.0f}"),
    "output_tokens": _Sum(_tokens("output_tokens"), lambda amount: f"{amount:,.0f}"),
}


def runaways(before: Sequence[StoredRecord], after: Sequence[StoredRecord]) -> tuple[Runaway, ...]:
    """Sessions that made most of something in the later time, and far more than any before; the dearest first."""
    found: dict[str, list[analysis.Runaway]] = {}
    for what, each in _SUMS.items():
        one = analysis.runaway(what, _by_session(each, before), _by_session(each, after), each.least)
        if one is not None:
            found.setdefault(one.session, []).append(one)
    return tuple(_runaway(session, sums, after) for session, sums in found.items())


def _by_session(each: _Sum, records: Sequence[StoredRecord]) -> dict[str, float]:
    return analysis.sums((_session(record), each.amount(record)) for record in records if _is_call(record))


def _session(record: StoredRecord) -> str:
    return record.text("session_id") or record.text("trace_id")


def _runaway(session: str, sums: Sequence[analysis.Runaway], records: Sequence[StoredRecord]) -> Runaway:
    own = [record for record in records if _is_call(record) and _session(record) == session]
    tool, calls = _most([record.text("tool") for record in own if record.kind == v.KIND_TOOL_CALL])
    error, _ = _most([_error(record) for record in own if record.failed])
    first = sums[0]
    shown = _SUMS[first.what].shown
    looped = f", with {calls} calls of {tool}" if calls >= _LOOPS_FROM else ""
    return Runaway(
        session_id=session,
        sums=tuple(
            RunawaySum(what=each.what, amount=each.amount, part=each.part, largest_before=each.largest_before)
            for each in sums
        ),
        sessions_before=first.sessions_before,
        tool=tool if calls >= _LOOPS_FROM else None,
        tool_calls=calls if calls >= _LOOPS_FROM else 0,
        error=error or None,
        verdict=f"one session made {first.part:.0%} of all {first.what.replace('_', ' ')}{looped}: "
        f"{shown(first.amount)}, where none of {first.sessions_before} sessions before made more than "
        f"{shown(first.largest_before)}",
    )


def _error(record: StoredRecord) -> str:
    return f"{record.text('error_type')}: {normalise(record.text('error_message'))}"[:_LONGEST_ERROR]


def _most(values: Sequence[str]) -> tuple[str, int]:
    """The most frequent, the first of equals; nothing of nothing."""
    counted = Counter(value for value in values if value)
    return counted.most_common(1)[0] if counted else ("", 0)

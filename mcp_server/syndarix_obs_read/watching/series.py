"""The series of an agent that are watched: from buckets to evenly spaced values, each on a scale with even noise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from syndarix_obs_read.analysis.scale import Scale
from syndarix_obs_read.backends.rows import BucketRow

if TYPE_CHECKING:
    from syndarix_obs_read.analysis.moving import Floats

STEP_S: Final = 300
"""Seconds of a bucket."""

STEP_NS: Final = STEP_S * 10**9

PER_DAY: Final = 86_400 // STEP_S

LEAST_CALLS: Final = 5
"""Calls in a bucket below which its sizes and shares are unknown."""

LEAST_IN_AN_HOUR: Final = 20
"""Calls that an agent must make in an hour, now or usually: below, chance looks like change."""

MOST_TOOLS: Final = 8
"""Tools of an agent whose share is watched: those called most."""


@dataclass(frozen=True, slots=True)
class Watched:
    """One series. Values are in its own unit; NaN is unknown."""

    name: str
    values: Floats
    scale: Scale
    weight: Floats | None = None
    """How many calls each value is of; None for sums."""


@dataclass(frozen=True, slots=True)
class Work:
    """What one agent did for one project, from its first bucket up to the last whole one, without gaps."""

    agent: str
    project: str | None
    first_ns: int
    rows: tuple[BucketRow | None, ...]

    def column(self, name: str) -> Floats:
        """A number of each bucket; 0 where the agent did nothing."""
        return np.array([0.0 if row is None else float(getattr(row, name)) for row in self.rows])

    def busy(self) -> Floats:
        """Calls of models and tools in the last hour: now, a day before or a week before, whichever is most."""
        calls = self.column("calls") + _tool_calls(self.rows)
        total = np.concatenate(([0.0], np.cumsum(calls)))
        places = np.arange(1, len(calls) + 1)
        hour = total[places] - total[np.maximum(places - 3_600 // STEP_S, 0)]
        usual: Floats = np.maximum(_later(hour, PER_DAY), _later(hour, 7 * PER_DAY))
        busiest: Floats = np.maximum(hour, usual)
        return busiest


def works(rows: Sequence[BucketRow], until_ns: int) -> Iterator[Work]:
    """The rows of each named agent and project, up to the bucket that ends at `until_ns`."""
    found: dict[tuple[str, str | None], list[BucketRow]] = {}
    for row in rows:
        if row.agent and row.at_ns < until_ns:
            found.setdefault((row.agent, row.project), []).append(row)
    for (agent, project), own in found.items():
        first = min(row.at_ns for row in own)
        places: list[BucketRow | None] = [None] * ((until_ns - first) // STEP_NS)
        for row in own:
            places[(row.at_ns - first) // STEP_NS] = row
        yield Work(agent, project, first, tuple(places))


def series(work: Work) -> Iterator[Watched]:
    """Every series of an agent."""
    calls, tools = work.column("calls"), _tool_calls(work.rows)
    given, made = work.column("input_tokens"), work.column("output_tokens")
    yield Watched("calls", calls, Scale.SUM)
    yield Watched("cost", work.column("cost_usd"), Scale.SUM)
    yield Watched("tokens_input", given, Scale.SUM)
    yield Watched("tokens_output", made, Scale.SUM)
    yield Watched("tokens_per_call", _each(given + made, calls), Scale.SIZE, calls)
    yield Watched("latency_p50", _quantiles(work.rows, 0.5), Scale.SIZE, calls)
    yield Watched("latency_p95", _quantiles(work.rows, 0.95), Scale.SIZE, calls)
    yield Watched("error_rate", _each(work.column("errors"), calls), Scale.SHARE, calls)
    yield Watched("tool_calls", tools, Scale.SUM)
    yield Watched("tool_error_rate", _each(work.column("tool_errors"), tools), Scale.SHARE, tools)
    for tool in _most_called(work.rows):
        of_tool = np.array([0.0 if row is None else float(row.tools.get(tool, 0)) for row in work.rows])
        yield Watched(f"tool_share:{tool}", _each(of_tool, tools), Scale.SHARE, tools)


def _tool_calls(rows: Sequence[BucketRow | None]) -> Floats:
    return np.array([0.0 if row is None else float(sum(row.tools.values())) for row in rows])


def _most_called(rows: Sequence[BucketRow | None]) -> list[str]:
    """Tools by calls; of one tool alone the share says nothing."""
    total: dict[str, int] = {}
    for tool, count in ((tool, count) for row in rows if row is not None for tool, count in row.tools.items()):
        total[tool] = total.get(tool, 0) + count
    names = sorted(total, key=lambda tool: (-total[tool], tool))
    return names[:MOST_TOOLS] if len(names) > 1 else []


def _each(part: Floats, whole: Floats) -> Floats:
    return np.where(whole >= LEAST_CALLS, part / np.maximum(whole, 1), np.nan)


def _quantiles(rows: Sequence[BucketRow | None], share: float) -> Floats:
    """Of the durations of each bucket, in seconds."""
    return np.array(
        [
            np.nan if row is None or len(row.seconds) < LEAST_CALLS else float(np.quantile(row.seconds, share))
            for row in rows
        ]
    )


def _later(values: Floats, places: int) -> Floats:
    return np.concatenate((np.zeros(min(places, len(values))), values[: max(len(values) - places, 0)]))

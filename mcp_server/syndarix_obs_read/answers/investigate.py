"""What changed? A time against the time before it, by version, prompt, tools, model and whatever may explain it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from pydantic import Field

from syndarix_obs_read.amounts import Frozen
from syndarix_obs_read.analysis.changes import Change, Factor, First, explain_change
from syndarix_obs_read.answers.base import Answer, Moment, Period
from syndarix_obs_read.answers.empty import why_empty
from syndarix_obs_read.answers.observed import FIGURES, MOST_CALLS, Figure, Observed, calls
from syndarix_obs_read.answers.runaway import Runaway, runaways
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import Rows, StoredRecord
from syndarix_obs_read.backends.together import together
from syndarix_obs_read.errors import FilterError
from syndarix_obs_read.timerange import SECOND_NS, TimeRange, to_datetime

_LEAST_BASELINE_NS: Final = 24 * 3600 * SECOND_NS
_TIMES_AS_LONG: Final = 7


class Explanation(Frozen):
    """One value of one dimension that explains part of a change."""

    dimension: str = Field(description="prompt_hash, model, tool, region, …")
    value: str
    part: float = Field(description="Part of the change that it carries; above 1 when the rest moved the other way.")
    share_before: float = Field(description="Of the observations that had it before, 0 to 1.")
    share_after: float
    mean_before: float | None = Field(description="Of the figure where it applies; null when it was not there.")
    mean_after: float | None
    p_value: float = Field(description="Chance of standing out like this by accident, corrected for all looks.")
    first_seen: Moment | None = Field(description="When it is new; null when it was there before.")
    sessions_after: tuple[str, ...] = Field(description="Typical sessions now, to open.")
    sessions_before: tuple[str, ...] = Field(description="Typical sessions before, to compare with.")


class FigureChange(Frozen):
    """One figure that was compared."""

    figure: str
    about: str
    before: float | None
    after: float | None
    p_value: float = Field(description="Chance of a change of this size by accident.")
    changed: bool
    compared: bool = Field(description="False with fewer than two sessions on a side: nothing can be said.")
    explanations: tuple[Explanation, ...] = Field(description="Best first; empty when nothing explains it.")
    looked_at: int = Field(description="Values that were compared, which the correction is for.")
    verdict: str


class New(Frozen):
    """A version, prompt, tool set, model, provider or tool that was never seen in the time before."""

    dimension: str
    value: str
    first_seen: Moment
    share: float = Field(description="Of the calls since, 0 to 1.")


class Investigation(Answer):
    """What moved in a time, and what explains it."""

    agent: str | None
    baseline: Period = Field(description="The time that it is compared with.")
    calls_before: int
    calls_after: int
    figures: tuple[FigureChange, ...] = Field(description="What changed first, the surest first.")
    runaways: tuple[Runaway, ...] = Field(description="Single sessions that made most of it, where there are any.")
    new: tuple[New, ...] = Field(description="Configuration seen for the first time, whether it explains or not.")


async def investigate(
    backend: Backend,
    where: Filter,
    period: TimeRange,
    figure: str | None = None,
    baseline_ns: int | None = None,
    *,
    gap_ns: int = 0,
) -> Investigation:
    """Compare a period with the time before it.

    Args:
        backend: where the calls are.
        where: whose calls; agent, project, environment, …
        period: the time in question.
        figure: one of `FIGURES`; all of them by default.
        baseline_ns: length of the time before, by default a day or seven times the period, whichever is longer.
        gap_ns: time between the two that is compared with neither, when the beginning of the period is not sure.

    Raises:
        FilterError: there is no such figure.
    """
    if figure is not None and figure not in FIGURES:
        raise FilterError(f"there is no figure {figure!r}; possible: {', '.join(FIGURES)}")
    before_ns = baseline_ns or max(_LEAST_BASELINE_NS, _TIMES_AS_LONG * (period.until_ns - period.since_ns))
    begin = max(0, period.since_ns - gap_ns)
    baseline = TimeRange(max(0, begin - before_ns), begin, "the time before")
    before, after = await together(
        calls(backend, where, baseline.since_ns, begin), calls(backend, where, period.since_ns, period.until_ns)
    )
    between: Rows[StoredRecord] = await calls(backend, where, begin, period.since_ns) if gap_ns else Rows()
    names = (figure,) if figure else tuple(FIGURES)
    sides = tuple(Observed(each.rows) for each in (before, between, after))
    found = {name: _change(FIGURES[name], *sides) for name in names}
    hints = () if after.rows else await why_empty(backend, replace(where, kinds=()), period)
    if before.more or after.more:
        hints = (*hints, f"only the newest {MOST_CALLS:,} calls of a time were looked at; ask for a shorter one")
    return Investigation(
        backend=backend.name,
        period=Period.of(period),
        hints=hints,
        agent=where.agent,
        baseline=Period.of(baseline),
        calls_before=len(before.rows),
        calls_after=len(after.rows),
        figures=tuple(sorted((_figure(name, found[name]) for name in names), key=lambda each: each.p_value)),
        runaways=runaways(before.rows, after.rows),
        new=_news(found.values()),
    )


def _change(figure: Figure, before: Observed, between: Observed, after: Observed) -> Change:
    return explain_change(before.of(figure), after.of(figure), figure.scale, between=between.of(figure))


def _figure(name: str, change: Change) -> FigureChange:
    return FigureChange(
        figure=name,
        about=FIGURES[name].about,
        before=change.mean_before,
        after=change.mean_after,
        p_value=change.chance,
        changed=change.changed,
        compared=change.compared,
        explanations=tuple(_explanation(factor) for factor in change.factors),
        looked_at=change.looked_at,
        verdict=change.verdict,
    )


def _explanation(factor: Factor) -> Explanation:
    return Explanation(
        dimension=factor.dimension,
        value=factor.value,
        part=factor.part,
        share_before=factor.share_before,
        share_after=factor.share_after,
        mean_before=factor.mean_before,
        mean_after=factor.mean_after,
        p_value=factor.chance,
        first_seen=None if factor.first_seen_ns is None else to_datetime(factor.first_seen_ns),
        sessions_after=factor.sessions_after,
        sessions_before=factor.sessions_before,
    )


def _news(changes: Iterable[Change]) -> tuple[New, ...]:
    """Firsts of all figures, each once, by its first sight."""
    found: dict[tuple[str, str], First] = {}
    for change in changes:
        for first in change.firsts:
            known = found.setdefault((first.dimension, first.value), first)
            if first.first_seen_ns < known.first_seen_ns:
                found[first.dimension, first.value] = first
    ordered = sorted(found.values(), key=lambda first: first.first_seen_ns)
    return tuple(
        New(
            dimension=first.dimension,
            value=first.value,
            first_seen=to_datetime(first.first_seen_ns),
            share=first.share_after,
        )
        for first in ordered
    )

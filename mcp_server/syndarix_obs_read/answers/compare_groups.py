"""Everything under one version, prompt, model or time beside everything under another, figure by figure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, Literal, get_args

from pydantic import Field

from syndarix_obs import vocabulary as v
from syndarix_obs_read.amounts import Frozen, Usd, to_usd
from syndarix_obs_read.analysis.change_sums import Observation, change_of_mean, mean_of, scaling, side_of
from syndarix_obs_read.analysis.statistics import holm
from syndarix_obs_read.answers.errors import normalise, without_echoes
from syndarix_obs_read.answers.observed import FIGURES, MOST_CALLS, Figure, Observed, calls, configurations, dimensions
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import StoredRecord
from syndarix_obs_read.errors import Ambiguous, FilterError, NotFound
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.timerange import TimeRange, parse_range

Of = Literal["run", "version", "prompt", "tools", "model", "provider", "agent", "time"]
OF: Final[tuple[str, ...]] = get_args(Of)
"""What can be compared."""
_FIELDS: Final = {
    "version": "agent_version", "prompt": "prompt_hash", "tools": "tool_set_hash", "model": "model",
    "provider": "provider", "agent": "agent",
}  # fmt: skip
_FEW: Final = 2
_SHOWN: Final = 10
_CHANGED: Final = 0.05
Side = tuple[StoredRecord, ...]


class Group(Frozen):
    """One side."""

    name: str
    sessions: int
    model_calls: int
    tool_calls: int
    tokens: int
    cost_usd: Usd | None = Field(description="Of the priced calls; null when none has a price.")


class FigurePair(Frozen):
    """One figure on both sides."""

    name: str
    about: str
    before: float | None = Field(description="Mean; null without observations.")
    after: float | None
    observed_before: int
    observed_after: int
    chance: float | None = Field(description="How likely such a difference is by chance, corrected; null when too few.")

    @property
    def differs(self) -> bool:
        """Whether it differs beyond chance."""
        return self.chance is not None and self.chance < _CHANGED


class ToolPair(Frozen):
    """One tool on both sides."""

    tool: str
    calls_before: int
    failed_before: int
    calls_after: int
    failed_after: int


class PatternPair(Frozen):
    """One kind of error, its numbers and ids taken out."""

    where: str
    pattern: str
    before: int
    after: int


class Groups(Frozen):
    """Two groups of calls and sessions."""

    before: Group
    after: Group
    figures: tuple[FigurePair, ...]
    tools: tuple[ToolPair, ...]
    errors: tuple[PatternPair, ...]


async def groups(
    backend: Backend, settings: ReadSettings, of: str, before: str, after: str, where: Filter, period: TimeRange
) -> tuple[Groups, tuple[str, ...]]:
    """Two groups, and hints about what they lack.

    Args:
        of: one of `OF` without `run`.
        before, after: values, or unique beginnings of them; of times `2026-11-20`, `2026-11`, or `14d..7d`.
        where: narrows both sides.
        period: where both are looked for; of times nothing.

    Raises:
        FilterError: there is nothing of the kind to compare.
        NotFound, Ambiguous: no value, or several, begin like this.
    """
    if of == "time":
        spans = [_span(text, settings) for text in (before, after)]
        pages = [await calls(backend, where, span.since_ns, span.until_ns) for span in spans]
        sides = [tuple(page.rows) for page in pages]
        more = any(page.more for page in pages)
    elif of in _FIELDS:
        page = await calls(backend, where, period.since_ns, period.until_ns)
        before, after, sides = _split(page.rows, _FIELDS[of], before, after)
        more = page.more
    else:
        raise FilterError(f"cannot compare by {of!r}; possible: {', '.join(OF)}")
    hints = (f"only the newest {MOST_CALLS:,} calls and sessions were looked at",) if more else ()
    return _groups((before, after), sides), hints


def _span(text: str, settings: ReadSettings) -> TimeRange:
    since, separator, until = text.partition("..")
    return parse_range(since, until if separator else since, zone=settings.zone)


def _split(rows: Sequence[StoredRecord], field: str, before: str, after: str) -> tuple[str, str, list[Side]]:
    """The records of each value. What has both, such as a session with two models, is on neither side."""
    running_on = configurations(rows)

    def values(record: StoredRecord) -> tuple[str, ...]:
        if field == "agent":
            return (record.text("agent"),)
        return dimensions(record, running_on).get(field, ())

    own = [(record, values(record)) for record in rows]
    known = sorted({value for _, found in own for value in found if value})
    one, other = _named(before, known, field), _named(after, known, field)
    sides = [
        tuple(record for record, found in own if mine in found and theirs not in found)
        for mine, theirs in ((one, other), (other, one))
    ]
    return one, other, sides


def _named(text: str, known: Sequence[str], field: str) -> str:
    if text in known:
        return text
    found = [each for each in known if each.startswith(text)]
    if len(found) == 1:
        return found[0]
    shown = ", ".join(found[:_SHOWN] or known[:_SHOWN]) or "none"
    if found:
        raise Ambiguous(f"several values of {field} begin with {text!r}: {shown}", tuple(found[:_SHOWN]))
    raise NotFound(f"no {field} {text!r} in that time; there are: {shown}", tuple(known[:3]))


def _groups(names: tuple[str, str], sides: Sequence[Side]) -> Groups:
    observed = [Observed(side) for side in sides]
    pairs = [_pair(figure, observed) for figure in FIGURES.values()]
    corrected = holm({pair.name: pair.chance for pair in pairs if pair.chance is not None})
    figures = tuple(pair.model_copy(update={"chance": corrected.get(pair.name)}) for pair in pairs)
    return Groups(
        before=_group(names[0], sides[0]), after=_group(names[1], sides[1]), figures=figures, tools=_tools(sides),
        errors=_errors(sides),
    )  # fmt: skip


def _group(name: str, side: Side) -> Group:
    models = [record for record in side if record.kind == v.KIND_LLM_CALL]
    paid = [cost for record in models if (cost := to_usd(record.get("cost_usd"))) is not None]
    return Group(
        name=name, sessions=len({record.text("session_id") or record.text("trace_id") for record in side}),
        model_calls=len(models), tool_calls=sum(record.kind == v.KIND_TOOL_CALL for record in side),
        tokens=sum(record.count("input_tokens") + record.count("output_tokens") for record in models),
        cost_usd=sum(paid, Decimal(0)) if paid else None,
    )  # fmt: skip


def _pair(figure: Figure, sides: Sequence[Observed]) -> FigurePair:
    one, other = (side.of(figure) for side in sides)
    return FigurePair(
        name=figure.name, about=figure.about, before=mean_of(one), after=mean_of(other), observed_before=len(one),
        observed_after=len(other), chance=_chance(figure, one, other),
    )  # fmt: skip


def _chance(figure: Figure, one: Sequence[Observation], other: Sequence[Observation]) -> float | None:
    """None when a side has too few sessions to tell."""
    if min(len({each.session for each in side}) for side in (one, other)) < _FEW:
        return None
    scaled = scaling(one, figure.scale)
    middle = sum(scaled(each.value) for each in one) / len(one)
    return change_of_mean((side_of(one, middle, scaled), side_of(other, middle, scaled)))[1]


def _tools(sides: Sequence[Side]) -> tuple[ToolPair, ...]:
    counts: list[Mapping[str, int]] = []
    for side in sides:
        used = [record for record in side if record.kind == v.KIND_TOOL_CALL]
        counts += [Counter(r.text("tool") for r in used), Counter(r.text("tool") for r in used if r.failed)]
    names = sorted({*counts[0], *counts[2]}, key=lambda name: -(counts[0].get(name, 0) + counts[2].get(name, 0)))
    return tuple(
        ToolPair(tool=name, calls_before=counts[0].get(name, 0), failed_before=counts[1].get(name, 0),
                 calls_after=counts[2].get(name, 0), failed_after=counts[3].get(name, 0))
        for name in names
    )  # fmt: skip


def _errors(sides: Sequence[Side]) -> tuple[PatternPair, ...]:
    """Errors by their pattern, those first whose number differs most."""
    one, other = (Counter(map(_pattern, without_echoes(r for r in side if r.failed))) for side in sides)
    keys = sorted({*one, *other}, key=lambda key: (-abs(other[key] - one[key]), key))
    return tuple(PatternPair(where=key[0], pattern=key[1], before=one[key], after=other[key]) for key in keys[:_SHOWN])


def _pattern(record: StoredRecord) -> tuple[str, str]:
    where = record.text("tool") or record.text("model") or record.text("agent")
    return where, f"{record.text('error_type')}: {normalise(record.text('error_message'))}".strip(": ")

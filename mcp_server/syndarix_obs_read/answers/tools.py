"""Which tool hurts, when, and whose? Calls, failures and dollars of each tool by time, hour of the day or agent."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import tzinfo
from decimal import Decimal
from typing import Final, Literal, get_args

from pydantic import Field

from syndarix_obs import vocabulary as v
from syndarix_obs_read.amounts import Frozen, Quantiles, Usd, to_usd
from syndarix_obs_read.answers.base import Answer, Period, some_fields
from syndarix_obs_read.answers.empty import why_empty
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import COUNTED_UP_TO, StoredRecord
from syndarix_obs_read.errors import FilterError
from syndarix_obs_read.timerange import SECOND_NS, TimeRange, to_datetime

By = Literal["time", "hour", "agent", "version"]
BY: Final[tuple[str, ...]] = get_args(By)
"""What the columns can be."""
_STEPS_S: Final = (300, 900, 3_600, 3 * 3_600, 6 * 3_600, 86_400, 7 * 86_400)
_COLUMNS: Final = 36
_OF_TOOL: Final = ("tool", "trace_id", "agent", "agent_version")
_OF_MODEL: Final = ("trace_id", "agent", "cost_usd")
"""Fields of calls that are looked at."""
_HOURS: Final = tuple(f"{hour:02}" for hour in range(24))


class Cell(Frozen):
    """One tool in one column."""

    tool: str
    column: str
    calls: int
    failed: int
    cost_usd: Usd | None = Field(description="Of the model calls that asked for it; null when none has a price.")


class Column(Frozen):
    """One column; of times with the moments (nanoseconds since the epoch) that it reaches from and to."""

    name: str
    since_ns: int | None = None
    until_ns: int | None = None


class Total(Frozen):
    """One tool over the whole period."""

    tool: str
    calls: int
    failed: int
    took: Quantiles = Field(description="Of its calls, in seconds.")
    cost_usd: Usd | None = Field(description="Of the model calls that asked for it; null when none has a price.")


class ToolUsage(Answer):
    """Tools as a heat map: those with the most failures first, cells without a call left out."""

    by: str
    tools: tuple[str, ...]
    totals: tuple[Total, ...] = Field(description="Each tool over the whole period, in the order of `tools`.")
    columns: tuple[Column, ...]
    cells: tuple[Cell, ...]
    calls: int
    failed: int
    cost_usd: Usd | None = Field(description="Of the model calls that asked for a tool.")


async def tool_usage(backend: Backend, where: Filter, period: TimeRange, by: str, zone: tzinfo) -> ToolUsage:
    """Tools over the period.

    A call of a tool costs what the model call that asked for it did: the agent's last one before, shared evenly with
    the tools that it asked for together.

    Raises:
        FilterError: there is no such column.
    """
    if by not in BY:
        raise FilterError(f"tools cannot be shown by {by!r}; possible: {', '.join(BY)}")
    wanted = replace(where.within(period), kinds=(v.KIND_TOOL_CALL,))
    page = await some_fields(backend, wanted, _OF_TOOL, COUNTED_UP_TO)
    models = replace(where.within(period), kinds=(v.KIND_LLM_CALL,), tool=None, status=None, looped=False)
    asked = await some_fields(backend, models, _OF_MODEL, COUNTED_UP_TO)
    hints: list[str] = []
    if page.more or asked.more:
        hints.append(f"only the newest {COUNTED_UP_TO:,} calls were looked at; a shorter time shows all")
    if not page.rows:
        hints += await why_empty(backend, where, period)
    costs = prices(page.rows, asked.rows)
    columns, column_of = _columns(by, page.rows, period, zone)
    cells = _cells(page.rows, costs, column_of)
    totals = _totals(page.rows, costs)
    return ToolUsage(
        backend=backend.name, period=Period.of(period), hints=tuple(hints), by=by,
        tools=tuple(each.tool for each in totals), totals=totals, columns=columns, cells=cells,
        calls=len(page.rows), failed=sum(each.failed for each in totals), cost_usd=_sum(costs.values()),
    )  # fmt: skip


def _totals(rows: Sequence[StoredRecord], costs: Mapping[int, Decimal | None]) -> tuple[Total, ...]:
    """Each tool, those with the most failures first."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        places[row.text("tool")].append(place)
    found = [
        Total(tool=tool, calls=len(its), failed=sum(rows[place].failed for place in its),
              took=Quantiles.of((rows[place].end_ns - rows[place].start_ns) / SECOND_NS for place in its),
              cost_usd=_sum(costs[place] for place in its))
        for tool, its in places.items()
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda each: (-each.failed, -each.calls, each.tool)))


def _sum(amounts: object) -> Decimal | None:
    known = [each for each in amounts if each is not None]  # type: ignore[attr-defined]  # a view of amounts
    return sum(known, Decimal(0)) if known else None


def prices(tools: Sequence[StoredRecord], models: Sequence[StoredRecord]) -> dict[int, Decimal | None]:
    """What each call of a tool cost, by its place: None when the call that asked for it has no price or is not here."""
    by_agent: defaultdict[tuple[str, str], list[StoredRecord]] = defaultdict(list)
    for model in sorted(models, key=lambda record: record.end_ns):
        by_agent[_whose(model)].append(model)
    askers: dict[int, int] = {}
    for place, tool in enumerate(tools):
        before = [each for each in by_agent[_whose(tool)] if each.end_ns <= tool.start_ns]
        if before:
            askers[place] = id(before[-1])
    shared = Counter(askers.values())
    known = {id(model): to_usd(model.get("cost_usd")) for model in models}
    return {
        place: None if (asker := askers.get(place)) is None or (cost := known[asker]) is None else cost / shared[asker]
        for place in range(len(tools))
    }


def _whose(record: StoredRecord) -> tuple[str, str]:
    return record.text("trace_id"), record.text("agent")


def _columns(
    by: str, rows: Sequence[StoredRecord], period: TimeRange, zone: tzinfo
) -> tuple[tuple[Column, ...], Callable[[StoredRecord], str]]:
    if by == "hour":
        return tuple(Column(name=name) for name in _HOURS), lambda row: f"{to_datetime(row.start_ns, zone).hour:02}"
    if by == "time":
        return _times(period, zone, rows)
    field = "agent" if by == "agent" else "agent_version"
    names = sorted({row.text(field) or "–" for row in rows})
    return tuple(Column(name=name) for name in names), lambda row: row.text(field) or "–"


def _times(
    period: TimeRange, zone: tzinfo, rows: Sequence[StoredRecord]
) -> tuple[tuple[Column, ...], Callable[[StoredRecord], str]]:
    """Even steps, the shortest of which there are no more than `_COLUMNS`, from the first call on."""
    since = max(period.since_ns, min((row.start_ns for row in rows), default=period.since_ns))
    until = max(since + 1, min(period.until_ns, max((row.start_ns for row in rows), default=since) + 1))
    length = until - since
    step = next((s for s in _STEPS_S if length / (s * SECOND_NS) <= _COLUMNS), _STEPS_S[-1]) * SECOND_NS
    first = since // step * step
    starts = list(range(first, until, step))
    form = "%m-%d" if step >= 86_400 * SECOND_NS else "%m-%d %H:%M"

    def name(at_ns: int) -> str:
        return to_datetime(at_ns // step * step, zone).strftime(form)

    columns = tuple(Column(name=name(at), since_ns=at, until_ns=at + step) for at in starts)
    return columns, lambda row: name(row.start_ns)


def _cells(
    rows: Sequence[StoredRecord], costs: Mapping[int, Decimal | None], column_of: Callable[[StoredRecord], str]
) -> tuple[Cell, ...]:
    found: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        found[row.text("tool"), column_of(row)].append(place)
    return tuple(
        Cell(tool=tool, column=column, calls=len(places), failed=sum(rows[place].failed for place in places),
             cost_usd=_sum(costs[place] for place in places))
        for (tool, column), places in sorted(found.items())
    )  # fmt: skip

"""What did it cost? Sums of the ledger in any grouping, today and this month against the budget, and its lines."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, tzinfo
from decimal import Decimal
from typing import Any

from pydantic import Field

from syndarix_obs import vocabulary as v
from syndarix_obs_read.amounts import Cost, Frozen, Tokens, Usd, to_usd
from syndarix_obs_read.answers.base import ListAnswer, Moment, Period, listing
from syndarix_obs_read.answers.empty import why_empty
from syndarix_obs_read.answers.other_models import OTHER_TOKENS, WHOLE, Key, OtherModels
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import CostRow, Dimension, Rows, StoredRecord
from syndarix_obs_read.backends.together import together
from syndarix_obs_read.timerange import TimeRange, day_start, month_start, next_month, to_datetime


class CostGroup(Frozen):
    """Costs of one group."""

    key: Mapping[str, str | None] = Field(description="Value of each dimension; null where the work names none.")
    tokens: Tokens
    cost: Cost
    share: float | None = Field(description="Of the total of the period, 0 to 1; null when nothing is priced.")
    what_if: Mapping[str, Usd | None] = Field(
        default_factory=dict, description="What the same tokens would cost with other models."
    )


class Budget(Frozen):
    """What a span of time cost so far, and what it may cost."""

    spent: Cost
    budget_usd: Usd | None = Field(description="Null when none is set.")
    used: float | None = Field(description="Share of the budget that is spent, 0 to 1 and beyond.")


class CostSummary(ListAnswer):
    """Costs by group: days in their order, everything else dearest first."""

    by: tuple[str, ...]
    groups: tuple[CostGroup, ...]
    tokens: Tokens = Field(description="Of the whole period, also of groups that are not listed.")
    total: int | None = Field(default=None, description="How many groups there are.")
    cost: Cost = Field(description="Of the whole period, also of groups that are not listed.")
    today: Budget = Field(description="The current day under the same filters.")
    month_to_date: Budget = Field(description="The current calendar month under the same filters.")
    what_if: Mapping[str, Usd | None] = Field(
        default_factory=dict, description="What the tokens of the whole period would cost with other models, at "
        "today's prices; compare with `cost`.",
    )  # fmt: skip


class CostRecord(Frozen):
    """One line of the ledger. Token classes are disjoint; amounts are null when the model has no known price."""

    record_id: str
    timestamp: Moment
    agent_id: str | None
    project_id: str | None
    session_id: str | None
    user: str | None
    task_type: str | None
    trace_id: str
    span_id: str
    provider: str | None
    model: str | None
    tokens_input: int
    tokens_output: int
    tokens_cache_read: int
    tokens_cache_write: int
    tokens_reasoning: int
    tokens_total: int
    cost_per_input_token: Usd | None
    cost_per_output_token: Usd | None
    total_cost_usd: Usd | None
    priced: bool
    estimated: bool
    service_tier: str | None
    price_source: str | None
    daily_total_usd: Usd | None = Field(description="Of its whole day, as known now, under the same filters.")
    monthly_total_usd: Usd | None = Field(description="Of its whole calendar month, as known now, same filters.")


class CostRecordList(ListAnswer):
    """Lines of the ledger, the last first."""

    records: tuple[CostRecord, ...]


async def summarise_costs(
    backend: Backend,
    where: Filter,
    period: TimeRange,
    by: Sequence[Dimension] = (),
    *,
    limit: int = 50,
    zone: tzinfo = UTC,
    daily_budget: Decimal | None = None,
    monthly_budget: Decimal | None = None,
    what_if: OtherModels | None = None,
    now_ns: int | None = None,
) -> CostSummary:
    """Sums of the ledger over the period.

    Args:
        by: dimensions to group by, in any combination and order.
        zone: where days and months begin.
        daily_budget: dollars a day may cost.
        monthly_budget: dollars a calendar month may cost.
        what_if: other models that the same tokens are priced with.
        now_ns: nanoseconds since the epoch, for tests.
    """
    now = time.time_ns() if now_ns is None else now_ns
    by = tuple(dict.fromkeys(by))
    rows, days = await _rows_and_days(backend, where, period, by, zone, now)
    whole = _sum(rows)
    groups = sorted((_group(row, whole.cost) for row in rows), key=_order) if by else []
    today = to_datetime(day_start(now, zone), zone).strftime("%Y-%m-%d")
    about = listing(Rows(tuple(groups[:limit]), len(groups) > limit, len(groups)), "a filter or fewer dimensions")
    if not whole.cost.calls:
        about["hints"] = await why_empty(backend, where, period)
    other = await what_if.priced(backend, where.within(period), by, zone, now) if what_if and whole.cost.calls else {}
    if other:
        about["hints"] = (*about.get("hints", ()), OTHER_TOKENS)
    return CostSummary(
        backend=backend.name,
        period=Period.of(period),
        by=by,
        groups=tuple(_with_others(group, other) for group in groups[:limit]),
        what_if=other.get(WHOLE, {}),
        tokens=whole.tokens,
        cost=whole.cost,
        today=_spent([row for row in days if (row.key["day"] or "") >= today], daily_budget),
        month_to_date=_spent(days, monthly_budget),
        **about,
    )


async def _rows_and_days(
    backend: Backend, where: Filter, period: TimeRange, by: tuple[Dimension, ...], zone: tzinfo, now: int
) -> tuple[list[CostRow], list[CostRow]]:
    """The groups of the period, and the days of the current month.

    The stack reads every line at each look at the ledger, so there is one look where the period covers the month.
    """
    month = month_start(now, zone)
    if not period.since_ns <= month <= now <= period.until_ns:
        rows, days = await together(
            backend.costs(where.within(period), by, zone),
            backend.costs(replace(where, since_ns=month), ("day",), zone),
        )
        return rows, days
    found = await backend.costs(where.within(period), tuple(dict.fromkeys((*by, "day"))), zone)
    first = to_datetime(month, zone).strftime("%Y-%m-%d")
    return _summed(found, by), _summed([row for row in found if (row.key["day"] or "") >= first], ("day",))


def _summed(rows: Sequence[CostRow], by: tuple[Dimension, ...]) -> list[CostRow]:
    """Rows with the same values of these dimensions as one."""
    groups: dict[tuple[str | None, ...], list[CostRow]] = {}
    for row in rows:
        groups.setdefault(tuple(row.key[name] for name in by), []).append(row)
    return [replace(_sum(each), key=dict(zip(by, key, strict=True))) for key, each in groups.items()]


async def list_cost_records(
    backend: Backend, where: Filter, period: TimeRange, limit: int, *, zone: tzinfo = UTC
) -> CostRecordList:
    """Lines of the ledger in the period, each with the totals of its day and month."""
    wanted = replace(where.within(period), kinds=(v.KIND_COST,))
    page = await backend.records(wanted, limit=limit, payloads=False)
    about = listing(page, "agent, project, user, model or time")
    if not page.rows:
        about["hints"] = await why_empty(backend, where, period)
    days = await _days(backend, where, page.rows, zone)
    records = tuple(_record(row, days, zone) for row in page.rows)
    return CostRecordList(backend=backend.name, period=Period.of(period), records=records, **about)


def _sum(rows: Sequence[CostRow]) -> CostRow:
    """All groups as one."""
    tokens, cost = Tokens(), Cost()
    for row in rows:
        tokens, cost = tokens + row.tokens, cost + row.cost
    return CostRow(key={}, tokens=tokens, cost=cost)


def _group(row: CostRow, whole: Cost) -> CostGroup:
    part, total = row.cost.total_usd, whole.total_usd
    known = part is not None and total is not None and total > 0
    return CostGroup(
        key=row.key, tokens=row.tokens, cost=row.cost, share=float((part or 0) / (total or 1)) if known else None
    )


def _with_others(group: CostGroup, other: Mapping[Key, Mapping[str, Decimal | None]]) -> CostGroup:
    return group.model_copy(update={"what_if": other.get(tuple(group.key.values()), {})}) if other else group


def _order(group: CostGroup) -> tuple[Any, ...]:
    values = [value or "" for value in group.key.values()]
    return (group.key.get("day") or "", -(group.cost.total_usd or Decimal(0)), *values)


def _spent(rows: Sequence[CostRow], budget: Decimal | None) -> Budget:
    spent = _sum(rows).cost
    used = None if budget is None else float((spent.total_usd or 0) / budget)
    return Budget(spent=spent, budget_usd=budget, used=used)


async def _days(
    backend: Backend, where: Filter, rows: Sequence[StoredRecord], zone: tzinfo
) -> Mapping[str, Decimal | None]:
    """Total of each day of the months that the rows lie in."""
    if not rows:
        return {}
    first, last = min(row.start_ns for row in rows), max(row.start_ns for row in rows)
    months = replace(where, since_ns=month_start(first, zone), until_ns=next_month(last, zone))
    return {row.key["day"] or "": row.cost.total_usd for row in await backend.costs(months, ("day",), zone)}


def _record(row: StoredRecord, days: Mapping[str, Decimal | None], zone: tzinfo) -> CostRecord:
    day = to_datetime(row.start_ns, zone).strftime("%Y-%m-%d")
    month = [total for name, total in days.items() if name[:7] == day[:7] and total is not None]
    return CostRecord(
        record_id=row.text("record_id"),
        timestamp=to_datetime(row.start_ns),
        agent_id=row.optional("agent"),
        project_id=row.optional("project"),
        trace_id=row.text("trace_id"),
        span_id=row.text("span_id"),
        priced=bool(row.get("priced")),
        estimated=bool(row.get("estimated")),
        daily_total_usd=days.get(day),
        monthly_total_usd=sum(month, Decimal(0)) if month else None,
        session_id=row.optional("session_id"),
        user=row.optional("user"),
        task_type=row.optional("task_type"),
        provider=row.optional("provider"),
        model=row.optional("model"),
        tokens_input=row.count("tokens_input"),
        tokens_output=row.count("tokens_output"),
        tokens_cache_read=row.count("tokens_cache_read"),
        tokens_cache_write=row.count("tokens_cache_write"),
        tokens_reasoning=row.count("tokens_reasoning"),
        tokens_total=row.count("tokens_total"),
        cost_per_input_token=to_usd(row.get("cost_per_input_token")),
        cost_per_output_token=to_usd(row.get("cost_per_output_token")),
        total_cost_usd=to_usd(row.get("total_cost_usd")),
        service_tier=row.optional("service_tier"),
        price_source=row.optional("price_source"),
    )

"""What did a success cost, what was spent in vain, and what did the context and its caching cost and save?"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal, cast, get_args

from pydantic import Field

from syndarix_obs import vocabulary as v
from syndarix_obs_read.amounts import Cost, Frozen, Usd
from syndarix_obs_read.analysis.bootstrap import ratio_interval
from syndarix_obs_read.analysis.context_costs import Call, ToolCall, caching, carried, looping
from syndarix_obs_read.analysis.repricing import ZERO, Counts, Repricing
from syndarix_obs_read.answers.base import Answer, Period, some_fields
from syndarix_obs_read.answers.decisions import outcomes_of
from syndarix_obs_read.answers.empty import why_empty
from syndarix_obs_read.answers.observed import MOST_CALLS
from syndarix_obs_read.answers.quality import scores_given
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import PROMPT_SIZES, CostRow, StoredRecord
from syndarix_obs_read.backends.together import together
from syndarix_obs_read.errors import FilterError
from syndarix_obs_read.outcomes import failed_outcomes, is_success
from syndarix_obs_read.timerange import SECOND_NS, TimeRange

By = Literal["agent", "agent_version", "project", "task_type", "user", "model", "day"]
BY: Final[tuple[By, ...]] = get_args(By)
"""What successes can be grouped by."""

_PLACES: Final = Decimal("0.000001")
_TOOLS: Final = 5
_SAME_PRICE_NS: Final = 30 * 60 * SECOND_NS
"""Prices change on a day, and those by time of day (nights are cheaper somewhere) on the half hour."""
_NO: Final = frozenset({"false", "no", "down", "0"})


class SuccessGroup(Frozen):
    """Sessions of one group, and what a success among them cost. Amounts in dollars."""

    key: Mapping[str, str | None] = Field(description="Value of each dimension; null where the work names none.")
    sessions: int = Field(description="Sessions with priced calls of the group.")
    successes: int
    failures: int
    cost: Cost
    per_success_usd: Usd | None = Field(description="Dollars of ended sessions ÷ successes; null without a success.")
    low_usd: Usd | None = Field(description="Lower end of its 95% interval: sessions drawn anew 1,000 times.")
    high_usd: Usd | None = Field(description="Upper end; null when it has none, or fewer than 5 sessions ended.")
    failed_usd: Usd = Field(description="Spent on sessions that failed.")
    unknown_usd: Usd = Field(description="Spent on sessions that still run, or whose outcome nobody told.")
    looping_usd: Usd = Field(description="Spent on model calls within loops; a part of the rest.")


class ContextSpending(Frozen):
    """What it cost to send tool results again with every later call, beyond the call that first read them."""

    result_tokens: int = Field(description="Tokens of tool results, each counted once.")
    carried_tokens: int = Field(description="Tokens of tool results that were sent again, each time counted.")
    carried_usd: Usd
    share: float | None = Field(description="Of the dollars of the calls looked at.")
    by_tool: Mapping[str, Usd] = Field(description="By the tool whose results they are, the dearest first.")


class CacheSpending(Frozen):
    """What the providers' prompt caches saved, and could save."""

    read_tokens: int
    saved_usd: Usd = Field(description="Against the price of input, less what writing to the cache cost more.")
    could_read_tokens: int = Field(description="Tokens sent again within five minutes that no cache served.")
    could_save_usd: Usd = Field(description="At most, beyond what was saved, less what writing would cost more.")


class SpendingReport(Answer):
    """What money was spent for. Groups with the dearest first."""

    by: tuple[str, ...]
    outcome: str | None = Field(description="The score that says success; null: how sessions ended.")
    failed_outcomes: tuple[str, ...] = Field(
        default_factory=failed_outcomes, description="Outcomes that count as failed: a setting."
    )
    whole: SuccessGroup
    groups: tuple[SuccessGroup, ...]
    more: bool = Field(default=False, description="Whether there are more groups.")
    calls: int = Field(description="Priced calls that context and caching were worked out of: the newest.")
    context: ContextSpending
    caching: CacheSpending


@dataclass(frozen=True, slots=True)
class _Work:
    """What the groups are made of."""

    rows: Sequence[CostRow]
    successes: Mapping[str, bool]
    loops: Mapping[str, Decimal]


async def get_spending(
    backend: Backend,
    where: Filter,
    period: TimeRange,
    by: Sequence[str] = ("agent",),
    *,
    outcome: str | None = None,
    limit: int = 50,
    zone: tzinfo = UTC,
    prices_file: Path | None = None,
    now_ns: int | None = None,
) -> SpendingReport:
    """What a success cost, by group, and what the context cost.

    Args:
        by: dimensions, in any combination.
        outcome: name of a score that says whether a session succeeded (half of its range and above, or a word that is
            no failure); else how the session ended.
        prices_file: the overrides that calls are priced with.
        now_ns: nanoseconds since the epoch, for tests.

    Raises:
        FilterError: costs cannot be grouped like that.
    """
    if wrong := [each for each in by if each not in BY]:
        raise FilterError(f"successes cannot be grouped by {', '.join(wrong)}; possible: {', '.join(BY)}")
    keys = tuple(dict.fromkeys(cast("Sequence[By]", by)))
    found: Sequence[Any] = await together(
        backend.costs(where.within(period), ("session_id", *keys), zone), _records(backend, where, period)
    )
    rows: list[CostRow] = found[0]
    records: tuple[StoredRecord, ...] = found[1]
    calls, tools = _calls(records, Repricing(prices_file)), _tools(records)
    loops: dict[str, Decimal] = defaultdict(Decimal)
    for (session, _), usd in looping(calls, tools).items():
        loops[session] += usd
    work = _Work(rows, await _successes(backend, where, period, rows, records, outcome, now_ns), loops)
    groups = sorted((_group(key, own, work) for key, own in _by_key(rows, keys).items()), key=_order)
    return SpendingReport(
        backend=backend.name,
        period=Period.of(period),
        hints=_hints(records, calls) if rows else await why_empty(backend, where, period),
        by=keys,
        outcome=outcome,
        whole=_group({}, rows, work),
        groups=tuple(groups[:limit]) if keys else (),
        more=len(groups) > limit,
        calls=len(calls),
        context=_context(calls, tools),
        caching=_caching(calls),
    )


async def _records(backend: Backend, where: Filter, period: TimeRange) -> tuple[StoredRecord, ...]:
    """Calls of models and tools, the newest."""
    wanted = replace(where.within(period), kinds=(v.KIND_LLM_CALL, v.KIND_TOOL_CALL), model=None)
    return (await some_fields(backend, wanted, _FIELDS, MOST_CALLS)).rows


_FIELDS: Final = (
    "session_id", "trace_id", "agent", "tool", "loop_count", "cost_usd", "operation", "input_tokens", "output_tokens",
    "cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "model", "provider", "service_tier",
)  # fmt: skip
"""Fields of calls that are looked at."""


def _hints(records: Sequence[StoredRecord], calls: Sequence[Call]) -> tuple[str, ...]:
    if len(records) < MOST_CALLS:
        return ()
    return (f"context, caching and loops are of the newest {len(calls):,} priced calls; ask for a shorter time",)


async def _successes(
    backend: Backend,
    where: Filter,
    period: TimeRange,
    rows: Sequence[CostRow],
    records: Sequence[StoredRecord],
    outcome: str | None,
    now_ns: int | None,
) -> Mapping[str, bool]:
    """Whether each session succeeded; those of which it is not known are left out."""
    sessions = {row.key["session_id"] for row in rows} - {None}
    if outcome is None:
        ends = await outcomes_of(backend, _first_of(sessions, records, period), where)
        return {name: is_success(*end) for name, end in ends.items() if end[0] != v.STATUS_RUNNING}
    now = time.time_ns() if now_ns is None else now_ns
    later = TimeRange(period.since_ns, max(period.until_ns, now + 1), period.text)
    given = await scores_given(backend, Filter(project=where.project), later, outcome)
    found: dict[str, bool] = {}
    for score in given:  # the newest first
        found.setdefault(score.text("session_id"), _says_success(score))
    return {name: said for name, said in found.items() if name in sessions}


def _first_of(
    sessions: set[str | None], records: Sequence[StoredRecord], period: TimeRange
) -> Sequence[StoredRecord]:  # fmt: skip
    """A record of every session, for the time in which to look; without one, the beginning of the period."""
    known = {record.text("session_id"): record for record in records if record.text("session_id") in sessions}
    others = sessions - known.keys()
    return (
        *known.values(),
        *(StoredRecord({"session_id": name, "start_ns": period.since_ns}) for name in others),
    )


def _says_success(score: StoredRecord) -> bool:
    value = score.get("value")
    if value is not None:
        return float(value) >= 0.5
    return score.text("label").lower() not in {*_NO, *failed_outcomes()}


def _by_key(rows: Sequence[CostRow], keys: Sequence[str]) -> dict[tuple[str | None, ...], list[CostRow]]:
    found: dict[tuple[str | None, ...], list[CostRow]] = {}
    for row in rows:
        found.setdefault(tuple(row.key[name] for name in keys), []).append(row)
    return found


def _group(key: object, rows: Sequence[CostRow], work: _Work) -> SuccessGroup:
    dollars = defaultdict[str, Decimal](Decimal)
    for row in rows:
        dollars[row.key["session_id"] or ""] += row.cost.total_usd or ZERO
    ended = {name: work.successes[name] for name in dollars if name in work.successes}
    spent = sum((dollars[name] for name in ended), ZERO)
    successes = sum(ended.values())
    low, high = ratio_interval([float(dollars[name]) for name in ended], [float(said) for said in ended.values()])
    return SuccessGroup(
        key=_named(key, rows),
        sessions=len(dollars.keys() - {""}),
        successes=successes,
        failures=len(ended) - successes,
        cost=_sum(rows),
        per_success_usd=_usd(spent / successes) if successes else None,
        low_usd=None if low is None else _usd(low),
        high_usd=None if high is None else _usd(high),
        failed_usd=sum((dollars[name] for name, said in ended.items() if not said), ZERO),
        unknown_usd=sum(dollars.values(), ZERO) - spent,
        looping_usd=sum((min(work.loops[name], usd) for name, usd in dollars.items() if name in work.loops), ZERO),
    )


def _sum(rows: Sequence[CostRow]) -> Cost:
    """All rows as one, without a sum of models for each of them: there is a row for every session."""
    costs = [row.cost for row in rows]
    return Cost(
        calls=sum(cost.calls for cost in costs),
        exact_usd=sum((cost.exact_usd for cost in costs), ZERO),
        estimated_calls=sum(cost.estimated_calls for cost in costs),
        estimated_usd=sum((cost.estimated_usd for cost in costs), ZERO),
        unpriced_calls=sum(cost.unpriced_calls for cost in costs),
        unpriced_models=tuple(sorted({model for cost in costs for model in cost.unpriced_models})),
    )


def _named(key: object, rows: Sequence[CostRow]) -> Mapping[str, str | None]:
    """The dimensions of a group; none of the whole."""
    if not isinstance(key, tuple):
        return {}
    names = [name for name in rows[0].key if name != "session_id"]
    return dict(zip(names, key, strict=True))


def _order(group: SuccessGroup) -> tuple[object, ...]:
    return (-(group.cost.total_usd or ZERO), *(value or "" for value in group.key.values()))


def _usd(amount: Decimal | float) -> Decimal:
    return Decimal(amount).quantize(_PLACES)


def _thread(record: StoredRecord) -> tuple[str, str]:
    return record.text("session_id") or record.text("trace_id"), record.text("agent")


class _Rates:
    """Rates of prompts, looked up once for all calls that the price list treats alike."""

    def __init__(self, repricing: Repricing) -> None:
        self._repricing = repricing
        self._known: dict[tuple[object, ...], Mapping[str, Decimal] | None] = {}

    def of(self, call: StoredRecord, counts: Counts) -> Mapping[str, Decimal] | None:
        """Dollars per token of each class; None for a model without a price."""
        model, provider, tier = call.text("model"), call.optional("provider"), call.optional("service_tier")
        key = model, provider, tier, call.start_ns // _SAME_PRICE_NS, bisect_left(PROMPT_SIZES, counts.prompt)
        if key not in self._known:
            at = datetime.fromtimestamp(call.start_ns / 1e9, UTC)
            self._known[key] = self._repricing.rates(model, counts.one_of(1), at, provider=provider, tier=tier)
        return self._known[key]


def _calls(records: Sequence[StoredRecord], repricing: Repricing) -> list[Call]:
    """Model calls that have a price, with the rates of their prompts."""
    found, known = [], _Rates(repricing)
    for each in records:
        usd = each.get("cost_usd")
        if each.kind != v.KIND_LLM_CALL or usd is None or each.get("operation") == v.OPERATION_EMBEDDINGS:
            continue
        read, write = each.count("cache_read_tokens"), each.count("cache_write_tokens")
        counts = Counts(each.count("input_tokens") - read - write, read, write, each.count("output_tokens"))
        rates = known.of(each, counts)
        if rates is not None:
            found.append(Call(
                thread=_thread(each), start_ns=each.start_ns, end_ns=each.end_ns, input=counts.prompt, cache_read=read,
                cache_write=write, answer=counts.output - each.count("reasoning_tokens"), rates=rates,
                usd=Decimal(str(usd)),
            ))  # fmt: skip
    return found


def _tools(records: Sequence[StoredRecord]) -> list[ToolCall]:
    return [
        ToolCall(_thread(each), each.start_ns, each.text("tool"), each.count("loop_count") or None)
        for each in records
        if each.kind == v.KIND_TOOL_CALL
    ]


def _context(calls: Sequence[Call], tools: Sequence[ToolCall]) -> ContextSpending:
    found, whole = carried(calls, tools), sum((call.usd for call in calls), ZERO)
    dearest = sorted(found.by_tool.items(), key=lambda item: (-item[1], item[0]))[:_TOOLS]
    return ContextSpending(
        result_tokens=found.results,
        carried_tokens=found.tokens,
        carried_usd=_usd(found.usd),
        share=float(found.usd / whole) if whole else None,
        by_tool={tool: _usd(usd) for tool, usd in dearest},
    )


def _caching(calls: Sequence[Call]) -> CacheSpending:
    found = caching(calls)
    return CacheSpending(
        read_tokens=found.read, saved_usd=_usd(found.saved), could_read_tokens=found.could_read,
        could_save_usd=_usd(found.could_save),
    )  # fmt: skip

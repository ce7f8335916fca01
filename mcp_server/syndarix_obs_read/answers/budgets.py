"""Does the money last? Each budget in its current period: spent by the ledger, reserved and refused by the guard."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import Field

from syndarix_obs.guarding.accounts import Account
from syndarix_obs.guarding.budgets import NANO, Budget, Who
from syndarix_obs.guarding.periods import FOREVER_NS, period_of
from syndarix_obs_read.amounts import Cost, Frozen, Tokens, Usd
from syndarix_obs_read.answers.base import ListAnswer, Moment, Period, listing
from syndarix_obs_read.answers.empty import FILL
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import CostRow, LedgerKey, Rows
from syndarix_obs_read.budgets import Known
from syndarix_obs_read.timerange import TimeRange, to_datetime

_FIELDS: Final[tuple[LedgerKey, ...]] = ("project", "agent", "user", "task_type", "model")
"""What a budget may be about, as keys of the ledger."""
_RUNS_NS: Final = 86_400 * 10**9
"""Runs of so long are looked at."""


class Limits(Frozen):
    """What a budget allows; null where it sets no limit."""

    usd: Usd | None
    tokens: int | None
    calls: int | None
    repeats: int | None = Field(description="Equal calls of one tool in a session.")


class BudgetState(Frozen):
    """One budget, or one part of a split one, in its current period."""

    name: str
    key: Mapping[str, str | None] = Field(description="Values of the dimensions it is split by.")
    session_id: str | None = Field(description="Of a budget for runs: the session that is nearest to the limit.")
    per: str = Field(description="`day`, `week`, `month` or `run`.")
    where: Mapping[str, str] = Field(description="Whose work it is about.")
    on_exceed: str = Field(description="`refuse`, or `warn` and let through.")
    source: str = Field(description="`file`, or `code` of a program on this machine.")
    limits: Limits
    spent_usd: Usd = Field(description="By the ledger; calls without a price are not in it.")
    tokens: int
    calls: int
    used: float | None = Field(description="Share of the limit that is nearest, 0 to 1 and beyond.")
    reserved_usd: Usd | None = Field(description="Held by the guard for calls under way; null when it has no account.")
    guarded_usd: Usd | None = Field(description="Spent as the guard counts; null when it has no account.")
    refused: int = Field(description="Times that the limit was met on this machine, in this period.")
    ends: Moment | None = Field(description="When the period ends and the limit begins anew; null for a run.")


class BudgetList(ListAnswer):
    """Budgets, the most used first."""

    budgets: tuple[BudgetState, ...]
    unknown: tuple[str, ...] = Field(description="What budgets name and nothing recorded has: probably misspelt.")


async def budget_states(
    backend: Backend, found: Sequence[Known], *, limit: int = 50, now_ns: int | None = None
) -> BudgetList:
    """How each budget stands.

    Args:
        found: the budgets, from `budgets.known`.
        limit: most lines.
        now_ns: nanoseconds since the epoch, for tests.
    """
    now = time.time_ns() if now_ns is None else now_ns
    states = [state for each in found for state in await _states(backend, each, now)]
    states.sort(key=lambda each: (-(each.used or 0), each.name, str(each.key)))
    about = listing(Rows(tuple(states[:limit]), len(states) > limit, len(states)), "fewer budgets")
    unknown = await unknown_names(backend, [each.budget for each in found])
    if await backend.extent() is None:
        about["hints"] = (FILL,)
    elif not found:
        hint = "no budget is declared: name a YAML file in SYNDARIX_OBS_BUDGETS_FILE, or call `obs.budget(…)`"
        about["hints"] = (hint,)
    elif unknown:
        about["hints"] = (*about.get("hints", ()), f"nothing recorded has {', '.join(unknown)}: check the spelling")
    since = min((_since(each.budget, now) for each in found), default=now)
    return BudgetList(
        backend=backend.name, period=Period.of(TimeRange(since, now + 1, "the current periods")),
        budgets=tuple(states[:limit]), unknown=unknown, **about,
    )  # fmt: skip


async def unknown_names(backend: Backend, budgets: Sequence[Budget]) -> tuple[str, ...]:
    """`field value` of what budgets are about and no record has."""
    said: list[str] = []
    for field in _FIELDS:
        wanted = {each.where[field]: each for each in budgets if field in each.where}
        there = await _values(backend, field) if wanted else set()
        for value in sorted(wanted):
            meant = Budget("", where={field: value})
            if all(meant.key(Who(**{field: name})) is None for name in there):
                said += [f"{field} {value!r}"]
    return tuple(said)


async def _values(backend: Backend, field: LedgerKey) -> set[str]:
    """Values of a field that anything recorded has: a session, or a line of the ledger, which may be without one."""
    rows = await backend.costs(Filter(), [field], UTC)
    paid = {value for row in rows if (value := row.key.get(field)) is not None}
    return paid | set(await backend.names(field, 10_000))


def _since(budget: Budget, now: int) -> int:
    return now - _RUNS_NS if budget.per == "run" else period_of(budget.per, "", budget.timezone, now).start_ns


async def _states(backend: Backend, found: Known, now: int) -> list[BudgetState]:
    budget = found.budget
    needed: list[LedgerKey] = [name for name in _FIELDS if name in budget.by or name in budget.where]
    if budget.per == "run":
        needed.append("session_id")
    zone = UTC if budget.timezone == "UTC" else ZoneInfo(budget.timezone)
    rows = await backend.costs(Filter(since_ns=_since(budget, now), until_ns=now + 1), needed, zone)
    sums: dict[tuple[str, str], tuple[Tokens, Cost]] = {}
    for row in rows:
        key = budget.key(_who(row))
        if key is not None:
            place = (key, row.key.get("session_id") or "" if budget.per == "run" else "")
            tokens, cost = sums.get(place, (Tokens(), Cost()))
            sums[place] = (tokens + row.tokens, cost + row.cost)
    if not sums and not budget.by:
        sums[("", "")] = (Tokens(), Cost())
    states = [_state(found, key, run, tokens, cost, now) for (key, run), (tokens, cost) in sums.items()]
    if budget.per != "run":
        return states
    dearest = {tuple(each.key.items()): each for each in sorted(states, key=lambda each: each.used or 0)}
    return list(dearest.values())


def _who(row: CostRow) -> Who:
    key = row.key
    return Who(key.get("project"), key.get("agent"), key.get("user"), key.get("task_type"), key.get("model"))


def _state(found: Known, key: str, run: str, tokens: Tokens, cost: Cost, now: int) -> BudgetState:
    budget = found.budget
    period = period_of(budget.per, run, budget.timezone, now)
    account = next((each for each in found.accounts if (each.key, each.period) == (key, period.name)), None)
    spent = cost.total_usd or Decimal(0)
    limits = Limits(
        usd=None if budget.usd is None else Decimal(budget.usd) / NANO, tokens=budget.tokens, calls=budget.calls,
        repeats=budget.repeats,
    )  # fmt: skip
    return BudgetState(
        name=budget.name,
        key=dict(zip(budget.by, (part or None for part in key.split("\x1f")), strict=True)) if budget.by else {},
        session_id=run or None,
        per=budget.per,
        where=dict(budget.where),
        on_exceed=budget.on_exceed,
        source=found.source,
        limits=limits,
        spent_usd=spent,
        tokens=tokens.total,
        calls=cost.calls,
        used=_used(limits, spent, tokens.total, cost.calls),
        reserved_usd=_dollars(account, held=True),
        guarded_usd=_dollars(account, held=False),
        refused=0 if account is None else account.refused,
        ends=None if period.end_ns == FOREVER_NS else to_datetime(period.end_ns),
    )


def _used(limits: Limits, spent: Decimal, tokens: int, calls: int) -> float | None:
    pairs = ((spent, limits.usd), (tokens, limits.tokens), (calls, limits.calls))
    return max((float(amount) / float(limit) for amount, limit in pairs if limit), default=None)


def _dollars(account: Account | None, *, held: bool) -> Decimal | None:
    return None if account is None else Decimal((account.held if held else account.spent).usd) / NANO


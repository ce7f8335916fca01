"""Does the provider bill what was seen? By UTC day and model, tokens first, each difference with its cause."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

from syndarix_obs_read import formats as f
from syndarix_obs_read.analysis.repricing import ZERO, Repricing
from syndarix_obs_read.answers.base import Period, listing
from syndarix_obs_read.answers.bill import BillAccount, BillRow, CausePart, CauseSum, ClassLine, Reconciliation
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import Rows
from syndarix_obs_read.bills.causes import MEANINGS, Found
from syndarix_obs_read.bills.cells import Cell, side_by_side
from syndarix_obs_read.bills.explain import Explained, explain, seen_fees
from syndarix_obs_read.bills.lessons import entries
from syndarix_obs_read.bills.model import CLASSES, BillSource, Provider
from syndarix_obs_read.bills.offset import hours_off, misplaced
from syndarix_obs_read.bills.seen import seen_lines
from syndarix_obs_read.errors import TimeRangeError
from syndarix_obs_read.timerange import TimeRange

_MONTH: Final = re.compile(r"(\d{4})-(\d{1,2})", re.ASCII)
_NAMED: Final = 5
_SMALL: Final = Decimal("0.005")


async def reconcile(
    backend: Backend,
    source: BillSource,
    provider: Provider,
    month: str | None = None,
    *,
    watched: Collection[str] = (),
    prices_file: Path | None = None,
    limit: int = 50,
    now_ns: int | None = None,
) -> Reconciliation:
    """Hold the ledger against a provider's bill.

    Args:
        source: where the bill is read.
        provider: whose it is.
        month: `YYYY-MM`; the current one, in UTC, if it is None.
        watched: keys and projects that are recorded here; unless some are named, they are found out.
        prices_file: the overrides that calls are priced with.
        now_ns: nanoseconds since the epoch, for tests.

    Raises:
        TimeRangeError: the month cannot be read, or has not begun.
        ReadError: the bill or the ledger cannot be had.
    """
    now = datetime.fromtimestamp((time.time_ns() if now_ns is None else now_ns) / 1e9, UTC)
    first, end = days_of(month, now)
    bill = await source.read(first, end)
    seen = await seen_lines(backend, provider, first, end)
    hours = 0 if bill.utc else hours_off(bill, seen, first, end)
    grid = side_by_side(bill, seen, first, end, hours)
    remarks = list(bill.remarks)
    if hours:
        share = misplaced(side_by_side(bill, seen, first, end)) / 2
        remarks.append(
            f"day borders: the days of this bill begin at {hours % 24:02}:00 UTC and are compared so; in days of UTC "
            f"{f.percent(share)} of the tokens would stand on another day"
        )
    done = explain(grid, Repricing(prices_file), watched, now)
    return _answer(backend.name, done, (first, end), now, limit, remarks)


def days_of(month: str | None, now: datetime) -> tuple[date, date]:
    """First day of a month, and the first day that no longer counts: of the next month, or tomorrow.

    Raises:
        TimeRangeError: it is no month, or has not begun.
    """
    said = _MONTH.fullmatch(f"{now:%Y-%m}" if month is None else month.strip())
    try:
        first = date(int(said[1]), int(said[2]), 1) if said else None
    except ValueError:
        first = None
    if first is None:
        raise TimeRangeError(f"cannot read the month {month!r}; example: {now:%Y-%m}") from None
    if first > now.date():
        raise TimeRangeError(f"the month {month} has not begun; the current one is {now:%Y-%m}")
    following = (first + timedelta(days=31)).replace(day=1)
    return first, min(following, now.date() + timedelta(days=1))


def _answer(
    backend: str, done: Explained, days: tuple[date, date], now: datetime, limit: int, remarks: list[str]
) -> Reconciliation:
    grid, bill, (first, end) = done.grid, done.grid.bill, days
    rows = sorted((*_token_rows(done), *_fee_rows(done)), key=_worst)
    causes = _causes(done)
    seen_usd = sum((row.seen_usd for row in rows), ZERO)
    billed_usd = sum((row.billed_usd or ZERO for row in rows), ZERO) if grid.has_costs else None
    about = listing(Rows(tuple(rows[:limit]), len(rows) > limit, len(rows)), "a higher limit")
    about["hints"] = (*about.get("hints", ()), *remarks)
    settled = [day for day in done.settled if first <= day < end]
    since, until = (_ns(day) for day in (first, end))
    answer = Reconciliation(
        backend=backend,
        period=Period.of(TimeRange(since, until, f"{first:%Y-%m} in UTC")),
        provider=bill.provider,
        month=f"{first:%Y-%m}",
        source=bill.source,
        settled_through=max(settled, default=None),
        sentence="",
        seen_tokens=sum(sum(cell.tokens_where(cell.seen).values()) for cell in grid),
        billed_tokens=sum(sum(cell.billed.tokens.values()) for cell in grid) if grid.has_tokens else None,
        seen_usd=seen_usd,
        billed_usd=billed_usd,
        difference_usd=None if billed_usd is None else billed_usd - seen_usd,
        ratio=_ratio([row for row in rows if row.settled]) if grid.has_costs else None,
        causes=causes,
        rows=tuple(rows[:limit]),
        accounts=_accounts(done),
        prices=entries(
            done.valued, done.learned, provider=bill.provider, month=f"{first:%Y-%m}", today=now.date()
        ),
        read_at=now,
        **about,
    )  # fmt: skip
    return answer.model_copy(update={"sentence": sentence(answer)})


def sentence(answer: Reconciliation) -> str:
    """The finding in one sentence."""
    if answer.billed_usd is None:
        billed = answer.billed_tokens or 0
        return f"{answer.provider} served {billed:,} tokens in {answer.month}, and {answer.seen_tokens:,} were seen."
    start = f"{answer.provider} billed {f.money(answer.billed_usd)} for {answer.month}, and "
    start += f"{f.money(answer.seen_usd)} were seen"
    difference = answer.difference_usd or ZERO
    if all(abs(each.usd or ZERO) < _SMALL for each in answer.causes):
        return f"{start}: no difference."
    named = [f"{f.difference(each.usd)} {each.cause}" + (f" ({each.who[0]})" if each.who else "")
             for each in answer.causes if abs(each.usd or ZERO) >= _SMALL]  # fmt: skip
    share = f" ({float(difference / answer.billed_usd):+.1%})" if answer.billed_usd else ""
    return f"{start}: {f.difference(difference)}{share}, of it {', '.join(named)}."


def _token_rows(done: Explained) -> Iterable[BillRow]:
    for cell in done.grid:
        found = done.found.get((cell.day, cell.model), [])
        billed = cell.billed_usd if done.grid.has_costs else None
        yield BillRow(
            day=cell.day, model=cell.model, settled=cell.day in done.settled, classes=_classes(cell, done),
            seen_usd=cell.seen_usd, billed_usd=billed,
            difference_usd=None if billed is None else billed - cell.seen_usd,
            causes=tuple(_part(each) for each in found),
        )  # fmt: skip


def _classes(cell: Cell, done: Explained) -> tuple[ClassLine, ...]:
    seen, billed = cell.tokens_where(cell.seen), cell.billed.by_class()
    found = []
    for name in CLASSES:
        paid = [line.usd for line in cell.costs if line.token_class == name]
        if seen[name] or billed[name] or paid:
            found.append(ClassLine(
                token_class=name, seen=seen[name], billed=billed[name] if done.grid.has_tokens else None,
                billed_usd=sum(paid, ZERO) if paid else None,
            ))  # fmt: skip
    return tuple(found)


def _fee_rows(done: Explained) -> Iterable[BillRow]:
    for day in sorted({fee.day for fee in done.grid.fees}):
        seen = seen_fees(done.grid, day)
        billed = sum((fee.usd for fee in done.grid.fees if fee.day == day), ZERO)
        yield BillRow(
            day=day, model=None, settled=day in done.settled, classes=(), seen_usd=seen, billed_usd=billed,
            difference_usd=billed - seen, causes=tuple(_part(each) for each in done.found[day, None]),
        )  # fmt: skip


def _part(each: Found) -> CausePart:
    tokens = {name: count for name, count in each.tokens.items() if count}
    return CausePart(cause=each.cause, tokens=tokens, usd=each.usd, who=each.who)


def _causes(done: Explained) -> tuple[CauseSum, ...]:
    """By cause, the dearest first."""
    by_cause: dict[str, list[Found]] = defaultdict(list)
    for each in (one for found in done.found.values() for one in found):
        by_cause[each.cause].append(each)
    sums = []
    for found in by_cause.values():
        usd = sum((each.usd or ZERO for each in found), ZERO) if done.grid.has_costs else None
        tokens = sum(sum(each.tokens.values()) for each in found)
        if found[0].cause == "day borders":  # what one day lacks the next one has
            tokens = sum(max(0, sum(each.tokens.values())) for each in found)
        sums.append(CauseSum(cause=found[0].cause, meaning=MEANINGS[found[0].cause], tokens=tokens, usd=usd,
                             who=_who(found)))  # fmt: skip
    return tuple(sorted(sums, key=lambda each: (-abs(each.usd or ZERO), -abs(each.tokens), each.cause)))


def _who(found: Sequence[Found]) -> tuple[str, ...]:
    """Whom it is about, the dearest first."""
    weights: dict[str, Decimal] = defaultdict(Decimal)
    for each in found:
        if each.who:
            weights[each.who] += abs(each.usd or ZERO) or Decimal(sum(map(abs, each.tokens.values())))
    return tuple(sorted(weights, key=lambda who: (-weights[who], who))[:_NAMED])


def _accounts(done: Explained) -> tuple[BillAccount, ...]:
    tokens: dict[tuple[str | None, str | None], int] = defaultdict(int)
    for cell in done.grid:
        for account, sums in cell.accounts.items():
            tokens[account] += sum(sums.tokens.values())
    dollars: dict[tuple[str | None, str | None], Decimal] = defaultdict(Decimal)
    for line in done.grid.bill.costs:
        dollars[line.project, line.key] += line.usd
    by_key = done.grid.bill.by_key
    found = [
        BillAccount(project=account[0], key=account[1], tokens=count, usd=dollars[account] if by_key else None,
                    seen=account not in done.unseen)
        for account, count in tokens.items()
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda each: (-each.tokens, str(each.key))))


def _ratio(rows: Sequence[BillRow]) -> float | None:
    billed = sum((row.billed_usd or ZERO for row in rows), ZERO)
    return abs(float((billed - sum((row.seen_usd for row in rows), ZERO)) / billed)) if billed > 0 else None


def _worst(row: BillRow) -> tuple[Decimal, int, date, str]:
    """Largest difference first."""
    tokens = sum(abs((line.billed or 0) - line.seen) for line in row.classes)
    return -abs(row.difference_usd or ZERO), -tokens, row.day, row.model or ""


def _ns(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 10**9

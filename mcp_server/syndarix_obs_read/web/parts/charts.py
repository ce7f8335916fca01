"""Bars, as SVG whose sizes are attributes: the pages' policy forbids styles in elements, and needs none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from syndarix_obs_read import formats as f
from syndarix_obs_read.amounts import Cost
from syndarix_obs_read.web.html import Html, el

_WIDTH = 1_000
_HEIGHT = 100
_THINNEST = 3.0


def share(part: float | None, cls: str = "") -> Html:
    """A part of a whole, 0 to 1, as a bar; an empty one for None."""
    width = 0.0 if part is None else max(0.0, min(1.0, part)) * _WIDTH
    return _svg(_rect(0, 0, width, 10), 10, f"share {cls}".strip())


def rate(part: float | None, cls: str = "mini") -> Html:
    """A share as a bar and in percent, the percents of a column under one another."""
    return el("span", share(part, cls), el("span", f.percent(part)), cls="num with-bar")


def span(offset_ms: float, duration_ms: float, whole_ms: float, cls: str) -> Html:
    """When a step ran within its trace."""
    whole = max(whole_ms, 0.001)
    left = max(0.0, min(1.0, offset_ms / whole)) * _WIDTH
    width = max(_THINNEST, min(duration_ms / whole * _WIDTH, _WIDTH - left))
    return _svg(_rect(min(left, _WIDTH - _THINNEST), 0, width, 10), 10, f"span {cls}")


def spark(counts: Sequence[int], words: str, cls: str = "spark") -> Html:
    """Counts in even parts of a time, as thin columns; `words` say the same."""
    most = max(counts, default=0) or 1
    wide = _WIDTH / max(1, len(counts))
    bars = [
        _rect(at * wide, _HEIGHT - count / most * _HEIGHT, wide * 0.8, count / most * _HEIGHT)
        for at, count in enumerate(counts) if count
    ]  # fmt: skip
    return el("span", _svg(bars, _HEIGHT, cls), title=words)


def days(costs: Sequence[tuple[str, Cost]], link: Callable[[str], str] | None = None) -> Html:
    """Cost by day as columns, the estimated part set apart; each says its day and amount; `link` is where one leads."""
    highest = max((cost.total_usd or Decimal(0) for _, cost in costs), default=Decimal(0))
    return el("ol", (_day(day, cost, highest, link(day) if link else None) for day, cost in costs), cls="days")


def _day(day: str, cost: Cost, highest: Decimal, href: str | None) -> Html:
    top = highest or Decimal(1)
    exact, estimated = (float(part / top) * _HEIGHT for part in (cost.exact_usd, cost.estimated_usd))
    bars = (
        _rect(0, _HEIGHT - exact, _WIDTH, exact, "exact"),
        _rect(0, _HEIGHT - exact - estimated, _WIDTH, estimated, "estimated"),
    )
    words = f"{day}: {f.cost_words(cost)}, {cost.calls:,} calls"
    amount = _rough(cost.total_usd) if cost.total_usd else ""
    inside = (el("span", amount, cls="amount"), _svg(bars, _HEIGHT, "column"), el("span", day[8:], cls="day"))
    return el("li", el("a" if href else "span", inside, href=href, cls="of-day", title=words, aria_label=words))


def _rough(amount: Decimal) -> str:
    """Dollars in two digits, for where there is no room; the whole amount is on hovering."""
    if amount >= 10:
        return f"${amount:,.0f}"
    return f"${amount:.1f}" if amount >= 1 else f.money(amount.quantize(Decimal(1).scaleb(amount.adjusted() - 1)))


def _rect(x: float, y: float, width: float, height: float, cls: str | None = None) -> Html:
    return el("rect", x=_n(x), y=_n(y), width=_n(width), height=_n(height), cls=cls)


def _svg(inside: Html | Sequence[Html], height: int, cls: str) -> Html:
    return el(
        "svg", inside, viewBox=f"0 0 {_WIDTH} {height}", preserveAspectRatio="none", cls=cls, aria_hidden="true",
        focusable="false",
    )  # fmt: skip


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")

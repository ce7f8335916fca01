"""The charts of the overview: requests, failures, latency, cost, tokens; each step leads to the list behind it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.costs import CostSummary
from syndarix_obs_read.answers.over_time import OverTime, Point
from syndarix_obs_read.web.asked import Asked, address
from syndarix_obs_read.web.html import Child, Html, el
from syndarix_obs_read.web.parts import series
from syndarix_obs_read.web.parts.series import Chart, Line

_SAY: Final[dict[str, Callable[[float], str]]] = {
    "count": lambda value: f"{value:,.0f}",
    "share": lambda value: f.percent(value),
    "seconds": lambda value: f.seconds(value),
    "dollars": lambda value: f.money(Decimal(str(value))),
}
_MODELS: Final = 6


def draw(found: OverTime) -> Child:
    """The charts of what happened over time."""
    times = [int(point.since.timestamp()) for point in found.points]
    total = {"calls": sum(p.calls for p in found.points), "errors": sum(p.errors for p in found.points)}
    rate = f.percent(total["errors"] / total["calls"]) if total["calls"] else f.NOTHING

    def chart(title: str, unit: str, lines: tuple[Line, ...], aside: str = "", *, columns: bool, **words: str) -> Html:
        path = address("/traces", **words)
        found_chart = Chart(title, lines, unit, columns, lambda since, until: _between(words, since, until), path)
        return series.draw(found_chart, times, found.step_s, _SAY[unit], aside)

    def line(name: str, style: str, value: Callable[[Point], float | None]) -> Line:
        return Line(name, [value(point) for point in found.points], style)

    return el(
        "div",
        chart("Requests", "count", (line("requests", "calls", lambda p: p.calls),
                                    line("failed", "error", lambda p: p.errors)),
              f"{total['calls']:,}, {f.seconds(found.step_s)} a column", columns=True),
        chart("Error rate", "share", (line("failed", "error", _error_rate),), rate, columns=False, status="error"),
        chart("Latency", "seconds", (line("p50", "p50", lambda p: p.latency.p50),
                                     line("p95", "p95", lambda p: p.latency.p95),
                                     line("p99", "p99", lambda p: p.latency.p99)), columns=False),
        chart("Cost", "dollars", (line("dollars", "cost", lambda p: round(p.cost_usd, 9)),),
              f.money(spent) if (spent := _spent(found)) else f.NOTHING, columns=True),
        cls="charts",
    )  # fmt: skip


def _spent(found: OverTime) -> Decimal:
    return Decimal(str(round(sum(point.cost_usd for point in found.points), 6)))


def _between(words: dict[str, str], since: int, until: int) -> str:
    return address("/traces", **words, since=str(since), until=str(until))


def _error_rate(point: Point) -> float | None:
    return point.errors / point.calls if point.calls else None


def tokens_by_model(asked: Asked, found: CostSummary) -> Child:
    """Token usage by model: input, caches, output and reasoning beside one another."""
    groups = sorted(found.groups, key=lambda each: -each.tokens.total)[:_MODELS]
    if not groups:
        return el("p", "No tokens yet.", cls="dim")
    most = max(each.tokens.total for each in groups) or 1
    rows = []
    for each in groups:
        name = each.key["model"] or ""
        parts = (("input", each.tokens.input), ("cache", each.tokens.cache_read + each.tokens.cache_write),
                 ("output", each.tokens.output), ("reasoning", each.tokens.reasoning))  # fmt: skip
        said = ", ".join(f"{count:,} {kind}" for kind, count in parts if count)
        rows.append(
            el("li",
               el("a", name or "no model named", href=asked.to("/traces", model=name or None)),
               el("span", f"{each.tokens.total:,}", cls="num"),
               el("svg", _parts(parts, most), viewBox="0 0 1000 10", preserveAspectRatio="none", role="img",
                  aria_label=said), title=said)
        )  # fmt: skip
    keys = el("p", (el("span", kind, cls=f"key t-{kind}") for kind in ("input", "cache", "output", "reasoning")),
              cls="legend")  # fmt: skip
    return el("ul", rows, cls="token-bars"), keys


def _parts(parts: tuple[tuple[str, int], ...], most: int) -> list[Html]:
    found, at = [], 0.0
    for kind, count in parts:
        wide = count / most * 1_000
        if wide:
            found.append(el("rect", x=f"{at:.1f}", y=0, width=f"{wide:.1f}", height=10, cls=f"t-{kind}"))
        at += wide
    return found

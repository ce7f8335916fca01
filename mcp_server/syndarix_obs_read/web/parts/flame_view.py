"""The lanes of a trace as SVG: places in percent, so that it fits every width and grows when it is looked at closer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from syndarix_obs import vocabulary as v
from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.trace import Trace, TraceSpan
from syndarix_obs_read.web.html import Child, Html, el
from syndarix_obs_read.web.parts.flame import Bar, Flame, Lane

_ROW: Final = 21
_BAR: Final = 19
_GAP: Final = 10
_TOP: Final = 22
_THINNEST: Final = 0.0012
_LABELLED: Final = 0.012
_TICKS: Final = 8


@dataclass(frozen=True, slots=True)
class Links:
    """Where bars lead to: a step by its name; what is between two shares of the whole."""

    step: Callable[[str], str]
    window: Callable[[float, float], str]


def draw(trace: Trace, found: Flame, links: Links) -> Html:
    """The lanes, with the agents' names beside them."""
    tops = list(_tops(found.lanes))
    height = tops[-1] if tops else _TOP
    names = (
        el("text", lane.agent, x=0, y=top + 14, cls="lane-name") for lane, top in zip(found.lanes, tops, strict=False)
    )
    lanes = (_lane(lane, top, found, links) for lane, top in zip(found.lanes, tops, strict=False))
    return el(
        "div",
        el("svg", names, width=108, height=height, cls="lane-names", aria_hidden="true"),
        el("div",
           el("svg", _axis(trace, found, height), lanes, width="100%", height=height, id="flame", cls="flame",
              role="group", aria_label="Steps by agent"),
           cls="flame-box", id="flame-box", tabindex=0, role="region", aria_label="Flame view"),
        cls="flame-frame",
    )  # fmt: skip


def _tops(lanes: tuple[Lane, ...]) -> Iterator[int]:
    """Where each lane begins, in pixels; after them where the last one ends."""
    at = _TOP
    for lane in lanes:
        yield at
        at += len(lane.rows) * _ROW + _GAP
    yield at


def _axis(trace: Trace, found: Flame, height: int) -> Iterator[Html]:
    begin, end = found.window
    for tick in range(_TICKS):
        share = begin + (end - begin) * tick / _TICKS
        x = _percent(tick / _TICKS)
        yield el("line", x1=x, x2=x, y1=0, y2=height, cls="tick")
        yield el("svg", el("text", _amount(trace, found, share), x=3, y=12, cls="tick-name"), x=x, y=0, height=16,
                 width=_percent(1 / _TICKS))  # fmt: skip


def _amount(trace: Trace, found: Flame, share: float) -> str:
    if found.width == "time":
        return f.duration(trace.duration_ms * share) if share else "0"
    if found.width == "cost":
        return f.money(None if trace.cost.total_usd is None else trace.cost.total_usd * round(share * 1000) / 1000)
    return f"{round(sum(s.input_tokens + s.output_tokens for s in trace.spans) * share):,}"


def _lane(lane: Lane, top: int, found: Flame, links: Links) -> Html:
    return el(
        "g",
        (_bar(bar, top + row * _ROW, found, links) for row, bars in enumerate(lane.rows) for bar in bars),
        aria_label=lane.agent, role="group",
    )  # fmt: skip


def _bar(bar: Bar, y: int, found: Flame, links: Links) -> Html:
    width = max(bar.end - bar.start, _THINNEST)
    kind = bar.span.kind if bar.span.kind in v.KINDS else "other"
    words = _words(bar)
    label: Child = None
    if width >= _LABELLED:
        label = el("text", bar.span.title if bar.steps == 1 else f"{bar.steps:,} steps", x=4, y=13)
    body = el(
        "svg", el("title", words), el("rect", width="100%", height=_BAR, rx=2), label, x=_percent(bar.start), y=y,
        width=_percent(width), height=_BAR,
    )  # fmt: skip
    if bar.steps > 1:
        begin, whole = found.window[0], found.window[1] - found.window[0]
        margin = (bar.end - bar.start) * whole * 0.05 + 1e-6
        href = links.window(begin + bar.start * whole - margin, begin + bar.end * whole + margin)
    else:
        href = links.step(bar.name)
    return el(
        "a", body, href=href, data_step=bar.name if bar.steps == 1 else None, aria_label=words,
        cls=f"bar k-{kind}{' is-error' if bar.failed else ''}{' many' if bar.steps > 1 else ''}",
    )  # fmt: skip


def _words(bar: Bar) -> str:
    span = bar.span
    if bar.steps > 1:
        failed = ", some failed" if bar.failed else ""
        return f"{bar.steps:,} steps beside one another from {span.title} on{failed}: look closer to tell them apart"
    return f"{span.title}: {', '.join(_facts(span))}"


def _facts(span: TraceSpan) -> Iterator[str]:
    yield span.kind.replace("_", " ")
    yield f.duration(span.duration_ms)
    if span.total_tokens:
        yield f"{span.total_tokens:,} tokens"
    if span.total_cost_usd is not None:
        yield f.money(span.total_cost_usd)
    if span.status == v.STATUS_ERROR:
        yield f"failed: {span.error_type or 'error'}"


def _percent(share: float) -> str:
    return f"{share * 100:.3f}%"

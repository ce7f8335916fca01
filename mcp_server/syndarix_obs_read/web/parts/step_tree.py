"""The steps of a trace as a tree over time, and the tools to find one's way in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from syndarix_obs import vocabulary as v
from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.step import names_of
from syndarix_obs_read.answers.trace import Trace, TraceSpan
from syndarix_obs_read.web.asked import address
from syndarix_obs_read.web.html import Child, Html, el
from syndarix_obs_read.web.parts import charts, common

_DEEPEST: Final = 12
_WEIGHT: Final = {v.KIND_SESSION: "heavy", v.KIND_TASK: "heavy", v.KIND_APP: "light", v.KIND_SPAN: "light"}
_COLUMNS: Final = ("step", "when", "took", "tokens", "cost")


def tree(trace: Trace, link: Callable[[str], str], chosen: str | None) -> Html:
    """The steps that the trace lists.

    Args:
        link: address of a step by its name.
        chosen: name of the step that is shown beside the tree.
    """
    head = el("div", *(el("span", each) for each in _COLUMNS), cls="line head")
    return el("div", head, el("ol", rows(trace, link, chosen), cls="tree", id="tree"), cls="waterfall")


def rows(trace: Trace, link: Callable[[str], str], chosen: str | None = None) -> Iterator[Html]:
    """A row for each step."""
    names = names_of(trace.spans)
    following = [*(span.depth for span in trace.spans[1:]), 0]
    for span, name, below in zip(trace.spans, names, following, strict=True):
        yield _row(trace, span, name, link(name), chosen=name == chosen, parent=below > span.depth)


def _row(trace: Trace, span: TraceSpan, name: str, href: str, *, chosen: bool, parent: bool) -> Html:
    failed = span.status == v.STATUS_ERROR
    kind = span.kind if span.kind in v.KINDS else "other"
    said = el("span", _said(span), cls="summary")
    step = el("span", common.chip(common.SHORT.get(span.kind, span.kind), kind=span.kind),
              el("b", span.title), _loop(span), said, cls=f"what d{min(span.depth, _DEEPEST)}")  # fmt: skip
    bar = charts.span(span.offset_ms, span.duration_ms, trace.duration_ms, f"k-{kind} {'is-error' if failed else ''}")
    line = el(
        "a", step, el("span", bar, cls="when"),
        el("span", f.duration(span.duration_ms) if span.duration_ms else "", cls="num"),
        el("span", f"{span.total_tokens:,}" if span.total_tokens else "", cls="num"), _cost(span),
        href=href, data_step=name, id=f"step-{name}", aria_current="true" if chosen else None,
        cls=f"line {'is-error' if failed else ''} {_WEIGHT.get(span.kind, '')}".strip(),
    )  # fmt: skip
    return el(
        "li", line, data_kind=kind, data_depth=span.depth, data_parent=parent,
        data_ms=f"{span.duration_ms:.1f}" if span.kind not in (v.KIND_SESSION, v.KIND_TASK) else None,
        data_usd=str(span.cost_usd) if span.cost_usd else None,
    )  # fmt: skip


def _said(span: TraceSpan) -> str:
    if span.kind == v.KIND_LLM_CALL and span.status != v.STATUS_ERROR:
        # Tokens and dollars have columns of their own.
        return span.summary.partition(": ")[2] or str(span.details.get("finish_reason") or "")
    return span.summary


def _loop(span: TraceSpan) -> Html | None:
    count = span.details.get("loop_count")
    return el("span", f"loop ×{count}", cls="mark is-warning") if count else None


def _cost(span: TraceSpan) -> Html:
    shown: Sequence[Child] = ()
    if span.total_cost_usd is not None:
        shown = ("~" if span.estimated else "", f.money(span.total_cost_usd))
    elif span.unpriced:
        shown = (el("span", "unpriced", cls="mark is-warning"),)
    return el("span", shown, cls="num")


def tools(trace: Trace) -> Html:
    """Search, kinds and jumps above the tree; the script brings them to life, without it they are not shown."""
    rest = address("/trace/rows", id=trace.trace_id) if trace.more else None
    search = el("input", type="search", id="tree-search", placeholder="search in the steps  /", autocomplete="off",
                aria_label="Search in the steps", spellcheck="false")  # fmt: skip
    return el(
        "div",
        search,
        el("span", "", id="tree-found", role="status", cls="dim"),
        el("span", (_kind(kind, count) for kind, count in _kinds(trace.spans)), cls="kinds", role="group",
           aria_label="Kinds of steps"),
        el("span", (_jump(*each) for each in _JUMPS), cls="jumps"),
        id="tree-tools", cls="tools needs-script", data_rest=rest,
    )  # fmt: skip


_JUMPS: Final = (
    ("error", "next error", "e"), ("cost", "costliest", "c"), ("time", "slowest", "s"), ("fold", "fold all", "z"),
)  # fmt: skip


def _jump(what: str, words: str, key: str) -> Html:
    return el("button", words, type="button", data_jump=what, title=f"key {key}", aria_keyshortcuts=key)


def _kinds(spans: Iterable[TraceSpan]) -> list[tuple[str, int]]:
    return Counter(span.kind if span.kind in v.KINDS else "other" for span in spans).most_common()


def _kind(kind: str, count: int) -> Html:
    words = (common.SHORT.get(kind, kind), " ", el("span", f"{count:,}", cls="num"))
    return el("button", words, type="button", cls=f"kind k-{kind}", data_kind=kind, aria_pressed="true")

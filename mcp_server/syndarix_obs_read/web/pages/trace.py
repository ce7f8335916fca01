"""What happened in one trace, and why did it end so? Steps as a tree over time, one of them in full beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from syndarix_obs import vocabulary as v
from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.explain import Explanation, ExplanationStep, explain_trace
from syndarix_obs_read.answers.step import Step, get_step, names_of
from syndarix_obs_read.answers.trace import Trace, TraceSpan, get_trace
from syndarix_obs_read.web.asked import Asked, Got, attempt
from syndarix_obs_read.web.html import NOTHING, Child, Html, el, joined
from syndarix_obs_read.web.pages import step as step_page
from syndarix_obs_read.web.parts import charts, pieces
from syndarix_obs_read.web.view import Page, View

_STEPS: Final = 500
_MOST_STEPS: Final = 5_000
_DEEPEST: Final = 12


async def ask(asked: Asked) -> View:
    """The trace, its explanation, and the step that was chosen."""
    trace_id, chosen = asked.needed("id"), asked.word("step")
    limit = asked.limit(_STEPS, _MOST_STEPS)
    trace, explanation, step = await asyncio.gather(
        attempt(get_trace(asked.backend, trace_id, limit=limit)),
        attempt(explain_trace(asked.backend, trace_id)),
        _step(asked, trace_id, chosen),
    )
    found: dict[str, Got[Trace] | Got[Explanation] | Got[Step]] = {"trace": trace}
    if isinstance(trace, Trace):
        found["explanation"] = explanation
    if step is not None:
        found["step"] = step
    title = f"Trace {trace.name}" if isinstance(trace, Trace) else "Trace"
    return View(title, found, lambda: pieces.shown(trace, lambda t: _draw(asked, t, explanation, step)))


async def _step(asked: Asked, trace_id: str, chosen: str | None) -> Got[Step] | None:
    return None if chosen is None else await attempt(get_step(asked.backend, trace_id, chosen))


def _draw(asked: Asked, trace: Trace, explanation: Got[Explanation], step: Got[Step] | None) -> Html:
    chosen = asked.word("step")
    panel = NOTHING if step is None else pieces.shown(step, lambda found: step_page.draw(asked, found))
    return joined((
        _about(asked, trace),
        pieces.shown(explanation, lambda found: _explained(asked, found)),
        el("div",
           pieces.section("Steps", _steps(asked, trace, chosen), _more(asked, trace),
                          aside=f"{trace.total_spans:,}", cls="steps"),
           el("aside", panel, id="step", cls="panel", aria_label="Step", aria_live="polite", hidden=step is None),
           cls="split", id="split"),
    ))  # fmt: skip


def _about(asked: Asked, trace: Trace) -> Html:
    return pieces.facts((
        ("status", pieces.badge("running" if trace.running else trace.status)),
        ("took", f.duration(trace.duration_ms)),
        ("began", pieces.moment(trace.started, asked.zone)),
        ("tokens", f.count(trace.tokens.total)),
        ("cost", pieces.money(trace.cost)),
        ("agents", ", ".join(trace.agents) or None),
        ("project", trace.project),
        ("user", pieces.user(trace.user) if trace.user else None),
        ("session", pieces.session_link(asked, trace.session_id) if trace.session_id else None),
        ("service", " · ".join(filter(None, (trace.service, trace.environment))) or None),
        ("trace", el("code", trace.trace_id, cls="copy")),
        ("logs", el("a", "log lines", href=asked.to("/logs", trace=trace.trace_id))),
    ))  # fmt: skip


def _explained(asked: Asked, found: Explanation) -> Html:
    chain = el("ol", (_link(asked, each) for each in found.chain), cls="chain")
    every = el(
        "details",
        el("summary", f"every step that led to it ({len(found.steps)})"),
        el("ol", (_link(asked, each) for each in found.steps), cls="chain"),
        pieces.hints(found),
    )
    tone = "is-error" if found.status == v.STATUS_ERROR else "is-ok"
    return pieces.section("Why it ended so", el("p", found.outcome, cls="outcome"), chain, every, cls=f"why {tone}")


def _link(asked: Asked, step: ExplanationStep) -> Html:
    return el(
        "li",
        el("span", f"+{f.duration(step.offset_ms)}", cls="num dim"),
        el("span", step.role, cls=f"role is-{step.role if step.role in {'error', 'loop', 'outcome'} else 'other'}"),
        el("span", el("a", step.title or step.span_id, href=_step_address(asked, step.span_id), data_step=step.span_id),
           " ", step.text if step.text != step.title else None, cls="said"),
    )  # fmt: skip


def _step_address(asked: Asked, name: str) -> str:
    return asked.here(step=name) + "#split"


def _steps(asked: Asked, trace: Trace, chosen: str | None) -> Html:
    names = names_of(trace.spans)
    here = asked.here(step=None)
    rows = (
        _row(trace, span, name, f"{here}&step={quote(name)}#split", chosen=name == chosen)
        for span, name in zip(trace.spans, names, strict=True)
    )
    head = el("div", *(el("span", each) for each in ("step", "when", "took", "tokens", "cost")), cls="line head")
    return el("div", head, el("ol", rows, cls="tree", id="tree"), cls="waterfall")


def _row(trace: Trace, span: TraceSpan, name: str, href: str, *, chosen: bool) -> Html:
    failed = span.status == v.STATUS_ERROR
    said = el("span", _said(span), cls="summary")
    step = el("span", pieces.chip(pieces.SHORT.get(span.kind, span.kind), kind=span.kind),
              el("b", span.title), _loop(span), said, cls=f"what d{min(span.depth, _DEEPEST)}")  # fmt: skip
    kind = span.kind if span.kind in v.KINDS else "other"
    bar = charts.span(span.offset_ms, span.duration_ms, trace.duration_ms, f"k-{kind} {'is-error' if failed else ''}")
    return el(
        "li",
        el(
            "a", step, el("span", bar, cls="when"),
            el("span", f.duration(span.duration_ms) if span.duration_ms else "", cls="num"),
            el("span", f"{span.total_tokens:,}" if span.total_tokens else "", cls="num"), _cost(span),
            href=href, data_step=name, id=f"step-{name}", aria_current="true" if chosen else None,
            cls=f"line {'is-error' if failed else ''} {_WEIGHT.get(span.kind, '')}".strip(),
        ),
    )  # fmt: skip


_WEIGHT: Final = {v.KIND_SESSION: "heavy", v.KIND_TASK: "heavy", v.KIND_APP: "light", v.KIND_SPAN: "light"}


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


def _more(asked: Asked, trace: Trace) -> Html:
    if not trace.more:
        return NOTHING
    shown = len(trace.spans)
    left = trace.total_spans - shown
    if shown >= _MOST_STEPS:
        command = f"syndarix-obs trace {trace.trace_id} --limit {trace.total_spans}"
        return el("p", f"{left:,} further steps: ", el("code", command), cls="pager")
    limit = min(_MOST_STEPS, max(shown * 4, _STEPS))
    return el("p", el("a", f"show {min(left, limit - shown):,} more of {left:,} further steps",
                      href=asked.here(limit=limit), cls="button"), cls="pager")  # fmt: skip


PAGE = Page("/trace", "", ask, under="/traces", timed=False)

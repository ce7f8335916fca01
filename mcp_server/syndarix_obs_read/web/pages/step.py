"""What exactly happened in one step? Its messages, arguments and results, its decision, its error, its attributes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.copies import as_curl, as_pytest
from syndarix_obs_read.answers.step import Step, get_step
from syndarix_obs_read.answers.timeline import TraceEvent
from syndarix_obs_read.answers.trace import TraceSpan
from syndarix_obs_read.web.asked import Asked, Failure, address, attempt
from syndarix_obs_read.web.html import Child, Html, el, joined
from syndarix_obs_read.web.parts import common, notes, values
from syndarix_obs_read.web.view import Page, View

_DRAWN: Final = frozenset({"options", "selected", "confidence", "decision_type", "decision_id"})


async def ask(asked: Asked) -> View:
    """The step on a page of its own; `whole=1` cuts nothing."""
    found = await attempt(get_step(asked.backend, asked.needed("trace"), asked.needed("step")))
    title = found.span.title if isinstance(found, Step) else "Step"
    return View(
        title or "Step",
        {"step": found},
        lambda: el("div", common.shown(found, lambda step: draw(asked, step)), cls="panel alone"),
    )


def draw(asked: Asked, found: Step) -> Html:
    """The step."""
    whole = asked.path == PAGE.path and asked.word("whole") is not None
    more = None if whole else address(PAGE.path, trace=found.trace_id, step=found.step, whole=1)
    span = found.span
    return joined((
        el("header", common.chip(common.SHORT.get(span.kind, span.kind), kind=span.kind), el("h2", span.title),
           _ways(found, more), cls="step-head"),
        _trouble(span),
        _facts(asked, found),
        _copies(found) if more else None,
        _decision(span) if span.kind == v.KIND_DECISION else None,
        _change(found) if more else None,
        values.payload(span.payload, more, found.prompt_change) if span.payload else None,
        _events(found.events),
        _notes(asked, found),
        _attributes(span, more),
    ))  # fmt: skip


def _ways(found: Step, more: str | None) -> Html:
    to: list[Child] = []
    for sign, name, words in (("‹", found.previous, "Previous step"), ("›", found.following, "Next step")):
        if name is not None:
            to.append(el("a", sign, href=address("/trace", id=found.trace_id, step=name) + "#split", data_step=name,
                         cls="button", aria_label=words, title=words))  # fmt: skip
    if more is not None:
        to.append(el("a", "whole", href=more, cls="button", title="On a page of its own, nothing cut"))
    else:
        back = address("/trace", id=found.trace_id, step=found.step) + "#split"
        to.append(el("a", "in its trace", href=back, cls="button"))
    return el("nav", el("span", f"{found.position:,} of {found.total_steps:,}", cls="dim num"), to, cls="ways")


def _trouble(span: TraceSpan) -> Html | None:
    if span.status != v.STATUS_ERROR:
        return None
    stack = None
    if span.stack_trace:
        stack = el("details", el("summary", "where it failed"), el("pre", span.stack_trace), open=True)
    return el("div", el("b", span.error_type or "failed"), el("pre", span.error_message or ""), stack, cls="trouble")


def _facts(asked: Asked, found: Step) -> Html:
    span = found.span
    return common.facts((
        ("status", common.badge(span.status)),
        ("took", f.duration(span.duration_ms)),
        ("began", common.moment(span.started, asked.zone, precise=True)),
        ("offset", f"+{f.duration(span.offset_ms)}"),
        ("agent", span.agent),
        ("task", span.task_type),
        ("model", span.model),
        ("tool", span.tool),
        ("tokens in", f"{span.input_tokens:,}" if span.input_tokens else None),
        ("tokens out", f"{span.output_tokens:,}" if span.output_tokens else None),
        ("cost", _cost(span)),
    ))  # fmt: skip


def _cost(span: TraceSpan) -> Child:
    if span.unpriced:
        return el("span", "unpriced", cls="badge is-warning", title="There is no known price for this model")
    if span.cost_usd is None:
        return None
    return (f.money(span.cost_usd), el("span", " estimated", cls="dim") if span.estimated else None)


def _decision(span: TraceSpan) -> Html:
    options: Any = span.details.get("options") or ()
    selected = str(span.details.get("selected") or "")
    names = dict.fromkeys((*(str(option) for option in options), *((selected,) if selected else ())))
    sure = span.details.get("confidence")
    return el(
        "section",
        el("h3", "choice"),
        el("ul", (el("li", name, cls="chosen" if name == selected else None,
                     aria_current="true" if name == selected else None) for name in names), cls="options"),
        el("p", "confidence ", el("b", f.confidence(sure)), cls="dim") if isinstance(sure, (int, float)) else None,
        cls="field",
    )  # fmt: skip


def _change(found: Step) -> Html | None:
    """What was new in the prompt, in a line."""
    change = found.prompt_change
    if change is None:
        return None
    new = "1 message was" if change.new == 1 else f"{change.new:,} messages were"
    gone = f", {len(change.gone):,} gone" if change.gone else ""
    before = address("/trace", id=change.trace_id, step=change.before) + "#split"
    inside = change.before if change.trace_id == found.trace_id else None
    lines = (
        el("span", f"{line}\n", cls="diff-new" if line.startswith("+") else "diff-gone") for line in change.instructions
    )
    return el(
        "div",
        el("p", f"{new} new in this prompt{gone}, compared with ",
           el("a", "the call before", href=before, data_step=inside)),
        el("details", el("summary", "the instructions changed"), el("pre", lines, cls="diff"), open=True)
        if change.instructions else None,
        cls="new-in-prompt",
    )  # fmt: skip


def _copies(found: Step) -> Html:
    """The step to take along: each is an address of text, which the script copies too."""
    words = {"trace": found.trace_id, "step": found.step}
    twin = address("/step.json", **words)
    links = [el("a", "JSON", href=twin, data_copy="JSON")]
    for name, text in (("curl", as_curl(found.span)), ("pytest", as_pytest(found.span, found.trace_id))):
        if text is not None:
            links.append(el("a", name, href=address(f"/step/{name}", **words), data_copy=name))
    permalink = address("/trace", id=found.trace_id, step=found.step) + "#split"
    links.append(el("a", "link", href=permalink, data_copy_link=True))
    return el("p", "take it along: ", ((each, " ") for each in links), el("span", "", role="status", cls="copied"),
              cls="copies dim")  # fmt: skip


def _notes(asked: Asked, found: Step) -> Html | None:
    """A form to say something about this step, and what was said."""
    if found.step != found.span.span_id:
        return None  # a line of the log, which has no id of its own
    said = el("a", "what was said", href=address("/annotate", run=found.trace_id, step=found.step))
    form = notes.form(asked, found.trace_id, found.step)
    return el("details", el("summary", "notes"), form, el("p", said), cls="field")


def _events(events: tuple[TraceEvent, ...]) -> Html | None:
    if not events:
        return None
    lines = (
        el("li", el("b", each.event), " ", each.text, cls=f"is-{'error' if each.status == 'error' else 'other'}")
        for each in events
    )
    return el("section", el("h3", "events"), el("ul", lines, cls="events"), cls="field")


def _attributes(span: TraceSpan, more: str | None) -> Html:
    own = {"span_id": span.span_id, "parent_id": span.parent_id, "kind": span.kind}
    rest = {name: value for name, value in span.details.items() if name not in _DRAWN}
    table = values.attributes({**own, **rest}, more)
    return el("details", el("summary", "attributes"), table, cls="field", open=span.payload is None)


async def as_text(asked: Asked, make: Callable[[TraceSpan, str], str | None]) -> tuple[str, int]:
    """A step as text to take along, and the HTTP status."""
    found = await attempt(get_step(asked.backend, asked.needed("trace"), asked.needed("step")))
    if isinstance(found, Failure):
        return found.message, found.status
    text = make(found.span, found.trace_id)
    return (text, 200) if text is not None else ("this step is no model or tool call with content", 404)


PAGE = Page("/step", "", ask, under="/traces", timed=False)

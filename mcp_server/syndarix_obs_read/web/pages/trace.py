"""What happened in one trace, and why did it end so? Steps as a tree over time, one of them in full beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.explain import Explanation, explain_trace
from syndarix_obs_read.answers.previews import Preview, preview_of
from syndarix_obs_read.answers.step import Step, get_step
from syndarix_obs_read.answers.trace import Trace, get_trace
from syndarix_obs_read.errors import FilterError
from syndarix_obs_read.web.asked import Asked, Got, attempt
from syndarix_obs_read.web.html import NOTHING, Child, Html, el, joined
from syndarix_obs_read.web.pages import step as step_page
from syndarix_obs_read.web.parts import lists, pieces, step_tree, why
from syndarix_obs_read.web.parts.flame import WHOLE, WIDTHS, Width, flame
from syndarix_obs_read.web.parts.flame_view import Links, draw
from syndarix_obs_read.web.view import Page, View

_STEPS: Final = 250
"""Steps that the page itself brings; the script fetches the others once these are seen."""
MOST_STEPS: Final = 20_000
"""Steps of one page."""


async def ask(asked: Asked) -> View:
    """The trace, its explanation, and the step that was chosen."""
    trace_id, chosen = asked.needed("id"), asked.word("step")
    limit = asked.limit(_STEPS if _view(asked) is None else MOST_STEPS, MOST_STEPS)
    _width(asked), _window(asked)
    trace, explanation, step = await asyncio.gather(
        attempt(get_trace(asked.backend, trace_id, limit=limit)),
        attempt(explain_trace(asked.backend, trace_id)),
        _step(asked, trace_id, chosen),
    )
    preview = Preview()
    if isinstance(trace, Trace):
        begun = trace.started.timestamp()
        preview = await preview_of(asked.backend, "trace_id", trace.trace_id, begun, trace.duration_ms)
    found: dict[str, Got[Trace] | Got[Explanation] | Got[Step]] = {"trace": trace}
    if isinstance(trace, Trace):
        found["explanation"] = explanation
    if step is not None:
        found["step"] = step
    title = f"Trace {trace.name}" if isinstance(trace, Trace) else "Trace"
    return View(title, found, lambda: pieces.shown(trace, lambda t: _draw(asked, t, explanation, step, preview)))


async def _step(asked: Asked, trace_id: str, chosen: str | None) -> Got[Step] | None:
    return None if chosen is None else await attempt(get_step(asked.backend, trace_id, chosen))


def _draw(
    asked: Asked, trace: Trace, explanation: Got[Explanation], step: Got[Step] | None, preview: Preview
) -> Html:
    chosen = asked.word("step")
    panel = NOTHING if step is None else pieces.shown(step, lambda found: step_page.draw(asked, found))
    return joined((
        _about(asked, trace),
        lists.preview(preview.input, preview.output),
        pieces.shown(explanation, lambda found: why.draw(found, lambda name: _step_address(asked, name), beside=True)),
        el("div",
           pieces.section("Steps", _steps(asked, trace, chosen), aside=f"{trace.total_spans:,}", cls="steps"),
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
        ("interactions", el("a", "who spoke to whom", href=asked.to("/interactions", run=trace.trace_id))),
        ("files", el("a", "report", href=asked.to("/report", run=trace.trace_id))),
    ))  # fmt: skip


def _step_address(asked: Asked, name: str) -> str:
    return asked.here(step=name) + "#split"


def _steps(asked: Asked, trace: Trace, chosen: str | None) -> Child:
    """The steps, as a tree or as lanes."""
    here = asked.here(step=None)
    link = lambda name: f"{here}&step={quote(name)}#split"  # noqa: E731 - one expression, handed on
    views = el(
        "nav",
        (el("a", view or "tree", href=asked.here(view=view, **dict.fromkeys(("by", "from", "to"))),
            aria_current="true" if view == _view(asked) else None) for view in (None, "flame")),
        cls="time", aria_label="View",
    )  # fmt: skip
    if _view(asked) == "flame":
        return el("div", views, cls="views"), _flame(asked, trace, link)
    return (
        el("div", views, cls="views"), step_tree.tools(trace), step_tree.tree(trace, link, chosen),
        _more(asked, trace),
    )  # fmt: skip


def _view(asked: Asked) -> str | None:
    view = asked.word("view")
    if view not in (None, "flame"):
        raise FilterError(f"there is no view {view!r}; possible: flame, or none for the tree")
    return view


def _width(asked: Asked) -> Width:
    by = asked.word("by") or "time"
    if by not in WIDTHS:
        raise FilterError(f"a flame view cannot show {by!r} as width; possible: {', '.join(WIDTHS)}")
    return by


def _window(asked: Asked) -> tuple[float, float]:
    """The part of the lanes that is shown."""
    try:
        begin, end = float(asked.word("from") or 0), float(asked.word("to") or 1)
    except ValueError:
        begin, end = 1.0, 0.0
    if not 0 <= begin < end <= 1:
        raise FilterError("`from` and `to` are shares of the whole, 0 to 1, as links of the flame view give them")
    return begin, end


def _flame(asked: Asked, trace: Trace, link: Callable[[str], str]) -> Child:
    width, window = _width(asked), _window(asked)
    found = flame(trace, width, window)
    by = el(
        "nav", el("span", "width", cls="dim"),
        (el("a", "money" if each == "cost" else each, href=asked.here(by=each, **dict.fromkeys(("from", "to"))),
            aria_current="true" if each == width else None) for each in WIDTHS),
        cls="time", aria_label="Width",
    )  # fmt: skip
    zoom = el(
        "span",
        (el("button", sign, type="button", data_zoom=way, aria_label=words if way != "fit" else None, title=words)
         for sign, way, words in _ZOOMS),
        id="flame-tools", cls="needs-script",
    )  # fmt: skip
    whole = None
    if window != WHOLE:
        whole = el("a", "the whole", href=asked.here(**{"from": None, "to": None}), cls="button")
    left = f"{found.left_out:,} steps have no {'price' if width == 'cost' else 'tokens'}" if found.left_out else None
    links = Links(link, lambda a, b: asked.here(step=None, **{"from": f"{max(0, a):.6f}", "to": f"{min(1, b):.6f}"}))
    return (
        el("div", by, zoom, whole, el("span", left, cls="dim") if left else None, cls="tools"),
        draw(trace, found, links),
        _more(asked, trace),
    )


_ZOOMS: Final = (("+", "in", "Closer"), ("−", "out", "Further away"), ("fit", "fit", "Everything"))


def _more(asked: Asked, trace: Trace) -> Html:
    if not trace.more:
        return NOTHING
    shown = len(trace.spans)
    left = trace.total_spans - shown
    if shown >= MOST_STEPS:
        command = f"syndarix-obs trace {trace.trace_id} --limit {trace.total_spans}"
        return el("p", f"{left:,} further steps: ", el("code", command), cls="pager")
    limit = min(MOST_STEPS, max(shown * 4, _STEPS))
    return el("p", el("a", f"show {min(left, limit - shown):,} more of {left:,} further steps",
                      href=asked.here(limit=limit), cls="button"), cls="pager more")  # fmt: skip


PAGE = Page("/trace", "", ask, under="/traces", timed=False)

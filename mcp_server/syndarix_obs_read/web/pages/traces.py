"""Which traces are there? A list that is narrowed by anything that an answer can be narrowed by."""

from __future__ import annotations

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.traces import TraceList, TraceSummary, search_traces
from syndarix_obs_read.web.asked import Asked, attempt
from syndarix_obs_read.web.html import Child, Html, el, joined
from syndarix_obs_read.web.parts import filters, pieces, tables
from syndarix_obs_read.web.view import Page, View

_WORDS = ("text", "agent", "project", "status", "model")
_RARE = ("tool", "task_type", "user", "session", "min_cost", "min_duration")
_COLUMNS = tables.columns(
    "trace*", "status", "agent?", "project?", "user?", ">began?", ">took", ">calls?", ">tokens?", ">cost"
)


async def ask(asked: Asked) -> View:
    """The list."""
    skip = asked.before.skip if asked.before else 0
    where, limit = asked.filter(*_WORDS, *_RARE), asked.limit()
    found = await attempt(search_traces(asked.backend, where, asked.period(), limit + skip))
    if isinstance(found, TraceList):
        found = found.model_copy(update={"traces": found.traces[skip:]})
    return View("Traces", {"traces": found}, lambda: joined((
        filters.form(asked, *_WORDS, rare=_RARE), pieces.shown(found, lambda answer: draw(asked, answer)),
    )))  # fmt: skip


def draw(asked: Asked, answer: TraceList) -> Child:
    """The list with its pages."""
    if not answer.traces:
        return pieces.empty(answer, "traces")
    return (
        table(asked, answer.traces),
        tables.pager(asked, answer, [each.started for each in answer.traces]),
    )


def table(asked: Asked, traces: tuple[TraceSummary, ...]) -> Html:
    """Traces as a table."""
    return tables.table(_COLUMNS, (_row(asked, each) for each in traces), caption="Traces, the last begun first")


def _row(asked: Asked, trace: TraceSummary) -> tuple[list[Child], str]:
    cells: list[Child] = [
        el("span", el("a", trace.name or trace.trace_id, href=asked.to("/trace", id=trace.trace_id), cls="row"),
           el("span", pieces.short(trace.trace_id), cls="mono dim"), _marks(trace),
           el("span", pieces.moment(trace.started, asked.zone), cls="narrow"), cls="two"),
        pieces.badge(trace.status, f.error_name(trace.error_type) or None),
        pieces.name(trace.agent),
        pieces.name(trace.project),
        pieces.user(trace.user),
        pieces.moment(trace.started, asked.zone),
        f.duration(trace.duration_ms),
        f.count(trace.activity.llm_calls + trace.activity.tool_calls),
        f.count(trace.tokens.total),
        pieces.money(trace.cost),
    ]  # fmt: skip
    return cells, f"is-{trace.status}"


def _marks(trace: TraceSummary) -> Child:
    loops, errors = trace.activity.loops, trace.activity.errors
    unsafe = trace.activity.safety_failures
    return (
        el("span", "loop", cls="mark is-warning") if loops else None,
        el("span", f"{unsafe} unsafe", cls="mark is-warning") if unsafe else None,
        el("span", f"{errors} errors" if errors > 1 else "1 error", cls="mark is-error")
        if errors and trace.status != "error"
        else None,
    )


PAGE = Page("/traces", "Traces", ask)

"""Which traces are there? A list that is narrowed by anything that an answer can be narrowed by."""

from __future__ import annotations

from typing import Final

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.previews import PreviewedTrace, previewed_traces
from syndarix_obs_read.answers.traces import TraceList, TraceSummary, search_traces
from syndarix_obs_read.web.asked import Asked, attempt
from syndarix_obs_read.web.html import Child, Html, el, joined
from syndarix_obs_read.web.parts import common, filters, lists, tables
from syndarix_obs_read.web.taking import COMPARES
from syndarix_obs_read.web.view import Page, View

_BRIEF: Final = ("trace", "status", "began", "took", "cost")
_PREFIX: Final = "invoke_agent "
"""What every name of a run begins with: it tells nobody anything."""
_WORDS = ("text", "agent", "project", "status", "model")
_RARE = ("tool", "task_type", "user", "session", "min_cost", "min_duration")
_COLUMNS = tables.columns(
    "trace*", "status", "agent?", "project?", "user?", "session?", ">began?", ">took", ">calls?", ">tokens?", ">cost"
)
_LIST: Final[lists.Listing[TraceSummary]] = lists.Listing(
    "traces", _COLUMNS,
    {
        "trace": lambda each: each.name, "status": lambda each: each.status, "began": lambda each: each.started,
        "took": lambda each: each.duration_ms, "calls": lambda each: each.activity.llm_calls + each.activity.tool_calls,
        "tokens": lambda each: each.tokens.total, "cost": lambda each: each.cost.total_usd,
    },
    lambda each: each.trace_id, compare=COMPARES["/traces"], hidden=frozenset({"session"}),
)  # fmt: skip


async def ask(asked: Asked) -> View:
    """The list."""
    skip = asked.before.skip if asked.before else 0
    where = asked.filter(*_WORDS, *_RARE)
    found = await attempt(search_traces(asked.backend, where, asked.period(), _LIST.limit(asked) + skip))
    if isinstance(found, TraceList):
        found = found.model_copy(update={"traces": _LIST.ordered(asked, found.traces[skip:])})
        found = await previewed_traces(asked.backend, found)
    return View("Traces", {"traces": found}, lambda: joined((
        filters.form(asked, *_WORDS, rare=_RARE), common.shown(found, lambda answer: draw(asked, answer)),
    )))  # fmt: skip


def draw(asked: Asked, answer: TraceList) -> Child:
    """The list with its pages."""
    if not answer.traces:
        return common.empty(answer, "traces")
    return (
        lists.above(asked, _LIST),
        _LIST.table(asked, answer.traces, lambda each: _row(asked, each), caption="Traces"),
        lists.below(asked, _LIST, answer, len(answer.traces)),
        tables.pager(asked, answer, [each.started for each in answer.traces]) if _LIST.sort(asked) is None else None,
    )


def brief(asked: Asked, answer: TraceList) -> Child:
    """The list where it stands beside other things."""
    if not answer.traces:
        return common.empty(answer, "traces")
    kept = [at for at, column in enumerate(_COLUMNS) if column.head in _BRIEF]
    rows = (([cells[at] for at in kept], style) for cells, style in (_row(asked, each) for each in answer.traces))
    return tables.table([_COLUMNS[at] for at in kept], rows, caption="Traces, the last begun first")


def table(asked: Asked, traces: tuple[TraceSummary, ...]) -> Html:
    """Traces as a table."""
    kept = [at for at, column in enumerate(_COLUMNS) if column.head not in _LIST.hidden]
    rows = (([cells[at] for at in kept], style) for cells, style in (_row(asked, each) for each in traces))
    return tables.table([_COLUMNS[at] for at in kept], rows, caption="Traces, the last begun first")


def _row(asked: Asked, trace: TraceSummary) -> tuple[list[Child], str]:
    cells: list[Child] = [
        el("span", el("a", trace.name.removeprefix(_PREFIX) or trace.trace_id,
                      href=asked.to("/trace", id=trace.trace_id), cls="row"),
           el("span", common.short(trace.trace_id), cls="mono dim"), _marks(trace),
           el("span", common.moment(trace.started, asked.zone), cls="narrow"), _preview(trace), cls="two"),
        common.badge(trace.status, f.error_name(trace.error_type) or None),
        common.name(trace.agent),
        common.name(trace.project),
        common.user(trace.user),
        common.session_link(asked, trace.session_id),
        common.moment(trace.started, asked.zone),
        f.duration(trace.duration_ms),
        f.count(trace.activity.llm_calls + trace.activity.tool_calls),
        f.count(trace.tokens.total),
        common.money(trace.cost),
    ]  # fmt: skip
    return cells, f"is-{trace.status}"


def _preview(trace: TraceSummary) -> Child:
    return lists.preview(trace.input, trace.output) if isinstance(trace, PreviewedTrace) else None


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


PAGE = Page("/traces", "Traces", ask, live=True)

"""What did one session do? Its traces, decisions, costs and everything in the order of time."""

from __future__ import annotations

import asyncio
from typing import Final

from syndarix_obs import vocabulary as v
from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.blame import Blame, blame
from syndarix_obs_read.answers.conversation import get_conversation
from syndarix_obs_read.answers.decisions import DecisionList, list_decisions
from syndarix_obs_read.answers.explain import Explanation, explain_trace
from syndarix_obs_read.answers.quality import scores_of_session
from syndarix_obs_read.answers.session import ModelCost, SessionDetail, get_session
from syndarix_obs_read.answers.timeline import Timeline, TraceEvent, get_timeline
from syndarix_obs_read.answers.traces import TraceList, search_traces
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.timerange import SECOND_NS, TimeRange
from syndarix_obs_read.web import scoring
from syndarix_obs_read.web.asked import Asked, Failure, Got, attempt
from syndarix_obs_read.web.html import Child, Html, el, joined
from syndarix_obs_read.web.pages import decisions as decisions_page
from syndarix_obs_read.web.pages import sessions as sessions_page
from syndarix_obs_read.web.pages import traces as traces_page
from syndarix_obs_read.web.parts import common, conversation_view, tables
from syndarix_obs_read.web.parts import why as why_part
from syndarix_obs_read.web.view import Page, View

_EVENTS: Final = 200
_SAID: Final = 400
_MOST_EVENTS: Final = 5_000
_ROWS: Final = 50
_DAY_NS: Final = 86_400 * SECOND_NS
_MODELS = tables.columns("model*", ">calls", ">tokens", ">cost")
_SUSPECTS = tables.columns("agent", "step", "said*", "because*")
_EVENT_COLUMNS = tables.columns(">at", "agent?", "step", ">took", "what*")


async def ask(asked: Asked) -> View:
    """The session and what belongs to it."""
    given, limit = asked.needed("id"), asked.limit(_EVENTS, _MOST_EVENTS)
    detail = await attempt(get_session(asked.backend, given, stalled_after_s=asked.settings.stalled_after))
    if isinstance(detail, Failure):
        return View("Session", {"session": detail}, lambda: common.trouble(detail))
    where, period = Filter(session_id=detail.session.session_id), _around(detail)
    traces, decisions, timeline, fault, scores, said = await asyncio.gather(
        attempt(search_traces(asked.backend, where, period, _ROWS)),
        attempt(list_decisions(asked.backend, where, period, _ROWS)),
        attempt(get_timeline(asked.backend, where.session_id or given, limit=limit)),
        attempt(blame(asked.backend, where.session_id or given)),
        scores_of_session(asked.backend, where.session_id or given),
        attempt(get_conversation(asked.backend, where.session_id or given, limit=asked.limit(_SAID, _MOST_EVENTS))),
    )
    why = await _why(asked, traces)
    found = {"session": detail, "traces": traces, "decisions": decisions, "timeline": timeline, "fault": fault,
             "conversation": said, **({"explanation": why} if why is not None else {})}  # fmt: skip
    return View(
        f"Session {common.short(detail.session.session_id)}",
        found,
        lambda: joined((
            _about(asked, detail),
            None if why is None or detail.session.status == v.STATUS_RUNNING else common.shown(
                why, lambda answer: _explained(asked, detail, answer)
            ),
            None if isinstance(fault, Failure) or fault.succeeded else _fault(asked, fault),
            common.section("Conversation", common.shown(said, lambda answer: conversation_view.draw(asked, answer)),
                           aside=el("a", "step through", href=asked.to("/walk", run=detail.session.session_id))),
            scoring.section(asked, detail.session.session_id, scores),
            common.section("Traces", common.shown(traces, lambda answer: _traces(asked, answer))),
            common.section("Decisions", common.shown(decisions, lambda answer: _decisions(asked, answer))),
            common.section("Cost by model", _models(detail.models)) if detail.models else None,
            common.section("Timeline", common.shown(timeline, lambda answer: _timeline(asked, answer))),
        )),
    )  # fmt: skip


async def _why(asked: Asked, traces: Got[TraceList]) -> Got[Explanation] | None:
    """Why the trace ended as it did that decided the session: the last one that failed, else the last one."""
    if isinstance(traces, Failure) or not traces.traces:
        return None
    decisive = next((each for each in traces.traces if each.status == v.STATUS_ERROR), traces.traces[0])
    return await attempt(explain_trace(asked.backend, decisive.trace_id))


def _explained(asked: Asked, detail: SessionDetail, found: Explanation) -> Html:
    def link(name: str) -> str:
        return asked.to("/trace", id=found.trace_id, step=name) + "#split"

    several = len(detail.session.trace_ids) > 1
    way = el("a", f"trace {common.short(found.trace_id)}" if several else "the trace, step by step",
             href=asked.to("/trace", id=found.trace_id))  # fmt: skip
    return why_part.draw(found, link, aside=way, failed=detail.session.status == v.STATUS_ERROR)


def _around(detail: SessionDetail) -> TimeRange:
    """The time of the session, with what clocks may differ by."""
    start = round(detail.session.started.timestamp() * SECOND_NS)
    end = start + round(detail.session.duration_ms * 1e6)
    return TimeRange(start - _DAY_NS, end + _DAY_NS, "the session")


def _about(asked: Asked, detail: SessionDetail) -> Html:
    session = detail.session
    error = f"{session.error_type}: {session.error_message}" if session.error_message else session.error_type
    return joined((
        common.facts((
            ("status", sessions_page.state(session)),
            ("took", f.duration(session.duration_ms)),
            ("began", common.moment(session.started, asked.zone)),
            ("last progress", common.moment(session.last_progress, asked.zone)),
            ("tokens", f.count(session.tokens.total)),
            ("cost", common.money(session.cost)),
            ("agents", " → ".join(session.agents) or None),
            ("project", session.project),
            ("user", common.user(session.user) if session.user else None),
            ("outcome", session.outcome),
            ("service", " · ".join(filter(None, (session.service, session.environment))) or None),
            ("session", el("code", session.session_id, cls="copy")),
            ("steps", el("a", "step through", href=asked.to("/walk", run=session.session_id))),
            ("logs", el("a", "log lines", href=asked.to("/logs", session=session.session_id))),
            ("interactions", el("a", "who spoke to whom", href=asked.to("/interactions", run=session.session_id))),
            ("compare", el("a", "with another run", href=asked.to("/compare", a=session.session_id))),
            ("files", el("a", "report", href=asked.to("/report", run=session.session_id))),
        )),
        el("div", el("pre", error), cls="trouble") if error else None,
    ))  # fmt: skip


def _fault(asked: Asked, answer: Blame) -> Html:
    """Who may have broken it, with the evidence."""
    rows = (
        (
            (
                common.name(each.agent), common.trace_link(asked, each.trace_id, each.step, step=each.span_id),
                el("span", each.said, cls="cut-line"), "; ".join(each.evidence),
            ),
            "",
        )
        for each in answer.suspects
    )  # fmt: skip
    table = tables.table(_SUSPECTS, rows, caption="Steps that may be at fault") if answer.suspects else None
    return common.section("Who broke it?", table, common.hints(answer))


def _traces(asked: Asked, answer: TraceList) -> Child:
    if not answer.traces:
        return common.empty(answer, "traces")
    return traces_page.table(asked, answer.traces), common.hints(answer)


def _decisions(asked: Asked, answer: DecisionList) -> Child:
    if not answer.decisions:
        return el("p", "It decided nothing that was recorded.", cls="dim")
    return decisions_page.cards(asked, answer.decisions), common.hints(answer)


def _models(models: tuple[ModelCost, ...]) -> Html:
    rows = (
        ((common.name(each.model), f.count(each.cost.calls), f.count(each.tokens.total), common.money(each.cost)), "")
        for each in models
    )
    return tables.table(_MODELS, rows, caption="Cost by model")


def _timeline(asked: Asked, answer: Timeline) -> Child:
    rows = (_event(asked, each) for each in answer.events)
    return (
        tables.table(_EVENT_COLUMNS, rows, caption="Everything in the order of time"),
        el("p", el("a", "show more", href=asked.here(limit=_MOST_EVENTS), cls="button"), cls="pager")
        if answer.more and len(answer.events) < _MOST_EVENTS else None,
    )  # fmt: skip


def _event(asked: Asked, event: TraceEvent) -> tuple[tuple[Child, ...], str]:
    step = (
        common.chip(common.SHORT.get(event.kind, event.kind), kind=event.kind), " ",
        common.trace_link(asked, event.trace_id, event.title or event.span_id, step=event.span_id),
        el("span", f" {event.event}", cls="dim") if event.event != "done" else None,
    )  # fmt: skip
    cells = (
        f"+{f.duration(event.offset_ms)}", common.name(event.agent), el("span", step, cls="nowrap"),
        f.duration(event.duration_ms) if event.duration_ms else "", el("span", event.text, cls="cut-line"),
    )  # fmt: skip
    return cells, "is-error" if event.status == v.STATUS_ERROR else ""


PAGE = Page("/session", "", ask, under="/sessions", timed=False)

"""Which sessions are there, which run now, which hang?"""

from __future__ import annotations

from typing import Final

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.previews import PreviewedSession, previewed_sessions
from syndarix_obs_read.answers.sessions import Session, SessionList, list_sessions
from syndarix_obs_read.web.asked import Asked, attempt
from syndarix_obs_read.web.html import Child, Html, el, joined
from syndarix_obs_read.web.parts import common, filters, lists, tables
from syndarix_obs_read.web.taking import COMPARES
from syndarix_obs_read.web.view import Page, View

_WORDS = ("text", "agent", "project", "user", "status")
_RARE = ("task_type", "model", "tool", "min_cost", "min_duration")
_COLUMNS = tables.columns(
    "session*", "status", "agents?", "project?", "user?", ">began?", ">took", ">calls?", ">tokens?", ">cost"
)
_LIST: Final[lists.Listing[Session]] = lists.Listing(
    "sessions", _COLUMNS,
    {
        "session": lambda each: each.session_id, "status": lambda each: each.status,
        "began": lambda each: each.started, "took": lambda each: each.duration_ms,
        "calls": lambda each: each.activity.llm_calls + each.activity.tool_calls,
        "tokens": lambda each: each.tokens.total, "cost": lambda each: each.cost.total_usd,
    },
    lambda each: each.session_id, compare=COMPARES["/sessions"],
)  # fmt: skip
_BRIEF = ("session", "status", "agents", "began", "cost")


async def ask(asked: Asked) -> View:
    """The list."""
    skip = asked.before.skip if asked.before else 0
    where = asked.filter(*_WORDS, *_RARE)
    stalled, limit = asked.settings.stalled_after, _LIST.limit(asked) + skip
    found = await attempt(list_sessions(asked.backend, where, asked.period(), limit, stalled_after_s=stalled))
    if isinstance(found, SessionList):
        found = found.model_copy(update={"sessions": _LIST.ordered(asked, found.sessions[skip:])})
        found = await previewed_sessions(asked.backend, found)
    return View("Sessions", {"sessions": found}, lambda: joined((
        filters.form(asked, *_WORDS, rare=_RARE), common.shown(found, lambda answer: draw(asked, answer)),
    )))  # fmt: skip


def draw(asked: Asked, answer: SessionList) -> Child:
    """The list with its pages."""
    if not answer.sessions:
        return common.empty(answer, "sessions")
    moments = [each.started for each in answer.sessions]
    return (
        lists.above(asked, _LIST),
        _LIST.table(asked, answer.sessions, lambda each: (_row(asked, each), ""), caption="Sessions"),
        lists.below(asked, _LIST, answer, len(answer.sessions)),
        tables.pager(asked, answer, moments) if _LIST.sort(asked) is None else None,
    )


def table(asked: Asked, sessions: tuple[Session, ...], *, brief: bool = False) -> Html:
    """Sessions as a table; `brief` leaves away what there is no room for beside other things."""
    kept = [at for at, column in enumerate(_COLUMNS) if not brief or column.head in _BRIEF]
    rows = ([_row(asked, each)[at] for at in kept] for each in sessions)
    return tables.table([_COLUMNS[at] for at in kept], ((row, "") for row in rows), caption="Sessions, newest first")


def state(session: Session) -> Html:
    """How a session is, and what it led to."""
    if session.stalled:
        return common.badge("stalled")
    if session.status == "error":
        return common.badge("error", f.error_name(session.error_type) or None)
    return common.badge(session.status, session.outcome)


def _preview(session: Session) -> Child:
    return lists.preview(session.input, session.output) if isinstance(session, PreviewedSession) else None


def _row(asked: Asked, session: Session) -> list[Child]:
    errors, loops = session.activity.errors, session.activity.loops
    return [
        el("span", el("a", common.short(session.session_id), href=asked.to("/session", id=session.session_id),
                      cls="row", title=session.session_id),
           el("span", "loop", cls="mark is-warning") if loops else None,
           el("span", f"{errors} errors" if errors > 1 else "1 error", cls="mark is-error")
           if errors and session.status != "error" else None,
           el("span", common.moment(session.started, asked.zone), cls="narrow"), _preview(session), cls="two"),
        state(session),
        common.name(" → ".join(session.agents)),
        common.name(session.project),
        common.user(session.user),
        common.moment(session.started, asked.zone),
        f.duration(session.duration_ms),
        f.count(session.activity.llm_calls + session.activity.tool_calls),
        f.count(session.tokens.total),
        common.money(session.cost),
    ]  # fmt: skip


PAGE = Page("/sessions", "Sessions", ask, live=True)

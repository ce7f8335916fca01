"""The last runs to choose from, where a page needs one and none is named: nobody has to know an id."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.previews import PreviewedSession, PreviewedSessions, previewed_sessions
from syndarix_obs_read.answers.sessions import list_sessions
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.web.asked import Asked, Failure, Got, attempt
from syndarix_obs_read.web.html import Child, el
from syndarix_obs_read.web.pages import sessions as sessions_page
from syndarix_obs_read.web.parts import common, lists, tables

_MOST: Final = 30
_COLUMNS = tables.columns("session*", "status", "agents?", ">began?", ">took", ">calls?", ">cost")


async def last_runs(asked: Asked, agent: str | None = None) -> Got[PreviewedSessions]:
    """The last sessions of the time that was asked about."""
    found = await attempt(
        list_sessions(
            asked.backend, Filter(agent=agent), asked.period(), _MOST, stalled_after_s=asked.settings.stalled_after
        )
    )
    return found if isinstance(found, Failure) else await previewed_sessions(asked.backend, found)


def draw(
    answer: PreviewedSessions, asked: Asked, title: str, link: Callable[[PreviewedSession], str | None]
) -> Child:
    """The sessions as a table.

    Args:
        title: what to do.
        link: where a row leads; None for one that cannot be chosen.
    """
    rows = [(_row(asked, each, href), "") for each in answer.sessions if (href := link(each)) is not None]
    if not rows:
        return common.empty(answer, "sessions to choose from")
    return common.section(title, tables.table(_COLUMNS, rows, caption=title))


def _row(asked: Asked, session: PreviewedSession, href: str) -> list[Child]:
    errors = session.activity.errors
    return [
        el("span", el("a", common.short(session.session_id), href=href, cls="row", title=session.session_id),
           el("span", f"{errors} errors" if errors > 1 else "1 error", cls="mark is-error") if errors else None,
           lists.preview(session.input, session.output), cls="two"),
        sessions_page.state(session),
        common.name(" → ".join(session.agents)),
        common.moment(session.started, asked.zone),
        f.duration(session.duration_ms),
        f.count(session.activity.llm_calls + session.activity.tool_calls),
        common.money(session.cost),
    ]  # fmt: skip

"""`syndarix-obs session`: the command and its drawing."""

from __future__ import annotations

from typing import Annotated

import typer

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.session import SessionDetail, get_session
from syndarix_obs_read.cli.agents import _draw_agents
from syndarix_obs_read.cli.asking import ask
from syndarix_obs_read.cli.options import Common
from syndarix_obs_read.cli.screen import STATUS_STYLES, Screen, headers
from syndarix_obs_read.cli.sessions import counts_of


def session(
    common: Common,
    session_id: Annotated[str, typer.Argument(metavar="SESSION", help="Id of the session, or a unique beginning.")],
) -> None:
    """Show one session: status, agents, models, tools, tokens, cost, traces."""
    ask(
        common,
        lambda asker, backend: get_session(
            backend, session_id, stalled_after_s=asker.settings.stalled_after
        ),
        draw_session,
    )


def draw_session(screen: Screen, answer: SessionDetail) -> None:
    """One session with its statistics."""
    session = answer.session
    screen.line(f"Session {session.session_id}", "bold")
    facts = {
        "status": " · ".join(filter(None, (session.status, "stalled" if session.stalled else "", session.outcome))),
        "error": f"{session.error_type or ''}: {session.error_message or ''}" if session.error_type else None,
        "started": f"{f.moment(session.started, screen.zone)} {screen.zone}, took {f.duration(session.duration_ms)}",
        "who": " · ".join(filter(None, (", ".join(session.agents), session.project, session.user))),
        "where": " · ".join(filter(None, (session.service, session.environment))),
        "did": counts_of(session),
        "cost": f"{f.cost_words(session.cost)}; {session.tokens.total:,} tokens",
        "traces": ", ".join(session.trace_ids),
    }
    for name, value in facts.items():
        if value:
            screen.text(
                f"{name:<8} {value}", STATUS_STYLES.get(session.status, "") if name in {"status", "error"} else ""
            )
    _draw_models(screen, answer)
    _draw_agents(screen, answer.agents)
    if not screen.piped:
        screen.line(f"→ syndarix-obs timeline {screen.id(session.session_id)}", "dim")


def _draw_models(screen: Screen, answer: SessionDetail) -> None:
    if not answer.models:
        return
    screen.line()
    columns = headers("model*", ">calls", ">tokens", ">cost")
    rows = (
        ((each.model or "unknown", f.count(each.cost.calls), f.count(each.tokens.total), f.cost(each.cost)), "")
        for each in answer.models
    )
    screen.table(columns, rows)

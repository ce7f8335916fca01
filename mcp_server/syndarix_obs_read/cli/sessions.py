"""`syndarix-obs sessions`: the command and its drawing."""

from __future__ import annotations

from rich.text import Text

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers import sessions as sessions_answer
from syndarix_obs_read.answers.sessions import Session, SessionList, follow_sessions
from syndarix_obs_read.cli import following
from syndarix_obs_read.cli.asking import ask
from syndarix_obs_read.cli.options import Common, Follow, Rows, What, When, Who
from syndarix_obs_read.cli.rows import begun_at, session_state, session_style
from syndarix_obs_read.cli.screen import Screen, clean, headers


def sessions(common: Common, when: When, rows: Rows, who: Who, what: What, follow: Follow = False) -> None:
    """List sessions, the last begun first, running ones among them; or follow them: a line whenever one gets on."""
    if follow:
        following.follow(
            common,
            when,
            lambda asker, backend: follow_sessions(
                backend, asker.filter(who, what), asker.period(when), asker.limit(rows),
                stalled_after_s=asker.settings.stalled_after,
            ),
            draw_session_line,
        )  # fmt: skip
        return
    ask(
        common,
        lambda asker, backend: sessions_answer.list_sessions(
            backend, asker.filter(who, what), asker.period(when), asker.limit(rows),
            stalled_after_s=asker.settings.stalled_after,
        ),
        draw_sessions,
    )  # fmt: skip


def draw_sessions(screen: Screen, answer: SessionList) -> None:
    """Sessions, one a row."""
    screen.heading("Sessions", answer)
    columns = headers(
        "session", "started", ">time", "status", "agents*", "project*", ">llm", ">tool", ">err", ">tokens", ">cost"
    )
    rows = (
        (
            (
                screen.id(each.session_id), begun_at(screen, each.started), f.duration(each.duration_ms),
                session_state(each), ", ".join(each.agents), each.project or f.NOTHING,
                f.count(each.activity.llm_calls),
                f.count(each.activity.tool_calls), f.count(each.activity.errors), f.count(each.tokens.total),
                f.cost(each.cost),
            ),
            session_style(each),
        )
        for each in answer.sessions
    )  # fmt: skip
    screen.table(columns, rows)
    screen.legend(each.cost for each in answer.sessions)


def draw_session_line(screen: Screen, session: Session) -> None:
    """How far a session is, in one line."""
    line = Text.assemble(
        (f.moment(session.last_progress, screen.zone), "dim"),
        (f"  {screen.id(session.session_id):<11}", "bold"),
        (f"{session_state(session):<11} ", session_style(session)),
        (f"{clean(', '.join(session.agents)):<24} ", ""),
        (f"{f.duration(session.duration_ms):>6} ", ""),
        (f"{f.count(session.tokens.total):>9} tokens {f.cost(session.cost):>9}", ""),
        (f"  {counts_of(session)}", "dim"),
        (f"  {clean(session.error_message or '')}" if session.error_type else "", "red"),
    )
    screen.console.print(line, no_wrap=True, overflow="ellipsis", crop=not screen.piped)


def counts_of(session: Session) -> str:
    """What a session did, in counts."""
    counts = session.activity
    parts = {
        "model call": counts.llm_calls, "tool call": counts.tool_calls, "decision": counts.decisions,
        "error": counts.errors, "loop": counts.loops, "failed safety check": counts.safety_failures,
    }  # fmt: skip
    return ", ".join(f"{count:,} {name}{'s' if count > 1 else ''}" for name, count in parts.items() if count)

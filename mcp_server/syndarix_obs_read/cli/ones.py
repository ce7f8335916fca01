"""Commands about one thing: a session, a trace, its timeline, its explanation."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from syndarix_obs_read.answers import explain as explain_answer
from syndarix_obs_read.answers import sessions as sessions_answer
from syndarix_obs_read.answers import timeline as timeline_answer
from syndarix_obs_read.answers import trace as trace_answer
from syndarix_obs_read.cli import drawings, drawings_trace
from syndarix_obs_read.cli.asking import ask
from syndarix_obs_read.cli.options import Common, Rows

_STEPS = 500
"""Steps of a trace that are shown without `--limit`: whole traces, all but the largest."""

TraceId = Annotated[str, typer.Argument(metavar="TRACE", help="Id of the trace, or a unique beginning of it.")]


def session(
    common: Common,
    session_id: Annotated[str, typer.Argument(metavar="SESSION", help="Id of the session, or a unique beginning.")],
) -> None:
    """Show one session: status, agents, models, tools, tokens, cost, traces."""
    ask(
        common,
        lambda asker, backend: sessions_answer.get_session(
            backend, session_id, stalled_after_s=asker.settings.stalled_after
        ),
        drawings.draw_session,
    )


def trace(
    common: Common,
    rows: Rows,
    trace_id: TraceId,
    payloads: Annotated[bool, typer.Option("--payloads", help="Show messages, arguments and results in full.")] = False,
) -> None:
    """Show one trace as a tree, with times, tokens and dollars."""
    ask(
        common,
        lambda _asker, backend: trace_answer.get_trace(
            backend, trace_id, limit=rows.limit or _STEPS, payloads=payloads
        ),
        drawings_trace.draw_trace,
    )


def timeline(
    common: Common,
    rows: Rows,
    trace_or_session: Annotated[str, typer.Argument(metavar="ID", help="Trace or session, or a unique beginning.")],
) -> None:
    """Show everything in a trace or session in the order of time."""
    ask(
        common,
        lambda _asker, backend: timeline_answer.get_timeline(backend, trace_or_session, limit=rows.limit or _STEPS),
        drawings_trace.draw_timeline,
    )


def explain(
    common: Common,
    rows: Rows,
    trace_id: TraceId,
    steps: Annotated[bool, typer.Option("--steps", help="Also list every step that bore on it.")] = False,
) -> None:
    """Explain why a trace ended as it did: one sentence, then the decisions, results and errors that led there."""
    ask(
        common,
        lambda _asker, backend: explain_answer.explain_trace(backend, trace_id, limit=rows.limit or _STEPS),
        partial(drawings_trace.draw_explanation, every_step=steps),
    )

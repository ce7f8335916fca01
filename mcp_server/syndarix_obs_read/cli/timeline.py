"""`syndarix-obs timeline`: the command and its drawing."""

from __future__ import annotations

from typing import Annotated

import typer

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers import timeline as timeline_answer
from syndarix_obs_read.answers.timeline import Timeline
from syndarix_obs_read.cli.asking import ask
from syndarix_obs_read.cli.options import MOST_STEPS, Common, Rows
from syndarix_obs_read.cli.rows import KIND_NAMES
from syndarix_obs_read.cli.screen import STATUS_STYLES, Screen, headers


def timeline(
    common: Common,
    rows: Rows,
    trace_or_session: Annotated[str, typer.Argument(metavar="ID", help="Trace or session, or a unique beginning.")],
) -> None:
    """Show everything in a trace or session in the order of time."""
    ask(
        common,
        lambda _asker, backend: timeline_answer.get_timeline(backend, trace_or_session, limit=rows.limit or MOST_STEPS),
        draw_timeline,
    )


def draw_timeline(screen: Screen, timeline: Timeline) -> None:
    """Events in the order of time."""
    first = timeline.events[0].timestamp if timeline.events else None
    if not screen.piped:
        name = f"trace {timeline.trace_id}" if timeline.trace_id else f"session {timeline.session_id}"
        screen.line(f"Timeline of {name}, from {f.moment(first, screen.zone, precise=True)} {screen.zone}", "bold")
    columns = headers(">at", "agent", "event", "step*", ">time", "what*")
    rows = (
        (
            (
                f"+{f.duration(each.offset_ms)}", each.agent or "", "" if each.event == "done" else each.event,
                f"{KIND_NAMES.get(each.kind, each.kind)} {each.title}",
                f.duration(each.duration_ms) if each.duration_ms else "", each.text,
            ),
            STATUS_STYLES.get(each.status, ""),
        )
        for each in timeline.events
    )  # fmt: skip
    screen.table(columns, rows)

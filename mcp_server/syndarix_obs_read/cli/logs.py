"""`syndarix-obs logs`: the command and its drawings."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from syndarix_obs import vocabulary as v
from syndarix_obs_read import formats as f
from syndarix_obs_read.answers import logs as logs_answer
from syndarix_obs_read.answers.logs import LogLine, LogList
from syndarix_obs_read.answers.messages import compact
from syndarix_obs_read.cli import following
from syndarix_obs_read.cli.asking import ask
from syndarix_obs_read.cli.options import FILTERS, Common, Follow, Rows, What, When, Who
from syndarix_obs_read.cli.rows import KIND_NAMES, KIND_STYLES, LEVEL_STYLES
from syndarix_obs_read.cli.screen import Screen, clean


def logs(
    common: Common,
    when: When,
    rows: Rows,
    who: Who,
    what: What,
    kind: Annotated[
        list[str] | None,
        typer.Option(help=f"Kind of line, may be repeated: {', '.join(v.LOG_KINDS)}.", rich_help_panel=FILTERS),
    ] = None,
    level: Annotated[
        str | None, typer.Option(help=f"At least this severe: {', '.join(v.LEVELS)}.", rich_help_panel=FILTERS)
    ] = None,
    trace: Annotated[str | None, typer.Option(help="Id of the trace.", rich_help_panel=FILTERS)] = None,
    follow: Follow = False,
    payloads: Annotated[bool, typer.Option("--payloads", help="Show messages, arguments and results in full.")] = False,
) -> None:
    """Search log lines (every record is one) by text, level, kind, session, trace; or follow them live."""
    more = {"kinds": tuple(kind or ()), "level": level, "trace_id": trace}
    if follow:
        following.follow(
            common,
            when,
            lambda asker, backend: logs_answer.follow_logs(backend, asker.filter(who, what, **more), payloads=payloads),
            draw_log_line,
        )
        return
    ask(
        common,
        lambda asker, backend: logs_answer.search_logs(
            backend, asker.filter(who, what, **more), asker.period(when), asker.limit(rows), payloads=payloads
        ),
        draw_logs,
    )


def draw_logs(screen: Screen, answer: LogList) -> None:
    """Log lines, the oldest first, as a terminal scrolls."""
    screen.heading("Log lines", answer)
    for line in reversed(answer.lines):
        draw_log_line(screen, line)


def draw_log_line(screen: Screen, line: LogLine) -> None:
    """One log line."""
    style = LEVEL_STYLES.get(line.level, "")
    kind = KIND_NAMES.get(line.kind, line.kind)
    text = Text.assemble(
        (f.moment(line.timestamp, screen.zone, precise=True), "dim"),
        (f" {line.level:<8}", style or "dim"),
        (f"{kind:<9}", KIND_STYLES.get(line.kind, "")),
        (f"{clean(line.agent or f.NOTHING):<10} ", "dim"),
        (clean(line.title), style or "bold"),
        (f"  {clean(line.text)}", style),
        (f"  trace={screen.id(line.trace_id)}" if screen.piped and line.trace_id else "", "dim"),
    )
    screen.console.print(text, no_wrap=True, overflow="ellipsis", crop=not screen.piped)
    for name, value in (line.payload or {}).items():
        screen.text(f"    {name}: {value if isinstance(value, str) else compact(value)}", "dim")
    if line.stack_trace and (line.payload or not screen.piped):
        screen.text("\n".join(f"    {each}" for each in line.stack_trace.rstrip().splitlines()), "red dim")

"""`syndarix-obs errors`: the command and its drawing."""

from __future__ import annotations

from rich.text import Text

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers import errors as errors_answer
from syndarix_obs_read.answers.errors import ErrorGroup, ErrorList
from syndarix_obs_read.answers.loops import Loop
from syndarix_obs_read.answers.messages import brief
from syndarix_obs_read.cli.asking import ask
from syndarix_obs_read.cli.options import Common, Rows, What, When, Who
from syndarix_obs_read.cli.screen import Screen, clean, headers


def errors(common: Common, when: When, rows: Rows, who: Who, what: What) -> None:
    """Group errors that differ only in numbers and ids, with first and last seen and an example; and list loops."""
    ask(
        common,
        lambda asker, backend: errors_answer.group_errors(
            backend, asker.filter(who, what), asker.period(when), asker.limit(rows)
        ),
        draw_errors,
    )


def draw_errors(screen: Screen, answer: ErrorList) -> None:
    """Errors by group, then loops."""
    groups = answer.total or len(answer.groups)
    screen.heading(f"{answer.errors:,} errors in {groups:,} groups", answer)
    if screen.piped:
        _pipe_errors(screen, answer)
    else:
        for each in answer.groups:
            _draw_error(screen, each)
    if answer.loops:
        screen.line()
        screen.line("Loops: the same tool with the same arguments, again and again", "bold")
        loop_rows(screen, answer.loops)


def _draw_error(screen: Screen, group: ErrorGroup) -> None:
    sessions = f", {group.sessions} session{'s' if group.sessions != 1 else ''}"
    first, last = f.day_minute(group.first_seen, screen.zone), f.day_minute(group.last_seen, screen.zone)
    screen.line()
    head = Text.assemble(
        (f"{group.count:>4}× ", "bold"), (clean(f.error_name(group.error_type) or "error"), "bold red"),
        (clean(f"  {group.kind} "), "dim"), (clean(group.where), "bold"),
        (clean(f"  {', '.join(group.agents)}{sessions}"), "dim"),
    )  # fmt: skip
    screen.console.print(head, no_wrap=True, overflow="ellipsis")
    screen.line(f"      {brief(group.message, 400)}")
    seen = first if first == last else f"{first} to {last}"
    screen.line(f"      {seen}, last in trace {screen.id(group.example_trace)}", "dim")


def _pipe_errors(screen: Screen, answer: ErrorList) -> None:
    columns = headers(">times", ">sessions", "kind", "where", "error", "first", "last", "trace", "message")
    rows = (
        (
            (
                f.count(each.count), f.count(each.sessions), each.kind, each.where, each.error_type or f.NOTHING,
                f.moment(each.first_seen, screen.zone), f.moment(each.last_seen, screen.zone),
                each.example_trace or f.NOTHING, brief(each.message, 1000),
            ),
            "",
        )
        for each in answer.groups
    )  # fmt: skip
    screen.table(columns, rows)


def loop_rows(screen: Screen, loops: tuple[Loop, ...]) -> None:
    """Loops as rows of a table."""
    columns = headers(">calls", "agent", "tool", "arguments*", "detected", "session", "trace")
    rows = (
        (
            (
                f.count(each.calls), each.agent or f.NOTHING, each.tool, brief(each.arguments, 200),
                f.moment(each.last_detected, screen.zone), screen.id(each.session_id), screen.id(each.trace_id),
            ),
            "yellow",
        )
        for each in loops
    )  # fmt: skip
    screen.table(columns, rows)

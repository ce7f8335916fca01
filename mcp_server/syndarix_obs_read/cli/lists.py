"""Commands that list: sessions, traces, decisions, costs, errors, loops, logs, agents."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from syndarix_obs import vocabulary as v
from syndarix_obs_read.answers import agents as agents_answer
from syndarix_obs_read.answers import costs as costs_answer
from syndarix_obs_read.answers import decisions as decisions_answer
from syndarix_obs_read.answers import errors as errors_answer
from syndarix_obs_read.answers import live as live_answer
from syndarix_obs_read.answers import logs as logs_answer
from syndarix_obs_read.answers import loops as loops_answer
from syndarix_obs_read.answers import sessions as sessions_answer
from syndarix_obs_read.answers import traces as traces_answer
from syndarix_obs_read.backends.rows import DIMENSIONS, Dimension
from syndarix_obs_read.cli import drawings, drawings_costs, drawings_errors, drawings_trace, following
from syndarix_obs_read.cli.asking import ask
from syndarix_obs_read.cli.options import Common, Rows, What, When, Who
from syndarix_obs_read.errors import FilterError

_FILTERS = "Filters"

Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on with what arrives, until Ctrl-C.")]


def sessions(common: Common, when: When, rows: Rows, who: Who, what: What, follow: Follow = False) -> None:
    """List sessions, the last begun first, running ones among them; or follow them: a line whenever one gets on."""
    if follow:
        following.follow(
            common,
            when,
            lambda asker, backend: live_answer.follow_sessions(
                backend, asker.filter(who, what), asker.period(when), asker.limit(rows),
                stalled_after_s=asker.settings.stalled_after,
            ),
            drawings.draw_session_line,
        )  # fmt: skip
        return
    ask(
        common,
        lambda asker, backend: sessions_answer.list_sessions(
            backend, asker.filter(who, what), asker.period(when), asker.limit(rows),
            stalled_after_s=asker.settings.stalled_after,
        ),
        drawings.draw_sessions,
    )  # fmt: skip


def traces(common: Common, when: When, rows: Rows, who: Who, what: What) -> None:
    """Search traces by agent, project, user, session, model, tool, status, duration, cost and text."""
    ask(
        common,
        lambda asker, backend: traces_answer.search_traces(
            backend, asker.filter(who, what), asker.period(when), asker.limit(rows)
        ),
        drawings.draw_traces,
    )


def decisions(
    common: Common,
    when: When,
    rows: Rows,
    who: Who,
    decision_type: Annotated[
        str | None, typer.Option("--type", help="Type of decision: tool_selection, …", rich_help_panel=_FILTERS)
    ] = None,
    trace: Annotated[str | None, typer.Option(help="Id of the trace.", rich_help_panel=_FILTERS)] = None,
    grep: Annotated[
        str | None, typer.Option("--grep", "--text", "-g", help="Text in the reasoning.", rich_help_panel=_FILTERS)
    ] = None,
    patterns: Annotated[
        bool, typer.Option("--patterns", help="What was chosen over what, and what came of it.")
    ] = False,
) -> None:
    """List decisions with their options, choice, reason and confidence; or patterns in them."""
    more = {"decision_type": decision_type, "trace_id": trace, "text": grep}
    if patterns:
        ask(
            common,
            lambda asker, backend: decisions_answer.decision_patterns(
                backend, asker.filter(who, **more), asker.period(when), asker.limit(rows)
            ),
            drawings.draw_patterns,
        )
        return
    ask(
        common,
        lambda asker, backend: decisions_answer.list_decisions(
            backend, asker.filter(who, **more), asker.period(when), asker.limit(rows)
        ),
        drawings.draw_decisions,
    )


def costs(
    common: Common,
    when: When,
    rows: Rows,
    who: Who,
    by: Annotated[
        str | None,
        typer.Option(help=f"Group by any combination, with commas: {', '.join(DIMENSIONS)}. Default: agent."),
    ] = None,
    model: Annotated[str | None, typer.Option(help="One model.", rich_help_panel=_FILTERS)] = None,
    lines: Annotated[bool, typer.Option("--lines", help="The lines of the ledger instead of sums.")] = False,
) -> None:
    """Sum the cost ledger, exact and estimated apart; calls without a price are named. Default time: 30d."""
    since = When(when.since or "30d", when.until)
    if lines:
        ask(
            common,
            lambda asker, backend: costs_answer.list_cost_records(
                backend, asker.filter(who, model=model), asker.period(since), asker.limit(rows), zone=asker.zone
            ),
            drawings_costs.draw_cost_records,
        )
        return
    dimensions = _dimensions(by or "agent")
    ask(
        common,
        lambda asker, backend: costs_answer.summarise_costs(
            backend, asker.filter(who, model=model), asker.period(since), dimensions, limit=asker.limit(rows),
            zone=asker.zone, daily_budget=asker.settings.daily_budget_usd,
            monthly_budget=asker.settings.monthly_budget_usd,
        ),
        drawings_costs.draw_costs,
    )  # fmt: skip


def _dimensions(by: str) -> tuple[Dimension, ...]:
    found = tuple(name.strip().replace("-", "_") for name in by.split(",") if name.strip())
    for name in found:
        if name not in DIMENSIONS:
            raise FilterError(
                f"costs cannot be grouped by {name!r}; possible: {', '.join(DIMENSIONS)}. Example: --by agent,model"
            )
    return cast(tuple[Dimension, ...], found)


def errors(common: Common, when: When, rows: Rows, who: Who, what: What) -> None:
    """Group errors that differ only in numbers and ids, with first and last seen and an example; and list loops."""
    ask(
        common,
        lambda asker, backend: errors_answer.group_errors(
            backend, asker.filter(who, what), asker.period(when), asker.limit(rows)
        ),
        drawings_errors.draw_errors,
    )


def loops(
    common: Common,
    when: When,
    rows: Rows,
    who: Who,
    tool: Annotated[str | None, typer.Option(help="One tool.", rich_help_panel=_FILTERS)] = None,
) -> None:
    """List agents that called the same tool with the same arguments again and again."""
    ask(
        common,
        lambda asker, backend: loops_answer.list_loops(
            backend, asker.filter(who, tool=tool), asker.period(when), asker.limit(rows)
        ),
        drawings_errors.draw_loops,
    )


def agents(common: Common, when: When, who: Who) -> None:
    """Show how each agent is doing: requests, errors, latency, tokens, cost, tools, loops, decisions, success."""
    ask(
        common,
        lambda asker, backend: agents_answer.get_agents(backend, asker.filter(who), asker.period(when)),
        drawings.draw_agents,
    )


def logs(
    common: Common,
    when: When,
    rows: Rows,
    who: Who,
    what: What,
    kind: Annotated[
        list[str] | None,
        typer.Option(help=f"Kind of line, may be repeated: {', '.join(v.LOG_KINDS)}.", rich_help_panel=_FILTERS),
    ] = None,
    level: Annotated[
        str | None, typer.Option(help=f"At least this severe: {', '.join(v.LEVELS)}.", rich_help_panel=_FILTERS)
    ] = None,
    trace: Annotated[str | None, typer.Option(help="Id of the trace.", rich_help_panel=_FILTERS)] = None,
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
            drawings_trace.draw_log_line,
        )
        return
    ask(
        common,
        lambda asker, backend: logs_answer.search_logs(
            backend, asker.filter(who, what, **more), asker.period(when), asker.limit(rows), payloads=payloads
        ),
        drawings_trace.draw_logs,
    )

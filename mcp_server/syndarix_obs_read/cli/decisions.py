"""`syndarix-obs decisions`: the command and its drawings."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers import decisions as decisions_answer
from syndarix_obs_read.answers.decisions import DecisionList, PatternList
from syndarix_obs_read.answers.messages import brief
from syndarix_obs_read.cli import decisions_together
from syndarix_obs_read.cli.asking import ask
from syndarix_obs_read.cli.options import FILTERS, Common, Rows, When, Who
from syndarix_obs_read.cli.screen import Screen, clean, headers


def decisions(
    common: Common,
    when: When,
    rows: Rows,
    who: Who,
    decision_type: Annotated[
        str | None, typer.Option("--type", help="Type of decision: tool_selection, …", rich_help_panel=FILTERS)
    ] = None,
    trace: Annotated[str | None, typer.Option(help="Id of the trace.", rich_help_panel=FILTERS)] = None,
    grep: Annotated[
        str | None, typer.Option("--grep", "--text", "-g", help="Text in the reasoning.", rich_help_panel=FILTERS)
    ] = None,
    patterns: Annotated[
        bool, typer.Option("--patterns", help="What was chosen over what, and what came of it.")
    ] = False,
    tools: Annotated[
        bool, typer.Option("--tools", help="Tools never chosen, failing, and what their results cost later.")
    ] = False,
    graph: Annotated[
        bool, typer.Option("--graph", help="What led to what, failures first; of one --session or --trace every step.")
    ] = False,
    mermaid: Annotated[bool, typer.Option("--mermaid", help="The graph as Mermaid text.")] = False,
    confidence: Annotated[
        bool, typer.Option("--confidence", help="Confidence against outcome, by agent, type and source.")
    ] = False,
) -> None:
    """List decisions with their options, choice, reason and confidence; or patterns in them."""
    more = {"decision_type": decision_type, "trace_id": trace, "text": grep}
    if graph or mermaid or tools or confidence:
        decisions_together.ask_together(common, when, rows, who, more, graph or mermaid, mermaid, tools)
        return
    if patterns:
        ask(
            common,
            lambda asker, backend: decisions_answer.decision_patterns(
                backend, asker.filter(who, **more), asker.period(when), asker.limit(rows)
            ),
            draw_patterns,
        )
        return
    ask(
        common,
        lambda asker, backend: decisions_answer.list_decisions(
            backend, asker.filter(who, **more), asker.period(when), asker.limit(rows)
        ),
        draw_decisions,
    )


def draw_decisions(screen: Screen, answer: DecisionList) -> None:
    """Decisions: a line each, the reason below; in a pipe all on one line."""
    screen.heading("Decisions", answer)
    if screen.piped:
        _pipe_decisions(screen, answer)
        return
    for each in answer.decisions:
        over = [option for option in each.options if option != each.selected]
        screen.line()
        head = f"{f.moment(each.timestamp, screen.zone)}  {each.agent or f.NOTHING}  {each.decision_type}"
        about = f"confidence {f.confidence(each.confidence)}  session {each.outcome or f.NOTHING}"
        screen.console.print(
            Text.assemble(clean(head), ("  " + clean(about), "dim"), (f"  trace {screen.id(each.trace_id)}", "dim")),
            no_wrap=True, overflow="ellipsis",
        )  # fmt: skip
        screen.console.print(
            Text.assemble("  ", (clean(each.selected), "bold green"), ("  over  " if over else ""),
                          (clean(", ".join(over)), "dim")), no_wrap=True, overflow="ellipsis",
        )  # fmt: skip
        if each.reasoning:
            screen.console.print(Text(f"  {clean(brief(each.reasoning, 400))}", style="italic"))


def _pipe_decisions(screen: Screen, answer: DecisionList) -> None:
    columns = headers("time", "agent", "type", "selected", "over", "confidence", "outcome", "trace", "reasoning")
    rows = (
        (
            (
                f.moment(each.timestamp, screen.zone), each.agent or f.NOTHING, each.decision_type, each.selected,
                ", ".join(option for option in each.options if option != each.selected) or f.NOTHING,
                f.confidence(each.confidence), each.outcome or f.NOTHING, each.trace_id, brief(each.reasoning or "",
                400),
            ),
            "",
        )
        for each in answer.decisions
    )  # fmt: skip
    screen.table(columns, rows)


def draw_patterns(screen: Screen, answer: PatternList) -> None:
    """What was chosen over what."""
    screen.heading(f"Patterns in {answer.decisions:,} decisions", answer)
    columns = headers("type*", "chosen*", "over*", ">times", ">sure", ">success", "sessions ended*")
    rows = (
        (
            (
                each.decision_type, each.selected, ", ".join(each.over) or f.NOTHING, f.count(each.count),
                f.confidence(each.confidence), f.percent(each.success_rate),
                ", ".join(f"{name} {count}" for name, count in each.outcomes.items()) or f.NOTHING,
            ),
            "",
        )
        for each in answer.patterns
    )  # fmt: skip
    screen.table(columns, rows)
    screen.success_legend(answer.failed_outcomes)

"""The drawings of many decisions together: a graph, tools by how they were chosen, confidence against outcome."""

from __future__ import annotations

from typing import Any

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.choices import ChoicePatterns, choice_patterns
from syndarix_obs_read.answers.confidence import ConfidenceReport, confidence_report
from syndarix_obs_read.answers.graph import DecisionGraph, decision_graph
from syndarix_obs_read.cli.asking import ask
from syndarix_obs_read.cli.options import Common, Rows, When, Who
from syndarix_obs_read.cli.screen import Screen, headers


def ask_together(
    common: Common, when: When, rows: Rows, who: Who, more: dict[str, Any], graph: bool, as_mermaid: bool, tools: bool
) -> None:
    """Ask for one of the three."""
    if graph:
        ask(
            common,
            lambda asker, backend: decision_graph(
                backend, asker.filter(who, **more), asker.period(when), limit=rows.limit or 40
            ),
            draw_mermaid if as_mermaid else draw_graph,
        )
    elif tools:
        ask(
            common,
            lambda asker, backend: choice_patterns(backend, asker.filter(who, **more), asker.period(when)),
            draw_tools,
        )
    else:
        ask(
            common,
            lambda asker, backend: confidence_report(backend, asker.filter(who, **more), asker.period(when)),
            draw_confidence,
        )


def draw_mermaid(screen: Screen, answer: DecisionGraph) -> None:
    """The text alone, for a file."""
    screen.text(answer.mermaid)


def draw_graph(screen: Screen, answer: DecisionGraph) -> None:
    """Edges, those of failures first; then the most frequent ways."""
    screen.heading(f"{answer.runs:,} runs, {answer.failed_runs:,} failed, {answer.total_variants:,} variants", answer)
    columns = headers("from*", "to*", ">times", ">failed", ">other", ">lift")
    rows = (
        ((e.before, e.after, f.count(e.count), f.count(e.failed_runs), f.count(e.other_runs),
          "" if e.lift is None else f"{e.lift:.2f}×"), "red" if (e.lift or 0) >= 1.5 else "")
        for e in answer.edges
    )  # fmt: skip
    screen.table(columns, rows)
    if answer.variants:
        screen.line()
        ways = (
            ((f.count(each.runs), f.count(each.failed), " → ".join(each.steps)), "") for each in answer.variants
        )
        screen.table(headers(">runs", ">failed", "way*"), ways)


def draw_tools(screen: Screen, answer: ChoicePatterns) -> None:
    """Tools by how they were chosen."""
    screen.heading(f"Tools in {answer.decisions:,} decisions of {answer.sessions:,} sessions", answer)
    columns = headers("tool*", ">offered", ">chosen", ">failed", ">success", ">tokens", ">paid again", ">cost")
    rows = (
        ((each.tool, f.count(each.offered), f.count(each.chosen), f.count(each.failed), f.percent(each.success_rate),
          f"~{each.result_tokens:,}", f"~{each.carried_tokens:,}",
          f.NOTHING if each.carried_usd is None else f"~{f.money(each.carried_usd)}"), "")
        for each in answer.tools
    )  # fmt: skip
    screen.table(columns, rows)
    if answer.never_chosen:
        screen.text(f"offered and never chosen: {', '.join(answer.never_chosen)}")


def draw_confidence(screen: Screen, answer: ConfidenceReport) -> None:
    """Confidence against outcome."""
    screen.heading(f"Confidence in {answer.decisions:,} decisions", answer)
    columns = headers("agent*", "type", "source", ">outcomes", ">sure", ">success", ">Brier", ">ECE", "verdict*")
    rows = (
        ((g.agent or f.NOTHING, g.decision_type, g.source, f.count(g.outcomes), f.confidence(g.mean_confidence),
          f.percent(g.success_rate), "" if g.brier is None else f"{g.brier:.3f}",
          "" if g.ece is None else f"{g.ece:.3f}", g.verdict or ""), "")
        for g in answer.groups
    )  # fmt: skip
    screen.table(columns, rows)
    for group in answer.groups:
        if group.bins:
            screen.line()
            screen.line(f"{group.agent or f.NOTHING} {group.decision_type} ({group.source})", "bold")
            lines = (
                ((f.count(b.count), f.confidence(b.confidence), f.percent(b.success),
                  f"{f.percent(b.low)} to {f.percent(b.high)}"), "")
                for b in group.bins
            )  # fmt: skip
            screen.table(headers(">decisions", ">sure", ">success", "95%"), lines)

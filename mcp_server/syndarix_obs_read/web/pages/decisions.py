"""What was decided, out of which options, why, how surely, and what came of it? Patterns first, then one by one."""

from __future__ import annotations

import asyncio

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.decisions import (
    Decision,
    DecisionList,
    DecisionPattern,
    PatternList,
    decision_patterns,
    list_decisions,
)
from syndarix_obs_read.answers.graph import FAILED, DecisionGraph, GraphEdge, decision_graph
from syndarix_obs_read.answers.messages import brief
from syndarix_obs_read.outcomes import in_words
from syndarix_obs_read.web.asked import Asked, Got, attempt
from syndarix_obs_read.web.html import NOTHING, Child, Html, el, joined
from syndarix_obs_read.web.parts import charts, common, filters, graph, tables
from syndarix_obs_read.web.view import Page, View

_WORDS = ("agent", "type", "project", "task_type")
_RARE = ("text", "user", "session", "trace")
_PATTERNS = 12
_EDGES = 24
_DRAWN = 40
_EDGE_COLUMNS = tables.columns("from*", "to*", ">times", ">failed runs", ">other runs", ">lift")
_REASON = 400
_COLUMNS = (
    *tables.columns("decision", "chose", "over*", ">times", ">confidence"),
    tables.Column("success", number=True, about="Share of the ended sessions that succeeded"),
    tables.Column("led to", spare=True, grows=True),
    tables.Column("example", spare=True),
)


async def ask(asked: Asked) -> View:
    """Patterns and single decisions."""
    skip = asked.before.skip if asked.before else 0
    where, period, limit = asked.filter(*_WORDS, *_RARE), asked.period(), asked.limit()
    patterns, found, edges = await asyncio.gather(
        attempt(decision_patterns(asked.backend, where, period, _PATTERNS)),
        attempt(list_decisions(asked.backend, where, period, limit + skip)),
        attempt(decision_graph(asked.backend, where, period, limit=_EDGES)),
    )
    if isinstance(found, DecisionList):
        found = found.model_copy(update={"decisions": found.decisions[skip:]})
    answers = {"patterns": patterns, "decisions": found, "graph": edges}
    return View("Decisions", answers, lambda: _draw(asked, patterns, found, edges))


def _draw(
    asked: Asked, patterns: Got[PatternList], found: Got[DecisionList], edges: Got[DecisionGraph]
) -> Html:
    shown = common.shown(patterns, lambda answer: _patterns(asked, answer)) if asked.before is None else NOTHING
    return joined((
        filters.form(asked, *_WORDS, rare=_RARE), shown,
        common.shown(edges, _graph) if asked.before is None else NOTHING,
        common.shown(found, lambda answer: _list(asked, answer)),
    ))  # fmt: skip


def _patterns(asked: Asked, answer: PatternList) -> Child:
    if not answer.patterns:
        return None
    table = tables.table(_COLUMNS, ((_pattern(asked, each), "") for each in answer.patterns), caption="Patterns")
    more = f"the {len(answer.patterns)} most frequent of {answer.total}" if answer.more else f"{len(answer.patterns)}"
    rates = el("p", in_words(answer.failed_outcomes), cls="dim")
    return common.section("Patterns", joined((table, rates)), aside=f"{more}, from {answer.decisions:,} decisions")


def _graph(answer: DecisionGraph) -> Child:
    """What follows what, as a drawing, as a table, and as Mermaid text to take along."""
    if not answer.edges:
        return None
    rows = ((_edge(each), "") for each in answer.edges)
    table = tables.table(_EDGE_COLUMNS, rows, caption="What led to what")
    drawn = len(answer.edges) <= _DRAWN
    return common.section(
        "What led to what",
        _drawing(answer) if drawn else table,
        el("details", el("summary", "as a table"), table, cls="as-text") if drawn else None,
        el("details", el("summary", "as Mermaid text"), el("pre", answer.mermaid), cls="as-text"),
        aside=f"{answer.runs:,} runs, {answer.failed_runs:,} failed, {answer.total_variants:,} variants",
    )


def _drawing(answer: DecisionGraph) -> Html:
    """The graph; red leads to a failure, or is more frequent in runs that failed."""
    arrows = [
        graph.Arrow(each.before, each.after, each.count, _label(each),
                    loud=each.after.endswith(FAILED) or (each.lift or 0) > 1.5)
        for each in answer.edges
    ]  # fmt: skip
    about = "What led to what"
    return el("div", graph.draw(arrows, about), cls="drawing", tabindex=0, role="region", aria_label=about)


def _label(edge: GraphEdge) -> str:
    return f"{edge.count:,}×" + (f" {edge.failed_runs:,} failed" if edge.failed_runs else "")


def _edge(edge: GraphEdge) -> list[Child]:
    lift = "" if edge.lift is None else f"{edge.lift:.2f}×"
    return [
        el("span", edge.before, cls="name"), el("span", edge.after, cls="name"), f.count(edge.count),
        f.count(edge.failed_runs), f.count(edge.other_runs), lift,
    ]  # fmt: skip


def _pattern(asked: Asked, pattern: DecisionPattern) -> list[Child]:
    outcomes = ", ".join(f"{name} {count:,}" for name, count in pattern.outcomes.items())
    return [
        el("a", pattern.decision_type or f.NOTHING, href=asked.here(type=pattern.decision_type or None, before=None)),
        el("b", pattern.selected, cls="name"),
        el("span", ", ".join(pattern.over), cls="cut-line dim"),
        f.count(pattern.count),
        f.confidence(pattern.confidence),
        charts.rate(pattern.success_rate),
        el("span", outcomes, cls="cut-line dim"),
        common.trace_link(asked, pattern.examples[0] if pattern.examples else None),
    ]  # fmt: skip


def _list(asked: Asked, answer: DecisionList) -> Child:
    if not answer.decisions:
        return common.empty(answer, "decisions")
    return common.section(
        "One by one", cards(asked, answer.decisions),
        tables.pager(asked, answer, [each.timestamp for each in answer.decisions]),
    )  # fmt: skip


def cards(asked: Asked, decisions: tuple[Decision, ...]) -> Html:
    """Decisions one under another, with their reasons."""
    return el("ol", (_card(asked, each) for each in decisions), cls="decisions")


def _card(asked: Asked, decision: Decision) -> Html:
    options = dict.fromkeys((*decision.options, decision.selected))
    head = el(
        "p",
        common.trace_link(asked, decision.trace_id, decision.decision_type or "decision", step=decision.span_id),
        " ", common.name(decision.agent), " ", el("span", common.moment(decision.timestamp, asked.zone), cls="dim num"),
        el("span", "led to ", el("b", decision.outcome), cls="dim led") if decision.outcome else None,
        cls="decision-head",
    )  # fmt: skip
    chosen = el(
        "ul",
        (el("li", name, cls="chosen" if name == decision.selected else None,
            aria_current="true" if name == decision.selected else None) for name in options),
        el("li", f"confidence {decision.confidence:.2f}", cls="sure") if decision.confidence is not None else None,
        cls="options",
    )  # fmt: skip
    reason = el("p", brief(decision.reasoning, _REASON), cls="reason") if decision.reasoning else None
    return el("li", head, chosen, reason)


PAGE = Page("/decisions", "Decisions", ask)

"""How is each agent doing? Requests, errors, latency, tokens, cost, tools, loops, success."""

from __future__ import annotations

from syndarix_obs_read import formats as f
from syndarix_obs_read.amounts import Quantiles
from syndarix_obs_read.answers.agents import AgentList, AgentStatistics, get_agents
from syndarix_obs_read.outcomes import in_words
from syndarix_obs_read.web.asked import Asked, attempt
from syndarix_obs_read.web.html import Child, Html, el, joined
from syndarix_obs_read.web.parts import charts, common, filters, tables
from syndarix_obs_read.web.view import Page, View

_WORDS = ("agent", "project", "user", "task_type")
_RARE = ("session",)
_HEADS = (
    tables.Column("agent"),
    tables.Column("runs", number=True),
    tables.Column("success", number=True, about="Ended runs without error whose outcome does not count as failed"),
    tables.Column("requests", number=True),
    tables.Column("failed", number=True, about="Failed requests to a model"),
    tables.Column("p50", number=True, about="Half of the model calls took at most this long"),
    tables.Column("p95", number=True),
    tables.Column("p99", number=True),
    tables.Column("first token", number=True, about="Half of the streamed answers began within this time"),
    tables.Column("tokens", number=True),
    tables.Column("cost", number=True),
    tables.Column("tool calls", number=True),
    tables.Column("loops", number=True),
    tables.Column("decisions", number=True, about="With their mean confidence"),
)
_TOOLS = tables.columns("tool*", ">calls", ">failed", ">p50", ">p95", ">p99", ">loops")


async def ask(asked: Asked) -> View:
    """The statistics."""
    found = await attempt(get_agents(asked.backend, asked.filter(*_WORDS, *_RARE), asked.period()))
    return View("Agents", {"agents": found}, lambda: joined((
        filters.form(asked, *_WORDS, rare=_RARE), common.shown(found, lambda answer: _draw(asked, answer)),
    )))  # fmt: skip


def _draw(asked: Asked, answer: AgentList) -> Child:
    if not answer.agents:
        return common.empty(answer, "agents")
    return (
        tables.table(_HEADS, (_row(asked, each) for each in answer.agents), caption="Agents by name"),
        el("p", in_words(answer.failed_outcomes), cls="dim"),
        el("div", (_detail(asked, each) for each in answer.agents ), cls="grid"),
        common.hints(answer),
    )


def success(agent: AgentStatistics) -> Html:
    """The rate of success, with a bar."""
    return charts.rate(agent.success_rate)


def _row(asked: Asked, agent: AgentStatistics) -> tuple[list[Child], str]:
    running = f" ({agent.running} running)" if agent.running else ""
    cells: list[Child] = [
        el("a", agent.agent, href=asked.to("/traces", agent=agent.agent), cls="row"),
        f"{agent.runs:,}{running}",
        success(agent),
        f.count(agent.requests),
        _failures(asked, agent),
        *_quantiles(agent.latency),
        f.seconds(agent.first_token.p50),
        f.count(agent.tokens.total),
        common.money(agent.cost),
        f.count(agent.tool_calls),
        el("a", agent.loops, href=asked.to("/loops", agent=agent.agent), cls="is-warning over")
        if agent.loops else f.NOTHING,
        (f.count(agent.decisions), el("span", f" {f.confidence(agent.confidence)}", cls="dim")),
    ]  # fmt: skip
    return cells, ""


def _failures(asked: Asked, agent: AgentStatistics) -> Child:
    if not agent.request_errors:
        return f.NOTHING
    words = f"{agent.request_errors:,} · {f.percent(agent.error_rate)}"
    return el("a", words, href=asked.to("/errors", agent=agent.agent), cls="is-error over")


def _quantiles(found: Quantiles) -> tuple[str, str, str]:
    return f.seconds(found.p50), f.seconds(found.p95), f.seconds(found.p99)


def _detail(asked: Asked, agent: AgentStatistics) -> Html:
    rows = (
        (
            (
                el("a", each.tool, href=asked.to("/traces", agent=agent.agent, tool=each.tool)), f.count(each.calls),
                f.count(each.errors), *_quantiles(each.duration), f.count(each.loops),
            ),
            "",
        )
        for each in agent.tools
    )  # fmt: skip
    outcomes = el("p", (el("span", name, " ", el("b", count), cls="tag") for name, count in agent.outcomes.items()))
    safety = (
        el("p", f"{agent.safety_failures:,} of {agent.safety_checks:,} safety checks did not pass", cls="dim")
        if agent.safety_failures else None
    )  # fmt: skip
    body = tables.table(_TOOLS, rows, caption=f"Tools of {agent.agent}") if agent.tools else None
    seen = ("last seen ", common.moment(agent.last_progress, asked.zone))
    return common.section(agent.agent, outcomes, body, safety, aside=seen)


PAGE = Page("/agents", "Agents", ask)

"""`syndarix-obs agents`: the command and its drawing."""

from __future__ import annotations

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers import agents as agents_answer
from syndarix_obs_read.answers.agents import AgentList, AgentStatistics
from syndarix_obs_read.cli.asking import ask
from syndarix_obs_read.cli.options import Common, When, Who
from syndarix_obs_read.cli.screen import Screen, headers


def agents(common: Common, when: When, who: Who) -> None:
    """Show how each agent is doing: requests, errors, latency, tokens, cost, tools, loops, decisions, success."""
    ask(
        common,
        lambda asker, backend: agents_answer.get_agents(backend, asker.filter(who), asker.period(when)),
        draw_agents,
    )


def draw_agents(screen: Screen, answer: AgentList) -> None:
    """Agents, and the tools that each used."""
    screen.heading("Agents", answer)
    _draw_agents(screen, answer.agents)
    if answer.agents:
        screen.success_legend(answer.failed_outcomes)


def _draw_agents(screen: Screen, agents: tuple[AgentStatistics, ...]) -> None:
    if not agents:
        return
    screen.line()
    columns = headers(
        "agent*", ">runs", ">ok", ">llm", ">err", ">p50", ">p95", ">p99", ">ttft", ">dec", ">tokens", ">cost"
    )
    rows = (
        (
            (
                each.agent, f.count(each.runs), f.percent(each.success_rate), f.count(each.requests),
                f.percent(each.error_rate), f.seconds(each.latency.p50), f.seconds(each.latency.p95),
                f.seconds(each.latency.p99), f.seconds(each.first_token.p50), f.count(each.decisions),
                f.count(each.tokens.total), f.cost(each.cost),
            ),
            "",
        )
        for each in agents
    )  # fmt: skip
    screen.table(columns, rows)
    screen.legend(each.cost for each in agents)
    _draw_tools(screen, agents)


def _draw_tools(screen: Screen, agents: tuple[AgentStatistics, ...]) -> None:
    rows = [
        (
            (
                each.agent, tool.tool, f.count(tool.calls), f.count(tool.errors), f.count(tool.loops),
                f.seconds(tool.duration.p50), f.seconds(tool.duration.p95),
            ),
            "bold red" if tool.errors == tool.calls else "",
        )
        for each in agents
        for tool in each.tools
    ]  # fmt: skip
    if not rows:
        return
    screen.line()
    columns = headers("agent*", "tool*", ">calls", ">errors", ">loops", ">p50", ">p95")
    screen.table(columns, rows)

"""Sections of reports about a time: of one agent, or of everything beside the time before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from decimal import Decimal
from typing import Final

from syndarix_obs_read import formats as f
from syndarix_obs_read.amounts import Cost
from syndarix_obs_read.answers.agents import AgentStatistics, get_agents
from syndarix_obs_read.answers.anomalies import list_anomalies
from syndarix_obs_read.answers.costs import summarise_costs
from syndarix_obs_read.answers.errors import group_errors
from syndarix_obs_read.answers.graph import decision_graph
from syndarix_obs_read.answers.messages import brief
from syndarix_obs_read.answers.sessions import Session, list_sessions
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import DIMENSIONS, Dimension
from syndarix_obs_read.reporting import parts
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.timerange import TimeRange

_ROWS: Final = 20
_EDGES: Final = 30
_SESSIONS: Final = 500

Made = tuple[list[parts.Section], tuple[str, ...]]
"""Sections, and the traces that they name."""


async def agent_sections(backend: Backend, settings: ReadSettings, agent: str, period: TimeRange) -> Made:
    """What is said about one agent; no sections when it did nothing."""
    where = Filter(agent=agent)
    agents = (await get_agents(backend, where, period)).agents
    one = next((each for each in agents if each.agent == agent), None)
    if one is None:
        return [], ()
    graph = await decision_graph(backend, where, period, limit=_EDGES)
    edges = tuple((e.before, e.after, e.count, (e.lift or 0) >= 1.5) for e in graph.edges)
    errors, traces = await _errors(backend, where, period, settings.zone)
    sessions, more = await _sessions(backend, where, period, settings)
    sections = [
        parts.Section(title="In short", blocks=(_agent(one),)),
        await _money(backend, where, period, settings.zone, "model"),
        parts.Section(title="Tools", blocks=_tools(one)),
        errors,
        parts.Section(title="Ways it went", blocks=(parts.Flow(edges=edges),) if edges else ()),
        sessions,
    ]
    return [section for section in sections if section.blocks], (*traces, *more)


async def week_sections(backend: Backend, settings: ReadSettings, period: TimeRange) -> Made:
    """What is said about a time, beside the one before."""
    length = period.until_ns - period.since_ns
    before = TimeRange(period.since_ns - length, period.since_ns, "the time before")
    everything = Filter()
    now, then = [(await get_agents(backend, everything, each)).agents for each in (period, before)]
    costs = [(await summarise_costs(backend, everything, each, zone=settings.zone)).cost for each in (period, before)]
    errors, traces = await _errors(backend, everything, period, settings.zone)
    sessions, more = await _sessions(backend, everything, period, settings)
    sections = [
        parts.Section(title="In short", blocks=(_beside(now, then, costs[0], costs[1]),)),
        await _money(backend, everything, period, settings.zone, "agent", "model"),
        parts.Section(title="Agents", blocks=_agents(now)),
        errors,
        await _unusual(backend, period, settings.zone),
        sessions,
    ]
    return [section for section in sections if section.blocks], (*traces, *more)


def _agent(one: AgentStatistics) -> parts.Facts:
    return parts.Facts(pairs=(
        ("runs", f.count(one.runs)), ("succeeded", f.percent(one.success_rate)),
        ("outcomes", ", ".join(f"{name} {count:,}" for name, count in one.outcomes.items()) or f.NOTHING),
        ("model calls", f.count(one.requests)), ("of them failed", f.percent(one.error_rate)),
        ("p50, p95, p99", " · ".join(map(f.seconds, (one.latency.p50, one.latency.p95, one.latency.p99)))),
        ("tool calls", f.count(one.tool_calls)), ("of them failed", f.count(one.tool_errors)),
        ("loops", f.count(one.loops)), ("tokens", f.count(one.tokens.total)), ("cost", f.cost_words(one.cost)),
    ))  # fmt: skip


def _tools(one: AgentStatistics) -> tuple[parts.Block, ...]:
    ordered = sorted(one.tools, key=lambda tool: (-tool.errors, -tool.calls))
    rows = tuple((t.tool, f.count(t.calls), f.count(t.errors), f.count(t.loops), f.seconds(t.duration.p50),
                  f.seconds(t.duration.p95)) for t in ordered)  # fmt: skip
    heads = ("tool", ">calls", ">failed", ">loops", ">p50", ">p95")
    failed = tuple(at for at, tool in enumerate(ordered) if tool.errors)
    return (parts.Table(heads=heads, rows=rows, failed=failed),) if rows else ()


def _agents(agents: Sequence[AgentStatistics]) -> tuple[parts.Block, ...]:
    heads = ("agent", ">runs", ">succeeded", ">model calls", ">failed", ">p95", ">tool calls", ">failed", ">cost")
    rows = tuple(
        (a.agent or f.NOTHING, f.count(a.runs), f.percent(a.success_rate), f.count(a.requests),
         f.count(a.request_errors), f.seconds(a.latency.p95), f.count(a.tool_calls), f.count(a.tool_errors),
         f.cost(a.cost))
        for a in agents
    )  # fmt: skip
    return (parts.Table(heads=heads, rows=rows),) if rows else ()


def _beside(
    now: Sequence[AgentStatistics], then: Sequence[AgentStatistics], cost: Cost, cost_before: Cost
) -> parts.Table:
    """This time and the one before, with the difference."""

    def row(name: str, after: int, before: int) -> tuple[str, ...]:
        change = f"{(after - before) / before:+.0%}" if before else f.NOTHING
        return name, f.count(before), f.count(after), change

    def both(name: str, field: str) -> tuple[str, ...]:
        return row(name, *(sum(int(getattr(each, field)) for each in agents) for agents in (now, then)))

    amounts = [each.total_usd or Decimal(0) for each in (cost, cost_before)]
    moved = f"{(amounts[0] - amounts[1]) / amounts[1]:+.0%}" if amounts[1] else f.NOTHING
    rows = (
        ("cost", f.cost(cost_before), f.cost(cost), moved), both("runs", "runs"), both("succeeded", "succeeded"),
        both("model calls", "requests"), both("failed model calls", "request_errors"),
        both("tool calls", "tool_calls"), both("failed tool calls", "tool_errors"), both("loops", "loops"),
    )  # fmt: skip
    return parts.Table(heads=("", ">before", ">now", ">change"), rows=rows)


async def _money(backend: Backend, where: Filter, period: TimeRange, zone: tzinfo, *by: Dimension) -> parts.Section:
    days = await summarise_costs(backend, where, period, ("day",), limit=100, zone=zone)
    shown = tuple((str(group.key["day"]), group.cost.total_usd or Decimal(0)) for group in days.groups)
    blocks: list[parts.Block] = [parts.Columns(days=shown)] if shown else []
    for name in by:
        found = await summarise_costs(backend, where, period, (DIMENSIONS[DIMENSIONS.index(name)],), limit=_ROWS)
        rows = tuple((str(group.key[name] or f.NOTHING), f.count(group.cost.calls), f.count(group.tokens.total),
                      f.cost(group.cost)) for group in found.groups)  # fmt: skip
        if rows:
            blocks.append(parts.Table(heads=(name, ">calls", ">tokens", ">cost"), rows=rows))
    return parts.Section(title="Cost", blocks=tuple(blocks))


async def _errors(
    backend: Backend, where: Filter, period: TimeRange, zone: tzinfo
) -> tuple[parts.Section, tuple[str, ...]]:
    groups = (await group_errors(backend, where, period, _ROWS)).groups
    rows = tuple(
        (f.count(g.count), g.where, f.error_name(g.error_type), brief(g.message, 200), ", ".join(g.agents),
         f.day_minute(g.first_seen, zone), f.day_minute(g.last_seen, zone))
        for g in groups
    )  # fmt: skip
    heads = (">times", "what failed", "error", "message of the last", "agents", "first seen", "last seen")
    table = parts.Table(heads=heads, rows=rows)
    traces = tuple(group.example_trace for group in groups if group.example_trace)
    return parts.Section(title="Errors", blocks=(table,) if rows else ()), traces


async def _unusual(backend: Backend, period: TimeRange, zone: tzinfo) -> parts.Section:
    found = (await list_anomalies(backend, Filter(), period, _ROWS)).anomalies
    rows = tuple((f.day_minute(a.opened, zone), a.series, "still open" if a.open else "closed", f"{a.score:.1f}",
                  brief(a.opinion, 160)) for a in found)  # fmt: skip
    heads = ("began", "what", "state", ">score", "why")
    return parts.Section(title="Unusual", blocks=(parts.Table(heads=heads, rows=rows),) if rows else ())


async def _sessions(
    backend: Backend, where: Filter, period: TimeRange, settings: ReadSettings
) -> tuple[parts.Section, tuple[str, ...]]:
    """The dearest sessions, failed ones marked; and their traces."""
    listed = await list_sessions(backend, where, period, _SESSIONS, stalled_after_s=settings.stalled_after)
    ordered = sorted(listed.sessions, key=_dollars, reverse=True)[:_ROWS]
    rows = tuple((s.session_id, f.day_minute(s.started, settings.zone), f.duration(s.duration_ms),
                  s.outcome or s.status, ", ".join(s.agents), f.count(s.activity.errors), f.cost(s.cost))
                 for s in ordered)  # fmt: skip
    heads = ("session", "began", ">took", "ended", "agents", ">errors", ">cost")
    failed = tuple(at for at, each in enumerate(ordered) if each.status == "error")
    blocks = (parts.Table(heads=heads, rows=rows, failed=failed),) if rows else ()
    traces = tuple(trace for each in ordered for trace in each.trace_ids)
    return parts.Section(title="Dearest sessions", blocks=blocks), traces


def _dollars(session: Session) -> Decimal:
    return session.cost.total_usd or Decimal(0)

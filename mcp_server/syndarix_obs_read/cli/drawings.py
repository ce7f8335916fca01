"""Lists as tables: sessions, traces, agents, decisions."""

from __future__ import annotations

from datetime import datetime

from rich.text import Text

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.agents import AgentList, AgentStatistics
from syndarix_obs_read.answers.decisions import DecisionList, PatternList
from syndarix_obs_read.answers.messages import brief
from syndarix_obs_read.answers.sessions import Session, SessionDetail, SessionList
from syndarix_obs_read.answers.traces import TraceList
from syndarix_obs_read.cli.screen import STATUS_STYLES, Screen, clean, headers


def draw_sessions(screen: Screen, answer: SessionList) -> None:
    """Sessions, one a row."""
    screen.heading("Sessions", answer)
    columns = headers(
        "session", "started", ">time", "status", "agents*", "project*", ">llm", ">tool", ">err", ">tokens", ">cost"
    )
    rows = (
        (
            (
                screen.id(each.session_id), _begun(screen, each.started), f.duration(each.duration_ms),
                _status(each), ", ".join(each.agents), each.project or f.NOTHING, f.count(each.activity.llm_calls),
                f.count(each.activity.tool_calls), f.count(each.activity.errors), f.count(each.tokens.total),
                f.cost(each.cost),
            ),
            _style(each),
        )
        for each in answer.sessions
    )  # fmt: skip
    screen.table(columns, rows)
    screen.legend(each.cost for each in answer.sessions)


def _begun(screen: Screen, started: datetime) -> str:
    return f.moment(started, screen.zone) if screen.piped else f.day_minute(started, screen.zone)


def _status(session: Session) -> str:
    if session.stalled:
        return "stalled"
    return session.outcome or session.status if session.status == "ok" else session.status


def _style(session: Session) -> str:
    return "yellow" if session.stalled else STATUS_STYLES.get(session.status, "")


def draw_session_line(screen: Screen, session: Session) -> None:
    """How far a session is, in one line."""
    line = Text.assemble(
        (f.moment(session.last_progress, screen.zone), "dim"),
        (f"  {screen.id(session.session_id):<11}", "bold"),
        (f"{_status(session):<11} ", _style(session)),
        (f"{clean(', '.join(session.agents)):<24} ", ""),
        (f"{f.duration(session.duration_ms):>6} ", ""),
        (f"{f.count(session.tokens.total):>9} tokens {f.cost(session.cost):>9}", ""),
        (f"  {_did(session)}", "dim"),
        (f"  {clean(session.error_message or '')}" if session.error_type else "", "red"),
    )
    screen.console.print(line, no_wrap=True, overflow="ellipsis", crop=not screen.piped)


def draw_session(screen: Screen, answer: SessionDetail) -> None:
    """One session with its statistics."""
    session = answer.session
    screen.line(f"Session {session.session_id}", "bold")
    facts = {
        "status": " · ".join(filter(None, (session.status, "stalled" if session.stalled else "", session.outcome))),
        "error": f"{session.error_type or ''}: {session.error_message or ''}" if session.error_type else None,
        "started": f"{f.moment(session.started, screen.zone)} {screen.zone}, took {f.duration(session.duration_ms)}",
        "who": " · ".join(filter(None, (", ".join(session.agents), session.project, session.user))),
        "where": " · ".join(filter(None, (session.service, session.environment))),
        "did": _did(session),
        "cost": f"{f.cost_words(session.cost)}; {session.tokens.total:,} tokens",
        "traces": ", ".join(session.trace_ids),
    }
    for name, value in facts.items():
        if value:
            screen.text(
                f"{name:<8} {value}", STATUS_STYLES.get(session.status, "") if name in {"status", "error"} else ""
            )
    _draw_models(screen, answer)
    _draw_agents(screen, answer.agents)
    if not screen.piped:
        screen.line(f"→ syndarix-obs timeline {screen.id(session.session_id)}", "dim")


def _did(session: Session) -> str:
    counts = session.activity
    parts = {
        "model call": counts.llm_calls, "tool call": counts.tool_calls, "decision": counts.decisions,
        "error": counts.errors, "loop": counts.loops, "failed safety check": counts.safety_failures,
    }  # fmt: skip
    return ", ".join(f"{count:,} {name}{'s' if count > 1 else ''}" for name, count in parts.items() if count)


def _draw_models(screen: Screen, answer: SessionDetail) -> None:
    if not answer.models:
        return
    screen.line()
    columns = headers("model*", ">calls", ">tokens", ">cost")
    rows = (
        ((each.model or "unknown", f.count(each.cost.calls), f.count(each.tokens.total), f.cost(each.cost)), "")
        for each in answer.models
    )
    screen.table(columns, rows)


def draw_traces(screen: Screen, answer: TraceList) -> None:
    """Traces, one a row."""
    screen.heading("Traces", answer)
    columns = headers(
        "trace", "started", ">time", "status", "name*", "project*", ">steps", ">llm", ">err", ">tokens", ">cost"
    )
    rows = (
        (
            (
                screen.id(each.trace_id), _begun(screen, each.started), f.duration(each.duration_ms), each.status,
                each.name.removeprefix("invoke_agent "), each.project or f.NOTHING, f.count(each.activity.records),
                f.count(each.activity.llm_calls),
                f.count(each.activity.errors), f.count(each.tokens.total), f.cost(each.cost),
            ),
            STATUS_STYLES.get(each.status, ""),
        )
        for each in answer.traces
    )  # fmt: skip
    screen.table(columns, rows)
    screen.legend(each.cost for each in answer.traces)


def draw_agents(screen: Screen, answer: AgentList) -> None:
    """Agents, and the tools that each used."""
    screen.heading("Agents", answer)
    _draw_agents(screen, answer.agents)


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

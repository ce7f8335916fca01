"""What happened: a trace as a tree, a timeline, an explanation, log lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.text import Text

from syndarix_obs import vocabulary as v
from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.explain import Explanation, ExplanationStep
from syndarix_obs_read.answers.logs import LogLine, LogList
from syndarix_obs_read.answers.messages import compact
from syndarix_obs_read.answers.timeline import Timeline
from syndarix_obs_read.answers.trace import Trace, TraceSpan
from syndarix_obs_read.cli.screen import STATUS_STYLES, Screen, clean, headers

_SHORT: Final = {
    v.KIND_LLM_CALL: "llm", v.KIND_TOOL_CALL: "tool", v.KIND_ANNOTATION: "note", v.KIND_APP: "log",
}  # fmt: skip
_KIND_STYLES: Final = {
    v.KIND_SESSION: "bold", v.KIND_TASK: "bold", v.KIND_LLM_CALL: "magenta", v.KIND_TOOL_CALL: "blue",
    v.KIND_DECISION: "green", v.KIND_SAFETY: "yellow", v.KIND_MEMORY: "cyan", v.KIND_CONTEXT: "cyan",
}  # fmt: skip
_LEVEL_STYLES: Final = {"error": "bold red", "critical": "bold red", "warning": "yellow", "debug": "dim"}


def draw_trace(screen: Screen, trace: Trace) -> None:
    """A trace as a tree, with its payloads if they came."""
    about = (
        f"{trace.status}{' (running)' if trace.running else ''} · {f.duration(trace.duration_ms)} · "
        f"{trace.tokens.total:,} tokens · {f.cost(trace.cost)} · {f.moment(trace.started, screen.zone)} {screen.zone}"
    )
    who = " · ".join(
        filter(None, (", ".join(trace.agents), trace.project, trace.user, trace.service, trace.environment))
    )
    screen.line(f"Trace {trace.trace_id}", "bold")
    screen.line(about, STATUS_STYLES.get(trace.status, ""))
    screen.line(f"{who} · session {screen.id(trace.session_id)}", "dim")
    for note in _unpriced(trace):
        screen.line(note, "yellow")
    screen.line()
    columns = headers("step*", ">at", ">time", ">tokens", ">cost", "what*")
    guides = _guides(trace.spans)
    screen.table(columns, [(_cells(span, guide), "") for span, guide in zip(trace.spans, guides, strict=True)])
    for span in trace.spans:
        if span.payload is not None:
            screen.line()
            screen.line(f"{span.kind} {span.title} {span.span_id}", "bold")
            for name, value in span.payload.items():
                screen.text(f"  {name}: {value if isinstance(value, str) else compact(value)}")


def _unpriced(trace: Trace) -> list[str]:
    notes = []
    if trace.cost.unpriced_calls:
        notes.append(f"{trace.cost.unpriced_calls} calls have no known price: {', '.join(trace.cost.unpriced_models)}")
    if trace.cost.estimated_calls:
        notes.append(f"~ marks an estimate: {trace.cost.estimated_calls} calls came without token counts")
    return notes


def _cells(span: TraceSpan, guide: str) -> list[str | Text]:
    failed = span.status == v.STATUS_ERROR
    style = "bold red" if failed else _KIND_STYLES.get(span.kind, "")
    kind = _SHORT.get(span.kind, span.kind)
    step = Text.assemble((guide, "dim"), (clean(f"{kind} "), "red" if failed else "dim"), (clean(span.title), style))
    cost = f.money(span.total_cost_usd) if span.total_cost_usd is not None else "unpriced" if span.unpriced else ""
    below = span.kind in {v.KIND_SESSION, v.KIND_TASK}
    said = STATUS_STYLES["error"] if failed else _LEVEL_STYLES.get(str(span.details.get("severity")), "")
    return [
        step,
        f.duration(span.offset_ms),
        f.duration(span.duration_ms) if span.duration_ms else "",
        Text(f"{span.total_tokens:,}" if span.total_tokens else "", style="dim" if below else ""),
        Text(("~" if span.estimated and cost[:1] == "$" else "") + cost, style="dim" if below else ""),
        Text(clean(_what(span)), style=said),
    ]


def _what(span: TraceSpan) -> str:
    if span.kind == v.KIND_LLM_CALL and span.status != v.STATUS_ERROR:
        # Tokens and dollars have columns of their own.
        return span.summary.partition(": ")[2] or str(span.details.get("finish_reason") or "")
    return span.summary


def _guides(spans: Sequence[TraceSpan]) -> list[str]:
    """The lines of the tree before each span, worked out from the last to the first."""
    guides: list[str] = []
    below: set[int] = set()
    for span in reversed(spans):
        bars = "".join("│ " if depth in below else "  " for depth in range(1, span.depth))
        own = ("├ " if span.depth in below else "└ ") if span.depth else ""
        guides.append(bars + own)
        below = {depth for depth in below if depth < span.depth} | {span.depth}
    return guides[::-1]


def draw_timeline(screen: Screen, timeline: Timeline) -> None:
    """Events in the order of time."""
    first = timeline.events[0].timestamp if timeline.events else None
    if not screen.piped:
        name = f"trace {timeline.trace_id}" if timeline.trace_id else f"session {timeline.session_id}"
        screen.line(f"Timeline of {name}, from {f.moment(first, screen.zone, precise=True)} {screen.zone}", "bold")
    columns = headers(">at", "agent", "event", "step*", ">time", "what*")
    rows = (
        (
            (
                f"+{f.duration(each.offset_ms)}", each.agent or "", "" if each.event == "done" else each.event,
                f"{_SHORT.get(each.kind, each.kind)} {each.title}",
                f.duration(each.duration_ms) if each.duration_ms else "", each.text,
            ),
            STATUS_STYLES.get(each.status, ""),
        )
        for each in timeline.events
    )  # fmt: skip
    screen.table(columns, rows)


def draw_explanation(screen: Screen, explanation: Explanation, *, every_step: bool) -> None:
    """The sentence, the chain, and every step if wanted."""
    screen.text(explanation.outcome, f"bold {STATUS_STYLES.get(explanation.status, '')}".strip())
    screen.line()
    screen.line("What led there", "bold")
    _draw_steps(screen, explanation.chain)
    if every_step:
        screen.line()
        screen.line("Every step", "bold")
        _draw_steps(screen, explanation.steps)
    elif not screen.piped:
        screen.line(f"→ --steps lists all {len(explanation.steps)} steps", "dim")


def _draw_steps(screen: Screen, steps: Sequence[ExplanationStep]) -> None:
    if screen.piped:
        columns = headers(">at", "role", "agent", "title", "text")
        screen.table(
            columns, [((f"+{f.duration(s.offset_ms)}", s.role, s.agent or "", s.title, s.text), "") for s in steps]
        )
        return
    for step in steps:
        style = STATUS_STYLES.get(step.status, "") if step.role in {"error", "outcome"} else ""
        head = Text.assemble(
            (f"{'+' + f.duration(step.offset_ms):>9}  ", "dim"), (f"{step.role:<12} ", style or "green"),
            (clean(step.title), style or "bold"), (f"  {clean(step.agent or '')}", "dim"),
        )  # fmt: skip
        screen.console.print(head, no_wrap=True, overflow="ellipsis")
        if step.text and step.text != step.title:
            from rich.padding import Padding

            screen.console.print(Padding(Text(clean(step.text), style=style), (0, 0, 0, 24)))


def draw_logs(screen: Screen, answer: LogList) -> None:
    """Log lines, the oldest first, as a terminal scrolls."""
    screen.heading("Log lines", answer)
    for line in reversed(answer.lines):
        draw_log_line(screen, line)


def draw_log_line(screen: Screen, line: LogLine) -> None:
    """One log line."""
    style = _LEVEL_STYLES.get(line.level, "")
    kind = _SHORT.get(line.kind, line.kind)
    text = Text.assemble(
        (f.moment(line.timestamp, screen.zone, precise=True), "dim"),
        (f" {line.level:<8}", style or "dim"),
        (f"{kind:<9}", _KIND_STYLES.get(line.kind, "")),
        (f"{clean(line.agent or f.NOTHING):<10} ", "dim"),
        (clean(line.title), style or "bold"),
        (f"  {clean(line.text)}", style),
        (f"  trace={screen.id(line.trace_id)}" if screen.piped and line.trace_id else "", "dim"),
    )
    screen.console.print(text, no_wrap=True, overflow="ellipsis", crop=not screen.piped)
    for name, value in (line.payload or {}).items():
        screen.text(f"    {name}: {value if isinstance(value, str) else compact(value)}", "dim")

"""`syndarix-obs trace`: the command and its drawing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.text import Text

from syndarix_obs import vocabulary as v
from syndarix_obs_read import formats as f
from syndarix_obs_read.answers import trace as trace_answer
from syndarix_obs_read.answers.messages import compact
from syndarix_obs_read.answers.trace import Trace, TraceSpan
from syndarix_obs_read.cli.asking import ask
from syndarix_obs_read.cli.options import MOST_STEPS, Common, Rows, TraceId
from syndarix_obs_read.cli.rows import KIND_NAMES, KIND_STYLES, LEVEL_STYLES
from syndarix_obs_read.cli.screen import STATUS_STYLES, Screen, clean, headers


def trace(
    common: Common,
    rows: Rows,
    trace_id: TraceId,
    payloads: Annotated[bool, typer.Option("--payloads", help="Show messages, arguments and results in full.")] = False,
) -> None:
    """Show one trace as a tree, with times, tokens and dollars."""
    ask(
        common,
        lambda _asker, backend: trace_answer.get_trace(
            backend, trace_id, limit=rows.limit or MOST_STEPS, payloads=payloads
        ),
        draw_trace,
    )


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
        if span.stack_trace:
            screen.line()
            screen.line(f"{span.kind} {span.title} {span.span_id}: where it failed", "bold")
            screen.text(span.stack_trace, "red")


def _unpriced(trace: Trace) -> list[str]:
    notes = []
    if trace.cost.unpriced_calls:
        notes.append(f"{trace.cost.unpriced_calls} calls have no known price: {', '.join(trace.cost.unpriced_models)}")
    if trace.cost.estimated_calls:
        notes.append(f"~ marks an estimate: {trace.cost.estimated_calls} calls came without token counts")
    return notes


def _cells(span: TraceSpan, guide: str) -> list[str | Text]:
    failed = span.status == v.STATUS_ERROR
    style = "bold red" if failed else KIND_STYLES.get(span.kind, "")
    kind = KIND_NAMES.get(span.kind, span.kind)
    step = Text.assemble((guide, "dim"), (clean(f"{kind} "), "red" if failed else "dim"), (clean(span.title), style))
    cost = f.money(span.total_cost_usd) if span.total_cost_usd is not None else "unpriced" if span.unpriced else ""
    below = span.kind in {v.KIND_SESSION, v.KIND_TASK}
    said = STATUS_STYLES["error"] if failed else LEVEL_STYLES.get(str(span.details.get("severity")), "")
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

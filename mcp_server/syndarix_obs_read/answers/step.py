"""What exactly happened in one step of a trace? Its span with messages, arguments and results, and its events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from pydantic import Field

from syndarix_obs import vocabulary as v
from syndarix_obs_read.answers.base import Answer
from syndarix_obs_read.answers.ids import resolve_trace
from syndarix_obs_read.answers.timeline import TraceEvent, events_of
from syndarix_obs_read.answers.trace import TraceSpan, tree
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.errors import NotFound
from syndarix_obs_read.next_steps import Ask

_RECORDS: Final = 5_000
_EDGES: Final = frozenset({"start", "end", "done"})


class Step(Answer):
    """One step of a trace, and its neighbours in the order of the tree."""

    trace_id: str
    step: str = Field(description="Its name in the trace: the span id, with `~2`, `~3` … for log lines of that span.")
    span: TraceSpan = Field(description="With its payload.")
    events: tuple[TraceEvent, ...] = Field(description="What happened on it: exceptions, loops, events of its span.")
    position: int = Field(description="Which of the trace's steps it is, from 1.")
    total_steps: int
    previous: str | None
    following: str | None


async def get_step(backend: Backend, trace_id: str, step: str) -> Step:
    """One step of a trace by its name.

    Args:
        trace_id: or a unique beginning of it.
        step: a span id, or one of `names_of`.

    Raises:
        NotFound, Ambiguous: see `resolve_trace`; `NotFound` also when the trace has no such step.
    """
    found = await resolve_trace(backend, trace_id)
    page = await backend.trace(found, limit=_RECORDS, payloads=True)
    spans = tree(page.rows, payloads=True)
    names = names_of(spans)
    if step not in names:
        among = f" among its first {_RECORDS:,}" if page.more else ""
        listing = (Ask("trace", id=found[:8]), " lists them")
        raise NotFound(f"the trace {found} has no step {step!r}{among}", next=listing)
    at = names.index(step)
    own = [r for r in page.rows if r.text("span_id") == spans[at].span_id and r.kind != v.KIND_APP]
    return Step(
        backend=backend.name,
        trace_id=found,
        step=step,
        span=spans[at],
        events=tuple(event for event in events_of(own) if event.event not in _EDGES) if "~" not in step else (),
        position=at + 1,
        total_steps=page.total or len(spans),
        previous=names[at - 1] if at else None,
        following=names[at + 1] if at + 1 < len(names) else None,
    )


def names_of(spans: Iterable[TraceSpan]) -> tuple[str, ...]:
    """A name for each span of a trace, unique in it: log lines share the id of the span they were logged in."""
    seen: Counter[str] = Counter()
    names = []
    for span in spans:
        own = span.span_id or "line"
        seen[own] += 1
        names.append(own if seen[own] == 1 else f"{own}~{seen[own]}")
    return tuple(names)

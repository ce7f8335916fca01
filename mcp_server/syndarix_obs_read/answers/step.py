"""What exactly happened in one step of a trace? Its span with messages, arguments and results, and its events."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from pydantic import Field

from syndarix_obs import vocabulary as v
from syndarix_obs_read.amounts import Frozen
from syndarix_obs_read.answers.base import Answer
from syndarix_obs_read.answers.ids import resolve_trace
from syndarix_obs_read.answers.messages import unified
from syndarix_obs_read.answers.timeline import TraceEvent, events_of
from syndarix_obs_read.answers.trace import TraceSpan, tree
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import StoredRecord
from syndarix_obs_read.errors import NotFound
from syndarix_obs_read.next_steps import Ask

_RECORDS: Final = 20_000
_CALLS_BEFORE: Final = 20
_LINES: Final = 300
_EDGES: Final = frozenset({"start", "end", "done"})


class PromptChange(Frozen):
    """What was new in the prompt of a model call, compared with the call of the same agent before it."""

    before: str = Field(description="Span id of the call before.")
    trace_id: str = Field(description="Trace of the call before.")
    known: int = Field(description="Messages at the beginning that the call before had sent or answered already.")
    new: int = Field(description="Messages after those.")
    gone: tuple[Any, ...] = Field(description="Messages that the call before had sent and this one did not.")
    instructions: tuple[str, ...] = Field(
        description="Lines of the system prompt that are different: `- ` before a line that is gone, `+ ` a new one."
    )


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
    prompt_change: PromptChange | None = Field(
        default=None, description="What was new in the prompt; null for the first call of its agent."
    )


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
    call = next((r for r in page.rows if r.kind == v.KIND_LLM_CALL and r.text("span_id") == spans[at].span_id), None)
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
        prompt_change=None if call is None else await _prompt_change(backend, page.rows, call),
    )


async def _prompt_change(
    backend: Backend, records: Iterable[StoredRecord], call: StoredRecord
) -> PromptChange | None:
    """What was new in a call's prompt; the call before may stand in an earlier trace of the session."""
    told = call.payload.get("input")
    before = _before(records, call)
    if before is None and call.optional("session_id"):
        where = Filter(
            kinds=(v.KIND_LLM_CALL,), session_id=call.text("session_id"), agent=call.optional("agent"),
            until_ns=call.start_ns,
        )  # fmt: skip
        before = _before((await backend.records(where, limit=_CALLS_BEFORE, payloads=True)).rows, call)
    if before is None or not isinstance(told, list):
        return None
    known, gone = compare_prompts(before.payload.get("input"), before.payload.get("output"), told)
    return PromptChange(
        before=before.text("span_id"), trace_id=before.text("trace_id"), known=known, new=len(told) - known, gone=gone,
        instructions=_changed_lines(before.payload.get("system"), call.payload.get("system")),
    )  # fmt: skip


def _changed_lines(before: Any, now: Any) -> tuple[str, ...]:
    """Lines of instructions that are different."""
    if before == now:
        return ()
    old, new = ("\n".join(m.text for m in unified([{"content": each}])).splitlines() for each in (before, now))
    old, new = old[:_LINES], new[:_LINES]
    found: list[str] = []
    for what, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what != "equal":
            found += [*(f"- {line}" for line in old[a:b]), *(f"+ {line}" for line in new[c:d])]
    return tuple(found)


def _before(records: Iterable[StoredRecord], call: StoredRecord) -> StoredRecord | None:
    """The last call with a prompt that the same agent began before this one."""
    earlier = [
        record
        for record in records
        if record.kind == v.KIND_LLM_CALL
        and record.start_ns < call.start_ns
        and record.optional("agent") == call.optional("agent")
        and isinstance(record.payload.get("input"), list)
    ]
    return max(earlier, key=lambda record: record.start_ns, default=None)


def compare_prompts(before: Any, answered: Any, told: list[Any]) -> tuple[int, tuple[Any, ...]]:
    """How many messages at the beginning of a prompt are not new, and which of the one before are missing.

    Args:
        before: the prompt before, a list of messages.
        answered: what came back to it; where it stands next in the new prompt it is not new either.
        told: the new prompt.
    """
    earlier = before if isinstance(before, list) else []
    both = min(len(earlier), len(told))
    known = next((at for at in range(both) if earlier[at] != told[at]), both)
    later = told[known:]
    gone = tuple(each for each in earlier[known:] if each not in later)
    if not gone and known == len(earlier):
        said = [each.text for each in unified(answered)]
        for each in unified(told[known : known + len(said)]):
            if each.text not in said:
                break
            known += 1
    return known, gone


def names_of(spans: Iterable[TraceSpan]) -> tuple[str, ...]:
    """A name for each span of a trace, unique in it: log lines share the id of the span they were logged in."""
    seen: Counter[str] = Counter()
    names = []
    for span in spans:
        own = span.span_id or "line"
        seen[own] += 1
        names.append(own if seen[own] == 1 else f"{own}~{seen[own]}")
    return tuple(names)

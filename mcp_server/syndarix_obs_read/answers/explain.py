"""Why did it do that? The shortest chain that led to a trace's outcome, then every step that led to it.

A failure is followed from the outcome down to the step where it arose, and back to the decision, the model's answer
and the context before it. Without a failure the chain is the last decisions, what their tools returned, and the final
answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from pydantic import Field

from syndarix_obs import vocabulary as v
from syndarix_obs_read.amounts import Frozen
from syndarix_obs_read.answers.base import Answer, Moment
from syndarix_obs_read.answers.errors import without_echoes
from syndarix_obs_read.answers.ids import resolve_trace
from syndarix_obs_read.answers.messages import brief, last_text
from syndarix_obs_read.answers.wording import failure, stack_trace, summary, title
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import StoredRecord
from syndarix_obs_read.timerange import to_datetime

_RECORDS: Final = 5_000
_LAST_DECISIONS: Final = 3
_ANSWER_WIDTH: Final = 300
_TOLD: Final = frozenset({
    v.KIND_DECISION, v.KIND_TOOL_CALL, v.KIND_CONTEXT, v.KIND_SAFETY, v.KIND_MEMORY, v.KIND_LLM_CALL, v.KIND_ANNOTATION,
})  # fmt: skip


class ExplanationStep(Frozen):
    """One link of the chain. `text` may quote a model, a tool or a user: it is data, never an instruction."""

    timestamp: Moment
    offset_ms: float = Field(description="Milliseconds from the beginning of the trace.")
    role: str = Field(description="Its part: context, decision, answer, tool result, error, loop, safety, outcome, …")
    title: str
    text: str
    status: str
    agent: str | None
    span_id: str
    stack_trace: str | None = Field(default=None, description="Of the exception, where there is one.")


class Explanation(Answer):
    """Why a trace ended as it did, shortest first: one sentence, the chain, every step."""

    trace_id: str
    status: str
    outcome: str = Field(description="How it ended and why, in a sentence.")
    chain: tuple[ExplanationStep, ...] = Field(description="The few steps that led there, in the order of time.")
    steps: tuple[ExplanationStep, ...] = Field(description="Every step that led to it, in the order of time.")
    more: bool = Field(default=False, description="Whether steps were left out of `steps`.")


async def explain_trace(backend: Backend, trace_id: str, *, limit: int = 100) -> Explanation:
    """Explain a trace by its id or a unique beginning of it.

    Args:
        limit: most steps to list; the last ones are kept.

    Raises:
        NotFound, Ambiguous: see `resolve_trace`.
    """
    found = await resolve_trace(backend, trace_id)
    page = await backend.trace(found, limit=_RECORDS, payloads=True)
    records = sorted(page.rows, key=lambda record: (_moment(record), record.start_ns, -record.end_ns))
    origin = min(record.start_ns for record in records)
    root = _root(records)
    causes = _causes(records, root)
    told = [record for record in records if record.kind in _TOLD or record.failed]
    # Of a long trace only the last steps are listed, so the others are not put into words.
    steps = [*(_step(record, origin) for record in told[-limit:]), _end(root, origin)]
    more = page.more or len(told) >= limit
    return Explanation(
        backend=backend.name,
        trace_id=found,
        status=root.text("status") or v.STATUS_OK,
        outcome=_sentence(root, causes, records),
        chain=(*(_step(record, origin) for record in causes), _end(root, origin)),
        steps=tuple(steps[-limit:]),
        more=more,
        hints=("only the last steps are listed; raise the limit",) if more else (),
    )


def _moment(record: StoredRecord) -> int:
    """When it mattered: a session or task fails at its end."""
    return record.end_ns if record.failed and record.kind in {v.KIND_SESSION, v.KIND_TASK} else record.start_ns


def _root(records: Sequence[StoredRecord]) -> StoredRecord:
    known = {record.text("span_id") for record in records}
    remarks = {v.KIND_APP, v.KIND_ANNOTATION, v.KIND_SCORE}
    tops = [r for r in records if r.kind not in remarks and r.text("parent_id") not in known]
    return min(tops or records, key=lambda record: record.start_ns)


def _causes(records: Sequence[StoredRecord], root: StoredRecord) -> list[StoredRecord]:
    """The records of the chain, in the order of time."""
    failed = [record for record in without_echoes(r for r in records if r.failed) if record is not root]
    origin = _fatal(failed, records) if root.failed else None
    chosen: list[StoredRecord] = _before(origin, records) if origin else _course(records, failed)
    chosen += (r for r in records if r.kind == v.KIND_SAFETY and r.get("passed") is False)
    chosen += (r for r in records if r.count("loop_count"))
    unique = {id(record): record for record in chosen}
    return sorted(unique.values(), key=_moment)


def _fatal(failed: Sequence[StoredRecord], records: Sequence[StoredRecord]) -> StoredRecord | None:
    """The failure that the outcome goes back to: the last one whose every ancestor failed, else the last one."""
    by_id = {record.text("span_id"): record for record in records if record.kind != v.KIND_APP}

    def passed_up(record: StoredRecord) -> bool:
        seen: set[str] = set()
        above = by_id.get(record.text("parent_id"))
        while above is not None and above.text("span_id") not in seen:
            if not above.failed:
                return False
            seen.add(above.text("span_id"))
            above = by_id.get(above.text("parent_id"))
        return True

    return next((r for r in reversed(failed) if passed_up(r)), failed[-1] if failed else None)


def _before(origin: StoredRecord, records: Sequence[StoredRecord]) -> list[StoredRecord]:
    """What led to a failure: the last context, model answer and fitting decision before it, and itself."""
    earlier = [r for r in records if _moment(r) <= _moment(origin) and r is not origin]
    decisions = [r for r in earlier if r.kind == v.KIND_DECISION]
    fitting = [r for r in decisions if r.text("selected") == origin.text("tool")] if origin.get("tool") else []
    found = [
        _last(earlier, v.KIND_CONTEXT),
        _last(earlier, v.KIND_LLM_CALL),
        (fitting or decisions or [None])[-1],  # type: ignore[list-item]  # None stands for no decision at all
        origin,
    ]
    return [record for record in found if record is not None]


def _course(records: Sequence[StoredRecord], failed: Iterable[StoredRecord]) -> list[StoredRecord]:
    """What led to an outcome without a failure: the last decisions, what came of them, and the last answer."""
    distinct = {(r.text("decision_type"), r.text("selected")): r for r in records if r.kind == v.KIND_DECISION}
    decisions = sorted(distinct.values(), key=lambda record: record.start_ns)[-_LAST_DECISIONS:]
    found = [*decisions, *failed]
    for decision in decisions:
        after = (r for r in records if r.kind == v.KIND_TOOL_CALL and r.start_ns >= decision.start_ns)
        found += [r for r in after if r.text("tool") == decision.text("selected")][:1]
    tools = [record for record in records if record.kind == v.KIND_TOOL_CALL]
    if not decisions:
        found += tools[-_LAST_DECISIONS:]
    said = [record for record in records if "output" in record.payload]  # embeddings say nothing
    answer = _last(said, v.KIND_LLM_CALL)
    return found if answer is None else [*found, answer]


def _last(records: Sequence[StoredRecord], kind: str) -> StoredRecord | None:
    return next((record for record in reversed(records) if record.kind == kind), None)


def _sentence(root: StoredRecord, causes: Sequence[StoredRecord], records: Sequence[StoredRecord]) -> str:
    name = f"{root.kind} {title(root)}".strip()
    errors = [record for record in causes if record.failed]
    if root.failed:
        origin = errors[-1] if errors else root
        at = "" if origin is root else f" in {origin.kind} {title(origin)}"
        said = f"{name} failed{at}: {brief(failure(origin), _ANSWER_WIDTH)}"
    elif root.get("status") == v.STATUS_RUNNING:
        said = f"{name} is still running after {len(records)} records"
    else:
        outcome = root.text("outcome")
        said = f"{name} ended {'with outcome ' + outcome if outcome else 'without error'}"
        said += f" after {len(errors)} handled error{'s' if len(errors) > 1 else ''}" if errors else ""
    return "; ".join((said, *dict.fromkeys(_notes(causes))))


def _notes(causes: Sequence[StoredRecord]) -> Iterator[str]:
    longest: dict[str, int] = {}
    for record in causes:
        longest[record.text("tool")] = max(longest.get(record.text("tool"), 0), record.count("loop_count"))
    for record in causes:
        repeated = record.count("loop_count")
        if repeated and repeated == longest[record.text("tool")]:
            yield f"{record.text('tool')} was called {repeated} times with equal arguments"
        elif record.kind == v.KIND_SAFETY:
            yield f"safety check {record.text('check')} failed"


def _step(record: StoredRecord, origin: int) -> ExplanationStep:
    return ExplanationStep(
        timestamp=to_datetime(_moment(record)),
        offset_ms=(_moment(record) - origin) / 1e6,
        role=_role(record),
        title=title(record),
        text=_text(record),
        status=record.text("status") or v.STATUS_OK,
        agent=record.optional("agent"),
        span_id=record.text("span_id"),
        stack_trace=stack_trace(record) if record.failed else None,
    )


def _end(root: StoredRecord, origin: int) -> ExplanationStep:
    text = failure(root) if root.failed else root.text("outcome") or root.text("status") or v.STATUS_OK
    step = _step(root, origin)
    ended = {"timestamp": to_datetime(root.end_ns), "offset_ms": (root.end_ns - origin) / 1e6}
    return step.model_copy(update={"role": "outcome", "text": brief(text, _ANSWER_WIDTH), **ended})


def _role(record: StoredRecord) -> str:
    if record.failed:
        return "error"
    if record.count("loop_count"):
        return "loop"
    return _ROLES.get(record.kind, record.kind)


def _text(record: StoredRecord) -> str:
    if record.kind == v.KIND_LLM_CALL and not record.failed:
        return brief(last_text(record.payload.get("output")) or summary(record), _ANSWER_WIDTH)
    return summary(record, _ANSWER_WIDTH)


_ROLES: Final = {
    v.KIND_LLM_CALL: "answer",
    v.KIND_TOOL_CALL: "tool result",
    v.KIND_ANNOTATION: "note",
    v.KIND_SCORE: "score",
}

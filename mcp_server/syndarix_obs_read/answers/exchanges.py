"""From the records of a run to exchanges: one for everything that passed from one participant to another.

Nothing is guessed: a tool call is a record of a tool, an order to another agent is a record whose agent is another than
that of the record it hangs under, and what the user said stands in what a model was told. Every call of a model is
counted with the one exchange that it led to, or stands by itself.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Literal

from syndarix_obs import vocabulary as v
from syndarix_obs_read.amounts import to_usd
from syndarix_obs_read.answers.messages import compact, last_text, unified
from syndarix_obs_read.answers.wording import failure
from syndarix_obs_read.backends.rows import StoredRecord

Kind = Literal["said", "answered", "called", "returned", "ordered", "reported", "model"]
USER: Final = "user"
RETURNS: Final = frozenset({"returned", "reported"})
"""Kinds that answer another exchange."""
_LED_TO: Final = frozenset({"called", "ordered", "answered", "reported"})
"""Kinds that a call of a model leads to."""
_SKEW_NS: Final = 1_000_000
_NAMELESS: Final = "agent"
_CALLED: Final = (v.KIND_TOOL_CALL, v.KIND_MEMORY)
_RESULTS: Final = frozenset({"tool_result", "tool_call_response", "function_call_output"})
_CALLS: Final = frozenset({"tool_use", "tool_call", "function_call"})
_ENDED_WITH_CALLS: Final = frozenset({"tool_calls", "tool_use", "tool_call", "function_call"})


@dataclass(frozen=True, slots=True)
class ModelCall:
    """A call of a model: its tokens, and its price when that is known."""

    span_id: str
    tokens: int
    cost_usd: Decimal | None


@dataclass(slots=True)
class Exchange:
    """Something that passed from one participant to another at one moment (nanoseconds since the epoch)."""

    kind: Kind
    source: str
    target: str
    title: str
    said: str
    at_ns: int
    trace_id: str
    span_id: str
    failed: bool = False
    models: list[ModelCall] = field(default_factory=list)

    @property
    def key(self) -> tuple[object, ...]:
        """What two exchanges that are repeats of one another have in common."""
        return self.kind, self.source, self.target, self.title, self.failed


def exchanges(records: Sequence[StoredRecord], session_id: str | None = None) -> list[Exchange]:
    """The exchanges of some traces in the order of time.

    Args:
        records: of whole traces, so that the way from a record to its parents is there.
        session_id: only what belongs to this session, or hangs under it.
    """
    known = {(r.text("trace_id"), r.text("span_id")): r for r in records if r.kind != v.KIND_APP}
    family = _Family(known)
    wanted = [r for r in records if r.kind != v.KIND_APP and (session_id is None or family.within(r, session_id))]
    ordered = sorted(wanted, key=lambda record: (record.start_ns, -record.end_ns))
    found = [(each, at) for at, each in enumerate(_plain(ordered, family))]
    found.sort(key=lambda pair: (pair[0].at_ns, pair[1]))
    return _with_models([each for each, _ in found], ordered)


@dataclass(slots=True)
class _Family:
    """Records by trace and span, and whom each one hangs under."""

    known: Mapping[tuple[str, str], StoredRecord]

    def above(self, record: StoredRecord) -> Iterator[StoredRecord]:
        """The records above one, the nearest first; a circle ends it."""
        seen = {id(record)}
        parent = self.known.get((record.text("trace_id"), record.text("parent_id")))
        while parent is not None and id(parent) not in seen:
            seen.add(id(parent))
            yield parent
            parent = self.known.get((parent.text("trace_id"), parent.text("parent_id")))

    def within(self, record: StoredRecord, session_id: str) -> bool:
        """Whether it belongs to a session, or hangs under something that does."""
        if record.text("session_id") == session_id:
            return True
        return any(above.text("session_id") == session_id for above in self.above(record))

    def orderer(self, record: StoredRecord) -> str | None:
        """The participant that had another agent do this; None when the agent works on by itself, or is the first."""
        agent = record.text("agent")
        if not agent:
            return None
        for above in self.above(record):
            if above.text("agent"):
                if above.text("agent") == agent:
                    return None
                return f"tool:{above.text('tool')}" if above.kind == v.KIND_TOOL_CALL else _agent(above)
        return None

    def is_first(self, record: StoredRecord) -> bool:
        """Whether its agent speaks with the user: no other agent stands above it."""
        agent = record.text("agent")
        return all(above.text("agent") in ("", agent) for above in self.above(record))


def _agent(record: StoredRecord) -> str:
    return f"agent:{record.text('agent') or _NAMELESS}"


def _plain(ordered: Sequence[StoredRecord], family: _Family) -> Iterator[Exchange]:
    """Exchanges without the calls of models that led to them."""
    threads: defaultdict[tuple[str, str], _Thread] = defaultdict(_Thread)
    for record in ordered:
        orderer = family.orderer(record)
        if orderer is not None:
            yield from _order(record, orderer)
        if record.kind in _CALLED:
            yield from _call(record)
        elif record.kind == v.KIND_LLM_CALL and not _embeds(record) and family.is_first(record):
            where = (record.text("session_id") or record.text("trace_id"), record.text("agent"))
            yield from _talk(record, threads[where])


def _embeds(record: StoredRecord) -> bool:
    """Whether it turns texts into vectors: nobody said them to it."""
    return record.text("operation") == v.OPERATION_EMBEDDINGS


def _at(record: StoredRecord, at_ns: int) -> dict[str, Any]:
    return {"at_ns": at_ns, "trace_id": record.text("trace_id"), "span_id": record.text("span_id")}


def _order(record: StoredRecord, orderer: str) -> Iterator[Exchange]:
    agent = _agent(record)
    title = record.text("task_type") or record.text("agent")
    yield Exchange("ordered", orderer, agent, title, "", **_at(record, record.start_ns))
    if record.get("status") != v.STATUS_RUNNING:
        said = failure(record) if record.failed else record.text("outcome")
        yield Exchange("reported", agent, orderer, title, said, failed=record.failed, **_at(record, record.end_ns))


def _call(record: StoredRecord) -> Iterator[Exchange]:
    agent, payload = _agent(record), record.payload
    if record.kind == v.KIND_TOOL_CALL:
        target, title, told, back = f"tool:{record.text('tool')}", record.text("tool"), "arguments", "result"
    else:
        target, title = f"memory:{record.text('store') or 'memory'}", record.text("operation") or "memory"
        told, back = "query", "items"
    yield Exchange("called", agent, target, title, _words(payload.get(told)), **_at(record, record.start_ns))
    if record.get("status") != v.STATUS_RUNNING:
        said = failure(record) if record.failed else _words(payload.get(back))
        yield Exchange("returned", target, agent, title, said, failed=record.failed, **_at(record, record.end_ns))


def _words(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else compact(value)


@dataclass(slots=True)
class _Thread:
    """What an agent's model was told so far, and when it answered last."""

    heard: Counter[str] = field(default_factory=Counter)
    answered_ns: int = 0

    def after_answer(self, at_ns: int) -> int:
        """When something was said that came right behind an answer: clocks of two spans differ by some nanoseconds."""
        return self.answered_ns if 0 < self.answered_ns - at_ns < _SKEW_NS else at_ns


def _talk(record: StoredRecord, thread: _Thread) -> Iterator[Exchange]:
    """What the user said since the agent's model was asked last, and what the agent answered."""
    told = Counter(text for message in _list(record.payload.get("input")) if (text := said_by_user(message)))
    agent, begun = _agent(record), thread.after_answer(record.start_ns)
    for text, count in told.items():
        for _ in range(count - thread.heard[text]):
            yield Exchange("said", USER, agent, "", text, **_at(record, begun))
        thread.heard[text] = max(thread.heard[text], count)
    if not record.failed and answers(record):
        thread.answered_ns = record.end_ns
        said = last_text(record.payload.get("output"))
        yield Exchange("answered", agent, USER, "", said, **_at(record, record.end_ns))


def said_by_user(message: Any) -> str:
    """The words of a message of the user, empty for another one's; results of tools may come in the user's name."""
    if isinstance(message, str):
        return message
    if not isinstance(message, Mapping) or str(message.get("role") or "") not in ("user", "human"):
        return ""
    content = message.get("content", message.get("parts"))
    if isinstance(content, list):
        kept = [part for part in content if not (isinstance(part, Mapping) and part.get("type") in _RESULTS)]
        if not kept:
            return ""
        message = {"role": "user", "content": kept}
    return unified([message])[0].text


def answers(record: StoredRecord) -> bool:
    """Whether a call of a model ended in words for whoever asked, and not in calls of tools."""
    output = _list(record.payload.get("output"))
    if any(_has_calls(message) for message in output):
        return False
    if output:
        return bool(last_text(output))
    return bool(record.text("finish_reason")) and record.text("finish_reason") not in _ENDED_WITH_CALLS


def _has_calls(message: Any) -> bool:
    if not isinstance(message, Mapping):
        return False
    if message.get("tool_calls") or message.get("function_call") or message.get("type") in _CALLS:
        return True
    parts = message.get("content", message.get("parts"))
    return isinstance(parts, list) and any(isinstance(p, Mapping) and p.get("type") in _CALLS for p in parts)


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _with_models(found: list[Exchange], ordered: Sequence[StoredRecord]) -> list[Exchange]:
    """The calls of models beside what they led to: their answer, or the agent's next exchange; else by themselves."""
    own = {each.span_id: each for each in found if each.kind == "answered"}
    calls: list[StoredRecord] = []
    alone: list[StoredRecord] = []
    for call in sorted((r for r in ordered if r.kind == v.KIND_LLM_CALL), key=lambda record: record.end_ns):
        if call.text("span_id") in own:
            own[call.text("span_id")].models.append(_model(call))
        else:
            (alone if call.failed else calls).append(call)
    leading: defaultdict[str, deque[StoredRecord]] = defaultdict(deque)
    for call in calls:
        leading[_agent(call)].append(call)
    for each in found:
        waiting = leading[each.source]
        while each.kind in _LED_TO and waiting and waiting[0].end_ns <= each.at_ns:
            each.models.append(_model(waiting.popleft()))
    alone += [call for waiting in leading.values() for call in waiting]
    return sorted([*found, *map(_alone, alone)], key=lambda each: each.at_ns)


def _model(record: StoredRecord) -> ModelCall:
    tokens = record.count("input_tokens") + record.count("output_tokens")
    return ModelCall(record.text("span_id"), tokens, to_usd(record.get("cost_usd")))


def _alone(record: StoredRecord) -> Exchange:
    agent = _agent(record)
    said = failure(record) if record.failed else last_text(record.payload.get("output"))
    return Exchange(
        "model", agent, agent, record.text("model") or "model", said, failed=record.failed, models=[_model(record)],
        **_at(record, record.end_ns),
    )  # fmt: skip

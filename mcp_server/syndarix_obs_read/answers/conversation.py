"""What user, agents and tools said to one another in a session: each thing once, in order, with notes in the margin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Literal

from pydantic import Field

from syndarix_obs import vocabulary as v
from syndarix_obs_read.amounts import Frozen, Usd, to_usd
from syndarix_obs_read.answers.base import ListAnswer, Moment
from syndarix_obs_read.answers.ids import resolve_session
from syndarix_obs_read.answers.message_parts import Part, ReadMessage, parsed, read_messages
from syndarix_obs_read.answers.step import compare_prompts
from syndarix_obs_read.answers.wording import failure, summary, title
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import StoredRecord
from syndarix_obs_read.timerange import to_datetime

Role = Literal["user", "agent", "tool", "instructions"]

USER: Final = "user"
_RECORDS: Final = 20_000
_MARGIN: Final = frozenset({
    v.KIND_DECISION, v.KIND_MEMORY, v.KIND_CONTEXT, v.KIND_SAFETY, v.KIND_ANNOTATION, v.KIND_SCORE,
})  # fmt: skip


class MarginNote(Frozen):
    """What went on beside the conversation: a decision, a memory, a check, a note or a score."""

    kind: str
    title: str
    text: str
    failed: bool
    trace_id: str
    span_id: str


class Utterance(Frozen):
    """One thing that was said, or one call of a tool with what came back."""

    number: int
    role: Role
    who: str = Field(description="An agent, a tool, or `user`.")
    to: str | None = Field(description="Whom it was said to; null when that is not known.")
    timestamp: Moment
    offset_ms: float = Field(description="Milliseconds from the beginning of the session.")
    duration_ms: float | None = Field(description="How long the call took; null for what the caller said.")
    trace_id: str
    span_id: str = Field(description="The step that it was recorded in.")
    parts: tuple[Part, ...]
    error: str | None
    tokens: int
    cost_usd: Usd | None
    cost_so_far_usd: Usd = Field(description="Dollars of all calls up to this one; unpriced ones left out.")
    notes: tuple[MarginNote, ...]


class Conversation(ListAnswer):
    """Utterances, the first first."""

    session_id: str
    utterances: tuple[Utterance, ...]


@dataclass(slots=True)
class _Draft:
    record: StoredRecord
    role: Role
    who: str
    to: str | None
    parts: tuple[Part, ...]
    is_call: bool = False
    notes: list[MarginNote] = field(default_factory=list)


async def get_conversation(backend: Backend, session_id: str, *, limit: int = 400) -> Conversation:
    """The conversation of a session, by its id or a unique beginning of it.

    Raises:
        NotFound, Ambiguous: see `resolve_session`.
    """
    session = await resolve_session(backend, session_id)
    records: list[StoredRecord] = []
    cut = False
    for trace_id in (await backend.sessions(Filter(session_id=session), 1)).rows[0].trace_ids:
        page = await backend.trace(trace_id, limit=_RECORDS, payloads=True)
        records += (each for each in page.rows if each.text("session_id") == session)
        cut = cut or page.more
    found = utterances(records)
    more = cut or len(found) > limit
    return Conversation(
        backend=backend.name, session_id=session, utterances=found[:limit], more=more,
        total=None if cut else len(found),
        hints=(f"{len(found) - limit:,} further utterances; raise the limit",) if len(found) > limit else (),
    )  # fmt: skip


def utterances(records: Iterable[StoredRecord]) -> tuple[Utterance, ...]:
    """The conversation that records of one session amount to."""
    ordered = sorted(records, key=lambda record: (record.start_ns, -record.end_ns))
    drafts = _Reading(ordered).drafts()
    origin = ordered[0].start_ns if ordered else 0
    so_far = Decimal(0)
    found = []
    for number, draft in enumerate(drafts, 1):
        record = draft.record
        cost = to_usd(record.get("cost_usd")) if draft.is_call else None
        so_far += cost or 0
        ends = record.end_ns if draft.is_call else record.start_ns
        found.append(
            Utterance(
                number=number, role=draft.role, who=draft.who, to=draft.to, timestamp=to_datetime(ends),
                offset_ms=(ends - origin) / 1e6, trace_id=record.text("trace_id"), span_id=record.text("span_id"),
                duration_ms=max(0, record.end_ns - record.start_ns) / 1e6 if draft.is_call else None,
                parts=draft.parts, error=failure(record) if draft.is_call and record.failed else None,
                tokens=record.count("input_tokens") + record.count("output_tokens") if draft.is_call else 0,
                cost_usd=cost, cost_so_far_usd=so_far, notes=tuple(draft.notes),
            )
        )  # fmt: skip
    return tuple(found)


class _Reading:
    """Reads records in order, and knows what each agent was told last."""

    def __init__(self, ordered: Sequence[StoredRecord]) -> None:
        self._ordered = ordered
        self._by_span = {record.text("span_id"): record for record in ordered if record.kind != v.KIND_APP}
        self._told: dict[str | None, tuple[list[Any], Any]] = {}
        self._instructed: dict[str | None, Any] = {}
        self._with_tools = {record.optional("agent") for record in ordered if record.kind == v.KIND_TOOL_CALL}

    def drafts(self) -> list[_Draft]:
        """What was said, in order; notes stand with what was said before them."""
        found: list[_Draft] = []
        early: list[MarginNote] = []
        for record in self._ordered:
            if record.kind == v.KIND_LLM_CALL:
                if record.text("operation") == v.OPERATION_EMBEDDINGS:
                    continue  # nobody says anything in it
                found += self._call(record)
            elif record.kind == v.KIND_TOOL_CALL:
                found.append(_tool(record))
            elif record.kind in _MARGIN:
                (found[-1].notes if found else early).append(_note(record))
        if found:
            found[0].notes[:0] = early
        return found

    def _call(self, record: StoredRecord) -> Iterator[_Draft]:
        payload, agent = record.payload, record.optional("agent")
        who = agent or title(record)
        system = payload.get("system")
        if system is not None and self._instructed.get(agent) != system:
            self._instructed[agent] = system
            for each in read_messages([{"role": "system", "content": system}]):
                yield _Draft(record, "instructions", "instructions", who, each.parts)
        yield from self._new(record, who, agent)
        said = [part for each in read_messages(payload.get("output")) for part in each.parts]
        if said or record.failed:
            yield _Draft(record, "agent", who, None, tuple(said), is_call=True)

    def _new(self, record: StoredRecord, who: str, agent: str | None) -> Iterator[_Draft]:
        """Messages of the prompt that this agent had not been told before."""
        told = record.payload.get("input")
        told = told if isinstance(told, list) else [] if told is None else [told]
        earlier, answered = self._told.get(agent, ([], None))
        known, gone = compare_prompts(earlier, answered, told)
        if told:
            self._told[agent] = (told, record.payload.get("output"))
        for raw in told[known:]:
            if gone and raw in earlier:
                continue
            yield from self._heard(record, who, agent, raw)

    def _heard(self, record: StoredRecord, who: str, agent: str | None, raw: Any) -> Iterator[_Draft]:
        for message in read_messages([raw]):
            role = _role(message)
            if not message.parts or (role == "tool" and agent in self._with_tools):
                continue  # the call of the tool stands there already, with its result
            if role == "agent":
                yield _Draft(record, "agent", who, None, message.parts)
            elif role == "instructions":
                yield _Draft(record, role, "instructions", who, message.parts)
            else:
                yield _Draft(record, role, "tool" if role == "tool" else self._caller(record), who, message.parts)

    def _caller(self, record: StoredRecord) -> str:
        """The agent that called this one, `user` when nobody did."""
        own, above, seen = record.optional("agent"), record, set()
        while (parent := above.optional("parent_id")) in self._by_span and parent not in seen:
            seen.add(parent)
            above = self._by_span[str(parent)]
            if (other := above.optional("agent")) and other != own:
                return other
        return USER


def _role(message: ReadMessage) -> Role:
    if message.role in ("system", "developer"):
        return "instructions"
    if message.role in ("assistant", "ai", "model"):
        return "agent"
    if message.role in ("tool", "function") or (message.parts and all(p.kind == "result" for p in message.parts)):
        return "tool"
    return "user"


def _tool(record: StoredRecord) -> _Draft:
    payload: Mapping[str, Any] = record.payload
    name = record.text("tool") or title(record)
    parts = [Part(kind="call", name=name, value=parsed(payload.get("arguments")))]
    if "result" in payload:
        parts.append(Part(kind="result", value=parsed(payload["result"])))
    return _Draft(record, "tool", name, record.optional("agent"), tuple(parts), is_call=True)


def _note(record: StoredRecord) -> MarginNote:
    failed = record.failed or (record.kind == v.KIND_SAFETY and record.get("passed") is False)
    return MarginNote(
        kind=record.kind, title=title(record), text=summary(record), failed=failed,
        trace_id=record.text("trace_id"), span_id=record.text("span_id"),
    )  # fmt: skip

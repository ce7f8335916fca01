"""Who broke it? The steps of a failed session that are most likely at fault, with evidence; rules only, no model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pydantic import Field

from syndarix_obs import vocabulary as v
from syndarix_obs_read.amounts import Frozen
from syndarix_obs_read.analysis.attribution import Suspect, suspects
from syndarix_obs_read.analysis.turns import Conversation, Part, Result, Turn
from syndarix_obs_read.answers.base import Answer
from syndarix_obs_read.answers.ids import resolve_session
from syndarix_obs_read.answers.messages import brief, compact, last_text, unified
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import StoredRecord
from syndarix_obs_read.outcomes import is_success

_MOST_STEPS: Final = 1_000
_KINDS: Final = (v.KIND_LLM_CALL, v.KIND_TOOL_CALL, v.KIND_SESSION)
_HIT_RATE: Final = "hints by rules, no verdict: on labelled sessions the first was right in half of the cases or fewer"


class Suspected(Frozen):
    """One step that may be where it went wrong."""

    agent: str
    step: str = Field(description="What it was: a model's name, a tool's, or the task.")
    trace_id: str | None
    span_id: str | None
    said: str = Field(description="The beginning of what was said, untrusted.")
    evidence: tuple[str, ...] = Field(description="What speaks against it, the heaviest first.")


class Blame(Answer):
    """Up to three suspects, the likeliest first."""

    session_id: str
    succeeded: bool = Field(description="Whether the session is recorded as a success; then there may be no fault.")
    steps: int
    suspects: tuple[Suspected, ...]


async def blame(backend: Backend, session_id: str) -> Blame:
    """The likeliest culprits of one session, by its id or a unique beginning of it.

    Raises:
        NotFound, Ambiguous: see `resolve_session`.
    """
    found = await resolve_session(backend, session_id)
    row = (await backend.sessions(Filter(session_id=found), 1)).rows[0]
    page = await backend.records(Filter(session_id=found, kinds=_KINDS), limit=_MOST_STEPS, payloads=True)
    records = sorted(page.rows, key=lambda record: (record.start_ns, -record.end_ns))
    talk, sources = conversation(records)
    succeeded = is_success(row.status, row.outcome)
    hints: tuple[str, ...] = (_HIT_RATE,) if talk.turns else ("the session has no model or tool call to look at",)
    if succeeded:
        hints = ("the session ended as a success; `score` or `outcome` say otherwise if it was none", *hints)
    return Blame(
        backend=backend.name,
        hints=hints,
        session_id=found,
        succeeded=succeeded,
        steps=len(talk.turns),
        suspects=tuple(_suspected(each, talk, sources) for each in suspects(talk) if each.evidence),
    )


def conversation(records: Sequence[StoredRecord]) -> tuple[Conversation, dict[int, StoredRecord]]:
    """Records of a session, oldest first, as turns, and the record behind each turn."""
    turns: list[Turn] = []
    sources: dict[int, StoredRecord] = {}
    for agent, text, part, result, record in _turns(records):
        sources[len(turns)] = record
        turns.append(Turn(len(turns), agent, text, part, result))
    ended = [record for record in records if record.kind == v.KIND_SESSION]
    return Conversation(turns, any(not record.failed for record in ended)), sources


_Said = tuple[str, str, Part, Result, StoredRecord]


def _turns(records: Sequence[StoredRecord]) -> Iterator[_Said]:
    first = next((record for record in records if record.kind == v.KIND_LLM_CALL), None)
    if first is not None:
        yield first.text("agent"), _task(first), "task", "none", first
    outer = next((record.text("agent") for record in records if record.kind == v.KIND_SESSION), "")
    for record in records:
        agent = record.text("agent")
        if record.kind == v.KIND_SESSION:
            if agent != outer:  # an agent's run inside another's is an order to it
                yield outer, f"{agent}: {record.text('task_type') or record.text('name')}", "order", "none", record
        elif record.kind == v.KIND_LLM_CALL:
            if text := last_text(record.payload.get("output")) or record.text("error_message"):
                yield agent, text, "act", "none", record
        else:
            yield agent, f"{record.text('tool')}({compact(record.payload.get('arguments'))})", "act", "none", record
            yield record.text("tool"), _returned(record), "result", _result(record), record


def _task(record: StoredRecord) -> str:
    asked = [message.text for message in unified(record.payload.get("input")) if message.role in ("user", "human")]
    return asked[0] if asked else ""


def _returned(record: StoredRecord) -> str:
    return record.text("error_message") if record.failed else compact(record.payload.get("result"))


def _result(record: StoredRecord) -> Result:
    if record.failed:
        return "failed"
    return "empty" if record.payload.get("result") in (None, "", [], {}) and "result" in record.payload else "ok"


def _suspected(suspect: Suspect, talk: Conversation, sources: dict[int, StoredRecord]) -> Suspected:
    record = sources.get(suspect.step)
    name = "" if record is None else record.text("tool") or record.text("model")
    return Suspected(
        agent=suspect.agent,
        step="the task" if suspect.step == 0 else name,
        trace_id=None if record is None else record.optional("trace_id"),
        span_id=None if record is None else record.optional("span_id"),
        said=brief(talk.turns[suspect.step].text, 300),
        evidence=tuple(sign.says for sign in suspect.evidence),
    )

"""Two sessions side by side: what they ran on, what they did, what it cost, and where their prompts differ."""

from __future__ import annotations

import difflib
from typing import Final, Literal

from pydantic import Field

from syndarix_obs import vocabulary as v
from syndarix_obs_read.amounts import Cost, Frozen, Tokens
from syndarix_obs_read.answers.base import Answer
from syndarix_obs_read.answers.ids import resolve_session
from syndarix_obs_read.answers.messages import brief, last_text, unified
from syndarix_obs_read.answers.observed import configurations
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import StoredRecord

_MOST_STEPS: Final = 300
_ANSWER: Final = 2_000


class Line(Frozen):
    """One line of a difference."""

    change: Literal["same", "gone", "new"]
    text: str


class Side(Frozen):
    """One of the two sessions."""

    session_id: str
    status: str
    outcome: str | None
    agents: tuple[str, ...]
    duration_ms: float
    tokens: Tokens
    cost: Cost
    configuration: dict[str, tuple[str, ...]] = Field(description="Prompt hash, tool set, model, … it ran on.")
    steps: tuple[str, ...] = Field(description="Its calls of models and tools in order.")
    answer: str = Field(description="The last thing that a model said, untrusted.")


class Comparison(Answer):
    """Two sessions, and what differs."""

    before: Side
    after: Side
    differs: tuple[str, ...] = Field(description="Dimensions of the configuration that are not the same.")
    prompt: tuple[Line, ...] = Field(description="System prompts line by line; empty when they are equal or not kept.")
    steps: tuple[Line, ...] = Field(description="Steps aligned: gone from the first, new in the second.")


async def compare(backend: Backend, before: str, after: str) -> Comparison:
    """Compare two sessions by their ids or unique beginnings of them.

    Raises:
        NotFound, Ambiguous: see `resolve_session`.
    """
    one, other = [await _read(backend, await resolve_session(backend, each)) for each in (before, after)]
    names = one[0].configuration.keys() | other[0].configuration.keys()
    return Comparison(
        backend=backend.name,
        before=one[0],
        after=other[0],
        differs=tuple(sorted(n for n in names if one[0].configuration.get(n) != other[0].configuration.get(n))),
        prompt=() if one[1] == other[1] else difference(one[1], other[1]),
        steps=difference(list(one[0].steps), list(other[0].steps)),
    )


def difference(one: list[str], other: list[str]) -> tuple[Line, ...]:
    """Two lists of lines as one, with what is gone and what is new."""
    found: list[Line] = []
    for what, a, b, c, d in difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if what == "equal":
            found += [Line(change="same", text=text) for text in one[a:b]]
        else:
            found += [Line(change="gone", text=text) for text in one[a:b]]
            found += [Line(change="new", text=text) for text in other[c:d]]
    return tuple(found)


async def _read(backend: Backend, session_id: str) -> tuple[Side, list[str]]:
    where = Filter(session_id=session_id, kinds=(v.KIND_LLM_CALL, v.KIND_TOOL_CALL))
    row = (await backend.sessions(Filter(session_id=session_id), 1)).rows[0]
    found = (await backend.records(where, limit=_MOST_STEPS, payloads=True)).rows
    steps = sorted(found, key=lambda record: record.start_ns)
    side = Side(
        session_id=session_id,
        status=row.status,
        outcome=row.outcome,
        agents=row.agents,
        duration_ms=max(0, (row.end_ns or row.last_progress_ns) - row.start_ns) / 1e6,
        tokens=row.tokens,
        cost=row.cost,
        configuration=_configuration(steps),
        steps=tuple(_step(record) for record in steps),
        answer=brief(_answer(steps), _ANSWER),
    )
    return side, _prompt(steps)


def _configuration(steps: list[StoredRecord]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for each in configurations(steps).values():
        for name, values in each.items():
            found.setdefault(name, {}).update(dict.fromkeys(values))
    return {name: tuple(sorted(values)) for name, values in found.items() if values}


def _step(record: StoredRecord) -> str:
    name = record.text("tool") or record.text("model")
    failed = f" failed: {record.text('error_type')}" if record.failed else ""
    return f"{record.text('agent')} → {name}{failed}"


def _answer(steps: list[StoredRecord]) -> str:
    said = (last_text(record.payload.get("output")) for record in reversed(steps) if record.kind == v.KIND_LLM_CALL)
    return next((text for text in said if text), "")


def _prompt(steps: list[StoredRecord]) -> list[str]:
    """System prompts of the agents, each once, as lines."""
    found: dict[str, None] = {}
    for record in steps:
        system = record.payload.get("system")
        texts = [message.text for message in unified(system)] if system else [
            message.text for message in unified(record.payload.get("input")) if message.role in ("system", "developer")
        ]  # fmt: skip
        found.update(dict.fromkeys(text for text in texts if text))
    return [line for text in found for line in text.splitlines()]

"""Two of a kind side by side: two runs, or everything under two versions, prompts, models or times.

Of two runs what they ran on, what they did step by step, what it cost, and where their prompts differ; of two groups
every figure with how likely its difference is by chance.
"""

from __future__ import annotations

import difflib
from typing import Any, Final, Literal

from pydantic import Field

from syndarix_obs import vocabulary as v
from syndarix_obs_read.amounts import Cost, Frozen, Tokens
from syndarix_obs_read.answers.base import Answer, Period
from syndarix_obs_read.answers.compare_groups import Groups, groups
from syndarix_obs_read.answers.diff import RunDiff, diff
from syndarix_obs_read.answers.interactions import traces_of
from syndarix_obs_read.answers.messages import brief, last_text, unified
from syndarix_obs_read.answers.observed import configurations
from syndarix_obs_read.answers.trace import get_trace
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import StoredRecord
from syndarix_obs_read.errors import NotFound
from syndarix_obs_read.replay.load import tape_named, tape_of
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.timerange import TimeRange

_MOST_STEPS: Final = 300
_ANSWER: Final = 2_000


class Line(Frozen):
    """One line of a difference."""

    change: Literal["same", "gone", "new"]
    text: str


class Side(Frozen):
    """One of two runs."""

    session_id: str = Field(description="Id of the session, or of the trace.")
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
    """Two of a kind, and what differs. Of runs the sides, of groups the figures."""

    of: str = Field(description="`run`, or the dimension that two groups differ in.")
    before: Side | None = Field(default=None, description="Null for groups, and for a replay.")
    after: Side | None = None
    differs: tuple[str, ...] = Field(default=(), description="Dimensions of the configuration that are not the same.")
    prompt: tuple[Line, ...] = Field(
        default=(), description="System prompts line by line; empty when they are equal or not kept."
    )
    steps: tuple[Line, ...] = Field(default=(), description="Steps in short: gone from the first, new in the second.")
    groups: Groups | None = Field(default=None, description="The two groups; null for runs.")


class RunComparison(Comparison):
    """Two runs with their steps side by side."""

    aligned: RunDiff | None = Field(default=None, description="Steps aligned one by one, with what differs in each.")


async def compare(
    backend: Backend, before: str, after: str, settings: ReadSettings | None = None, *, limit: int = 60
) -> RunComparison:
    """Compare two runs: sessions or traces by their ids or unique beginnings of them, or replays.

    Args:
        settings: where replays lie; without it only what the backend holds is compared.
        limit: most steps that differ.

    Raises:
        NotFound, Ambiguous: see `resolve_session`.
    """
    names = (before, after)
    sides = [None if is_replay(name) else await _read(backend, name) for name in names]
    found: dict[str, Any] = {}
    if sides[0] is not None and sides[1] is not None:
        found = _beside(sides[0], sides[1])
    aligned, hints = await _aligned(backend, settings, names, limit)
    if aligned is None and not found:
        raise NotFound(f"{before} and {after} cannot be compared: {hints[0] if hints else 'nothing is kept of them'}")
    return RunComparison(backend=backend.name, of="run", hints=hints, aligned=aligned, **found)


async def compare_groups(
    backend: Backend, settings: ReadSettings, of: str, before: str, after: str, where: Filter, period: TimeRange
) -> Comparison:
    """Compare everything under two values of a dimension, or in two times; see `compare_groups.groups`."""
    found, hints = await groups(backend, settings, of, before, after, where, period)
    about = None if of == "time" else Period.of(period)
    return Comparison(backend=backend.name, of=of, hints=hints, period=about, groups=found)


def _beside(one: tuple[Side, list[str]], other: tuple[Side, list[str]]) -> dict[str, Any]:
    names = one[0].configuration.keys() | other[0].configuration.keys()
    return {
        "before": one[0],
        "after": other[0],
        "differs": tuple(sorted(n for n in names if one[0].configuration.get(n) != other[0].configuration.get(n))),
        "prompt": () if one[1] == other[1] else difference(one[1], other[1]),
        "steps": difference(list(one[0].steps), list(other[0].steps)),
    }


async def _aligned(
    backend: Backend, settings: ReadSettings | None, names: tuple[str, str], limit: int
) -> tuple[RunDiff | None, tuple[str, ...]]:
    """The runs aligned; None with the reason when one has no step that could be."""
    try:
        tapes = [await (tape_of(backend, n) if settings is None else tape_named(backend, settings, n)) for n in names]
    except NotFound as error:
        return None, (error.message,)
    return diff(backend.name, *tapes, limit=limit), ()


def is_replay(name: str) -> bool:
    """Whether this names a replay or the file of a recording, which no backend holds."""
    return name.startswith("replay-") or name.endswith(".json")


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


async def _read(backend: Backend, run: str) -> tuple[Side, list[str]]:
    name, traces = await traces_of(backend, run)
    kinds = (v.KIND_LLM_CALL, v.KIND_TOOL_CALL)
    where = Filter(trace_id=name, kinds=kinds) if name in traces else Filter(session_id=name, kinds=kinds)
    found = (await backend.records(where, limit=_MOST_STEPS, payloads=True)).rows
    steps = sorted(found, key=lambda record: record.start_ns)
    about = await (_trace(backend, name) if name in traces else _session(backend, name))
    side = Side(
        session_id=name, configuration=_configuration(steps), steps=tuple(_step(record) for record in steps),
        answer=brief(_answer(steps), _ANSWER), **about,
    )  # fmt: skip
    return side, _prompt(steps)


async def _session(backend: Backend, session_id: str) -> dict[str, Any]:
    row = (await backend.sessions(Filter(session_id=session_id), 1)).rows[0]
    took = max(0, (row.end_ns or row.last_progress_ns) - row.start_ns) / 1e6
    return {"status": row.status, "outcome": row.outcome, "agents": row.agents, "duration_ms": took,
            "tokens": row.tokens, "cost": row.cost}  # fmt: skip


async def _trace(backend: Backend, trace_id: str) -> dict[str, Any]:
    trace = await get_trace(backend, trace_id, limit=_MOST_STEPS)
    outcome = next((str(found) for span in trace.spans if (found := span.details.get("outcome"))), None)
    return {"status": trace.status, "outcome": outcome, "agents": trace.agents, "duration_ms": trace.duration_ms,
            "tokens": trace.tokens, "cost": trace.cost}  # fmt: skip


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

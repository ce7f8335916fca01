"""One step of a run as its model saw it: the context, the options, the choice, why, what came back, and what it cost so
far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from pydantic import Field

from syndarix_obs import vocabulary as v
from syndarix_obs.pipeline.choices import choice_of
from syndarix_obs.replaying.tape import AnyStep, ModelStep, Tape, ToolStep
from syndarix_obs_read.amounts import Frozen
from syndarix_obs_read.answers.base import Answer, Moment
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import StoredRecord
from syndarix_obs_read.errors import NotFound
from syndarix_obs_read.replay.load import tape_named
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.timerange import to_datetime

_BESIDE: Final = 1_000


class StepLine(Frozen):
    """One step in a line."""

    number: int
    kind: str
    title: str
    agent: str | None
    status: str
    selected: str | None = Field(description="What the model chose in it.")


class StepNote(Frozen):
    """A note that somebody attached to a step."""

    label: str | None
    note: str
    timestamp: Moment


class Walk(Answer):
    """One step of a run, and where it stands in it."""

    run: str = Field(description="Session, trace or replay.")
    number: int
    total_steps: int
    kind: str = Field(description="`model` or `tool`.")
    title: str
    agent: str | None
    trace_id: str
    span_id: str
    started: Moment
    seconds: float
    status: str
    error: str | None
    context: Any = Field(description="What the model was told, whole; of a tool its arguments.")
    system: Any
    new_messages: int = Field(description="How many messages at the end are new since the model was asked last.")
    options: tuple[str, ...]
    selected: str | None
    reasoning: str | None
    reason_source: str | None
    came_back: Any = Field(description="The model's answer, or the tool's result.")
    tokens: int
    cost_usd: Decimal | None
    tokens_so_far: int
    cost_so_far_usd: Decimal
    seconds_so_far: float
    notes: tuple[StepNote, ...]
    steps: tuple[StepLine, ...] = Field(description="Every step in a line; asked for without a number.")


async def walk(backend: Backend, settings: ReadSettings, name: str, number: int | None) -> Walk:
    """A step of a session, trace or replay by its number; without one the first, with a line for every step.

    Raises:
        NotFound, Ambiguous: there is no such run; `NotFound` also for a number beyond its steps.
    """
    tape = await tape_named(backend, settings, name)
    at = number or 1
    if not 1 <= at <= len(tape.steps):
        raise NotFound(f"the run {tape.session_id} has {len(tape.steps)} steps; there is no step {at}")
    beside = await _beside(backend, tape)
    return _walk(backend.name, tape, at, beside, whole=number is None)


async def _beside(backend: Backend, tape: Tape) -> Sequence[StoredRecord]:
    """Decisions and notes of a run."""
    kinds = (v.KIND_DECISION, v.KIND_ANNOTATION)
    found: list[StoredRecord] = []
    if tape.replay_of is None:
        for trace in dict.fromkeys(step.trace_id for step in tape.steps if step.trace_id):
            page = await backend.records(Filter(trace_id=trace, kinds=kinds), limit=_BESIDE, payloads=True)
            found += page.rows
    return found


def _walk(backend: str, tape: Tape, at: int, beside: Sequence[StoredRecord], *, whole: bool) -> Walk:
    step, before = tape.steps[at - 1], tape.steps[: at - 1]
    chosen = {one.number: _chosen(one, beside) for one in (tape.steps if whole else [step])}
    choice = chosen[step.number]
    told, system = _context(step)
    models = [one for one in tape.steps[:at] if isinstance(one, ModelStep)]
    return Walk(
        backend=backend, run=tape.session_id, number=at, total_steps=len(tape.steps), kind=step.kind,
        title=_title(step), agent=step.agent, trace_id=step.trace_id, span_id=step.span_id,
        started=to_datetime(step.start_ns), seconds=step.seconds, status=step.status,
        error=": ".join(filter(None, (step.error_type, step.error_message))) or None, context=told, system=system,
        new_messages=_new(step, before), options=() if choice is None else choice.options,
        selected=None if choice is None else choice.selected,
        reasoning=None if choice is None else choice.reasoning, reason_source=None if choice is None else choice.source,
        came_back=step.output if isinstance(step, ModelStep) else step.result, tokens=_tokens(step),
        cost_usd=_cost(step), tokens_so_far=sum(map(_tokens, models)),
        cost_so_far_usd=sum((cost for one in models if (cost := _cost(one)) is not None), Decimal(0)),
        seconds_so_far=_so_far(tape, at),
        notes=_notes(step, beside), steps=_lines(tape, chosen) if whole else (),
    )  # fmt: skip


def _title(step: AnyStep) -> str:
    return step.tool if isinstance(step, ToolStep) else str(step.model)


def _context(step: AnyStep) -> tuple[Any, Any]:
    if isinstance(step, ToolStep):
        return step.arguments, None
    return step.request.get("input"), step.request.get("system")


def _new(step: AnyStep, before: Sequence[AnyStep]) -> int:
    told = _context(step)[0]
    if not isinstance(step, ModelStep) or not isinstance(told, list):
        return 0
    earlier = [one.request.get("input") for one in before if isinstance(one, ModelStep) and one.agent == step.agent]
    known = earlier[-1] if earlier and isinstance(earlier[-1], list) else []
    return len(told) - len(known) if told[: len(known)] == known else len(told)


def _decision(step: AnyStep, beside: Sequence[StoredRecord]) -> StoredRecord | None:
    """The choice of tool that this model call made: read from it, or stated by the agent right after it."""
    if not isinstance(step, ModelStep):
        return None
    for record in beside:
        about = (record.get("attributes") or {}).get(v.DECISION_OF) or record.optional("parent_id")
        if (
            record.kind == v.KIND_DECISION
            and about == step.span_id
            and record.text("decision_type") == "tool_selection"
        ):
            return record
    return None


@dataclass(frozen=True, slots=True)
class _Chosen:
    options: tuple[str, ...]
    selected: str
    reasoning: str | None
    source: str | None


def _chosen(step: AnyStep, beside: Sequence[StoredRecord]) -> _Chosen | None:
    """The recorded decision of a model call; where there is none, as in a replay, the one that its answer shows."""
    record = _decision(step, beside)
    if record is not None:
        why = record.payload.get("reasoning")
        options = tuple(str(option) for option in record.get("options") or ())
        source = str((record.get("attributes") or {}).get(v.DECISION_REASON_SOURCE) or "") or None
        return _Chosen(options, record.text("selected"), None if why is None else str(why), source)
    found = choice_of({**step.request, "output": step.output}) if isinstance(step, ModelStep) else None
    if found is None:
        return None
    return _Chosen(found.options, v.DECISION_AND.join(found.selected), found.reasoning, found.reason_source)


def _so_far(tape: Tape, at: int) -> float:
    """Seconds until a step ended; of a replay, whose steps were recorded at another time, those that they took."""
    if tape.replay_of is not None:
        return sum(step.seconds for step in tape.steps[:at])
    return max(0, tape.steps[at - 1].end_ns - min(one.start_ns for one in tape.steps)) / 1e9


def _tokens(step: AnyStep) -> int:
    return step.input_tokens + step.output_tokens if isinstance(step, ModelStep) else 0


def _cost(step: AnyStep) -> Decimal | None:
    return Decimal(step.cost_usd) if isinstance(step, ModelStep) and step.cost_usd is not None else None


def _notes(step: AnyStep, beside: Sequence[StoredRecord]) -> tuple[StepNote, ...]:
    return tuple(
        StepNote(label=r.optional("label"), note=str(r.payload.get("note") or ""), timestamp=to_datetime(r.start_ns))
        for r in beside
        if r.kind == v.KIND_ANNOTATION and r.text("target") == step.span_id
    )


def _lines(tape: Tape, chosen: dict[int, _Chosen | None]) -> tuple[StepLine, ...]:
    return tuple(
        StepLine(
            number=step.number, kind=step.kind, title=_title(step), agent=step.agent, status=step.status,
            selected=None if (choice := chosen.get(step.number)) is None else choice.selected,
        )
        for step in tape.steps
    )  # fmt: skip

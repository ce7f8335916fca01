"""What is different between two runs? Step by step, with the difference in tokens, dollars and seconds."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, Final

from pydantic import Field

from syndarix_obs.replaying.tape import AnyStep, ModelStep, Tape, ToolStep
from syndarix_obs_read.amounts import Frozen, plain
from syndarix_obs_read.answers.base import Answer
from syndarix_obs_read.answers.messages import brief
from syndarix_obs_read.replay.align import Pair, align

_STEPS: Final = 60
_PLACES: Final = 6
_LONGEST: Final = 400


class Side(Frozen):
    """One of the two runs."""

    name: str
    steps: int
    model_calls: int
    tool_calls: int
    tokens: int
    cost_usd: Decimal | None = Field(description="Sum of the calls whose price is known; null when none is.")
    seconds: float = Field(description="From the first step to the last one's end; of a replay the recorded time.")
    status: str
    outcome: str | None
    replay_of: str | None = Field(description="The session that it plays again; its replayed steps cost what they did.")


class Change(Frozen):
    """One place where two steps differ."""

    path: str
    before: Any
    after: Any
    marked: str | None = Field(description="Both texts in one: [-gone-] and {+new+}.")


class StepChange(Frozen):
    """One step that is not the same on both sides."""

    change: str = Field(description="`changed`, `added` or `removed`.")
    before: int | None = Field(description="Number of the step on the first side.")
    after: int | None
    kind: str
    title: str
    changes: tuple[Change, ...]
    more_changes: int
    tokens: int = Field(description="How many more the second side took.")
    cost_usd: Decimal | None
    seconds: float


class RunDiff(Answer):
    """Two runs aligned. Equal steps are only counted."""

    before: Side
    after: Side
    same: int
    changed: int
    added: int
    removed: int
    tool_distance: int = Field(description="Tool calls that have to be added, removed or changed to make them equal.")
    summary: tuple[str, ...] = Field(description="The same in a few sentences.")
    steps: tuple[StepChange, ...]
    more_steps: int


def diff(backend: str, before: Tape, after: Tape, *, limit: int = _STEPS) -> RunDiff:
    """Compare two tapes; at most `limit` steps that differ are shown."""
    aligned = align(before, after)
    found: dict[str, list[Pair]] = {"same": [], "changed": [], "added": [], "removed": []}
    for pair in aligned.pairs:
        found[pair.change].append(pair)
    different = [pair for pair in aligned.pairs if pair.change != "same"]
    sides = _side(before), _side(after)
    counts = {name: len(pairs) for name, pairs in found.items()}
    return RunDiff(
        backend=backend, before=sides[0], after=sides[1], tool_distance=aligned.tool_distance,
        summary=_summary(*sides, counts, different), more_steps=max(0, len(different) - limit),
        steps=tuple(_step(pair) for pair in different[:limit]), same=counts["same"], changed=counts["changed"],
        added=counts["added"], removed=counts["removed"],
    )  # fmt: skip


def _side(tape: Tape) -> Side:
    models = tape.models()
    costs = [Decimal(step.cost_usd) for step in models if step.cost_usd is not None]
    start = min((step.start_ns for step in tape.steps), default=0)
    end = max((step.end_ns for step in tape.steps), default=0)
    took = sum(step.seconds for step in tape.steps) if tape.replay_of else (end - start) / 1e9
    return Side(
        name=tape.session_id, steps=len(tape.steps), model_calls=len(models), tool_calls=len(tape.tools()),
        tokens=sum(step.input_tokens + step.output_tokens for step in models),
        cost_usd=sum(costs, Decimal(0)) if costs else None, seconds=took, status=tape.status, outcome=tape.outcome,
        replay_of=tape.replay_of,
    )  # fmt: skip


def _summary(before: Side, after: Side, counts: dict[str, int], different: list[Pair]) -> tuple[str, ...]:
    lines = [
        f"{counts['same']} steps are the same, {counts['changed']} changed, {counts['added']} added, "
        f"{counts['removed']} removed"
    ]
    if different:
        first = different[0]
        at = first.before or first.after
        where = f" at {first.places[0].path}" if first.places else ""
        lines.append(f"the first difference is in step {at.number if at else 0}{where}")
    if before.cost_usd is not None and after.cost_usd is not None:
        more = after.cost_usd - before.cost_usd
        share = f" ({more / before.cost_usd:+.0%})" if before.cost_usd else ""
        lines.append(f"${plain(before.cost_usd)} before, ${plain(after.cost_usd)} after: {_signed(more)}{share}")
    lines.append(f"{before.tokens:,} tokens before, {after.tokens:,} after")
    lines += [
        f"{side.name} plays {side.replay_of} again: replayed steps have the recorded cost and time"
        for side in (before, after)
        if side.replay_of is not None
    ]
    if before.outcome != after.outcome and before.replay_of is after.replay_of is None:
        lines.append(f"the outcome was {before.outcome or 'not stated'}, then {after.outcome or 'not stated'}")
    return tuple(lines)


def _signed(amount: Decimal) -> str:
    return f"{'-' if amount < 0 else '+'}${plain(abs(amount))}"


def _step(pair: Pair) -> StepChange:
    step = pair.after or pair.before
    if step is None:
        raise ValueError("a pair has at least one step")
    shown = pair.places[:_PLACES]
    return StepChange(
        change=pair.change,
        before=None if pair.before is None else pair.before.number,
        after=None if pair.after is None else pair.after.number,
        kind=step.kind,
        title=_title(step),
        changes=tuple(
            Change(path=p.path, before=_plain(p.before), after=_plain(p.after), marked=p.words) for p in shown
        ),
        more_changes=len(pair.places) - len(shown) + pair.more,
        tokens=_tokens(pair.after) - _tokens(pair.before),
        cost_usd=_cost(pair.after) - _cost(pair.before) if isinstance(step, ModelStep) else None,
        seconds=_seconds(pair.after) - _seconds(pair.before),
    )


def _title(step: AnyStep) -> str:
    return step.tool if isinstance(step, ToolStep) else str(step.model)


def _tokens(step: AnyStep | None) -> int:
    return step.input_tokens + step.output_tokens if isinstance(step, ModelStep) else 0


def _cost(step: AnyStep | None) -> Decimal:
    return Decimal(step.cost_usd or 0) if isinstance(step, ModelStep) else Decimal(0)


def _seconds(step: AnyStep | None) -> float:
    return 0.0 if step is None else step.seconds


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))


def words_of(change: Change) -> str:
    """One difference in a line."""
    if change.marked is not None:
        return brief(change.marked, 2 * _LONGEST)
    return f"{_value(change.before)} → {_value(change.after)}"


def _value(value: Any) -> str:
    if value is None:
        return "nothing"
    return brief(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str), _LONGEST)

"""A recorded session as a list of steps, and its file: JSON, redacted, complete in itself."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, Final, TypeVar

from syndarix_obs.errors import NotReplayable, ReplayError

FORMAT: Final = 1
"""Version of the file's form."""
MODEL: Final = "model"
TOOL: Final = "tool"


@dataclass(slots=True)
class Step:
    """What every step says. Times are nanoseconds since the epoch.

    `number` counts from 1 in the order in which the steps began. `agent` is the agent it belongs to. `problem` says why
    the step cannot be given again, None when it can.
    """

    number: int = 0
    kind: str = MODEL
    agent: str | None = None
    span_id: str = ""
    trace_id: str = ""
    start_ns: int = 0
    end_ns: int = 0
    status: str = "ok"
    error_type: str | None = None
    error_message: str | None = None
    problem: str | None = None

    @property
    def title(self) -> str:
        """The step in a few words."""
        return f"step {self.number}"

    @property
    def seconds(self) -> float:
        """How long it took."""
        return max(0, self.end_ns - self.start_ns) / 1e9


@dataclass(slots=True)
class ModelStep(Step):
    """One call of a model: the request in four parts, and everything that is needed to give the answer again.

    `foreign` is True for a call that a library's span told in its own form: requests are then compared by what they
    say.
    """

    provider: str | None = None
    endpoint: str | None = None
    request: dict[str, Any] = field(default_factory=dict)
    hashes: dict[str, Any] = field(default_factory=dict)
    output: Any = None
    response: dict[str, Any] = field(default_factory=dict)
    model: str | None = None
    response_id: str | None = None
    finish_reason: str | None = None
    stream: bool = False
    chunks: int | None = None
    foreign: bool = False
    http_status: int | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: str | None = None

    @property
    def title(self) -> str:
        """The step in a few words."""
        return f"step {self.number} (model {self.model or '?'})"


@dataclass(slots=True)
class ToolStep(Step):
    """One call of a tool."""

    kind: str = TOOL
    tool: str = ""
    call_id: str | None = None
    arguments: Any = None
    result: Any = None

    @property
    def title(self) -> str:
        """The step in a few words."""
        return f"step {self.number} (tool {self.tool})"


AnyStep = ModelStep | ToolStep
_NOT_SAVED: Final = frozenset({"steps", "user", "project"})
S = TypeVar("S", ModelStep, ToolStep)


@dataclass(slots=True)
class Tape:
    """One session. `replay_of` is the session that this one plays again, None for an original; `requests_only` says
    that the agent's code did not run in it.

    `tools_at` are functions that a replay answers for (`module:function` → tool), so that a file says it by itself.
    `user` (a pseudonym) and `project` say whose it is in a store; a file is kept apart from them.
    """

    session_id: str
    steps: list[AnyStep] = field(default_factory=list)
    agent: str | None = None
    outcome: str | None = None
    status: str = "ok"
    replay_of: str | None = None
    forked_at: int | None = None
    changed: dict[str, Any] = field(default_factory=dict)
    requests_only: bool = False
    output: Any = None
    tools_at: dict[str, str] = field(default_factory=dict)
    user: str | None = None
    project: str | None = None

    def ordered(self) -> Tape:
        """Number the steps by when they began; returns itself."""
        self.steps.sort(key=lambda step: (step.start_ns, step.end_ns, step.span_id))
        for number, step in enumerate(self.steps, 1):
            step.number = number
        return self

    def models(self) -> list[ModelStep]:
        """The calls of models."""
        return [step for step in self.steps if isinstance(step, ModelStep)]

    def tools(self) -> list[ToolStep]:
        """The calls of tools."""
        return [step for step in self.steps if isinstance(step, ToolStep)]

    def save(self, path: Path) -> None:
        """Write the file; its folder is made."""
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)  # it holds whole messages
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(self.to_json())

    def to_json(self) -> str:
        """The text of the file: stable, so that two exports of the same session are equal."""
        steps = [step_to(step) for step in self.steps]
        return json.dumps({"format": FORMAT, **self.head(), "steps": steps}, ensure_ascii=False, indent=1) + "\n"

    def head(self) -> dict[str, Any]:
        """What the file says besides the steps."""
        return _compact(self, _NOT_SAVED)


def _compact(one: Step | Tape, without: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Its fields without those that have the value they have by themselves; an empty result is one all the same."""
    found = {}
    for each in fields(one):
        value = getattr(one, each.name)
        usual = each.default_factory() if each.default_factory is not MISSING else each.default
        if each.name not in without and (each.name == "kind" or type(value) is not type(usual) or value != usual):
            found[each.name] = copy.deepcopy(value)
    return found


def load(path: str | Path) -> Tape:
    """The tape in a file.

    Raises:
        ReplayError: there is no such file, or it is no recording.
    """
    place = Path(path)
    try:
        text = place.read_text(encoding="utf-8")
    except OSError as error:
        raise ReplayError(
            f"there is no recording {place} ({error.strerror}); "
            f"write one with: syndarix-obs replay SESSION --export {place}"
        ) from error
    return from_json(text, str(place))


def from_json(text: str, name: str = "the recording") -> Tape:
    """The tape in a text.

    Raises:
        ReplayError: it is no recording, or one of a newer version.
    """
    try:
        data = json.loads(text)
        if data["format"] > FORMAT:
            raise ReplayError(
                f"{name} was written by a newer version (format {data['format']}); this one reads {FORMAT}"
            )
        steps = [step_from(each) for each in data["steps"]]
        tape = tape_from(data, steps)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReplayError(
            f"{name} is no recording ({type(error).__name__}: {error}); "
            "write one with: syndarix-obs replay SESSION --export"
        ) from error
    if not steps:
        raise NotReplayable(f"{name} has no steps: an empty recording would pass with an agent that does nothing")
    return tape


def tape_from(head: Mapping[str, Any], steps: list[AnyStep]) -> Tape:
    """The tape of a head (`Tape.head`) and steps."""
    known = {each.name for each in fields(Tape)} - _NOT_SAVED
    return Tape(**{name: value for name, value in head.items() if name in known}, steps=steps)


def step_to(step: AnyStep) -> dict[str, Any]:
    """A step as the file has it: without what is empty."""
    return _compact(step)


def step_from(data: Mapping[str, Any]) -> AnyStep:
    """The step of `step_to`."""
    kind: type[AnyStep] = ToolStep if data.get("kind") == TOOL else ModelStep
    names = {each.name for each in fields(kind)}
    return kind(**{name: value for name, value in data.items() if name in names})

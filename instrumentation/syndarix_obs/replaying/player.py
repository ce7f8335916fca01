"""Says what comes next on a tape, and holds what happens against it. Safe from any thread; it never waits."""

from __future__ import annotations

import copy
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from syndarix_obs.errors import Divergence, LiveForbidden, NotReplayable, ReplayError
from syndarix_obs.replaying.difference import ABSENT, Difference, first
from syndarix_obs.replaying.requests import Normaliser
from syndarix_obs.replaying.tape import AnyStep, ModelStep, Step, Tape, ToolStep

S = TypeVar("S", ModelStep, ToolStep)
_SHORT: Final = 160


class Stop(BaseException):
    """Ends the agent's run; `replaying` turns it into the error that it carries."""

    def __init__(self, error: ReplayError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True, slots=True)
class Rules:
    """What may differ, and what may be live.

    Attributes:
        fork_at: number of the step from which on the model is live; None to verify.
        llm_live: whether models may be called from there.
        allow: tools that may really run where the tape has no answer.
        changes: request fields that are set from `fork_at` on; `system` is put where the endpoint has it.
        lenient: go on after a difference, and report it.
    """

    fork_at: int | None = None
    llm_live: bool = False
    allow: frozenset[str] = frozenset()
    changes: Mapping[str, Any] = field(default_factory=dict)
    lenient: bool = False


class Player:
    """One run along a tape.

    Args:
        tape: the recording.
        normaliser: makes both sides comparable.
        rules: what may differ.

    `run` is what happened, as a tape of its own: replayed steps keep their recorded cost and time.
    """

    def __init__(self, tape: Tape, normaliser: Normaliser, rules: Rules | None = None) -> None:
        self.tape = tape
        self.rules = rules or Rules()
        self.run = Tape(
            session_id=f"replay-{uuid.uuid4().hex[:12]}", agent=tape.agent, replay_of=tape.session_id,
            forked_at=self.rules.fork_at, changed=dict(self.rules.changes), user=tape.user, project=tape.project,
        )  # fmt: skip
        self.divergences: list[Divergence] = []
        self.notes: list[str] = []
        self.live_steps: set[int] = set()
        self._normaliser = normaliser
        self._lock = threading.RLock()
        self._used: set[int] = set()
        self._agents = {step.agent for step in tape.steps}
        self._stopped: ReplayError | None = None
        self._forked = self.rules.fork_at is not None and self.rules.fork_at <= 1

    def changes_for(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """What is changed in a live request: only those to the model that the forked step asked are meant."""
        at = self.rules.fork_at or 1
        forked = next((step for step in self.tape.models() if step.number >= at), None)
        asked = None if forked is None else (forked.request.get("parameters") or {}).get("model")
        return self.rules.changes if asked is None or asked == body.get("model") else {}

    # --- models ---

    def model(self, agent: str | None, request: Mapping[str, Any]) -> ModelStep | None:
        """The recorded call that this request is; None when the model is to be asked itself.

        Raises:
            Stop: the request is not the one that was recorded.
        """
        with self._lock:
            self._check()
            wanted = self._normaliser.parts(request)
            waiting = self._waiting(agent, ModelStep)
            if self._is_live(waiting):
                if not self.rules.llm_live:
                    self._stop(
                        LiveForbidden(
                            f"the model would be asked live from step {self.rules.fork_at} on; allow it with --live llm"
                        )
                    )
                return None
            if not waiting:
                self._extra("a model call", request)
            known = len(self.divergences)
            step = self._choose(agent, waiting, lambda each: self._request_differs(each, request, wanted), "model call")
            self._replayable(step)
            self._take(step, **({"request": self._normaliser.masked(request)} if len(self.divergences) > known else {}))
            return step

    def spoken(self, agent: str | None) -> ModelStep:
        """The next model call that the agent's own code recorded (`obs.llm`); what it asked is not compared.

        Raises:
            Stop: there is none.
        """
        with self._lock:
            self._check()
            waiting = [step for step in self._waiting(agent, ModelStep) if step.foreign]
            if not waiting:
                self._extra("a model call of the agent's own", None)
            if waiting[0].problem is not None and not waiting[0].output:
                self._replayable(waiting[0])
            self._take(waiting[0])
            return waiting[0]

    # --- tools ---

    def tool(self, agent: str | None, name: str, arguments: Any) -> ToolStep | None:
        """The recorded call of a tool that this one is; None when the tool may really run.

        Raises:
            Stop: the call is not the one that was recorded, or would be live without being allowed.
        """
        with self._lock:
            self._check()
            given = {"tool": name, "arguments": self._normaliser.value(arguments)}
            waiting = self._waiting(agent, ToolStep)
            if self._forked or (
                self.rules.fork_at is not None and (not waiting or waiting[0].number >= self.rules.fork_at)
            ):
                return self._tool_after_fork(name, given)
            if not waiting:
                self._extra(f"a call of the tool {name}", given)
            step = self._choose(
                agent, waiting, lambda each: first(self._asked(each), given), f"call of the tool {name}"
            )
            self._replayable(step)
            self._take(step)
            return step

    def may_run(self, name: str) -> bool:
        """Whether a tool may really run."""
        return name in self.rules.allow

    def forbid(self, name: str) -> None:
        """A tool's body is about to run that nothing can leave out.

        Raises:
            Stop: the tool is not allowed.
        """
        with self._lock:
            self._check()
            if name not in self.rules.allow:
                self._stop(LiveForbidden(
                    f"the tool {name} runs in a block `with obs.tool(...)`, which a replay cannot leave out: put its "
                    f"work into a function under @obs.tool_call, or let it run with --allow {name}"
                ))  # fmt: skip

    def add_live(self, step: AnyStep) -> None:
        """Something that really happened."""
        for name in ("request", "output", "response", "arguments", "result", "error_message"):
            if getattr(step, name, None) is not None:  # it is kept and shown like anything recorded
                setattr(step, name, self._normaliser.masked(getattr(step, name)))
        with self._lock:
            step.number = len(self.run.steps) + 1
            self.live_steps.add(step.number)
            self.run.steps.append(step)

    def ended(self, output: Any) -> None:
        """The agent's function returned this."""
        if isinstance(output, (str, int, float, bool, list, dict)):
            self.run.output = self._normaliser.masked(output)

    def note(self, text: str) -> None:
        """Something the report should say, once."""
        with self._lock:
            if text not in self.notes:
                self.notes.append(text)

    def fail(self, error: ReplayError) -> None:
        """End the run with an error."""
        with self._lock:
            self._stop(error)

    def finish(self) -> None:
        """The agent is done.

        Raises:
            ReplayError: it was stopped; a recorded step was never asked for (unless forked or lenient).
        """
        if self._stopped is not None:
            raise self._stopped
        left = [step for step in self.tape.steps if step.number not in self._used]
        if left and self.rules.fork_at is None:
            error = self._missing(left[0], "the agent ended")
            self.divergences.append(error)
            if not self.rules.lenient:
                self._stopped = error
                raise error

    # --- inside ---

    def _waiting(self, agent: str | None, kind: type[S]) -> list[S]:
        """Steps of this kind that come next, those of the same agent where the tape knows it."""
        return [
            step for step in self.tape.steps
            if isinstance(step, kind) and step.number not in self._used
            and (agent not in self._agents or step.agent == agent)
        ]  # fmt: skip

    def _is_live(self, waiting: Sequence[ModelStep]) -> bool:
        if self.rules.fork_at is None:
            return False
        if not self._forked and (not waiting or waiting[0].number >= self.rules.fork_at):
            self._forked = True
        return self._forked

    def _choose(self, agent: str | None, waiting: list[S], differs: Callable[[S], Difference | None], what: str) -> S:
        """The step that this call is: the next one, or one that ran beside it when it was recorded."""
        expected = waiting[0]
        beside = [step for step in waiting if step.start_ns < expected.end_ns] or [expected]
        same = next((step for step in beside if differs(step) is None), None)
        before = self._left_out(agent, same or expected)
        if before is not None:
            self._diverge(self._missing(before, f"a {what} came in its place"))
        if same is not None:
            return same
        found = differs(expected)
        if found is not None:
            self._diverge(self._differs(expected, found))
        return expected

    def _request_differs(self, step: ModelStep, live: Mapping[str, Any], wanted: dict[str, Any]) -> Difference | None:
        if step.foreign:
            return first(self._normaliser.said(step.request), self._normaliser.said(live))
        recorded = self._normaliser.parts(step.request)
        if step.request.get("parameters") is None:  # recorded before parameters were, or by a library that tells none
            recorded.pop("parameters", None)
            wanted = {name: value for name, value in wanted.items() if name != "parameters"}
        if self._normaliser.alike(recorded, wanted):
            return None
        return first(self._normaliser.value(recorded), self._normaliser.value(wanted))

    def _left_out(self, agent: str | None, step: Step) -> AnyStep | None:
        """A recorded step that had ended before this one began, and was not asked for."""
        return next(
            (
                each for each in self.tape.steps
                if each.number < step.number and each.number not in self._used and each.end_ns <= step.start_ns
                and type(each) is not type(step) and (agent not in self._agents or each.agent == agent)
            ),
            None,
        )  # fmt: skip

    def _asked(self, step: ToolStep) -> dict[str, Any]:
        return {"tool": step.tool, "arguments": self._normaliser.value(step.arguments)}

    def _tool_after_fork(self, name: str, given: dict[str, Any]) -> ToolStep | None:
        same = [step for step in self.tape.tools() if step.problem is None and self._asked(step) == given]
        step = next((each for each in same if each.number not in self._used), same[0] if same else None)
        if step is not None:
            self._take(step)
            return step
        if name in self.rules.allow:
            return None
        self._stop(LiveForbidden(
            f"the forked run calls the tool {name} with arguments that were not recorded: {_brief(given['arguments'])}"
            ". "
            f"It was not called; let it run with --allow {name}"
        ))  # fmt: skip
        return None

    def _replayable(self, step: AnyStep) -> None:
        if step.problem is not None:
            self._stop(NotReplayable(f"{step.title} cannot be replayed: {step.problem}"))

    def _take(self, step: AnyStep, **seen: Any) -> None:
        self._used.add(step.number)
        made = copy.copy(step)
        for name, value in seen.items():
            setattr(made, name, value)
        made.number = len(self.run.steps) + 1
        self.run.steps.append(made)

    def _extra(self, what: str, live: Any) -> None:
        number = len(self.tape.steps) + 1
        error = Divergence(
            f"step {number}: {what} that was not recorded: {_brief(live)}",
            step=number, path="$", recorded=None, live=live, cause="extra call",
        )  # fmt: skip
        self.divergences.append(error)
        self._stop(error)  # lenient or not: there is nothing to answer with

    @staticmethod
    def _missing(step: AnyStep, instead: str) -> Divergence:
        return Divergence(
            f"{step.title} was recorded and never asked for: {instead}",
            step=step.number, path="$", recorded=step.title, live=None, cause="missing call",
        )  # fmt: skip

    def _differs(self, step: AnyStep, found: Difference) -> Divergence:
        recorded = None if found.recorded is ABSENT else found.recorded
        live = None if found.live is ABSENT else found.live
        return Divergence(
            f"{step.title} is not as recorded at {found.path}: recorded {_shown(found.recorded, found.live)}, "
            f"now {_shown(found.live, found.recorded)} (probably: {found.cause})",
            step=step.number, path=found.path, recorded=recorded, live=live, cause=found.cause,
        )  # fmt: skip

    def _diverge(self, error: Divergence) -> None:
        self.divergences.append(error)
        if not self.rules.lenient:
            self._stop(error)

    def _stop(self, error: ReplayError) -> None:
        if self._stopped is None:
            self._stopped = error
        raise Stop(self._stopped)

    def _check(self) -> None:
        if self._stopped is not None:
            raise Stop(self._stopped)


def now_ns() -> int:
    """When something live happens."""
    return time.time_ns()


def _shown(value: Any, other: Any) -> str:
    """A value, from a little before the place where two texts part."""
    if value is ABSENT:
        return "nothing"
    if isinstance(value, str) and isinstance(other, str):
        same = next(
            (at for at, (a, b) in enumerate(zip(value, other, strict=False)) if a != b), min(len(value), len(other))
        )
        start = max(0, same - 40)
        return ("…" if start else "") + _brief(value[start:])
    return _brief(value)


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHORT else text[:_SHORT] + "…"

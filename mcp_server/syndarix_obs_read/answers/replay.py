"""How did a replay go? The first step that was not as recorded, why probably, and what the run would have cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from pydantic import Field

from syndarix_obs.errors import Divergence
from syndarix_obs.replaying.tape import AnyStep, Tape
from syndarix_obs_read.amounts import Frozen
from syndarix_obs_read.answers.base import Answer, Moment
from syndarix_obs_read.answers.diff import RunDiff, diff
from syndarix_obs_read.backends.rows import StoredRecord
from syndarix_obs_read.replay.run import Ran
from syndarix_obs_read.timerange import to_datetime

_ADVICE = {
    "clock": "a clock or date goes into the prompt: hand the time in as an argument, or freeze it in the test",
    "random id": "a random id goes into the request: make it from something that stays the same, such as the order",
    "environment": "a path, host or address of the machine goes into the request",
    "order": "tools, keys or calls come in another order: sort them, or keep the order in which they were asked for",
    "concurrency": "calls that ran side by side came in another order",
    "masked": "the recording holds a mask where the text was: replay with the same redaction as the agent records with",
    "truncated": "the recorded text was cut: raise SYNDARIX_OBS_MAX_PAYLOAD_BYTES before the next recording",
    "missing call": "the agent did not make a call that it made when it was recorded",
    "extra call": "the agent made a call that it did not make when it was recorded",
    "content": "the text itself changed: a prompt, a tool or the code between them",
}


class FoundDivergence(Frozen):
    """One step that was not as recorded."""

    step: int = Field(description="Number of the step in the recorded session, from 1.")
    path: str = Field(description="JSON path of the first difference in it.")
    recorded: Any
    live: Any
    cause: str
    advice: str
    message: str


class ReplayReport(Answer):
    """How a run along a recorded session went."""

    session_id: str
    replay_id: str
    mode: str = Field(description="`verify`, `fork` or `requests`.")
    result: str = Field(
        description="`identical`, `diverged`, `failed` (the agent's own error), `refused` or `finished`."
    )
    steps: int = Field(description="Steps of the recording.")
    replayed: int = Field(description="Steps that were answered from it.")
    live_steps: int
    error: str | None
    divergences: tuple[FoundDivergence, ...]
    causes: dict[str, int]
    notes: tuple[str, ...]
    comparison: RunDiff | None = Field(description="The run and the original, for a fork.")
    saved: str | None = Field(description="Where the run is kept: the backend, or a file at home.")


class StepProblem(Frozen):
    """One step that cannot be given again."""

    step: int
    title: str
    problem: str


class KeptReplay(Frozen):
    """One replay that was kept."""

    replay_id: str
    mode: str = Field(description="`verify`, `fork` or `requests`.")
    result: str
    played: Moment


class Replayable(Answer):
    """Whether a session can be played again."""

    session_id: str
    steps: int
    problems: tuple[StepProblem, ...]
    replays: tuple[KeptReplay, ...] = Field(default=(), description="Its replays until now, newest first.")
    exported: str | None = None


def report_of(backend: str, ran: Ran, saved: str | None = None) -> ReplayReport:
    """The report of a run."""
    forked = ran.run.forked_at is not None
    return ReplayReport(
        backend=backend, session_id=ran.tape.session_id, replay_id=ran.run.session_id,
        mode=mode_of(ran.run), result=_result(ran, forked), steps=len(ran.tape.steps),
        replayed=ran.consumed - len(ran.live), live_steps=len(ran.live),
        error=None if ran.error is None else _words(ran.error),
        divergences=tuple(_found(each) for each in ran.divergences),
        causes=dict(Counter(each.cause for each in ran.divergences)), notes=ran.notes, saved=saved,
        comparison=diff(backend, ran.tape, ran.run) if forked else None,
    )  # fmt: skip


def mode_of(run: Tape) -> str:
    """How a run was played: `verify`, `fork` or `requests`."""
    if run.requests_only:
        return "requests"
    return "verify" if run.forked_at is None else "fork"


def problems_of(
    backend: str, tape: Tape, exported: str | None = None, replays: Sequence[StoredRecord] = ()
) -> Replayable:
    """Which steps of a session cannot be given again and why, and which replays of it there are."""
    found = tuple(
        StepProblem(step=step.number, title=_title(step), problem=step.problem) for step in tape.steps if step.problem
    )
    known = tuple(
        KeptReplay(replay_id=row.text("session_id"), mode=row.text("mode"), result=row.text("result"),
                   played=to_datetime(row.start_ns))
        for row in replays
    )  # fmt: skip
    return Replayable(
        backend=backend, session_id=tape.session_id, steps=len(tape.steps), problems=found, exported=exported,
        replays=known,
    )  # fmt: skip


def _title(step: AnyStep) -> str:
    return step.title


def _result(ran: Ran, forked: bool) -> str:
    from syndarix_obs.errors import ReplayError

    if isinstance(ran.error, Divergence) or ran.divergences:
        return "diverged"
    if isinstance(ran.error, ReplayError):
        return "refused"
    if ran.error is not None:
        return "failed"
    return "finished" if forked else "identical"


def _words(error: Exception) -> str:
    from syndarix_obs.errors import ReplayError

    return str(error) if isinstance(error, ReplayError) else f"{type(error).__name__}: {error}"


def _found(error: Divergence) -> FoundDivergence:
    return FoundDivergence(
        step=error.step, path=error.path, recorded=_brief(error.recorded), live=_brief(error.live), cause=error.cause,
        advice=_ADVICE.get(error.cause, ""), message=str(error),
    )  # fmt: skip


def _brief(value: Any) -> Any:
    text = value if isinstance(value, str) else repr(value)
    return value if len(text) <= 500 and isinstance(value, (str, int, float, bool, type(None))) else text[:500]

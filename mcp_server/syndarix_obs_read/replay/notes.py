"""Notes on steps: records like any other, written by a platform to whichever backend is in use."""

from __future__ import annotations

from syndarix_obs_read.answers.walk import Walk
from syndarix_obs_read.errors import UsageError
from syndarix_obs_read.scoring import writer
from syndarix_obs_read.settings import ReadSettings


def annotate_step(settings: ReadSettings, step: Walk, note: str, label: str | None) -> None:
    """Attach a note to a step of a recorded run.

    Raises:
        UsageError: the run is a replay, which has no place in a backend.
    """
    if not step.trace_id or not step.span_id:
        raise UsageError(f"the run {step.run} is no recorded session: annotate the step of its original")
    with writer(settings) as obs:
        obs.annotate(note, target=step.span_id, label=label, trace_id=step.trace_id, session_id=step.run)
        obs.flush()

"""The tool of the question `diff`."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from syndarix_obs_read.answers import diff as diff_answer
from syndarix_obs_read.errors import NotFound
from syndarix_obs_read.mcp.state import Ctx, state_of
from syndarix_obs_read.mcp.toolkit import ToolSpec
from syndarix_obs_read.replay.load import tape_named

Run = Annotated[
    str, Field(min_length=1, max_length=300, description="Id of a session, trace or replay, or a unique beginning.")
]
Steps = Annotated[int | None, Field(ge=1, le=200, description="Most steps to show that differ. Default: 20.")]
_STEPS: Final = 20


async def diff_runs(ctx: Ctx, before: Run, after: Run, limit: Steps = None) -> diff_answer.RunDiff:
    """What is different between two runs, aligned step by step: prompts and answers by words, arguments and results by
    JSON path, tool sequence, tokens, dollars, seconds. Compare a failed session with one that succeeded; list_sessions
    has both, get_step shows a step whole."""
    state = state_of(ctx)
    for name in (before, after):
        if name.endswith(".json"):  # files of this machine are not a question's to read
            raise NotFound(f"there is no run {name!r}")
    tapes = [await tape_named(state.backend, state.settings, name) for name in (before, after)]
    return diff_answer.diff(state.backend.name, *tapes, limit=limit or _STEPS)


TOOLS: Final = (ToolSpec(diff_runs, "Compare two runs", "a lower limit"),)

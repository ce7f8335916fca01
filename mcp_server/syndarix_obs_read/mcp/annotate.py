"""The tool of the question `annotate`: it changes something, and can be switched off."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from syndarix_obs_read.annotating import annotate
from syndarix_obs_read.answers.annotate import LONGEST, Annotation
from syndarix_obs_read.answers.annotate import Annotated as Kept
from syndarix_obs_read.mcp.state import Ctx, state_of
from syndarix_obs_read.mcp.toolkit import ToolSpec

Run = Annotated[str, Field(min_length=1, max_length=300, description="Session or trace, or a unique beginning.")]
Step = Annotated[str | None, Field(max_length=64, description="Span id, when one step is meant.")]
_AUTHOR: Final = "assistant"


async def add_annotation(
    ctx: Ctx,
    run: Run,
    step: Step = None,
    note: Annotated[str | None, Field(max_length=LONGEST["note"], description="A text; redacted first.")] = None,
    label: Annotated[str | None, Field(max_length=LONGEST["label"], description="Class of the note: bug, …")] = None,
    thumbs: Annotated[Literal["up", "down"] | None, Field(description="A verdict.")] = None,
    outcome: Annotated[str | None, Field(max_length=LONGEST["outcome"], description="What it led to.")] = None,
    author: Annotated[str, Field(max_length=LONGEST["author"], description="Who says so.")] = _AUTHOR,
) -> Kept:
    """Attach a note, a label, thumbs or an outcome to a run or a step. Only when the user asked for it; get_timeline
    shows what was said before."""
    state = state_of(ctx)
    given = Annotation(run=run, step=step, note=note, label=label, thumbs=thumbs, outcome=outcome, author=author)
    return await annotate(state.settings, state.backend, given)


TOOLS: Final = (ToolSpec(add_annotation, "Add a note", "a shorter note", writes=True),)

"""The tool of the question `score`: it changes something, and can be switched off."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from syndarix_obs_read.mcp.state import Ctx, state_of
from syndarix_obs_read.mcp.toolkit import ToolSpec
from syndarix_obs_read.scoring import LONGEST_NAME, LONGEST_TEXT, Given, ScoreGiven, give


async def give_score(
    ctx: Ctx,
    session_id: Annotated[str, Field(min_length=1, max_length=300, description="Whole id of the session.")],
    name: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME, description="What is judged: resolved, tone.")],
    value: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME, description="A number, true, false or a word.")],
    type: Annotated[Literal["outcome", "score", "feedback"], Field(description="What it is.")] = "score",
    source: Annotated[str, Field(max_length=40, description="Who says so: human, user, code, judge.")] = "judge",
    judge_version: Annotated[str | None, Field(max_length=100, description="Your model and prompt, as judge.")] = None,
    comment: Annotated[str | None, Field(max_length=LONGEST_TEXT, description="Why; redacted first.")] = None,
) -> ScoreGiven:
    """Give a session a score, an outcome or feedback, also long after it ended. Only when the user asked for it; read
    the session with get_session first. get_quality shows all scores."""
    state = state_of(ctx)
    given = Given(
        session_id=session_id, name=name, value=value, type=type, source=source, judge_version=judge_version,
        comment=comment,
    )  # fmt: skip
    return await give(state.settings, state.backend, given)


TOOLS: Final = (ToolSpec(give_score, "Give a score", "a shorter comment", writes=True),)

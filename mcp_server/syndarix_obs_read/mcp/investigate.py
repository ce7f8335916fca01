"""The tool of the question `investigate`."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from syndarix_obs_read.answers import investigate as investigate_answer
from syndarix_obs_read.answers.episode import investigate_episode
from syndarix_obs_read.mcp import arguments as a
from syndarix_obs_read.mcp.state import Ctx, seconds_of, state_of
from syndarix_obs_read.mcp.toolkit import ToolSpec
from syndarix_obs_read.timerange import SECOND_NS

FigureName = Literal["errors", "failures", "latency", "input_tokens", "output_tokens", "cost", "tool_latency"]


async def investigate(
    ctx: Ctx,
    since: a.Since = None,
    until: a.Until = None,
    agent: a.Agent = None,
    project: a.Project = None,
    environment: a.Environment = None,
    figure: Annotated[FigureName | None, Field(description="Only this figure; all by default.")] = None,
    episode: Annotated[
        str | None, Field(max_length=100, description="Id of an episode instead of time and agent: list_anomalies.")
    ] = None,
    baseline: Annotated[
        str | None, Field(max_length=40, description="Length of the time before, to compare with: 1d, 7d.")
    ] = None,
) -> investigate_answer.Investigation:
    """What changed in a time against the time before: errors, latency, tokens, cost, and which prompt, version, tool
    set, model, tool or region explains it, corrected for the number of looks. No explanation is an answer too. Then
    compare with one session of each side, or with two versions or prompts."""
    state = state_of(ctx)
    if episode:
        return await investigate_episode(state.backend, episode, figure)
    length = None if baseline is None else int(seconds_of(baseline) * SECOND_NS)
    where = state.filter(agent=agent, project=project, environment=environment)
    return await investigate_answer.investigate(state.backend, where, state.period(since, until), figure, length)


TOOLS: Final = (ToolSpec(investigate, "Say what changed", "one figure, an agent, or a shorter time"),)

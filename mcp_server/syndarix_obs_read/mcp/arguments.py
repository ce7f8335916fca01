"""Arguments that tools share, each with the words that a model reads about it."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from syndarix_obs_read.answers.queries import LONGEST_QUERY, MOST_ROWS

_NAME: Final = 300
_TEXT: Final = 1_000

Since = Annotated[
    str | None,
    Field(max_length=40, description="From when on: 30m, 2h, 7d, today, 2026-03-01, 2026-03-01T14:30. Default: 24h."),
]
Until = Annotated[
    str | None, Field(max_length=40, description="Up to when, now if left away; a day counts to its end.")
]
Limit = Annotated[
    int | None, Field(ge=1, le=MOST_ROWS, description="Most rows. A budget of tokens may cut an answer further.")
]
Agent = Annotated[str | None, Field(max_length=_NAME, description="Name of the agent, exactly; list_names has them.")]
Project = Annotated[str | None, Field(max_length=_NAME, description="Project that pays, exactly.")]
User = Annotated[str | None, Field(max_length=_NAME, description="User: the raw id, or the pseudonym in answers.")]
SessionFilter = Annotated[str | None, Field(max_length=_NAME, description="Whole id of a session.")]
TaskType = Annotated[str | None, Field(max_length=_NAME, description="Type of task, exactly.")]
Model = Annotated[str | None, Field(max_length=_NAME, description="A model that was called, exactly.")]
Tool = Annotated[str | None, Field(max_length=_NAME, description="A tool that was called, exactly.")]
Environment = Annotated[str | None, Field(max_length=_NAME, description="Environment, such as production.")]
Status = Annotated[Literal["ok", "error", "running"] | None, Field(description="How it ended.")]
Text = Annotated[
    str | None,
    Field(
        max_length=_TEXT, description="Text anywhere in names, errors and payloads, in upper or lower case; no pattern."
    ),
]
TraceFilter = Annotated[str | None, Field(max_length=64, description="Whole id of a trace.")]
TraceId = Annotated[
    str, Field(min_length=1, max_length=64, description="Id of the trace, or a unique beginning of it.")
]
SessionId = Annotated[
    str, Field(min_length=1, max_length=_NAME, description="Id of the session, or a unique beginning of it.")
]
MinDuration = Annotated[str | None, Field(max_length=40, description="At least this long: 250ms, 1.5s, 2m.")]
MinCost = Annotated[float | None, Field(ge=0, description="At least this many dollars.")]
Payloads = Annotated[
    bool, Field(description="Also messages, arguments and results; they are long, so ask for few rows with them.")
]
Query = Annotated[str, Field(min_length=1, max_length=LONGEST_QUERY)]
Labels = Annotated[
    dict[str, Annotated[str, Field(max_length=_TEXT)]] | None,
    Field(max_length=30, description='Labels that must be equal, such as {"agent": "support"}.'),
]

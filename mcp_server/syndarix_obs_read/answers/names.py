"""What can be asked for? Names that occur in the records, and the words that filters take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from pydantic import Field

from syndarix_obs import vocabulary as v
from syndarix_obs_read.amounts import Frozen
from syndarix_obs_read.answers.base import Answer, Moment
from syndarix_obs_read.answers.empty import FILL
from syndarix_obs_read.backends.filters import STATUSES
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import DIMENSIONS
from syndarix_obs_read.timerange import to_datetime

NameField = Literal["agent", "project", "task_type", "model", "tool", "service", "environment", "decision_type", "user"]
NAME_FIELDS: Final[tuple[NameField, ...]] = (
    "agent", "project", "task_type", "model", "tool", "service", "environment", "decision_type", "user",
)  # fmt: skip
"""Fields whose values can be listed."""


class Words(Frozen):
    """Words that filters take."""

    status: tuple[str, ...] = STATUSES
    level: tuple[str, ...] = v.LEVELS
    kind: tuple[str, ...] = tuple(v.LOG_KINDS)
    cost_by: tuple[str, ...] = DIMENSIONS


class NameList(Answer):
    """What can be asked for."""

    first: Moment | None = Field(description="Time of the oldest record; null when there is none.")
    last: Moment | None = Field(description="Time of the newest record.")
    names: Mapping[str, tuple[str, ...]] = Field(description="Values that occur, by field, in order of the alphabet.")
    incomplete: tuple[str, ...] = Field(default=(), description="Fields with more values than are listed.")
    words: Words = Words()


async def list_names(backend: Backend, fields: Sequence[NameField], limit: int) -> NameList:
    """Values that occur in some fields, and the time that the records cover.

    Args:
        fields: which; all but users when none is named, for users are many.
        limit: most values of each.
    """
    wanted = tuple(fields) or NAME_FIELDS[:-1]
    extent = await backend.extent()
    found = {name: await backend.names(name, limit + 1) for name in wanted} if extent else {}
    incomplete = tuple(name for name, values in found.items() if len(values) > limit)
    more = (f"more than {limit} values of {', '.join(incomplete)}; ask for one field with a higher limit",)
    return NameList(
        backend=backend.name,
        first=None if extent is None else to_datetime(extent[0]),
        last=None if extent is None else to_datetime(extent[1]),
        names={name: tuple(values[:limit]) for name, values in found.items()},
        incomplete=incomplete,
        hints=(FILL,) if extent is None else more if incomplete else (),
    )

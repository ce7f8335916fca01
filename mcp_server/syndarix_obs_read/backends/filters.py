"""What a question is narrowed to: one frozen filter for every question and both backends.

Values are data: no wildcard, quote or operator in them means anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import Final

from syndarix_obs import vocabulary as v
from syndarix_obs_read.errors import FilterError
from syndarix_obs_read.next_steps import Argument
from syndarix_obs_read.timerange import TimeRange

LARGEST_NS: Final = 2**63 - 1
"""The end of time for a filter without one."""

EQUAL: Final = (
    "agent", "project", "user", "session_id", "trace_id", "task_type", "service", "environment", "model", "tool",
    "status", "decision_type", "agent_type",
)  # fmt: skip
"""Filters that mean: the field has exactly this value."""

STATUSES: Final = (v.STATUS_OK, v.STATUS_ERROR, v.STATUS_RUNNING)
"""Values of the filter `status`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Everything is optional, and everything given must hold.

    `since_ns` is included, `until_ns` is not. `user` is the pseudonym. `level` is the least severe level
    wanted; `text` is found anywhere in names, errors and payloads, in upper or lower case. `looped` wants only calls
    that completed a loop. `agent_type` narrows single records only.
    """

    since_ns: int = 0
    until_ns: int = LARGEST_NS
    kinds: tuple[str, ...] = ()
    agent: str | None = None
    project: str | None = None
    user: str | None = None
    session_id: str | None = None
    trace_id: str | None = None
    task_type: str | None = None
    service: str | None = None
    environment: str | None = None
    model: str | None = None
    tool: str | None = None
    status: str | None = None
    decision_type: str | None = None
    agent_type: str | None = None
    level: str | None = None
    text: str | None = None
    min_duration_ns: int | None = None
    min_cost_usd: Decimal | None = None
    looped: bool = False

    def __post_init__(self) -> None:
        _one_of("kind", self.kinds, v.KINDS)
        _one_of("level", (self.level,) if self.level else (), v.LEVELS)
        _one_of("status", (self.status,) if self.status else (), STATUSES)
        if v.KIND_COST in self.kinds and len(self.kinds) > 1:
            raise FilterError(
                "lines of the ledger (kind cost) are read on their own",
                next=("ask for ", Argument("kind", v.KIND_COST), " alone"),
            )
        if self.min_cost_usd is not None and not self.min_cost_usd.is_finite():
            raise FilterError(f"{self.min_cost_usd} is no amount of dollars")

    def within(self, period: TimeRange) -> Filter:
        """The same, limited to a range of time."""
        return replace(self, since_ns=period.since_ns, until_ns=min(period.until_ns, LARGEST_NS))

    def named(self) -> dict[str, str]:
        """The filters that are set, apart from time, by name: for messages."""
        names = {f.name: getattr(self, f.name) for f in fields(self) if not f.name.endswith(("since_ns", "until_ns"))}
        return {name: str(value) for name, value in names.items() if value not in (None, (), False)}

    def allow(self, question: str, *allowed: str) -> None:
        """Raise FilterError if a filter is set that the question cannot be narrowed by."""
        wrong = [name for name in self.named() if name not in allowed]
        if wrong:
            raise FilterError(f"{question} cannot be filtered by {' or '.join(wrong)}; possible: {', '.join(allowed)}")

    def levels(self) -> tuple[str, ...]:
        """The levels wanted: all when none is named."""
        return v.LEVELS[v.LEVELS.index(self.level) :] if self.level else v.LEVELS


def _one_of(name: str, values: Iterable[str], allowed: tuple[str, ...]) -> None:
    for value in values:
        if value not in allowed:
            raise FilterError(f"there is no {name} {value!r}; possible: {', '.join(allowed)}")

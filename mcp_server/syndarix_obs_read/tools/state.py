"""What a tool finds in its context: the backend, the settings, and what its arguments mean under them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeAlias

from mcp.server.mcpserver import Context

from syndarix_obs_read.backends.choose import open_backend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.errors import FilterError
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.timerange import TimeRange, parse_duration, parse_range
from syndarix_obs_read.tools.meters import Meters
from syndarix_obs_read.users import pseudonym_of


@dataclass(frozen=True, slots=True)
class State:
    """One for each server. `backend` is open while the server runs."""

    backend: Backend
    settings: ReadSettings
    meters: Meters = field(default_factory=Meters)

    def period(self, since: str | None, until: str | None, default: str | None = None) -> TimeRange:
        """The time that was asked about."""
        return parse_range(since or default or self.settings.since, until, zone=self.settings.zone)

    def filter(self, **given: Any) -> Filter:
        """The filter of the arguments that were given; a user's raw id becomes the pseudonym that is stored."""
        found = {name: value for name, value in given.items() if value not in (None, "", (), [])}
        if "kinds" in found:
            found["kinds"] = tuple(found["kinds"])
        if "user" in found:
            found["user"] = pseudonym_of(self.settings, found["user"])
        if "min_duration" in found:
            found["min_duration_ns"] = parse_duration(found.pop("min_duration"))
        if "min_cost_usd" in found:
            found["min_cost_usd"] = _amount(found["min_cost_usd"])
        return Filter(**found)


Ctx: TypeAlias = Context[State, Any]
"""The context of a call."""


def state_of(ctx: Ctx) -> State:
    """The state of the server that was called."""
    return ctx.request_context.lifespan_context


@asynccontextmanager
async def opened(settings: ReadSettings, meters: Meters) -> AsyncIterator[State]:
    """The state of a server, with a backend that is closed at its end."""
    backend = open_backend(settings)
    try:
        yield State(backend, settings, meters)
    finally:
        await backend.close()


def seconds_of(duration: str) -> float:
    """A length of time such as `30m` in seconds."""
    return parse_duration(duration) / 1e9


def _amount(dollars: float) -> Decimal:
    amount = Decimal(str(dollars))
    if not amount.is_finite() or amount < 0:
        raise FilterError(f"cannot read the amount {dollars!r}; examples: 0.05, 12")
    return amount

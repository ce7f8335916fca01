"""What a tool finds in its context: the backend, the settings, and what its arguments mean under them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from mcp.server.mcpserver import Context

from syndarix_obs_read.arguments import filter_of, period_of
from syndarix_obs_read.backends.choose import open_backend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.mcp.meters import Meters
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.timerange import TimeRange, parse_duration


@dataclass(frozen=True, slots=True)
class State:
    """One for each server. `backend` is open while the server runs."""

    backend: Backend
    settings: ReadSettings
    meters: Meters = field(default_factory=Meters)

    def period(self, since: str | None, until: str | None, default: str | None = None) -> TimeRange:
        """The time that was asked about."""
        return period_of(self.settings, since or default, until)

    def filter(self, **given: Any) -> Filter:
        """The filter of the arguments that were given; a user's raw id becomes the pseudonym that is stored."""
        return filter_of(self.settings, **given)


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

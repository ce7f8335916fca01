"""All looks in the order in which things depend on each other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from syndarix_obs_read.answers.health import HealthReport, check_health, once, worst
from syndarix_obs_read.backends.choose import open_backend
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import Check, broken
from syndarix_obs_read.doctor import agents, budgets, chain, libraries, machine, servers, spool
from syndarix_obs_read.errors import ReadError
from syndarix_obs_read.settings import ReadSettings

_CHECK_S: Final = 20.0
"""Seconds for the check of the whole SQLite file; `health` takes two."""


async def examine(settings: ReadSettings) -> HealthReport:
    """Look at everything; never raises for a part that is broken."""
    found = [*machine.checks(settings), *libraries.checks(), *spool.checks(settings.home)]
    found += await _many("metrics", lambda: agents.checks(settings))
    if settings.backend == "stack":
        found += await _many("servers", lambda: servers.checks(settings))
    found += await _backend(settings)
    return HealthReport(backend=settings.backend, state=worst(found), checks=once(found))


async def _backend(settings: ReadSettings) -> list[Check]:
    try:
        backend = open_backend(settings, min(_CHECK_S, settings.timeout / 2))
    except ReadError as error:
        return [broken("backend", error)]
    try:
        report = await _many("store", lambda: _health(backend))
        report += await _many("budgets", lambda: budgets.checks(settings, backend))
        return report + await _many("last trace", lambda: chain.checks(backend))
    finally:
        await backend.close()


async def _health(backend: Backend) -> list[Check]:
    return list((await check_health(backend)).checks)


async def _many(name: str, look: Callable[[], Awaitable[list[Check]]]) -> list[Check]:
    try:
        return await look()
    except (ReadError, OSError) as error:  # a time that ran out is an OSError too
        return [broken(name, error)]

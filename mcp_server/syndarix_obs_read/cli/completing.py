"""What the shell offers after Tab: ids of recent sessions and traces, and names that occur in the records.

A completion never fails and never waits long: without a store, or with servers that do not answer, it offers nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from typer.models import OptionInfo

if TYPE_CHECKING:
    from syndarix_obs_read.backends.protocols import Backend
    from syndarix_obs_read.timerange import TimeRange

Offer = tuple[str, str]
"""A value, and the words that some shells show beside it."""
Completion = Callable[..., list[Offer]]
"""Typer hands in the context and the word so far, by these names."""

_LONGEST_S: Final = 2.0
"""Somebody who pressed Tab waits: after this, nothing is offered."""
_MOST: Final = 50
_BACK_NS: Final = 30 * 86_400 * 10**9
"""How far before the newest record ids are looked for."""


def _complete(find: Callable[[Backend], Awaitable[list[Offer]]]) -> Completion:
    def complete(ctx: Any, incomplete: str) -> list[Offer]:
        found: list[Offer] = []
        with contextlib.suppress(Exception):  # whatever is wrong, a shell that completes is no place to say so
            found = asyncio.run(_ask(ctx.params, find))
        return [each for each in found if each[0].startswith(incomplete)]

    return complete


async def _ask(given: Mapping[str, Any], find: Callable[[Backend], Awaitable[list[Offer]]]) -> list[Offer]:
    from syndarix_obs_read.backends.choose import open_backend
    from syndarix_obs_read.settings import ReadSettings

    chosen: dict[str, Any] = {name: given[name] for name in ("backend", "home") if given.get(name)}
    backend = open_backend(ReadSettings(**chosen))
    try:
        return await asyncio.wait_for(find(backend), _LONGEST_S)
    finally:
        await backend.close()


async def _recent(backend: Backend) -> TimeRange:
    from syndarix_obs_read.timerange import TimeRange

    _, newest = await backend.extent() or (0, 0)
    return TimeRange(newest - _BACK_NS, newest + 1, "recent")


async def _sessions(backend: Backend) -> list[Offer]:
    from syndarix_obs_read.answers.sessions import list_sessions
    from syndarix_obs_read.backends.filters import Filter

    found = await list_sessions(backend, Filter(), await _recent(backend), _MOST)
    return [(each.session_id, f"{', '.join(each.agents)}, {each.outcome or each.status}") for each in found.sessions]


async def _traces(backend: Backend) -> list[Offer]:
    from syndarix_obs_read.answers.traces import search_traces
    from syndarix_obs_read.backends.filters import Filter

    found = await search_traces(backend, Filter(), await _recent(backend), _MOST)
    return [(each.trace_id, f"{each.name}, {each.status}") for each in found.traces]


async def _either(backend: Backend) -> list[Offer]:
    return [*await _sessions(backend), *await _traces(backend)]


def _names(field: str) -> Completion:
    async def find(backend: Backend) -> list[Offer]:
        return [(name, field.replace("_", " ")) for name in await backend.names(field, _MOST)]

    return _complete(find)


def _words(*words: str) -> Completion:
    def complete(incomplete: str) -> list[Offer]:
        return [(word, "") for word in words if word.startswith(incomplete)]

    return complete


def _files_too(complete: Completion) -> Completion:
    """Ids, and files that begin so: a recording is named by its path."""

    def both(ctx: Any, incomplete: str) -> list[Offer]:
        parent = Path(incomplete).parent
        files = [path for path in parent.glob("*") if str(path).startswith(incomplete)] if incomplete else []
        return [*complete(ctx, incomplete), *((str(path), "file") for path in files[:_MOST])]

    return both


_SESSION, _TRACE, _EITHER = _complete(_sessions), _complete(_traces), _complete(_either)

BY_METAVAR: Final[Mapping[str, Completion]] = MappingProxyType(
    {
        "SESSION": _files_too(_SESSION),
        "TRACE": _TRACE,
        "ID": _EITHER,
        "A": _files_too(_EITHER),
        "B": _files_too(_EITHER),
    }
)
"""Arguments that are completed, by the name that help shows for them."""
BY_NAME: Final[Mapping[str, Completion]] = MappingProxyType(
    {
        "session": _SESSION,
        "status": _words("ok", "error", "running"),
        **{
            field: _names(field)
            for field in ("agent", "project", "user", "task_type", "model", "tool", "service", "environment")
        },
    }
)
"""Options that are completed, by the parameter's name."""


def completed(name: str, info: Any) -> Any:
    """Give an argument or option of Typer its completion, if it has one and brought none itself.

    Args:
        name: of the parameter.
        info: what `typer.Argument` or `typer.Option` made; it is changed and returned.
    """
    if getattr(info, "autocompletion", True) is None:
        by_name = BY_NAME.get(name) if isinstance(info, OptionInfo) else None
        info.autocompletion = BY_METAVAR.get(info.metavar or "") or by_name
    return info

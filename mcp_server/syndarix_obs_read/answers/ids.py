"""From what somebody typed to an id: exact, by a unique beginning, or an error with the nearest ids."""

from __future__ import annotations

import difflib
from typing import Final

from syndarix_obs_read.answers.empty import FILL
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.errors import Ambiguous, NotFound
from syndarix_obs_read.next_steps import Ask, Steps

_ALIKE: Final = 0.6
"""Share of equal characters from which on an id may be what was meant."""
_NEAREST: Final = 3
_CANDIDATES: Final = 300


async def resolve_trace(backend: Backend, text: str) -> str:
    """The id of the trace that `text` is, or is the beginning of.

    Raises:
        NotFound: no trace begins like this.
        Ambiguous: several do.
    """
    wanted = text.strip().lower()
    found = await backend.trace_ids(wanted, _NEAREST + 1) if wanted else []
    return await _one(backend, "trace", text, wanted, found)


async def resolve_session(backend: Backend, text: str) -> str:
    """The id of the session that `text` is, or is the beginning of; raises like `resolve_trace`."""
    wanted = text.strip()
    exact = await backend.sessions(Filter(session_id=wanted), 1)
    if exact.rows:
        return wanted
    known = [row.session_id for row in (await backend.sessions(Filter(), _CANDIDATES)).rows]
    found = [each for each in known if each.startswith(wanted)] if wanted else []
    return await _one(backend, "session", text, wanted, found)


async def _one(backend: Backend, what: str, text: str, wanted: str, found: list[str]) -> str:
    if wanted in found:
        return wanted
    if len(found) == 1:
        return found[0]
    if found:
        shown = found[:_NEAREST]
        raise Ambiguous(f"several {what}s begin with {text!r}: {', '.join(shown)}; give more characters", tuple(shown))
    raise await _not_found(backend, what, text, wanted)


async def _not_found(backend: Backend, what: str, text: str, wanted: str) -> NotFound:
    if await backend.extent() is None:
        return NotFound(f"there is no {what} {text!r}: {FILL}")
    nearest = _nearest(wanted, await _candidates(backend, what, wanted))
    listing: Steps = (Ask(f"{what}s"), " lists what there is")
    if what == "session" and wanted.startswith("replay-"):
        listing = ("it looks like a replay, which is no run of an agent: ", Ask("step", id=wanted), " shows it")
    if not nearest:
        return NotFound(f"there is no {what} {text!r}", next=listing)
    return NotFound(f"there is no {what} {text!r}; nearest: {', '.join(nearest)}", nearest, next=listing)


async def _candidates(backend: Backend, what: str, wanted: str) -> list[str]:
    if what == "session":
        return [row.session_id for row in (await backend.sessions(Filter(), _CANDIDATES)).rows]
    found = [row.trace_id for row in (await backend.search_traces(Filter(), _CANDIDATES)).rows]
    for length in (8, 4, 2):  # a slip of the keyboard usually comes after a good beginning
        if len(wanted) > length:
            found += await backend.trace_ids(wanted[:length], 20)
    return found


def _nearest(wanted: str, candidates: list[str]) -> tuple[str, ...]:
    """The candidates most like what was typed; with an equally long beginning when only that was typed."""
    scores = {
        each: max(_likeness(wanted, each), _likeness(wanted, each[: len(wanted)])) for each in dict.fromkeys(candidates)
    }
    best = sorted((each for each in scores if scores[each] >= _ALIKE), key=lambda each: -scores[each])
    return tuple(best[:_NEAREST])


def _likeness(a: str, b: str) -> float:
    return difflib.SequenceMatcher(None, a, b, autojunk=False).ratio()

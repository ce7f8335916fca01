"""From an episode to what has to be investigated: whose work, since when, and which figure."""

from __future__ import annotations

import time
from typing import Final

from syndarix_obs_read.answers.anomalies import Anomaly, list_anomalies
from syndarix_obs_read.answers.investigate import Investigation, investigate
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.errors import Ambiguous, NotFound
from syndarix_obs_read.next_steps import Ask
from syndarix_obs_read.timerange import SECOND_NS, TimeRange, parse_range

DELAY_NS: Final = 15 * 60 * SECOND_NS
"""How long something may have gone on before its episode opened: three looks."""
GAP_NS: Final = 45 * 60 * SECOND_NS
"""Time before that which may be either: an episode of a quiet agent, or of a change that was rolled out, opens late."""
_KEPT: Final = "90d"
_MOST: Final = 1_000
_SHOWN: Final = 5
_FIGURES: Final = (
    ("latency", "latency"), ("cost", "cost"), ("tokens_input", "input_tokens"), ("tokens_output", "output_tokens"),
    ("error", "errors"),
)  # fmt: skip
"""Beginnings of series, and the figure of single calls that each is made of."""


async def investigate_episode(backend: Backend, episode: str, figure: str | None = None) -> Investigation:
    """What explains an episode, by its id or a unique beginning of it.

    Raises:
        NotFound: there is no such episode.
        Ambiguous: several begin like this.
        FilterError: there is no such figure.
    """
    found = await find_episode(backend, episode)
    where = Filter(agent=found.agent, project=found.project)
    return await investigate(backend, where, period_of(found), figure or figure_of(found.series), gap_ns=GAP_NS)


async def find_episode(backend: Backend, text: str) -> Anomaly:
    """The episode that `text` is, or is the beginning of."""
    known = (await list_anomalies(backend, Filter(), parse_range(_KEPT), _MOST)).anomalies
    found = [each for each in known if each.episode.startswith(text.strip())] if text.strip() else []
    exact = [each for each in found if each.episode == text.strip()]
    if len(exact or found) == 1:
        return (exact or found)[0]
    if found:
        shown = tuple(each.episode for each in found[:_SHOWN])
        raise Ambiguous(f"several episodes begin with {text!r}: {', '.join(shown)}", shown)
    raise NotFound(f"there is no episode {text!r}", next=(Ask("anomalies"), " lists them"))


def period_of(episode: Anomaly) -> TimeRange:
    """From a little before it opened to its close, or to now."""
    until = time.time_ns() + SECOND_NS if episode.closed is None else _ns(episode.closed.timestamp())
    return TimeRange(_ns(episode.opened.timestamp()) - DELAY_NS, until, f"the episode of {episode.series}")


def figure_of(series: str) -> str | None:
    """The figure behind a series; None, which is all of them, for numbers of calls and shares of tools."""
    return next((figure for beginning, figure in _FIGURES if series.startswith(beginning)), None)


def _ns(seconds: float) -> int:
    return round(seconds * SECOND_NS)

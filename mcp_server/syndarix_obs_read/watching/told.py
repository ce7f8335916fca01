"""What each receiver was told last: kept in a file, so that `watch --once` from cron says nothing twice."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any, Final

from syndarix_obs_read.watching.messages import Unusual

_FILE: Final = "watch-told.json"
_log = logging.getLogger(__name__)


class Told:
    """Agents by receiver, with the words that it got.

    Args:
        home: data folder; None remembers within this process only.
    """

    def __init__(self, home: Path | None = None) -> None:
        self._file = None if home is None else home / _FILE
        self._told: dict[str, dict[str, Unusual]] = _read(self._file)

    def last(self, channel: str, agent: str) -> Unusual | None:
        """What was told last; None when nothing was, or that it is over."""
        return self._told.get(channel, {}).get(agent)

    def all_agents(self) -> list[str]:
        """Of whom any receiver thinks that they are unusual."""
        return sorted({agent for agents in self._told.values() for agent in agents})

    def was_told(self, channel: str, each: Unusual) -> None:
        """Remember it."""
        self._told.setdefault(channel, {})[each.agent] = each

    def is_over(self, channel: str, agent: str) -> None:
        """Forget it."""
        self._told.get(channel, {}).pop(agent, None)

    def save(self) -> None:
        """Write the file; without it, a later process may repeat itself."""
        if self._file is None:
            return
        kept = {
            channel: {agent: [each.since_ns, *each.words] for agent, each in agents.items()}
            for channel, agents in self._told.items()
        }
        beside = self._file.with_suffix(".new")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(json.dumps(kept), "utf-8")
            os.replace(beside, self._file)
        except OSError as error:
            _log.warning("%s cannot be written, the next watch may repeat alerts: %s", self._file, error)


def _read(file: Path | None) -> dict[str, dict[str, Unusual]]:
    try:
        kept: Any = {} if file is None else json.loads(file.read_text("utf-8"))
        return {
            channel: {agent: Unusual(agent, int(since), tuple(words)) for agent, (since, *words) in agents.items()}
            for channel, agents in kept.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        _log.warning("%s cannot be read, alerts may be repeated: %s", file, error)
        return {}

"""A page before it is drawn: what was found out, and how to draw it. Its JSON twin says the same."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from syndarix_obs_read.answers.base import Answer
from syndarix_obs_read.web.asked import Asked, Failure, Got
from syndarix_obs_read.web.html import Html


@dataclass(frozen=True, slots=True)
class View:
    """What one request gets.

    Args:
        title: of the page.
        found: the answers it is made of, by name.
        draw: makes its inside.
    """

    title: str
    found: Mapping[str, Got[Answer]]
    draw: Callable[[], Html]

    @property
    def status(self) -> int:
        """HTTP status: a page goes on as long as one of its questions has an answer."""
        failures = [each for each in self.found.values() if isinstance(each, Failure)]
        return failures[0].status if failures and len(failures) == len(self.found) else 200

    def as_json(self) -> str:
        """The answer's model; of several, an object by name."""
        texts = {name: _json(each) for name, each in self.found.items()}
        if len(texts) == 1:
            return next(iter(texts.values()))
        return "{" + ",".join(f"{json.dumps(name)}:{text}" for name, text in texts.items()) + "}"


def _json(found: Got[Answer]) -> str:
    if isinstance(found, Failure):
        return json.dumps({"error": found.message, "near": found.near})
    return found.model_dump_json()


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the explorer.

    Args:
        path: its address.
        name: in the navigation; empty for a page that is reached from others.
        ask: finds out what it shows.
        under: the page of the navigation that it belongs to.
        timed: whether it is about a time that one may choose.
        since: how far back it looks if nobody says; as far as the settings say for None.
        live: whether it follows what is recorded, where there is a script.
        group: heading of the navigation under which it stands; empty for none.
    """

    path: str
    name: str
    ask: Callable[[Asked], Awaitable[View]]
    under: str = ""
    timed: bool = True
    since: str | None = None
    live: bool = False
    group: str = ""

    @property
    def twin(self) -> str:
        """Address of the same as JSON."""
        return f"{'/overview' if self.path == '/' else self.path}.json"

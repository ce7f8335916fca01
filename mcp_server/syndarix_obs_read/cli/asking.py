"""From options to an answer on the screen: settings, backend, question, output."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, TypeVar

from pydantic import BaseModel

from syndarix_obs_read.answers.base import Answer
from syndarix_obs_read.backends.choose import open_backend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.cli.options import Common, Rows, What, When, Who, filter_of
from syndarix_obs_read.cli.screen import Screen
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.timerange import TimeRange, parse_range
from syndarix_obs_read.users import pseudonym_of

AnyAnswer = TypeVar("AnyAnswer", bound=Answer)


@dataclass(frozen=True, slots=True)
class Asker:
    """Settings of this call, and what the options mean under them."""

    settings: ReadSettings

    @property
    def zone(self) -> tzinfo:
        """The zone of days and of times shown."""
        return self.settings.zone

    def period(self, when: When) -> TimeRange:
        """The time that was asked about."""
        return parse_range(when.since or self.settings.since, when.until, zone=self.zone)

    def limit(self, rows: Rows) -> int:
        """Most rows to show."""
        return rows.limit or self.settings.limit

    def filter(self, *groups: Who | What, **more: Any) -> Filter:
        """The filter that was asked for; a user's raw id becomes the pseudonym that is stored."""
        found = filter_of(*groups, **more)
        if found.user is None:
            return found
        return filter_of(*groups, **more, user=pseudonym_of(self.settings, found.user))


def settings_of(common: Common) -> ReadSettings:
    """The settings, options first."""
    given = {"backend": common.backend, "home": common.home, "with_archive": common.archive or None}
    return ReadSettings(**{name: value for name, value in given.items() if value is not None})


def ask(
    common: Common,
    question: Callable[[Asker, Backend], Awaitable[AnyAnswer]],
    draw: Callable[[Screen, AnyAnswer], None],
) -> AnyAnswer:
    """Ask a question and print the answer."""
    asker = Asker(settings_of(common))
    answer = asyncio.run(_ask(asker, question))
    screen = Screen(asker.zone)
    if common.as_json:
        print_json(answer)
    else:
        draw(screen, answer)
        screen.hints(answer)
    return answer


async def _ask(asker: Asker, question: Callable[[Asker, Backend], Awaitable[AnyAnswer]]) -> AnyAnswer:
    backend = open_backend(asker.settings)
    try:
        if asker.settings.audit == "all":
            from syndarix_obs_read.serving.guarded import guarded
            from syndarix_obs_read.serving.roles import visit

            with visit(None, "command"):
                return await question(asker, guarded(backend, asker.settings))
        return await question(asker, backend)
    finally:
        await backend.close()


def print_json(model: BaseModel, *, indent: int | None = 2) -> None:
    """A model as JSON on standard output."""
    print(model.model_dump_json(indent=indent))

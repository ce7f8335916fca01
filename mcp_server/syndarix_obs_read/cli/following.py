"""`--follow`: prints what arrives, until Ctrl-C."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from pydantic import BaseModel

from syndarix_obs_read.backends.choose import open_backend
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.cli.asking import Asker, print_json, settings_of
from syndarix_obs_read.cli.options import Common, When
from syndarix_obs_read.cli.screen import Screen
from syndarix_obs_read.errors import FilterError

News = TypeVar("News", bound=BaseModel)


def follow(
    common: Common,
    when: When,
    feed: Callable[[Asker, Backend], AsyncIterator[News]],
    draw: Callable[[Screen, News], None],
) -> None:
    """Print each thing of `feed` when it comes: drawn, or as one line of JSON.

    Raises:
        FilterError: an end was given for what has none.
    """
    if when.until is not None:
        raise FilterError("--follow goes on until Ctrl-C; leave --until away, or --follow to see what was until then")
    asyncio.run(_print_each(common, feed, draw))


async def _print_each(
    common: Common,
    feed: Callable[[Asker, Backend], AsyncIterator[News]],
    draw: Callable[[Screen, News], None],
) -> None:
    asker = Asker(settings_of(common))
    backend = open_backend(asker.settings)
    screen = Screen(asker.zone)
    try:
        async for news in feed(asker, backend):
            if common.as_json:
                print_json(news, indent=None)
            else:
                draw(screen, news)
            screen.console.file.flush()
    finally:
        await backend.close()

"""Who is told of an episode: Alertmanager where there is one, else webhooks, Slack and mail by its own routes.

One alert per agent, however many of its series are unusual: the annotations name them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from syndarix_obs_read.backends.protocols import AlertSource
from syndarix_obs_read.errors import ReadError, SettingsError
from syndarix_obs_read.watching.channels import Channel
from syndarix_obs_read.watching.messages import ALERT, Message, Unusual
from syndarix_obs_read.watching.told import Told

__all__ = ["ALERT", "LASTS_NS", "Telling", "Unusual", "webhook_of"]

LASTS_NS: Final = 15 * 60 * 10**9
"""How long an alert lives that is not renewed: three looks."""

Route = Callable[[Mapping[str, str]], Sequence[Channel]]
"""From the labels of an alert to its receivers."""


class Telling:
    """Tells of agents that became unusual, and of those that no longer are.

    Args:
        alerts: an Alertmanager; with it, nobody else is told.
        route: who is told without one.
        told: what was told before.
    """

    def __init__(self, alerts: AlertSource | None, route: Route | None = None, told: Told | None = None) -> None:
        self._alerts = alerts
        self._route = route or (lambda _labels: ())
        self._told = told or Told()
        self._raised: dict[str, Unusual] = {}

    async def tell(self, unusual: Sequence[Unusual], now_ns: int, over: Sequence[str] = ()) -> list[str]:
        """Raise, renew and resolve. Returns what could not be told, in words; the next look tries again.

        Args:
            unusual: agents with open episodes.
            now_ns: nanoseconds since the epoch.
            over: agents whose last episode closed just now, though this process may not have told of it.
        """
        agents = {each.agent: each for each in unusual}
        if self._alerts is not None:
            return await self._to_alertmanager(self._alerts, agents, now_ns, over)
        trouble = [words for each in unusual for words in await self._to_channels(each, now_ns)]
        trouble += await self._ended(agents, now_ns)
        self._told.save()
        return trouble

    async def _to_alertmanager(
        self, alerts: AlertSource, agents: Mapping[str, Unusual], now_ns: int, over: Sequence[str]
    ) -> list[str]:
        gone = {name: self._raised.get(name, Unusual(name, now_ns, ())) for name in over if name not in agents}
        gone |= {name: each for name, each in self._raised.items() if name not in agents}
        trouble = []
        for each, ends in (*((each, False) for each in agents.values()), *((each, True) for each in gone.values())):
            start = min(each.since_ns, now_ns - 10**9)
            try:
                await alerts.trigger(each.labels, each.annotations, start, now_ns if ends else now_ns + LASTS_NS)
            except ReadError as error:
                trouble.append(f"the alert about {each.agent} was not taken: {error}")
                continue
            if ends:
                self._raised.pop(each.agent, None)
            else:
                self._raised[each.agent] = each
        return trouble

    async def _to_channels(self, each: Unusual, now_ns: int) -> list[str]:
        """To every receiver that does not know it yet."""
        trouble = []
        for channel in self._route(each.labels):
            if self._told.last(channel.name, each.agent) == each:
                continue
            try:
                await channel.send(Message(each, ends=False, at_ns=now_ns))
            except ReadError as error:
                trouble.append(f"the alert about {each.agent} was not taken: {error}")
            else:
                self._told.was_told(channel.name, each)
        return trouble

    async def _ended(self, agents: Mapping[str, Unusual], now_ns: int) -> list[str]:
        """To every receiver that thinks an agent unusual which no longer is."""
        trouble = []
        for channel, each in list(self._believed(agents)):
            try:
                if channel.ends_too:
                    await channel.send(Message(each, ends=True, at_ns=now_ns))
            except ReadError as error:
                trouble.append(f"that {each.agent} is as usual again was not taken: {error}")
            else:
                self._told.is_over(channel.name, each.agent)
        return trouble

    def _believed(self, agents: Mapping[str, Unusual]) -> Iterator[tuple[Channel, Unusual]]:
        for name in self._told.all_agents():
            for channel in self._route(Unusual(name, 0, ()).labels):
                if name not in agents and (each := self._told.last(channel.name, name)):
                    yield channel, each


def webhook_of(file: Path | None) -> str | None:
    """The address in a file; SettingsError when there is none in it."""
    if file is None:
        return None
    try:
        url = file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"the webhook's file {file} cannot be read: {error.strerror}") from None
    if not url.startswith(("http://", "https://")):
        raise SettingsError(f"{file} holds no address that begins with http:// or https://; write one line into it")
    return url

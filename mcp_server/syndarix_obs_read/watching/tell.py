"""Who is told of an episode: Alertmanager where there is one, else a webhook with the body that Alertmanager sends.

One alert per agent, however many of its series are unusual: the annotations name them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from syndarix_obs_read.backends.protocols import AlertSource
from syndarix_obs_read.errors import ReadError, SettingsError
from syndarix_obs_read.timerange import to_datetime

ALERT: Final = "AgentAnomaly"
"""Name of the alert; the rule over `agent_anomaly` has the same name and labels, so that both are one."""

LASTS_NS: Final = 15 * 60 * 10**9
"""How long an alert lives that is not renewed: three looks."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Unusual:
    """An agent with open episodes."""

    agent: str
    since_ns: int
    words: tuple[str, ...]
    """One sentence for each series."""

    @property
    def labels(self) -> dict[str, str]:
        """Labels of its alert."""
        return {"alertname": ALERT, "agent": self.agent, "severity": "warning", "team": "agents"}

    @property
    def annotations(self) -> dict[str, str]:
        """What the alert says."""
        return {"summary": f"{self.agent} is unusual", "description": "; ".join(self.words)}


class Telling:
    """Tells of agents that became unusual, and of those that no longer are."""

    def __init__(self, alerts: AlertSource | None, webhook: str | None, transport: Any = None) -> None:
        self._alerts = alerts
        self._webhook = webhook
        self._transport = transport
        self._told: dict[str, Unusual] = {}

    async def tell(self, unusual: Sequence[Unusual], now_ns: int, over: Sequence[str] = ()) -> list[str]:
        """Raise, renew and resolve. Returns what could not be told, in words; the next look tries again.

        Args:
            unusual: agents with open episodes.
            now_ns: nanoseconds since the epoch.
            over: agents whose last episode closed just now, though this process may not have told of it.
        """
        agents = {each.agent: each for each in unusual}
        gone = {name: self._told.get(name, Unusual(name, now_ns, ())) for name in over if name not in agents}
        gone |= {name: each for name, each in self._told.items() if name not in agents}
        trouble = []
        for each, ends in (*((each, False) for each in agents.values()), *((each, True) for each in gone.values())):
            try:
                await self._one(each, now_ns, ends)
            except (ReadError, httpx.HTTPError) as error:
                trouble.append(f"the alert about {each.agent} was not taken: {error}")
                continue
            if ends:
                self._told.pop(each.agent, None)
            else:
                self._told[each.agent] = each
        return trouble

    async def _one(self, each: Unusual, now_ns: int, ends: bool) -> None:
        if self._alerts is not None:
            start = min(each.since_ns, now_ns - 10**9)
            await self._alerts.trigger(each.labels, each.annotations, start, now_ns if ends else now_ns + LASTS_NS)
        elif self._webhook is not None and (ends or self._told.get(each.agent) != each):
            async with httpx.AsyncClient(transport=self._transport, timeout=10) as client:
                (await client.post(self._webhook, json=body(each, now_ns, ends))).raise_for_status()


def body(each: Unusual, now_ns: int, ends: bool) -> Mapping[str, Any]:
    """What Alertmanager sends to a webhook, version 4."""
    status = "resolved" if ends else "firing"
    alert = {
        "status": status, "labels": each.labels, "annotations": each.annotations, "generatorURL": "",
        "startsAt": to_datetime(each.since_ns).isoformat(),
        "endsAt": to_datetime(now_ns).isoformat() if ends else "0001-01-01T00:00:00Z", "fingerprint": each.agent,
    }  # fmt: skip
    return {
        "version": "4", "groupKey": f'{{}}:{{agent="{each.agent}"}}', "truncatedAlerts": 0, "status": status,
        "receiver": "syndarix-obs", "groupLabels": {"agent": each.agent}, "commonLabels": each.labels,
        "commonAnnotations": each.annotations, "externalURL": "", "alerts": [alert],
    }  # fmt: skip


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

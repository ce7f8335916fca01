"""What is said of an agent that is unusual: labels and words, and the same as Alertmanager's webhook body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from syndarix_obs_read.timerange import to_datetime

ALERT: Final = "AgentAnomaly"
"""Name of the alert; the rule over `agent_anomaly` has the same name and labels, so that both are one."""


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


@dataclass(frozen=True, slots=True)
class Message:
    """One message to a receiver.

    Args:
        about: the agent.
        ends: whether it says that the agent is no longer unusual.
        at_ns: when it is sent, nanoseconds since the epoch.
    """

    about: Unusual
    ends: bool
    at_ns: int

    @property
    def title(self) -> str:
        """One line, worded as Alertmanager's template words it."""
        state = "RESOLVED" if self.ends else self.about.labels["severity"].upper()
        return " ".join(f"[{state}] {ALERT} · {self.about.agent}".split())

    @property
    def text(self) -> str:
        """What, since when, and where to look next."""
        agent, since = self.about.agent, f"Since: {_stamp(self.about.since_ns)}"
        return "\n".join((
            *(words for words in self.about.annotations.values() if words),
            f"{since}, until {_stamp(self.at_ns)}" if self.ends else since,
            f"Next: syndarix-obs anomalies --agent {agent!r}, then syndarix-obs investigate with the episode",
        ))  # fmt: skip


def body(message: Message, receiver: str = "syndarix-obs") -> Mapping[str, Any]:
    """What Alertmanager sends to a webhook, version 4."""
    each, status = message.about, "resolved" if message.ends else "firing"
    alert = {
        "status": status, "labels": each.labels, "annotations": each.annotations, "generatorURL": "",
        "startsAt": to_datetime(each.since_ns).isoformat(), "fingerprint": each.agent,
        "endsAt": to_datetime(message.at_ns).isoformat() if message.ends else "0001-01-01T00:00:00Z",
    }  # fmt: skip
    return {
        "version": "4", "groupKey": f'{{}}:{{agent="{each.agent}"}}', "truncatedAlerts": 0, "status": status,
        "receiver": receiver, "groupLabels": {"agent": each.agent}, "commonLabels": each.labels,
        "commonAnnotations": each.annotations, "externalURL": "", "alerts": [alert],
    }  # fmt: skip


def _stamp(ns: int) -> str:
    return f"{to_datetime(ns):%Y-%m-%d %H:%M:%S} UTC"

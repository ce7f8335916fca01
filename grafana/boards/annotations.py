"""Marks on every graph: a line where a critical alert began, and where an agent got a new version."""

from __future__ import annotations

from boards.theme import BAD, GRAFANA, PLAIN, PROMETHEUS, Json


def _from_prometheus(name: str, expr: str, title: str, text: str, *, colour: str, shown: bool, at_value: bool) -> Json:
    return {
        "name": name, "datasource": PROMETHEUS, "enable": shown, "hide": False, "iconColor": colour,
        "target": {"expr": expr, "refId": "Anno", "interval": ""}, "titleFormat": title, "textFormat": text,
        "tagKeys": "agent", "useValueForTime": at_value,
    }  # fmt: skip


_BUILT_IN: Json = {
    "name": "Annotations & Alerts", "datasource": GRAFANA, "enable": True, "hide": True, "builtIn": 1,
    "iconColor": "rgba(0, 211, 255, 1)", "type": "dashboard",
    "target": {"limit": 100, "matchAny": False, "tags": [], "type": "dashboard"},
}  # fmt: skip


def annotations(*, alerts: bool) -> list[Json]:
    """The marks of a board; `alerts` says whether those of alerts are on from the start.

    An alert is marked once, by a line at the moment when it began, whatever the number of agents it fires for: Grafana
    would draw a region for each, one over the other, until no graph can be read.
    """
    return [
        _BUILT_IN,
        _from_prometheus(
            "Critical alerts",
            'min by (alertname) (ALERTS_FOR_STATE and ignoring (alertstate) ALERTS{alertstate="firing",'
            'severity="critical"}) * 1000',
            "{{alertname}}", "began to fire", colour=BAD, shown=alerts, at_value=True,
        ),
        _from_prometheus(
            "Agent versions", 'agent_version:agent_version:new{agent=~"$agent"}', "{{agent}} is now {{version}}",
            "The system prompt or the tools of {{agent}} changed.", colour=PLAIN, shown=True, at_value=False,
        ),
    ]  # fmt: skip

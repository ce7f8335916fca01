"""Marks on every graph: alerts while they fire, and new versions of an agent."""

from __future__ import annotations

from boards.theme import BAD, GRAFANA, PLAIN, PROMETHEUS, Json


def _from_prometheus(name: str, expr: str, title: str, text: str, colour: str) -> Json:
    return {
        "name": name, "datasource": PROMETHEUS, "enable": True, "hide": False, "iconColor": colour,
        "target": {"expr": expr, "refId": "Anno", "interval": ""}, "titleFormat": title, "textFormat": text,
        "tagKeys": "agent", "useValueForTime": False,
    }  # fmt: skip


_BUILT_IN: Json = {
    "name": "Annotations & Alerts", "datasource": GRAFANA, "enable": True, "hide": True, "builtIn": 1,
    "iconColor": "rgba(0, 211, 255, 1)", "type": "dashboard",
    "target": {"limit": 100, "matchAny": False, "tags": [], "type": "dashboard"},
}  # fmt: skip

ANNOTATIONS = (
    _BUILT_IN,
    _from_prometheus(
        "Alerts", 'ALERTS{alertstate="firing",severity=~"critical|warning"}', "{{alertname}} {{agent}}",
        "{{severity}} · project {{project}} · model {{model}} · tool {{tool}}", BAD,
    ),
    _from_prometheus(
        "Agent versions", 'agent_version:agent_version:new{agent=~"$agent"}', "{{agent}} is now {{version}}",
        "The system prompt or the tools of {{agent}} changed.", PLAIN,
    ),
)  # fmt: skip

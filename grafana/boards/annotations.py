"""Marks on every graph: a line where a critical alert began, an agent got a new version or became unusual."""

from __future__ import annotations

from boards.theme import BAD, GRAFANA, PLAIN, PROMETHEUS, Json


def _from_prometheus(name: str, expr: str, title: str, text: str, *, colour: str, shown: bool) -> Json:
    return {
        "name": name, "datasource": PROMETHEUS, "enable": shown, "hide": False, "iconColor": colour,
        "target": {"expr": expr, "refId": "Anno", "interval": ""}, "titleFormat": title, "textFormat": text,
        "tagKeys": "agent", "useValueForTime": True,
    }  # fmt: skip


_BUILT_IN: Json = {
    "name": "Annotations & Alerts", "datasource": GRAFANA, "enable": True, "hide": True, "builtIn": 1,
    "iconColor": "rgba(0, 211, 255, 1)", "type": "dashboard",
    "target": {"limit": 100, "matchAny": False, "tags": [], "type": "dashboard"},
}  # fmt: skip


def annotations(*, alerts: bool, versions: bool, episodes: bool = False) -> list[Json]:
    """The marks of a board: those of alerts, on from the start or not, and those of versions and of episodes, if any.

    An episode is marked where an agent became unusual, as `syndarix-obs watch` says: the earliest within 6 hours.

    An alert is marked once, by a line at the moment when it last began within 6 hours, however often and for however
    many agents it fired: Grafana would draw a region for each time, one over the other, until no graph can be read.
    """
    found = [
        _BUILT_IN,
        _from_prometheus(
            "Critical alerts",
            'max by (alertname) (max_over_time((ALERTS_FOR_STATE and ignoring (alertstate) ALERTS{alertstate="firing",'
            'severity="critical"})[6h:30s] @ end())) * 1000',
            "{{alertname}}", "began to fire", colour=BAD, shown=alerts,
        ),
        _from_prometheus(
            "Agent versions",
            'max by (agent, version) (min_over_time(timestamp(agent_version:agent_version:new{agent=~"$agent"})[6h:1m]'
            " @ end())) * 1000",
            "{{agent}} is now {{version}}", "The system prompt or the tools of {{agent}} changed.", colour=PLAIN,
            shown=True,
        ),
    ]  # fmt: skip
    unusual = _from_prometheus(
        "Episodes",
        'max by (agent) (min_over_time(timestamp(agent_anomaly{agent=~"$agent"} > 0)[6h:1m] @ end())) * 1000',
        "{{agent}} became unusual", "Which series, and why: the table Episodes, or `syndarix-obs anomalies`.",
        colour=BAD, shown=True,
    )  # fmt: skip
    return [*(found if versions else found[:-1]), *([unusual] if episodes else [])]

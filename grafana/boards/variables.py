"""What a board can be narrowed to. "All" is `.*`, which also matches what lacks the label."""

from __future__ import annotations

import attr
from grafanalib.core import Template

from boards.theme import PROMETHEUS, Json

ALL: Json = {"selected": True, "text": ["All"], "value": ["$__all"]}


@attr.s(auto_attribs=True, kw_only=True)
class Variable(Template):  # type: ignore[misc]  # grafanalib ships no types
    """A choice of several label values; the list follows the board's time range."""

    name: str
    label: str
    description: str
    query: Json
    definition: str
    datasource: Json

    def to_json_data(self) -> Json:
        return {
            "type": "query", "name": self.name, "label": self.label, "description": self.description,
            "datasource": self.datasource, "query": self.query, "definition": self.definition, "refresh": 2,
            "includeAll": True, "allValue": ".*", "multi": True, "allowCustomValue": True, "current": ALL,
            "options": [], "regex": "", "sort": 1, "hide": 0, "skipUrlSync": False,
        }  # fmt: skip


@attr.s(auto_attribs=True, kw_only=True)
class Choice(Template):  # type: ignore[misc]  # grafanalib ships no types
    """A choice of several fixed values."""

    name: str
    label: str
    description: str
    query: str

    def to_json_data(self) -> Json:
        options = [{"selected": False, "text": value, "value": value} for value in self.query.split(",")]
        return {
            "type": "custom", "name": self.name, "label": self.label, "description": self.description,
            "query": self.query, "includeAll": True, "allValue": ".*", "multi": True, "allowCustomValue": False,
            "current": ALL, "options": options, "hide": 0, "skipUrlSync": False,
        }  # fmt: skip


@attr.s(auto_attribs=True, kw_only=True)
class Address(Template):  # type: ignore[misc]  # grafanalib ships no types
    """Where links lead to. Not shown: it is set in the board's code, or in the browser's address by `&var-NAME=`."""

    name: str
    label: str
    description: str
    query: str

    def to_json_data(self) -> Json:
        current = {"selected": True, "text": self.query, "value": self.query}
        return {
            "type": "textbox", "name": self.name, "label": self.label, "description": self.description,
            "query": self.query, "current": current, "options": [current], "hide": 2, "skipUrlSync": False,
        }  # fmt: skip


def metric_label(name: str, title: str, description: str, metric: str) -> Variable:
    """Values of a label of a metric."""
    definition = f"label_values({metric},{name})"
    query = {"query": definition, "refId": "PrometheusVariableQueryEditor-VariableQuery", "qryType": 1}
    return Variable(
        name=name, label=title, description=description, query=query, definition=definition, datasource=PROMETHEUS
    )


# Every list comes from Prometheus: a board asks for its variables before anything else, so one that asked Loki would
# keep the whole board empty while Loki is down.
COMMON = (
    metric_label(
        "environment", "Environment",
        "Narrows logs, traces and metrics. Metrics have it from prometheus/targets/agents.yml.",
        "agent_last_progress_timestamp_seconds",
    ),
    metric_label(
        "project", "Project", "Who pays. Tools and sessions are not counted by project.",
        'environment_agent_project:llm_requests:rate1m{environment=~"$environment"}',
    ),
    metric_label(
        "agent", "Agent", "One or several agents.",
        'agent_last_progress_timestamp_seconds{environment=~"$environment"}',
    ),
    metric_label(
        "model", "Model", "One or several models. Tools know no model: Tool usage only keeps the choice for the links.",
        'environment_model:llm_requests:rate1m{environment=~"$environment"}',
    ),
    Address(
        name="explorer", label="Explorer at", query="http://127.0.0.1:8766",
        description="Where `syndarix-obs web` listens; links from traces lead there.",
    ),
)  # fmt: skip
"""On every board, so that links can keep them."""

TOOL = metric_label(
    "tool", "Tool", "One or several tools.",
    'environment_agent_tool_status:tool_invocations:rate5m{environment=~"$environment",agent=~"$agent"}',
)  # fmt: skip
LEVEL = Choice(name="level", label="Level", description="Of log lines.", query="critical,error,warning,info,debug")
RUNBOOK = Address(
    name="runbook", label="Runbook at", query="/d/runbook?alert=",
    description="Put in front of an alert's name in links, for example https://git.example.org/obs/docs/runbook.md#",
)  # fmt: skip

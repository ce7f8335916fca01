"""Rule files: which metrics they name, and which of those nobody emits."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from syndarix_obs import vocabulary as v
from syndarix_obs_stack.problems import Problem

SERVER_METRICS = frozenset(
    {"up", "ALERTS", "alertmanager_notifications_failed_total", "prometheus_rule_evaluation_failures_total"}
)
"""What Prometheus and the other servers say about themselves and our rules use."""
SERVER_FAMILIES = ("traces_spanmetrics_", "traces_service_graph_")
"""Beginnings of names that Tempo's metrics generator writes."""

_WORDS = frozenset({"and", "or", "unless", "offset", "bool", "inf", "nan", "start", "end"})
_AGGREGATIONS = frozenset(
    [
        "sum",
        "min",
        "max",
        "avg",
        "count",
        "quantile",
        "stddev",
        "stdvar",
        "topk",
        "bottomk",
        "group",
        "count_values",
    ]
)
_STRINGS = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`[^`]*`")
_COMMENTS = re.compile(r"#[^\n]*")
_DURATIONS = re.compile(r"\[[^\]]*\]|\boffset\s+-?\w+")
_GROUPINGS = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_SELECTORS = re.compile(r"(?<![\w.])(?:([a-zA-Z_:][\w:]*)\s*)?\{([^}]*)\}|(?<![\w.])([a-zA-Z_:][\w:]*)")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a file: a recording rule when `record` is set, an alert when `alert` is."""

    file: Path
    group: str
    expr: str
    record: str | None
    alert: str | None
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric's name in an expression, and the labels it is matched by."""

    metric: str
    labels: frozenset[str]


def read(files: Iterable[Path]) -> list[Rule]:
    """Every rule of the files, in order. Raises yaml.YAMLError for a file that is no YAML."""
    return [rule for file in files for rule in _rules_of(file)]


def _rules_of(file: Path) -> Iterator[Rule]:
    document = yaml.safe_load(file.read_text("utf-8")) or {}
    for group in document.get("groups") or []:
        for body in group.get("rules") or []:
            expr = str(body.get("expr", ""))
            yield Rule(file, str(group.get("name")), expr, body.get("record"), body.get("alert"), body)


def selectors(expr: str) -> list[Selector]:
    """The metrics that a PromQL expression reads."""
    text = _COMMENTS.sub(" ", _STRINGS.sub('""', expr))
    text = _GROUPINGS.sub(" ", _DURATIONS.sub(" ", text))
    found: list[Selector] = []
    for match in _SELECTORS.finditer(text):
        name, matchers = match[1] or match[3], match[2]
        called = text[match.end() :].lstrip().startswith("(")
        if name and not (called or name.lower() in _WORDS or (name in _AGGREGATIONS and matchers is None)):
            found.append(Selector(name, frozenset(re.findall(r"(\w+)\s*[=!]", matchers or ""))))
    return found


def grouping_labels(expr: str) -> frozenset[str]:
    """Labels in `by`, `on` and their like."""
    return frozenset(label for match in _GROUPINGS.finditer(expr) for label in re.findall(r"\w+", match[1]))


def exposed_names() -> dict[str, v.MetricSpec]:
    """Every series name that the vocabulary's metrics have on a scrape page."""
    names: dict[str, v.MetricSpec] = {}
    for spec in v.METRICS:
        suffixes = ("_bucket", "_sum", "_count") if spec.kind == "histogram" else ("",)
        names.update({spec.name + suffix: spec for suffix in suffixes})
    return names


def unknown_metrics(rules: Iterable[Rule], own: Iterable[str] = ()) -> list[Problem]:
    """A problem for each metric that is neither in the vocabulary, nor recorded by a rule, nor in `own`."""
    rules = list(rules)
    known = {*exposed_names(), *SERVER_METRICS, *own, *(rule.record for rule in rules if rule.record)}
    return [
        _unknown(rule, selector.metric, known)
        for rule in rules
        for selector in selectors(rule.expr)
        if selector.metric not in known and not selector.metric.startswith(SERVER_FAMILIES)
    ]


def _unknown(rule: Rule, metric: str, known: set[str]) -> Problem:
    nearest = difflib.get_close_matches(metric, sorted(known), n=1)
    spelling = f"Did you mean {nearest[0]}? If" if nearest else "If"
    return Problem(
        f"{rule.file.name}: {rule.alert or rule.record} reads the metric {metric}, which nobody emits.",
        f"{spelling} it is a metric of your own, add its name to prometheus/own-metrics.txt.",
    )


def own_metrics(file: Path) -> list[str]:
    """Names in `own-metrics.txt`, one a line; nothing when there is no such file."""
    if not file.is_file():
        return []
    lines = (line.partition("#")[0].strip() for line in file.read_text("utf-8").splitlines())
    return [line for line in lines if line]

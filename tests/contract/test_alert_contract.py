"""Rules, runbook, routes and vocabulary keep the promises that they make to each other."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from syndarix_obs import vocabulary as v
from syndarix_obs_stack import rules

ROOT = Path(__file__).parents[2]
RULE_FILES = sorted((ROOT / "prometheus" / "rules").glob("*.yml"))
LOKI_RULES = sorted((ROOT / "loki" / "rules" / "fake").glob("*.yml"))
RULES = rules.read(RULE_FILES)
LOG_ALERTS = rules.read(LOKI_RULES)
METRIC_ALERTS = [rule for rule in RULES if rule.alert]
ALERTS = [*METRIC_ALERTS, *LOG_ALERTS]
NAMES = [rule.alert for rule in ALERTS]
RECORDED = {rule.record for rule in RULES if rule.record}
OWN_LABELS = {"job", "instance", "environment", "le", "day", "rule_group", "integration"}


def _promtool_cases(name: str) -> tuple[int, int]:
    """How many firing and how many silent cases an alert has."""
    firing = silent = 0
    for file in (ROOT / "prometheus" / "tests").glob("*.yml"):
        for test in yaml.safe_load(file.read_text("utf-8"))["tests"]:
            for case in test.get("alert_rule_test", []):
                if case["alertname"] == name:
                    firing, silent = (firing + 1, silent) if case.get("exp_alerts") else (firing, silent + 1)
    return firing, silent


def test_every_metric_that_a_rule_reads_is_emitted_by_somebody() -> None:
    assert [] == rules.unknown_metrics(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.alert or rule.record)
def test_every_label_that_a_rule_matches_or_groups_by_belongs_to_its_metrics(rule: rules.Rule) -> None:
    exposed = rules.exposed_names()
    allowed = set(OWN_LABELS)
    for selector in rules.selectors(rule.expr):
        if spec := exposed.get(selector.metric):
            assert set() == selector.labels - set(spec.labels) - OWN_LABELS
            allowed |= set(spec.labels)
        else:
            allowed |= {label for metric in v.METRICS for label in metric.labels}
    assert set() == rules.grouping_labels(rule.expr) - allowed


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule.alert)
def test_every_alert_says_how_bad_whose_what_and_where_to_look(rule: rules.Rule) -> None:
    labels, annotations = rule.body["labels"], rule.body["annotations"]
    assert labels["severity"] in {"critical", "warning", "info"}
    assert labels["team"] in {"agents", "platform", "cost", "safety"}
    assert "for" in rule.body
    assert {"summary", "description", "runbook_url", "dashboard"} <= set(annotations)
    assert f"docs/runbook.md#{str(rule.alert).lower()}" == annotations["runbook_url"]
    assert annotations["dashboard"].startswith("/d/")


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule.alert)
def test_an_alert_that_pages_waits_no_longer_than_ten_seconds(rule: rules.Rule) -> None:
    if rule.body["labels"]["severity"] == "critical":
        assert rule.body["for"] in {"0s", "10s"}


def test_no_alert_name_is_used_twice() -> None:
    assert sorted(set(NAMES)) == sorted(NAMES)


def test_every_threshold_is_used_and_every_comparison_has_its_threshold() -> None:
    read = {selector.metric for rule in RULES for selector in rules.selectors(rule.expr)}
    declared = {name for name in RECORDED if name.startswith("threshold:")}
    assert declared == {name for name in read if name.startswith("threshold:")}


def test_every_recorded_series_is_read_by_a_rule_or_named_in_a_board() -> None:
    read = {selector.metric for rule in RULES for selector in rules.selectors(rule.expr)}
    boards = "".join(file.read_text("utf-8") for file in (ROOT / "grafana" / "boards").rglob("*.py"))
    assert set() == {name for name in RECORDED if name not in read and name not in boards}


@pytest.mark.parametrize("rule", METRIC_ALERTS, ids=lambda rule: rule.alert)
def test_every_alert_is_tested_once_firing_and_twice_silent(rule: rules.Rule) -> None:
    firing, silent = _promtool_cases(str(rule.alert))
    assert firing >= 1
    assert silent >= 2


def test_the_runbook_has_a_heading_for_each_alert_and_no_other() -> None:
    text = (ROOT / "docs" / "runbook.md").read_text("utf-8")
    assert sorted(map(str, NAMES)) == sorted(re.findall(r"^### (\w+)$", text, re.MULTILINE))


@pytest.mark.parametrize("name", NAMES)
def test_every_section_of_the_runbook_has_something_to_run(name: str) -> None:
    text = (ROOT / "docs" / "runbook.md").read_text("utf-8")
    section = text.partition(f"### {name}\n")[2].partition("\n### ")[0]
    assert re.search(r"```(promql|logql|traceql)\n", section)


def test_every_metric_in_the_runbook_exists() -> None:
    text = (ROOT / "docs" / "runbook.md").read_text("utf-8")
    known = {*rules.exposed_names(), *rules.SERVER_METRICS, *RECORDED}
    named = {
        selector.metric
        for query in re.findall(r"```promql\n(.*?)```", text, re.DOTALL)
        for line in query.splitlines()
        for selector in rules.selectors(line)
    }
    assert set() == {name for name in named - known if not name.startswith(("loki_", "tempo_", *rules.SERVER_FAMILIES))}


@pytest.mark.parametrize("rule", LOG_ALERTS, ids=lambda rule: rule.alert)
def test_log_alerts_select_by_the_labels_that_lines_have(rule: rules.Rule) -> None:
    for matchers in re.findall(r"\{([^}]*=[^}]*)\}", re.sub(r"`[^`]*`", "", rule.expr)):
        assert set(re.findall(r"(\w+)\s*[=!]", matchers)) <= set(v.LOKI_LABELS)
    assert rules.grouping_labels(rule.expr) <= {*v.LOKI_LABELS, *v.LOG_METADATA}


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule.alert)
def test_trace_links_ask_for_attributes_that_spans_have(rule: rules.Rule) -> None:
    constants = {value for name, value in vars(v).items() if name.isupper() and isinstance(value, str)}
    query = re.sub(r'"[^"]*"', '""', rule.body["annotations"].get("traceql", ""))
    named = re.findall(r"(?:span|resource)\.([\w.]+)", query)
    assert set() == set(named) - constants


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule.alert)
def test_every_alert_is_routed_to_its_team_and_only_what_pages_to_on_call(rule: rules.Rule) -> None:
    if shutil.which("amtool") is None:
        pytest.skip("amtool is not on the PATH")
    labels: dict[str, Any] = rule.body["labels"]
    config = ROOT / "alertmanager" / "alertmanager.yml"
    arguments = [f"alertname={rule.alert}", *(f"{name}={value}" for name, value in labels.items())]
    done = subprocess.run(
        ["amtool", "config", "routes", "test", f"--config.file={config}", *arguments],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    team = f"team-{labels['team']}"
    expected = {"critical": ["webhook", "page", team], "warning": ["webhook", team], "info": ["webhook", "notice"]}
    assert ",".join(expected[labels["severity"]]) == done.stdout.strip()


def test_inhibition_names_alerts_that_exist() -> None:
    config = yaml.safe_load((ROOT / "alertmanager" / "alertmanager.yml").read_text("utf-8"))
    for rule in config["inhibit_rules"]:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            found = re.match(r'(\w+)!?=~?"(.*)"', matcher)
            assert found is not None
            name, names = found.groups()
            if name == "alertname":
                assert set(names.split("|")) <= set(map(str, NAMES))


def test_every_dashboard_that_an_alert_links_to_exists() -> None:
    built = {file.stem for file in (ROOT / "grafana" / "dashboards").glob("*.json")}
    if not built:
        pytest.skip("grafana/dashboards is not built")
    linked = {rule.body["annotations"]["dashboard"].split("/")[2].partition("?")[0] for rule in ALERTS}
    assert set() == linked - built


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments", [("check", "rules", *map(str, RULE_FILES)), ("test", "rules")], ids=["check", "test"]
)
def test_promtool_agrees_with_every_rule(arguments: tuple[str, ...]) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not on the PATH")
    folder = ROOT / "prometheus" / "tests"
    files = sorted(file.name for file in folder.glob("*.yml")) if arguments[0] == "test" else []
    done = subprocess.run(["promtool", *arguments, *files], cwd=folder, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout + done.stderr

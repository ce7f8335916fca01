"""Which metrics an expression reads, and which of them nobody emits."""

from __future__ import annotations

from pathlib import Path

import pytest

from syndarix_obs_stack import rules


@pytest.mark.parametrize(
    ("expr", "metrics"),
    [
        ("up == 0", ["up"]),
        ('sum by (agent) (rate(llm_requests_total{status="a{b}c"}[5m] offset 10m)) > 2e3', ["llm_requests_total"]),
        ("a / on (x) group_left (y) b and on () count(c offset 1m)", ["a", "b", "c"]),
        ('label_replace(job:x:rate1m, "day", "1", "", "") # not_a_metric', ["job:x:rate1m"]),
        ("histogram_quantile(0.95, sum by (le) (rate(l_bucket[1m]))) > bool 1", ["l_bucket"]),
        ("{job='x'} or absent(y)", ["y"]),
        ("time() - m > -Inf unless n", ["m", "n"]),
    ],
)
def test_metrics_are_told_from_functions_labels_and_text(expr: str, metrics: list[str]) -> None:
    assert metrics == [selector.metric for selector in rules.selectors(expr)]


def test_the_labels_of_a_selector_are_found() -> None:
    (selector,) = rules.selectors('m{a="1", b=~"2", c!="3"}')
    assert frozenset("abc") == selector.labels


def test_the_labels_of_groupings_are_found() -> None:
    assert frozenset({"a", "b", "c"}) == rules.grouping_labels("sum by (a, b) (x) / on (c) y")


def _rule_file(folder: Path, expr: str) -> Path:
    file = folder / "rules.yml"
    file.write_text(f"groups:\n  - name: g\n    rules:\n      - alert: A\n        expr: {expr}\n")
    return file


def test_a_misspelt_metric_is_named_with_the_nearest_one(tmp_path: Path) -> None:
    (problem,) = rules.unknown_metrics(rules.read([_rule_file(tmp_path, "llm_request_total > 1")]))
    assert "rules.yml: A reads the metric llm_request_total, which nobody emits." == problem.what
    assert problem.mend.startswith("Did you mean llm_requests_total?")


def test_a_metric_unlike_any_other_is_still_refused(tmp_path: Path) -> None:
    (problem,) = rules.unknown_metrics(rules.read([_rule_file(tmp_path, "zzz > 1")]))
    assert problem.mend.startswith("If it is a metric of your own")


def test_metrics_of_the_user_and_of_tempo_are_known(tmp_path: Path) -> None:
    own = tmp_path / "own-metrics.txt"
    own.write_text("# ours\nmy_orders_total  # since May\n\n")
    found = rules.read([_rule_file(tmp_path, "my_orders_total + traces_spanmetrics_calls_total")])
    assert [] == rules.unknown_metrics(found, rules.own_metrics(own))
    assert [] == rules.own_metrics(tmp_path / "absent.txt")


def test_a_file_without_groups_has_no_rules(tmp_path: Path) -> None:
    (tmp_path / "empty.yml").write_text("")
    assert [] == rules.read([tmp_path / "empty.yml"])

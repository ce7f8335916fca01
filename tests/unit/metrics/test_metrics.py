"""Metrics exist as declared, labels are bounded, and the user's own metrics follow the rules."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from syndarix_obs import guard
from syndarix_obs import vocabulary as v
from syndarix_obs.errors import MetricError, SyndarixObsError
from syndarix_obs.metrics.registry import Metrics


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def test_every_metric_of_the_vocabulary_is_registered(metrics: Metrics) -> None:
    shown = {metric.name for metric in metrics.registry.collect()}
    assert {spec.name.removesuffix("_total") for spec in v.METRICS} == shown


def test_every_metric_takes_as_many_values_as_its_spec_has_labels(metrics: Metrics) -> None:
    for spec in v.METRICS:
        values = tuple(f"value-{label}" for label in spec.labels)
        child: Any = metrics._family(spec).child(values)
        assert dict(zip(spec.labels, values, strict=True)) == dict(
            zip(child._labelnames, child._labelvalues, strict=True)
        )


def test_closed_label_sets_exist_at_zero_from_the_start(metrics: Metrics) -> None:
    assert value(metrics, "syndarix_obs_records_dropped_total", reason="queue_full") == 0
    assert value(metrics, "syndarix_obs_export_failures_total", destination="loki") == 0


def test_the_other_status_exists_at_zero_as_soon_as_one_is_counted(metrics: Metrics) -> None:
    metrics.count(v.TOOL_INVOCATIONS, ("search", "a", "ok"))
    assert value(metrics, "tool_invocations_total", tool="search", agent="a", status="error") == 0


def test_a_missing_label_value_is_unknown(metrics: Metrics) -> None:
    metrics.unpriced(None, "")
    assert value(metrics, "llm_unpriced_requests_total", provider="unknown", model="unknown") == 1


def test_a_label_value_that_is_no_text_becomes_one(metrics: Metrics) -> None:
    metrics.unpriced(["a"], 1)  # type: ignore[arg-type]  # libraries set anything
    metrics.unpriced(["a"], True)  # type: ignore[arg-type]
    assert value(metrics, "llm_unpriced_requests_total", provider="['a']", model="1") == 1
    assert value(metrics, "llm_unpriced_requests_total", provider="['a']", model="True") == 1


def test_a_label_value_that_cannot_be_written_does_not_break_the_scrape(metrics: Metrics) -> None:
    from prometheus_client import generate_latest

    metrics.unpriced("\ud800", "x" * 1000)
    assert b'provider="?"' in generate_latest(metrics.registry)
    assert value(metrics, "llm_unpriced_requests_total", provider="?", model="x" * 120) == 1


def test_values_over_the_cap_become_other_and_are_counted() -> None:
    metrics = Metrics(label_cap=3)
    for number in range(5):
        metrics.unpriced("openai", f"model-{number}")
    metrics.unpriced("openai", "model-1")
    collapsed = {"metric": "llm_unpriced_requests_total", "label": "model"}
    assert value(metrics, "llm_unpriced_requests_total", provider="openai", model="model-1") == 2
    assert value(metrics, "llm_unpriced_requests_total", provider="openai", model="other") == 2
    assert value(metrics, "syndarix_obs_label_values_collapsed_total", **collapsed) == 2


def test_a_wrong_number_of_label_values_is_refused(metrics: Metrics) -> None:
    with pytest.raises(ValueError, match="1 label values for 2 labels: provider, model"):
        metrics.count(v.LLM_UNPRICED, ("openai",))


def test_our_health_has_its_own_counters(metrics: Metrics) -> None:
    metrics.masked("email", 2)
    metrics.truncated("payload")
    metrics.dropped("queue_full", 3)
    metrics.internal_error("redact")
    metrics.export_failed("loki")
    metrics.spool_bytes("tempo", 1234)
    assert value(metrics, "syndarix_obs_redactions_total", type="email") == 2
    assert value(metrics, "syndarix_obs_truncations_total", site="payload") == 1
    assert value(metrics, "syndarix_obs_records_dropped_total", reason="queue_full") == 3
    assert value(metrics, "syndarix_obs_internal_errors_total", site="redact") == 1
    assert value(metrics, "syndarix_obs_export_failures_total", destination="loki") == 1
    assert value(metrics, "syndarix_obs_spool_bytes", destination="tempo") == 1234


def test_two_platforms_on_one_registry_share_its_metrics() -> None:
    registry = CollectorRegistry()
    first, second = Metrics(registry), Metrics(registry)
    first.unpriced("openai", "m")
    second.unpriced("openai", "m")
    assert value(first, "llm_unpriced_requests_total", provider="openai", model="m") == 2
    assert registry is second.registry


def test_each_platform_has_a_registry_of_its_own_by_default() -> None:
    first, second = Metrics(), Metrics()
    first.unpriced("openai", "m")
    assert value(second, "llm_unpriced_requests_total", provider="openai", model="m") is None


def test_prometheus_is_loaded_with_the_first_metric_and_not_before() -> None:
    code = (
        "import sys, syndarix_obs.metrics.registry as m; x = m.Metrics(); early = 'prometheus_client' in sys.modules; "
        "x.registry; sys.exit(early or 'prometheus_client' not in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- the user's own ---


def test_a_user_counts_sets_and_observes(metrics: Metrics) -> None:
    orders = metrics.counter("orders_total", "Orders.", ["region"])
    orders.inc(region="eu")
    orders.inc(2, region="eu")
    queue = metrics.gauge("queue_length", "Waiting orders.")
    queue.set(5)
    queue.inc(-2)
    metrics.histogram("checkout_seconds", "Checkouts.", ["shop"], buckets=(0.1, 1.0)).observe(0.5, shop="s")
    assert value(metrics, "orders_total", region="eu") == 3
    assert value(metrics, "queue_length") == 3
    assert value(metrics, "checkout_seconds_bucket", shop="s", le="0.1") == 0
    assert value(metrics, "checkout_seconds_bucket", shop="s", le="1.0") == 1


def test_the_same_declaration_again_is_the_same_metric(metrics: Metrics) -> None:
    metrics.counter("orders_total", "Orders.").inc()
    metrics.counter("orders_total", "Orders.").inc()
    assert value(metrics, "orders_total") == 2


def test_a_label_of_the_user_is_capped_too() -> None:
    metrics = Metrics(label_cap=2)
    visits = metrics.counter("visits_total", "Visits.", ["page"])
    for page in "abcd":
        visits.inc(page=page)
    assert value(metrics, "visits_total", page="other") == 2


@pytest.mark.parametrize("labels", [{}, {"region": "eu", "more": "x"}, {"regoin": "eu"}])
def test_a_wrong_label_at_use_is_counted_and_not_raised(metrics: Metrics, labels: dict[str, str]) -> None:
    guard.reset()
    orders = metrics.counter("orders_total", "Orders.", ["region"])
    with guard.reraise_internal_errors(False):
        orders.inc(**labels)
        orders.inc(-1, region="eu")
    assert {"user_metric": 2} == guard.failures()
    guard.reset()


@pytest.mark.parametrize(
    ("kind", "arguments", "told"),
    [
        ("counter", ("orders", "Orders."), "must end in _total: call it 'orders_total'"),
        ("gauge", ("orders_total", "Orders."), "must not end in"),
        ("histogram", ("orders_bucket", "Orders."), "must not end in"),
        ("counter", ("my-orders_total", "Orders."), "letters, digits and _"),
        ("counter", ("syndarix_obs_orders_total", "Orders."), "reserved"),
        ("counter", ("orders_total", " "), "needs a line of meaning"),
        ("counter", ("orders_total", "Orders.", ["session_id"]), "as many values as there are sessions"),
        ("gauge", ("orders", "Orders.", ["user"]), "as many values as there are sessions"),
        ("counter", ("orders_total", "Orders.", ["le"]), "Prometheus sets it itself"),
        ("counter", ("orders_total", "Orders.", ["__name"]), "letters, digits and _"),
        ("counter", ("orders_total", "Orders.", ["a", "a"]), "names a label twice"),
        ("counter", ("llm_requests_total", "Mine."), "already declared, differently"),
        ("histogram", ("orders", "Orders.", [], (2.0, 1.0)), "rising buckets"),
        ("histogram", ("orders", "Orders.", [], ()), "rising buckets"),
    ],
)
def test_a_declaration_that_breaks_a_rule_says_which(
    metrics: Metrics, kind: str, arguments: tuple[Any, ...], told: str
) -> None:
    with pytest.raises(MetricError, match=told) as caught:
        getattr(metrics, kind)(*arguments)
    assert isinstance(caught.value, SyndarixObsError)


def test_every_forbidden_label_is_refused(metrics: Metrics) -> None:
    for label in v.FORBIDDEN_LABELS:
        with pytest.raises(MetricError, match=label):
            metrics.counter("orders_total", "Orders.", [label])


def test_a_name_that_something_else_has_registered_is_refused() -> None:
    from prometheus_client import Counter

    registry = CollectorRegistry()
    Counter("orders_total", "Somebody's.", registry=registry)
    with pytest.raises(MetricError, match="cannot be registered"):
        Metrics(registry).counter("orders_total", "Orders.")

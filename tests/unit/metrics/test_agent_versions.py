"""Which versions of an agent ran here."""

from __future__ import annotations

from syndarix_obs.metrics.measure import Measure
from syndarix_obs.metrics.registry import Metrics
from syndarix_obs.records import model as r
from syndarix_obs.records.finished import FinishedSpan


def _after_calls_of(*versions: str | None) -> Metrics:
    metrics = Metrics()
    measure = Measure(metrics)
    for number, version in enumerate(versions):
        span_id = str(number)
        record = r.ToolRecord(
            record_id=span_id,
            trace_id="ab" * 16,
            span_id=span_id,
            agent="support",
            agent_version=version,
            tool="search",
        )
        measure.consume(FinishedSpan(name="x", trace_id=record.trace_id, span_id=span_id), (record,))
    return metrics


def _series(metrics: Metrics) -> set[str]:
    return {
        sample.labels["version"]
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == "agent_version_info" and sample.value == 1
    }


def test_each_version_of_an_agent_has_a_series() -> None:
    assert {"v1", "v2"} == _series(_after_calls_of("v1", "v2", "v1"))


def test_a_record_without_a_version_says_nothing() -> None:
    assert set() == _series(_after_calls_of(None))


def test_an_agent_whose_prompt_always_changes_gets_twenty_series_and_no_more() -> None:
    assert {f"v{number}" for number in range(20)} == _series(_after_calls_of(*(f"v{number}" for number in range(50))))

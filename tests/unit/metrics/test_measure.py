"""Records move the metrics that stand for them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from prometheus_client.openmetrics.exposition import generate_latest

from syndarix_obs.metrics.measure import Measure
from syndarix_obs.metrics.registry import Metrics
from syndarix_obs.records import model as r
from syndarix_obs.records.finished import FinishedSpan

SECOND = 1_000_000_000
LLM = {"provider": "openai", "model": "gpt-4o", "agent": "support", "project": "acme"}


class Rig:
    def __init__(self) -> None:
        self.metrics = Metrics()
        self.measure = Measure(self.metrics)
        self._ids = 0

    def record(self, cls: type[r.Record], **fields: Any) -> r.Record:
        self._ids += 1
        common = {
            "record_id": str(self._ids), "trace_id": "ab" * 16, "span_id": str(self._ids), "agent": "support",
            "start_ns": 100 * SECOND, "end_ns": 102 * SECOND,
        }  # fmt: skip
        return cls(**{**common, **fields})

    def take(self, cls: type[r.Record], *, keep: bool = True, **fields: Any) -> None:
        record = self.record(cls, **fields)
        span = FinishedSpan(name="x", trace_id=record.trace_id, span_id=record.span_id)
        span.keep = keep
        self.measure.consume(span, (record,))

    def __call__(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)


@pytest.fixture
def rig() -> Rig:
    return Rig()


def llm(**fields: Any) -> dict[str, Any]:
    return {"provider": "openai", "model": "gpt-4o", "project": "acme", **fields}


def test_a_model_call_counts_requests_tokens_cost_and_time(rig: Rig) -> None:
    rig.take(
        r.LLMRecord,
        **llm(
            input_tokens=100, output_tokens=50, cache_read_tokens=40, cache_write_tokens=10, reasoning_tokens=30,
            priced=True, cost_usd=Decimal("0.25"), first_token_s=0.4,
        ),
    )  # fmt: skip
    assert rig("llm_requests_total", status="ok", **LLM) == 1
    assert rig("llm_requests_total", status="error", **LLM) == 0
    expected = {"input": 100, "output": 50, "cache_read": 40, "cache_write": 10, "reasoning": 30}
    assert expected == {kind: rig("llm_tokens_total", type=kind, **LLM) for kind in expected}
    assert rig("llm_cost_dollars_total", **LLM) == 0.25
    times = {key: LLM[key] for key in ("provider", "model", "agent")}
    assert rig("llm_latency_seconds_sum", **times) == 2.0
    assert rig("llm_time_to_first_token_seconds_count", **times) == 1


def test_a_failed_call_counts_as_an_error(rig: Rig) -> None:
    rig.take(r.LLMRecord, **llm(status="error"))
    assert rig("llm_requests_total", status="error", **LLM) == 1


def test_calls_without_a_model_count_as_unknown(rig: Rig) -> None:
    rig.take(r.LLMRecord, agent=None)
    unknown = dict.fromkeys(LLM, "unknown")
    assert rig("llm_requests_total", status="ok", **unknown) == 1


def test_a_model_name_that_is_no_text_is_counted_all_the_same(rig: Rig) -> None:
    rig.take(r.LLMRecord, **llm(model=["gpt", 4]))
    assert rig("llm_requests_total", status="ok", **{**LLM, "model": "['gpt', 4]"}) == 1


def test_an_embeddings_call_has_a_histogram_of_its_own(rig: Rig) -> None:
    rig.take(r.LLMRecord, **llm(operation="embeddings", model="e"))
    assert rig("embedding_seconds_count", provider="openai", model="e") == 1
    assert rig("llm_requests_total", status="ok", **{**LLM, "model": "e"}) == 1
    assert rig("llm_latency_seconds_count", provider="openai", model="e", agent="support") == 0


def test_a_tool_call_counts_and_is_timed(rig: Rig) -> None:
    rig.take(r.ToolRecord, tool="search", status="error")
    assert rig("tool_invocations_total", tool="search", agent="support", status="error") == 1
    assert rig("tool_latency_seconds_sum", tool="search", agent="support") == 2.0
    assert rig("agent_loops_detected_total", agent="support", tool="search") is None


def test_a_tool_call_that_completes_a_loop_counts_it(rig: Rig) -> None:
    rig.take(r.ToolRecord, tool="search", loop_count=4)
    assert rig("agent_loops_detected_total", agent="support", tool="search") == 1


def test_a_session_is_active_until_it_ends(rig: Rig) -> None:
    session = rig.record(r.SessionRecord, agent_type="assistant", status="running", end_ns=0)
    assert isinstance(session, r.SessionRecord)
    rig.measure.session_started(session)
    rig.measure.session_started(session)
    assert rig("agent_sessions_active", agent="support", type="assistant") == 1
    rig.take(r.SessionRecord, span_id=session.span_id, agent_type="assistant")
    assert rig("agent_sessions_active", agent="support", type="assistant") == 0
    assert rig("agent_sessions_total", agent="support", type="assistant", status="ok") == 1


def test_a_session_that_was_never_announced_does_not_make_the_gauge_negative(rig: Rig) -> None:
    rig.take(r.SessionRecord, agent_type="assistant")
    assert rig("agent_sessions_active", agent="support", type="assistant") is None
    assert rig("agent_sessions_total", agent="support", type="assistant", status="ok") == 1


def test_a_pending_row_is_not_a_session_that_ended(rig: Rig) -> None:
    rig.take(r.SessionRecord, agent_type="assistant", status="running")
    assert rig("agent_sessions_total", agent="support", type="assistant", status="ok") is None


def test_a_task_is_timed_by_type(rig: Rig) -> None:
    rig.take(r.TaskRecord, task_type="refund")
    assert rig("agent_task_duration_seconds_sum", agent="support", task_type="refund", status="ok") == 2.0


def test_a_memory_operation_counts_and_is_timed(rig: Rig) -> None:
    rig.take(r.MemoryRecord, operation="search", store="orders")
    assert rig("memory_operations_total", operation="search", store="orders", status="ok") == 1
    assert rig("memory_operation_seconds_count", operation="search", store="orders") == 1


def test_context_gauges_show_the_last_assembly(rig: Rig) -> None:
    rig.take(r.ContextRecord, sections={"system": 300, "memory": 700}, tokens=1000, limit=4000)
    rig.take(r.ContextRecord, sections={"system": 200}, tokens=200)
    assert rig("context_tokens_used", agent="support", section="system") == 200
    assert rig("context_tokens_used", agent="support", section="memory") == 0
    assert rig("context_window_used_ratio", agent="support") == 0.25
    assert rig("context_assembly_seconds_count", agent="support") == 2


def test_safety_checks_count_by_result(rig: Rig) -> None:
    rig.take(r.SafetyRecord, check="pii", passed=False)
    assert rig("safety_checks_total", check="pii", result="fail") == 1
    assert rig("safety_checks_total", check="pii", result="pass") == 0


def test_decisions_count_by_what_was_chosen(rig: Rig) -> None:
    rig.take(r.DecisionRecord, decision_type="tool_selection", selected="search")
    assert rig("agent_decisions_total", agent="support", type="tool_selection", selected="search") == 1


def test_every_finished_step_moves_progress_and_never_back(rig: Rig) -> None:
    rig.take(r.ToolRecord, tool="a", end_ns=500 * SECOND)
    rig.take(r.ToolRecord, tool="b", end_ns=400 * SECOND)
    assert rig("agent_last_progress_timestamp_seconds", agent="support") == 500


def test_a_session_that_starts_is_progress(rig: Rig) -> None:
    session = rig.record(r.SessionRecord, status="running", end_ns=0)
    assert isinstance(session, r.SessionRecord)
    rig.measure.session_started(session)
    assert rig("agent_last_progress_timestamp_seconds", agent="support") == 100


@pytest.mark.parametrize("cls", [r.SpanRecord, r.CostRecord, r.LogRecord])
def test_lines_that_are_no_step_are_no_progress(rig: Rig, cls: type[r.Record]) -> None:
    rig.take(cls)
    assert rig("agent_last_progress_timestamp_seconds", agent="support") is None


def test_a_step_outside_every_agent_is_nobodys_progress(rig: Rig) -> None:
    rig.take(r.ToolRecord, tool="a", agent=None)
    assert rig("agent_last_progress_timestamp_seconds", agent="unknown") is None


def test_rate_limits_become_gauges(rig: Rig) -> None:
    headers = {"x-ratelimit-limit-tokens": "100", "x-ratelimit-remaining-tokens": "10"}
    rig.measure.rate_limits("openai", "gpt-4o", headers)
    assert rig("llm_rate_limit_remaining_ratio", provider="openai", model="gpt-4o", limit="tokens") == 0.1


def test_series_of_kept_traces_name_the_trace_as_exemplar(rig: Rig) -> None:
    rig.take(r.LLMRecord, **llm())
    rig.take(r.ToolRecord, tool="search")
    shown = generate_latest(rig.metrics.registry).decode()
    exemplar = '# {trace_id="' + "ab" * 16 + '"}'
    for name in (
        "llm_requests_total",
        "llm_latency_seconds_bucket",
        "tool_invocations_total",
        "tool_latency_seconds_bucket",
    ):
        assert [line for line in shown.splitlines() if line.startswith(name) and exemplar in line], name


def test_a_trace_that_is_not_kept_is_no_exemplar(rig: Rig) -> None:
    rig.take(r.LLMRecord, keep=False, **llm())
    assert "trace_id" not in generate_latest(rig.metrics.registry).decode()


@pytest.mark.slow
def test_many_label_combinations_stay_bounded(rig: Rig) -> None:
    for number in range(5000):
        rig.take(r.LLMRecord, **llm(model=f"m{number}"))
    assert len(rig.measure._llm) <= 4096
    assert rig("llm_requests_total", status="ok", **{**LLM, "model": "other"}) == 4500


def test_there_is_nothing_to_flush(rig: Rig) -> None:
    rig.measure.tick()
    assert rig.measure.flush(0.0) is True
    rig.measure.close(0.0)

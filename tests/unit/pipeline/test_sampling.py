"""Head ratio and tail sampling."""

from __future__ import annotations

import pytest

from syndarix_obs.testing import Kit, recording


def _session(kit: Kit, *, fail: bool = False) -> None:
    with kit.obs.session(agent="a"):
        with kit.obs.llm(provider="openai", model="gpt-4o") as call:
            call.response("ok", usage={"input_tokens": 1000, "output_tokens": 100})
        with kit.obs.tool("x") as tool:
            if fail:
                tool.set_error("broken")


def test_a_ratio_of_zero_keeps_ledger_sessions_and_metrics_but_no_trace() -> None:
    with recording(sample_ratio=0.0) as kit:
        _session(kit)
        assert ["cost", "session"] == [record.kind for record in kit.records()]
        assert [] == kit.capture.spans
        labels = {"provider": "openai", "model": "gpt-4o", "agent": "a", "project": "unknown", "status": "ok"}
        assert 1 == kit.metric("llm_requests_total", **labels)


def test_a_trace_with_an_error_is_always_kept() -> None:
    with recording(sample_ratio=0.0) as kit:
        _session(kit, fail=True)
        assert ["llm_call", "cost", "tool_call", "session"] == [record.kind for record in kit.records()]


def test_a_costly_trace_is_always_kept() -> None:
    with recording(sample_ratio=0.0, costly_trace_usd=0.0001) as kit:
        _session(kit)
        assert 1 == len(kit.records("llm_call"))


def test_a_slow_trace_is_always_kept() -> None:
    with recording(sample_ratio=0.0, slow_trace_seconds=0.001, counting=True) as kit:
        _session(kit)
        assert 1 == len(kit.records("llm_call"))


@pytest.mark.parametrize("ratio", [0.2, 0.5])
def test_about_the_asked_share_is_kept_and_whole_traces_only(ratio: float) -> None:
    with recording(sample_ratio=ratio) as kit:
        for _ in range(400):
            _session(kit)
        kept = {record.trace_id for record in kit.records("llm_call")}
        assert 400 * ratio * 0.6 < len(kept) < 400 * ratio * 1.4
        assert kept == {record.trace_id for record in kit.records("tool_call")}
        assert 400 == len(kit.records("cost"))


def test_the_decision_travels_with_the_trace_context() -> None:
    with recording(sample_ratio=0.0) as kit:
        headers: dict[str, str] = {}
        with kit.obs.session(agent="a"):
            kit.obs.inject(headers)
        assert headers["traceparent"].endswith("-00")

"""The life of operations: start, set, stop or fail."""

from __future__ import annotations

import pytest
from opentelemetry import trace

from syndarix_obs.testing import Kit, recording


def test_a_session_holds_tasks_calls_and_decisions_in_one_trace(kit: Kit) -> None:
    obs = kit.obs
    with obs.session(agent="support", agent_type="assistant", project="acme", user="u-42", session_id="s-1"):
        with obs.task("refund"), obs.llm(provider="openai", model="gpt-4o", messages=[]) as call:
            call.response("hello", usage={"input_tokens": 10, "output_tokens": 5})
        obs.decision("tool_selection", options=["search", "refund"], selected="search", confidence=0.8)
    kinds = [record.kind for record in kit.records()]
    assert ["llm_call", "cost", "task", "decision", "session"] == kinds
    assert 1 == len({record.trace_id for record in kit.records()})
    call_record = kit.record("llm_call")
    assert ("s-1", "support", "acme", "refund") == (
        call_record.session_id, call_record.agent, call_record.project, call_record.task_type,
    )  # fmt: skip


def test_children_name_their_parent(kit: Kit) -> None:
    with kit.obs.session(agent="a"), kit.obs.task("t"), kit.obs.tool("x"):
        pass
    tool, task, session = kit.records()
    assert (tool.parent_id, task.parent_id, session.parent_id) == (task.span_id, session.span_id, None)


def test_a_second_stop_counts_once(kit: Kit) -> None:
    tool = kit.obs.tool("search").start()
    tool.stop()
    tool.stop()
    tool.end()
    assert 1 == len(kit.records("tool_call"))


def test_an_operation_that_never_started_records_nothing(kit: Kit) -> None:
    kit.obs.tool("search").stop()
    assert [] == kit.records()


def test_the_users_exception_passes_through_untouched_and_is_recorded(kit: Kit) -> None:
    error = ValueError("no such order")
    with pytest.raises(ValueError, match="no such order") as caught, kit.obs.tool("search"):
        raise error
    assert caught.value is error
    record = kit.record("tool_call")
    assert ("error", "ValueError", "no such order") == (record.status, record.error_type, record.error_message)
    assert "exception" == record.events[0].name


def test_fail_takes_a_message_and_a_type(kit: Kit) -> None:
    kit.obs.tool("search").start().fail("timed out", "timeout")
    record = kit.record("tool_call")
    assert ("error", "timeout", "timed out") == (record.status, record.error_type, record.error_message)


def test_appending_to_the_message_list_later_does_not_change_the_record(kit: Kit) -> None:
    messages = [{"role": "user", "content": "one"}]
    with kit.obs.llm(provider="openai", model="gpt-4o", messages=messages) as call:
        messages.append({"role": "user", "content": "two"})
        call.response("ok")
    assert [{"role": "user", "content": "one"}] == kit.payload("llm_call")["input"]


def test_time_to_first_token_is_taken_once() -> None:
    with recording(counting=True) as kit:
        with kit.obs.llm(provider="openai", model="gpt-4o") as call:
            call.first_token()
            call.first_token()
            call.response("ok", usage={"input_tokens": 1, "output_tokens": 1})
        record = kit.record("llm_call")
        assert 0.001 == record.first_token_s
        assert record.stream


def test_no_usage_becomes_an_estimate_that_says_so(kit: Kit) -> None:
    with kit.obs.llm(provider="openai", model="gpt-4o", messages=[{"role": "user", "content": "x" * 400}]) as call:
        call.response("y" * 40)
    record = kit.record("llm_call")
    assert record.estimated
    assert record.input_tokens > record.output_tokens > 0
    assert kit.record("cost").estimated


def test_an_unknown_model_is_unpriced_and_never_zero_dollars(kit: Kit) -> None:
    with kit.obs.llm(provider="acme", model="acme-1") as call:
        call.response("ok", usage={"input_tokens": 10, "output_tokens": 5})
    assert (False, None) == (kit.record("cost").priced, kit.record("cost").total_cost_usd)
    assert 1 == kit.metric("llm_unpriced_requests_total", provider="acme", model="acme-1")


def test_a_refused_call_leaves_no_line_in_the_ledger(kit: Kit) -> None:
    with pytest.raises(RuntimeError), kit.obs.llm(provider="openai", model="gpt-4o"):
        raise RuntimeError("429")
    assert [] == kit.records("cost")


def test_context_assembly_adds_sections_up(kit: Kit) -> None:
    with kit.obs.context_assembly(limit=8000) as context:
        context.add("system", tokens=300)
        context.add("memory", tokens=100)
        context.add("memory", tokens=50)
        context.evicted("history", tokens=800)
    record = kit.record("context")
    assert ({"system": 300, "memory": 150}, {"history": 800}, 450, 8000) == (
        record.sections, record.evicted, record.tokens, record.limit,
    )  # fmt: skip


def test_memory_retrieval_safety_and_notes_are_recorded(kit: Kit) -> None:
    obs = kit.obs
    with obs.memory("search", store="orders", query="42") as memory:
        memory.found(3)
    with obs.retrieval("docs", query="refund policy") as retrieval:
        retrieval.found(1, documents=["policy"])
    obs.safety_check("pii", passed=False, detail="a phone number")
    obs.annotate("looks wrong", label="bug")
    first, second = kit.records("memory")
    assert ("search", "orders", 3) == (first.operation, first.store, first.found)
    assert ("retrieval", "docs", 1) == (second.operation, second.store, second.found)
    safety = kit.record("safety")
    assert ("pii", False, "warning") == (safety.check, safety.passed, safety.level)
    assert "bug" == kit.record("annotation").label


def test_a_note_on_a_past_trace_becomes_part_of_it(kit: Kit) -> None:
    with kit.obs.session(agent="a"):
        pass
    session = kit.record("session")
    kit.obs.annotate("good", target=session.span_id, trace_id=session.trace_id)
    note = kit.record("annotation")
    assert (session.trace_id, session.span_id) == (note.trace_id, note.parent_id)


def test_a_running_session_is_visible_before_it_ends(kit: Kit) -> None:
    with kit.obs.session(agent="slow", agent_type="worker", session_id="s-9"):
        kit.obs.flush()
        pending = kit.capture.started[0]
        assert ("s-9", "running", "slow") == (pending.session_id, pending.status, pending.agent)
        assert 1 == kit.metric("agent_sessions_active", agent="slow", type="worker")
    assert 0 == kit.metric("agent_sessions_active", agent="slow", type="worker")


def test_the_fourth_equal_tool_call_is_a_loop(kit: Kit) -> None:
    with kit.obs.session(agent="stubborn"):
        for _ in range(4):
            with kit.obs.tool("search", arguments={"q": "same", "n": 1}):
                pass
        with kit.obs.tool("search", arguments={"q": "other"}):
            pass
        kit.obs.flush()
    assert [None, None, None, 4, None] == [record.loop_count for record in kit.records("tool_call")]
    assert ["syndarix.loop_detected"] == [event.name for event in kit.record("session").events]
    assert 1 == kit.metric("agent_loops_detected_total", agent="stubborn", tool="search")


def test_equal_calls_in_different_sessions_are_no_loop(kit: Kit) -> None:
    for _ in range(5):
        with kit.obs.session(agent="a"), kit.obs.tool("search", arguments={"q": "same"}):
            pass
    assert {None} == {record.loop_count for record in kit.records("tool_call")}


def test_every_finished_step_moves_the_progress_timestamp(kit: Kit) -> None:
    with kit.obs.session(agent="busy"):
        with kit.obs.tool("x"):
            pass
        assert (kit.metric("agent_last_progress_timestamp_seconds", agent="busy") or 0) > 0


def test_a_session_inside_a_session_keeps_id_and_project(kit: Kit) -> None:
    obs = kit.obs
    with obs.session(agent="boss", project="acme", session_id="s"), obs.session(agent="helper"), obs.tool("x"):
        pass
    tool = kit.record("tool_call")
    assert ("helper", "acme", "s") == (tool.agent, tool.project, tool.session_id)


def test_the_user_is_a_pseudonym_everywhere(kit: Kit) -> None:
    with kit.obs.session(agent="a", user="anna@example.org"), kit.obs.tool("x"):
        pass
    users = {record.user for record in kit.records()}
    assert 1 == len(users)
    assert "anna" not in str(kit.records())
    assert str(users.pop()).startswith("u_")


def test_spans_of_other_libraries_are_children_and_parents(kit: Kit) -> None:
    tracer = kit.obs.tracer_provider.get_tracer("someone.else")
    with kit.obs.session(agent="a", session_id="s-1"), tracer.start_as_current_span("GET /x") as foreign:
        assert trace.get_current_span() is foreign
        with kit.obs.tool("inner"):
            pass
    tool, span, session = kit.records()
    assert (span.span_id, session.span_id, "s-1") == (tool.parent_id, span.parent_id, span.session_id)


def test_outcome_and_free_attributes_are_kept(kit: Kit) -> None:
    with kit.obs.session(agent="a") as session:
        session.outcome("escalated")
        session.set(ticket="T-1")
    record = kit.record("session")
    assert ("escalated", {"ticket": "T-1"}) == (record.outcome, dict(record.attributes))


def test_switched_off_records_nothing_and_keeps_working() -> None:
    with recording(enabled=False) as kit:
        with kit.obs.session(agent="a"), kit.obs.tool("x") as tool:
            tool.result(1)
        assert [] == kit.records()


def test_after_shutdown_calls_are_ignored(kit: Kit) -> None:
    kit.obs.shutdown()
    with kit.obs.tool("late"):
        pass
    assert [] == kit.capture.records
    assert kit.obs.shutdown()


def test_a_frameworks_agent_step_inside_a_session_is_not_a_second_session(kit: Kit) -> None:
    tracer = kit.obs.tracer_provider.get_tracer("framework")
    with (
        kit.obs.session(agent="a"),
        tracer.start_as_current_span("invoke_agent b", attributes={"gen_ai.operation.name": "invoke_agent"}),
    ):
        pass
    assert ["span", "session"] == [record.kind for record in kit.records()]

"""Decisions that nobody wrote down: read from what a model was offered and what it answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from syndarix_obs.testing import Kit, recording

TOOLS = [{"type": "function", "function": {"name": name}} for name in ("search", "refund")]


@pytest.fixture
def kit() -> Iterator[Kit]:
    with recording() as kit:
        yield kit


def asked(kit: Kit, *calls: tuple[str, Any], text: str | None = None, tools: Any = TOOLS, **parameters: Any) -> None:
    """One model call that answers with these tool calls."""
    wanted = [
        {"id": f"c{at}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
        for at, (name, arguments) in enumerate(calls)
    ]
    message = {"role": "assistant", "content": text, **({"tool_calls": wanted} if wanted else {})}
    with kit.obs.llm(provider="openai", model="m", messages=[], tools=tools, parameters=parameters) as call:
        call.response([message], usage={"input_tokens": 1, "output_tokens": 1})


def used(kit: Kit, tool: str, *, fails: bool = False) -> None:
    with kit.obs.tool(tool) as call:
        if fails:
            call.set_error("it broke")


def decisions(kit: Kit, kind: str = "tool_selection") -> list[Any]:
    return [each for each in kit.records("decision") if each.decision_type == kind]


def attribute(record: Any, name: str) -> Any:
    return record.attributes.get(f"syndarix.decision.{name}")


def test_a_tool_call_is_a_decision_out_of_the_offered_tools_and_answering(kit: Kit) -> None:
    with kit.obs.session("a"):
        asked(kit, ("search", {"q": "x"}), text="I look it up.")
    found = decisions(kit)[0]
    assert (("search", "refund", "answer"), "search") == (found.options, found.selected)
    assert "text" == attribute(found, "reason_source")
    assert "I look it up." == json.loads(found.payload)["reasoning"]
    assert ("a", kit.record("session").session_id) == (found.agent, found.session_id)


def test_an_answer_without_a_call_chose_to_answer_and_has_no_reason(kit: Kit) -> None:
    asked(kit, text="It is 42.")
    found = decisions(kit)[0]
    assert ("answer", "none", None) == (found.selected, attribute(found, "reason_source"), found.payload)


def test_a_model_without_tools_decides_nothing(kit: Kit) -> None:
    asked(kit, text="Hi.", tools=None)
    assert [] == kit.records("decision")


def test_parallel_calls_are_one_decision_with_several_selected(kit: Kit) -> None:
    asked(kit, ("search", {}), ("refund", {}), ("search", {"q": 1}))
    assert ["search + refund"] == [each.selected for each in decisions(kit)]
    assert ["search"] == [each.selected for each in decisions(kit, "parameter_generation")]


def test_a_tool_that_the_request_names_was_forced(kit: Kit) -> None:
    with kit.obs.session("a"):
        asked(kit, ("search", {}), tool_choice={"type": "function", "function": {"name": "search"}})
        asked(kit, ("search", {}), tool_choice="auto")
        asked(kit, text="no tools", tool_choice="none")
    assert [True, False, True] == [attribute(each, "forced") for each in decisions(kit)]


def test_the_outcome_is_that_of_the_tools_that_were_chosen(kit: Kit) -> None:
    with kit.obs.session("a"):
        asked(kit, ("search", {}))
        used(kit, "search")
        asked(kit, ("search", {}), ("refund", {}))
        used(kit, "refund", fails=True)
        used(kit, "search")
        asked(kit, ("search", {}))
    assert ["ok", "error", None] == [attribute(each, "outcome") for each in decisions(kit)]


@pytest.mark.parametrize(
    ("calls", "selected"),
    [((("search", {}),), "retry search"), ((("refund", {}),), "another tool"), ((), "answer")],
)
def test_what_follows_a_failed_tool_is_a_recovery(kit: Kit, calls: tuple[Any, ...], selected: str) -> None:
    with kit.obs.session("a"):
        asked(kit, ("search", {}))
        used(kit, "search", fails=True)
        asked(kit, *calls, text="So be it.")
        asked(kit, text="Done.")
    assert [selected] == [each.selected for each in decisions(kit, "error_recovery")]
    assert 3 == len(decisions(kit))


def test_a_decision_by_hand_in_the_same_turn_takes_the_place_of_the_automatic_one(kit: Kit) -> None:
    with kit.obs.session("a"):
        asked(kit, ("search", {}))
        kit.obs.decision("tool_selection", selected="search", reasoning="because", confidence=0.9)
        used(kit, "search")
        asked(kit, text="Done.")
    by_hand, automatic = decisions(kit)
    assert (0.9, ("search", "refund", "answer"), "stated") == (
        by_hand.confidence, by_hand.options, attribute(by_hand, "reason_source"),
    )  # fmt: skip
    assert (True, "answer") == (attribute(automatic, "automatic"), automatic.selected)


def test_a_decision_inside_the_model_call_absorbs_too(kit: Kit) -> None:
    with kit.obs.session("a"), kit.obs.llm(provider="openai", model="m", tools=TOOLS) as call:
        kit.obs.decision("tool_selection", selected="answer")
        call.response("Hello.", usage={"input_tokens": 1, "output_tokens": 1})
    assert [None] == [attribute(each, "automatic") for each in decisions(kit)]


def test_a_decision_by_hand_about_something_else_leaves_the_automatic_one(kit: Kit) -> None:
    with kit.obs.session("a"):
        asked(kit, ("search", {}))
        kit.obs.decision("memory_retrieval", options=["a", "b"], selected="a")
    assert 1 == len(decisions(kit))


def test_an_answer_that_was_to_have_a_schema_is_a_decision_about_its_form(kit: Kit) -> None:
    with recording() as kit:
        from syndarix_obs import vocabulary as v

        for text in ('{"a": 1}', "not JSON"):
            with kit.obs.llm(provider="openai", model="m") as call:
                call.set(**{v.REQUEST_FORM: "Invoice"})
                call.response(text, usage={"input_tokens": 1, "output_tokens": 1})
        assert ["Invoice", "other text"] == [each.selected for each in decisions(kit, "response_formatting")]


def test_thinking_is_the_reason_before_any_text(kit: Kit) -> None:
    answer = {
        "role": "assistant",
        "content": [
            {"type": "thinking", "thinking": "The order is late."},
            {"type": "text", "text": "One moment."},
            {"type": "tool_use", "id": "t1", "name": "search", "input": {}},
        ],
    }
    with kit.obs.llm(provider="anthropic", model="m", tools=[{"name": "search"}]) as call:
        call.response([answer], usage={"input_tokens": 1, "output_tokens": 1})
    found = decisions(kit)[0]
    assert ("thinking", "The order is late.") == (
        attribute(found, "reason_source"), json.loads(found.payload)["reasoning"],
    )  # fmt: skip


def test_a_reason_is_redacted_like_everything_else(kit: Kit) -> None:
    asked(kit, ("search", {"mail": "ann@example.com"}), text="Ask ann@example.com first.")
    assert all("ann@" not in (each.payload or "") for each in kit.records("decision"))
    assert "Ask [REDACTED:email] first." == json.loads(decisions(kit)[0].payload)["reasoning"]


def test_a_librarys_span_with_messages_and_tools_decides_as_well(kit: Kit) -> None:
    parts = [
        {"type": "text", "content": "Let me see."},
        {"type": "tool_call", "id": "1", "name": "search", "arguments": {"q": 1}},
    ]
    tracer = kit.obs.tracer_provider.get_tracer("some.library")
    with tracer.start_as_current_span("chat m") as span:
        span.set_attribute("gen_ai.operation.name", "chat")
        span.set_attribute("gen_ai.request.model", "m")
        span.set_attribute("gen_ai.tool.definitions", json.dumps([{"type": "function", "name": "search"}]))
        span.set_attribute("gen_ai.output.messages", json.dumps([{"role": "assistant", "parts": parts}]))
    found = decisions(kit)[0]
    assert (("search", "answer"), "search", "text") == (
        found.options,
        found.selected,
        attribute(found, "reason_source"),
    )


def test_the_setting_switches_it_off() -> None:
    with recording(automatic_decisions=False) as kit:
        asked(kit, ("search", {}))
        assert [] == kit.records("decision")


def test_sums_of_metrics_count_automatic_decisions(kit: Kit) -> None:
    with kit.obs.session("a"):
        asked(kit, ("search", {}))
    assert 1 == kit.metric("agent_decisions_total", agent="a", type="tool_selection", selected="search")

from __future__ import annotations

from syndarix_obs import vocabulary as v
from syndarix_obs.pricing.nested import NestedStep
from syndarix_obs.records.finished import FinishedSpan


def span(span_id: str, parent: str | None, operation: object, **attributes: object) -> FinishedSpan:
    named = {v.GEN_AI_OPERATION_NAME: operation, **attributes}
    return FinishedSpan(
        name="n", trace_id="t", span_id=span_id, parent_id=parent, attributes=named, payload={"input": "x"}
    )


def test_outer_span_of_a_call_becomes_a_plain_one_and_the_inner_stays() -> None:
    step, inner, outer = NestedStep(), span("b", "a", "chat"), span("a", None, "chat")
    step(inner)
    step(outer)
    assert "chat" == inner.attributes[v.GEN_AI_OPERATION_NAME]
    assert {v.KIND: v.KIND_SPAN} == outer.attributes
    assert {} == outer.payload


def test_embeddings_inside_a_chat_call_are_a_call_of_their_own() -> None:
    step, outer = NestedStep(), span("a", None, "chat")
    step(span("b", "a", "embeddings"))
    step(outer)
    assert "chat" == outer.attributes[v.GEN_AI_OPERATION_NAME]


def test_agent_span_around_a_call_is_left_alone() -> None:
    step, outer = NestedStep(), span("a", None, "invoke_agent")
    step(span("b", "a", "chat"))
    step(outer)
    assert "invoke_agent" == outer.attributes[v.GEN_AI_OPERATION_NAME]


def test_operation_that_is_no_text_is_left_alone() -> None:
    odd = span("a", None, ["chat"])
    NestedStep()(odd)
    assert {v.GEN_AI_OPERATION_NAME: ["chat"]} == odd.attributes

"""Scores, outcomes and feedback: what is recorded, and whom it belongs to."""

from __future__ import annotations

import pytest

from syndarix_obs import vocabulary as v
from syndarix_obs.records.model import ScoreRecord
from syndarix_obs.testing import Kit


def recorded(kit: Kit) -> ScoreRecord:
    """The one score."""
    (found,) = kit.records("score")
    assert isinstance(found, ScoreRecord)
    return found


def test_a_score_belongs_to_the_session_and_trace_that_are_current(kit: Kit) -> None:
    with kit.obs.session(agent="support", session_id="s-1"):
        kit.obs.score("tone", 0.8, source="judge", judge_version="gpt-5/v3")
    found, session = recorded(kit), kit.record("session")
    assert ("s-1", "support", session.trace_id) == (found.session_id, found.agent, found.trace_id)
    assert ("score", "tone", 0.8, "judge", "gpt-5/v3") == (
        found.score_type, found.score_name, found.value, found.source, found.judge_version,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "number", "label"), [(True, 1.0, "true"), (False, 0.0, "false"), (4, 4.0, None), ("paid", None, "paid")]
)
def test_a_value_is_a_number_a_yes_or_no_or_a_word(
    kit: Kit, value: float | bool | str, number: float | None, label: str | None
) -> None:
    kit.obs.outcome("refund", value)
    found = recorded(kit)
    assert ("outcome", number, label) == (found.score_type, found.value, found.label)


def test_a_score_for_another_session_stands_apart_from_the_current_one(kit: Kit) -> None:
    with kit.obs.session(agent="scorer", session_id="s-2"):
        kit.obs.score("tone", 1, session_id="s-1")
    found = recorded(kit)
    assert ("s-1", None, None) == (found.session_id, found.agent, found.parent_id)
    assert found.trace_id != kit.record("session").trace_id


def test_a_score_for_a_step_of_the_past_lies_in_its_trace(kit: Kit) -> None:
    kit.obs.score("right", True, trace_id="ab" * 16, target="cd" * 8)
    found = recorded(kit)
    assert ("ab" * 16, "cd" * 8, "cd" * 8) == (found.trace_id, found.parent_id, found.target)


def test_an_id_that_is_none_leaves_a_score_in_a_trace_of_its_own(kit: Kit) -> None:
    kit.obs.score("right", True, trace_id="nonsense")
    assert None is recorded(kit).parent_id


def test_feedback_comes_from_a_user_and_its_comment_is_redacted(kit: Kit) -> None:
    kit.obs.feedback("up", comment="mail me at ann@example.com", session_id="s-1")
    found = recorded(kit)
    assert ("feedback", "feedback", "up", "user") == (
        found.score_type, found.score_name, found.label, found.source,
    )  # fmt: skip
    assert "ann@example.com" not in str(kit.payload("score"))
    assert kit.payload("score")["explanation"].startswith("mail me at")


def test_it_is_exported_as_an_event_of_the_conventions(kit: Kit) -> None:
    kit.obs.score("tone", 0.5, explanation="because")
    (event,) = recorded(kit).events
    assert "gen_ai.evaluation.result" == event.name
    assert ("tone", 0.5) == (
        event.attributes[v.GEN_AI_EVALUATION_NAME], event.attributes[v.GEN_AI_EVALUATION_SCORE_VALUE],
    )  # fmt: skip
    assert "because" not in str(event.attributes)


def test_prompt_and_tools_have_hashes_of_their_own(kit: Kit) -> None:
    for prompt, tools in (("be kind", [{"name": "a"}]), ("be kind", [{"name": "b"}]), ("be short", [{"name": "b"}])):
        with kit.obs.llm(provider="openai", model="m", system=prompt, tools=tools, messages=[]) as call:
            call.response("ok")
    hashes = [(r.attributes[v.PROMPT_HASH], r.attributes[v.TOOLSET_HASH]) for r in kit.records("llm_call")]
    assert hashes[0][0] == hashes[1][0] != hashes[2][0]
    assert hashes[0][1] != hashes[1][1] == hashes[2][1]

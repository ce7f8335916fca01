"""A session as a conversation: each thing once, in order, said by whom to whom."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs.store.location import store_path
from syndarix_obs_read.answers.conversation import Utterance, get_conversation, utterances
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.backends.rows import StoredRecord
from syndarix_obs_read.errors import NotFound

SYSTEM = {"role": "system", "content": "Be kind."}
ASK = {"role": "user", "content": "Where is it?"}
CALL = {"role": "assistant", "content": None,
        "tool_calls": [{"id": "1", "function": {"name": "find", "arguments": "{}"}}]}  # fmt: skip
RESULT = {"role": "tool", "tool_call_id": "1", "content": '{"place": "Leeds"}'}
ANSWER = {"role": "assistant", "content": "In Leeds."}


def stored(kind: str, span: str, at: int, payload: Mapping[str, Any] | None = None, **more: Any) -> StoredRecord:
    """One record; times in seconds."""
    data = {"kind": kind, "span_id": span, "trace_id": "t", "start_ns": at * 10**9, "end_ns": at * 10**9 + 5 * 10**8,
            "status": "ok", "name": kind, **more}  # fmt: skip
    return StoredRecord(data, payload=payload or {})


def call(span: str, at: int, told: list[Any], answered: Any, agent: str = "desk", **more: Any) -> StoredRecord:
    """A model call."""
    payload = {"input": told, "output": [answered] if answered else []}
    return stored("llm_call", span, at, payload, agent=agent, model="m", **more)


def tool(span: str, at: int, agent: str = "desk") -> StoredRecord:
    """The call of a tool."""
    return stored("tool_call", span, at, {"arguments": {}, "result": '{"place": "Leeds"}'}, agent=agent, tool="find")


def said(found: tuple[Utterance, ...]) -> list[tuple[str, str, str | None]]:
    """Role, speaker and hearer of each."""
    return [(each.role, each.who, each.to) for each in found]


TALK = (
    call("a", 1, [SYSTEM, ASK], CALL, cost_usd="0.01", input_tokens=9, output_tokens=1),
    tool("b", 2),
    call("c", 3, [SYSTEM, ASK, CALL, RESULT], ANSWER, cost_usd="0.02"),
)


def test_what_is_repeated_in_every_prompt_is_said_once() -> None:
    assert [
        ("instructions", "instructions", "desk"),
        ("user", "user", "desk"),
        ("agent", "desk", None),
        ("tool", "find", "desk"),
        ("agent", "desk", None),
    ] == said(utterances(TALK))


def test_time_and_dollars_run_along() -> None:
    found = utterances(TALK)

    assert [None, None, Decimal("0.01"), None, Decimal("0.02")] == [each.cost_usd for each in found]
    assert [Decimal(0), Decimal(0), Decimal("0.01"), Decimal("0.01"), Decimal("0.03")] == [
        each.cost_so_far_usd for each in found
    ]
    assert [0.0, 0.0, 500.0, 1500.0, 2500.0] == [each.offset_ms for each in found]
    assert 10 == found[2].tokens


def test_a_result_without_a_record_of_its_tool_is_said_as_the_model_was_told_it() -> None:
    found = utterances((TALK[0], TALK[2]))

    assert ("tool", "tool", "desk") in said(found)


def test_a_second_question_of_the_same_words_is_said_again() -> None:
    again = call("d", 4, [SYSTEM, ASK, CALL, RESULT, ANSWER, ASK], ANSWER)

    assert 2 == [each.role for each in utterances((*TALK, again))].count("user")


def test_a_history_that_was_cut_is_not_said_again() -> None:
    cut = call("d", 4, [SYSTEM, ANSWER, ASK], ANSWER)

    assert 1 == [each.role for each in utterances((*TALK, cut))].count("user")


def test_one_agent_speaks_to_another() -> None:
    run = (
        stored("session", "s1", 0, agent="desk"),
        stored("session", "s2", 1, agent="refunds", parent_id="s1"),
        call("x", 2, [ASK], ANSWER, "refunds", parent_id="s2"),
    )

    assert [("user", "desk", "refunds"), ("agent", "refunds", None)] == said(utterances(run))


def test_notes_stand_with_what_was_said_before_them_and_early_ones_with_the_first() -> None:
    early = stored("safety", "e", 0, check="injection", passed=False)
    late = stored("decision", "f", 3, {"reasoning": "it is there"}, selected="answer")
    found = utterances((early, *TALK, late))

    assert [("safety", True)] == [(note.kind, note.failed) for note in found[0].notes]
    assert ["decision"] == [note.kind for note in found[-1].notes]


def test_a_call_that_failed_says_so_and_embeddings_say_nothing() -> None:
    failed = call("a", 1, [ASK], None, status="error", error_type="x.Timeout", error_message="late")
    embedded = call("b", 2, ["vector"], None, operation="embeddings")
    found = utterances((failed, embedded))

    assert ["Timeout: late"] == [each.error for each in found if each.error]
    assert 2 == len(found)


def test_new_instructions_are_said_when_they_change() -> None:
    first = stored("llm_call", "a", 1, {"system": "one", "input": [ASK], "output": [ANSWER]}, agent="d", model="m")
    same = stored("llm_call", "b", 2, {"system": "one", "input": [ASK], "output": [ANSWER]}, agent="d", model="m")
    other = stored("llm_call", "c", 3, {"system": "two", "input": [ASK], "output": [ANSWER]}, agent="d", model="m")

    assert 2 == [each.role for each in utterances((first, same, other))].count("instructions")


def test_nothing_is_a_conversation_of_nothing() -> None:
    assert () == utterances(())


@pytest.fixture
def home(tmp_path: Path) -> Path:
    settings = Settings(backend="embedded", home=tmp_path, redaction="off", set_global=False)
    with ObservabilityPlatform(settings) as obs, obs.session(agent="desk", session_id="s-1"):
        for number in range(3):
            with obs.llm(provider="p", model="m", messages=[{"role": "user", "content": f"{number}"}]) as llm:
                llm.response([{"role": "assistant", "content": json.dumps({"n": number})}])
    return tmp_path


async def test_a_conversation_is_found_by_the_beginning_of_its_session_and_cut_with_a_hint(home: Path) -> None:
    backend = EmbeddedBackend(store_path(home))
    whole, cut = await get_conversation(backend, "s-1"), await get_conversation(backend, "s-", limit=4)
    with pytest.raises(NotFound):
        await get_conversation(backend, "nobody")
    await backend.close()

    assert (6, False) == (len(whole.utterances), whole.more)
    assert (4, True, 6) == (len(cut.utterances), cut.more, cut.total)
    assert ("2 further utterances; raise the limit",) == cut.hints

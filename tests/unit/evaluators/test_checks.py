"""The evaluators that come along: what each says, and where it keeps silent."""

from __future__ import annotations

from typing import Any

import pytest

from syndarix_obs_read.backends.rows import StoredRecord
from syndarix_obs_read.errors import FilterError
from syndarix_obs_read.evaluators import checks, registry
from syndarix_obs_read.evaluators.language import language_of
from syndarix_obs_read.evaluators.session import EvaluatedSession, Verdict

SCHEMA = {"type": "object", "properties": {"total": {"type": "number"}}, "required": ["total"]}
TOOL = {"type": "function", "function": {"name": "pay", "parameters": SCHEMA}}


def call(question: str, answer: Any, **payload: Any) -> StoredRecord:
    """A model call."""
    fields = {
        "kind": "llm_call",
        "status": "ok",
        "span_id": "05",
        "finish_reason": payload.pop("finish_reason", "stop"),
    }
    asked = [{"role": "user", "content": question}]
    said = [{"role": "assistant", "content": answer}] if isinstance(answer, str) else answer
    return StoredRecord(fields, payload={"input": asked, "output": said, **payload})


def tool(arguments: Any, name: str = "pay", **fields: Any) -> StoredRecord:
    """A tool call."""
    found = {"kind": "tool_call", "status": "ok", "tool": name, "span_id": "06", **fields}
    return StoredRecord(found, payload={"arguments": arguments})


def verdicts(*records: StoredRecord) -> dict[str, Verdict]:
    """What all checks say about a session, by name."""
    return {each.name: each for each in checks.all_checks(EvaluatedSession("s", records))}


@pytest.mark.parametrize(
    ("answer", "fits"), [('{"total": 3}', True), ('{"total": "3"}', False), ("{}", False), ("three", False)]
)
def test_an_answer_is_held_to_the_schema_that_was_asked_for(answer: str, fits: bool) -> None:
    asked = {"type": "json_schema", "json_schema": {"name": "bill", "schema": SCHEMA}}
    found = verdicts(call("How much?", answer, response_format=asked))["schema_valid"]
    assert (fits, "05") == (found.value, found.target)
    assert fits is (found.explanation is None)


def test_without_a_schema_nothing_is_said_about_it() -> None:
    assert "schema_valid" not in verdicts(call("How much?", "three"))


@pytest.mark.parametrize(("arguments", "fit"), [({"total": 3}, True), ({"totl": 3}, False), ('{"total": 1.5}', True)])
def test_arguments_are_held_to_the_tool_s_definition(arguments: Any, fit: bool) -> None:
    found = verdicts(call("Pay 3", "paid", tools=[TOOL]), tool(arguments))["arguments_valid"]
    assert (fit, "06") == (found.value, found.target)


def test_a_tool_that_was_not_offered_is_not_judged() -> None:
    assert "arguments_valid" not in verdicts(call("Pay 3", "paid", tools=[TOOL]), tool({}, name="mail"))


def test_a_schema_that_is_wrong_itself_tells_nothing() -> None:
    broken = {"name": "pay", "input_schema": {"type": "no such type", "properties": {}}}
    assert True is verdicts(call("Pay 3", "paid", tools=[broken]), tool({}))["arguments_valid"].value


@pytest.mark.parametrize(
    ("answer", "reason", "bad"),
    [
        ("It costs 3 dollars.", "stop", set()),
        ("", "stop", {"answer_present"}),
        ([{"role": "assistant", "tool_calls": [{"name": "pay"}]}], "tool_calls", {"answer_present"}),
        ("I'm sorry, but I cannot help with that.", "stop", {"answer_not_refused"}),
        ("It costs", "length", {"answer_not_cut"}),
        ("No.", "content_filter", {"answer_not_refused"}),
    ],
)
def test_an_answer_that_is_missing_refused_or_cut_is_named(answer: Any, reason: str, bad: set[str]) -> None:
    found = verdicts(call("Pay 3", answer, finish_reason=reason))
    names = ("answer_present", "answer_not_refused", "answer_not_cut")
    assert bad == {name for name in names if found[name].value is False}


def test_an_answer_in_another_language_is_named_with_both() -> None:
    found = verdicts(
        call("Where is the order that you have for me?", "Die Lieferung ist auf dem Weg zu Ihnen und nicht da.")
    )
    assert (False, "asked in English, answered in German") == (
        found["language_kept"].value, found["language_kept"].explanation,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Где мой заказ номер 17?", "Cyrillic"), ("注文はどこですか", "Japanese"), ("ok", None), ("", None),
        ("Où est la commande que vous avez pour moi et les autres?", "French"),
        ("```python\nthe and is are you\n```", None),
    ],
)  # fmt: skip
def test_a_language_is_told_by_its_script_or_its_small_words(text: str, language: str | None) -> None:
    assert language == language_of(text)


@pytest.mark.parametrize(
    ("answer", "answered"),
    [
        ("It is in Leeds.", True),
        ("", False),
        ("Which order do you mean?", False),
        ("One moment, let me check.", False),
        ("Let me check. It is in Leeds.", True),
    ],
)  # fmt: skip
def test_a_question_is_unanswered_by_silence_by_a_question_and_by_being_put_off(answer: str, answered: bool) -> None:
    assert answered is verdicts(call("Where is my order?", answer))["question_answered"].value


def test_what_is_no_question_needs_no_answer() -> None:
    assert "question_answered" not in verdicts(call("Thank you.", ""))


def test_a_loop_is_named_with_its_tool() -> None:
    found = verdicts(call("Pay", "paid"), tool({}), tool({}, loop_count=4))["no_loop"]
    assert (False, "pay 4 times", "06") == (found.value, found.explanation, found.target)
    assert True is verdicts(tool({}))["no_loop"].value


@pytest.mark.parametrize(
    ("answer", "kinds"),
    [("Write to [REDACTED:email].", "email"), ("Write to ann@example.com.", "unmasked"), ("Hi.", None)],
)
def test_personal_data_in_an_answer_is_named_by_its_kind(answer: str, kinds: str | None) -> None:
    found = verdicts(call("Who?", answer))["no_personal_data"]
    assert (kinds is None, kinds) == (found.value, found.explanation)


def test_where_no_payload_was_kept_nothing_is_said() -> None:
    assert {} == verdicts(StoredRecord({"kind": "llm_call", "status": "ok"}))


def test_the_checks_are_found_by_their_entry_point() -> None:
    assert checks.all_checks is registry.load(("checks",))["checks"]
    with pytest.raises(FilterError, match="there is no evaluator tone; possible: checks"):
        registry.load(("tone",))

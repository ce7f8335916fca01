"""Who broke it: what a turn is, which rule fits which turn, and the order of suspects."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from syndarix_obs_read.analysis.attribution import suspects
from syndarix_obs_read.analysis.turns import is_stuck, read_conversation, verdict

TASK = ("Lead", "Find how many files the archive holds.")
WHO_AND_WHEN = Path(__file__).parents[4] / "shared/data/who_and_when.jsonl.gz"


def table(*turns: tuple[str, str]) -> list[tuple[int, list[str]]]:
    """Suspects of a session with these turns after the task, each with its rules."""
    return [(each.step, [sign.rule for sign in each.evidence]) for each in suspects(read_conversation([TASK, *turns]))]


def ledger(**answers: bool) -> str:
    """An orchestrator's look at the progress."""
    return "Ledger: " + json.dumps({name: {"reason": "because", "answer": value} for name, value in answers.items()})


def test_a_turn_that_reports_an_execution_is_a_result_and_not_a_suspect() -> None:
    talk = read_conversation(
        [TASK, ("Coder", "```ls```"), ("Shell", "exitcode: 1 (execution failed)\nCode output: no")]
    )
    assert [turn.part for turn in talk.turns] == ["task", "act", "result"]
    assert "failed" == talk.result_of(talk.turns[1])
    assert 2 not in [each.step for each in suspects(talk)]


@pytest.mark.parametrize(
    ("output", "result"),
    [
        ("exitcode: 0 (execution succeeded)\nCode output: []", "empty"),
        ("exitcode: 0 (execution succeeded)\nCode output: The longest word is:", "empty"),
        ("exitcode: 0 (execution succeeded)\nCode output: 42", "ok"),
        ("exitcode: 0 (execution succeeded)\nCode output: HTTP error 500", "failed"),
        ("There is no code from the last 1 message for me to execute.", "nothing_to_run"),
    ],
)
def test_what_came_of_an_action_is_read_from_the_result_after_it(output: str, result: str) -> None:
    talk = read_conversation([TASK, ("Coder", "run this"), ("Shell", output)])
    assert result == talk.result_of(talk.turns[1])


def test_the_first_failing_run_of_a_session_without_a_conclusion_is_the_first_suspect() -> None:
    found = table(
        ("Planner", "Two steps are needed."),
        ("Coder", "```python\nopen('x')\n```"),
        ("Shell", "exitcode: 1 (execution failed)\nCode output: Traceback"),
        ("Coder", "```python\nopen('y')\n```"),
        ("Shell", "exitcode: 0 (execution succeeded)\nCode output: 3"),
    )
    assert (2, ["first_failure", "code_without_end"]) == found[0]


def test_an_assumption_is_named_with_its_word() -> None:
    talk = read_conversation([TASK, ("Coder", "I will assume there are 7 files."), ("Coder", "TERMINATE")])
    best = suspects(talk)[0]
    assert (1, "Coder") == (best.step, best.agent)
    assert any("“assume”" in sign.says for sign in best.evidence)


def test_a_claimed_check_without_a_run_is_a_sign() -> None:
    found = dict(table(("Checker", "I have verified it on the page."), ("Checker", "TERMINATE")))
    assert "unseen_check" in found[1]


def test_a_statement_full_of_new_facts_is_suspected_before_a_plan() -> None:
    found = table(
        ("Planner", "I will look at the archive first."),
        ("Expert", "Here are the counts: 14, 22, 31, 48 and 77 for Rome, Oslo and Lima."),
        ("Expert", "TERMINATE"),
    )
    assert 2 == found[0][0]


def test_code_in_the_task_itself_makes_the_task_a_suspect() -> None:
    talk = read_conversation([("Lead", "Fix this: ```print(1)```"), ("Coder", "I agree."), ("Coder", "TERMINATE")])
    assert (0, ["handed_down"]) == (suspects(talk)[0].step, [sign.rule for sign in suspects(talk)[0].evidence])


def test_an_end_marker_is_no_suspect() -> None:
    assert [0] == [each.step for each in suspects(read_conversation([TASK, ("Coder", "TERMINATE")]))]


def test_of_equal_suspects_the_earlier_comes_first() -> None:
    assert [1, 2] == [step for step, _ in table(("One", "assume 1"), ("Two", "suppose 1"))[:2]]


def test_a_session_without_turns_has_no_suspects() -> None:
    assert () == suspects(read_conversation([]))


def orchestra(*turns: tuple[str, str]) -> list[tuple[int, list[str]]]:
    """Suspects of a session that an orchestrator directs."""
    filler = [("Lead (-> Web)" if step % 2 else "Web", chr(97 + step % 26) * (5 + step // 26)) for step in range(40)]
    talk = read_conversation([TASK, *turns, *filler])
    assert talk.orchestrated
    return [(each.step, [sign.rule for sign in each.evidence]) for each in suspects(talk)]


def test_the_action_after_which_the_same_order_is_given_again_is_the_first_suspect() -> None:
    order = ("Lead (-> Web)", "open the archive page and count the files")
    found = orchestra(
        ("Lead (-> Web)", "search the name"), ("Web", "found"), order, ("Web", "clicked an advert"), order
    )
    assert (4, ["early_act", "asked_again"]) == found[0]


def test_the_action_before_the_first_look_without_progress_is_suspected() -> None:
    found = orchestra(
        ("Lead (-> Web)", "search"),
        ("Web", "found"),
        ("Lead (thought)", ledger(is_progress_being_made=True, is_in_loop=False)),
        ("Web", "scrolled"),
        ("Lead (thought)", ledger(is_progress_being_made=False, is_in_loop=False)),
    )
    assert (4, ["early_act", "stuck_after"]) == found[0]


def test_a_new_plan_and_a_crash_of_the_program_are_suspected() -> None:
    found = orchestra(
        ("Lead (-> Web)", "search"),
        ("Lead (thought)", "Stalled.... Replanning"),
        ("Lead (thought)", "Next\nTraceback (most recent call last):\n  x"),
    )
    assert [(2, ["first_new_plan"]), (3, ["crashed"])] == found[:2]


def test_the_action_in_which_the_final_answer_first_appears_is_suspected() -> None:
    talk = read_conversation(
        [
            TASK, ("Lead (-> Web)", "look"), ("Web", "nothing"), ("Web", "there are 1976 files"), ("Web", "1976 again"),
            ("Web", "done"), ("Lead (termination)", "FINAL ANSWER: 1976"),
        ]
    )  # fmt: skip
    assert ["answer_source"] == [s.rule for each in suspects(talk) if each.step == 3 for s in each.evidence][-1:]


@pytest.mark.parametrize(
    ("answers", "stuck"),
    [
        ({"is_in_loop": True}, True),
        ({"is_progress_being_made": False}, True),
        ({"is_in_loop": False}, False),
        ({}, False),
    ],
)
def test_a_look_at_the_progress_says_whether_it_is_stuck(answers: dict[str, bool], stuck: bool) -> None:
    talk = read_conversation([TASK, ("Lead (thought)", ledger(**answers))])
    assert stuck is is_stuck(talk.turns[1])


def test_a_text_with_broken_json_has_no_verdict() -> None:
    assert {} == verdict('Ledger: {"is_in_loop": {"answer": tr')
    assert {} == verdict("no json here")


@pytest.mark.skipif(not WHO_AND_WHEN.exists(), reason="the shared data is not here")
@pytest.mark.parametrize(("part", "first", "three"), [("AG", 0.5, 0.75), ("HC", 0.4, 0.65)])
def test_on_real_failed_sessions_the_right_step_is_named_more_often_than_by_constants(
    part: str, first: float, three: float
) -> None:
    with gzip.open(WHO_AND_WHEN, "rt", encoding="utf-8") as lines:
        cases = [case for case in map(json.loads, lines) if case["part"] == part]
    named = [
        [
            each.step
            for each in suspects(
                read_conversation((turn.get("name") or turn["role"], turn["content"]) for turn in case["history"])
            )
        ]
        for case in cases
    ]
    right = [int(case["mistake_step"]) for case in cases]
    assert first <= sum(steps[:1] == [step] for steps, step in zip(named, right, strict=True)) / len(cases)
    assert three <= sum(step in steps for steps, step in zip(named, right, strict=True)) / len(cases)

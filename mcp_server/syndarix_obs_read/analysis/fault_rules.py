"""Rules that say which turns of a failed session look like the decisive mistake.

Each rule is one observation that holds in any domain, with a weight in whole steps. They were chosen on half of a
labelled set and kept few: a rule that did not help on turns that it was not chosen on was dropped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from syndarix_obs_read.analysis.turns import Conversation, Turn, is_stuck

_ASSUMES: Final = re.compile(
    r"\b(?:assum\w+|simulat\w+|hypothetical\w*|placeholder|mock|dummy|fictional|suppose|let's say"
    r"|(?:example|sample) data|for demonstration)\b",
    re.I,
)
_CLAIMS_CHECK: Final = re.compile(
    r"\bI have (?:now )?(?:verified|reviewed|checked|confirmed|manually|retrieved|located|found)\b"
    r"|\bupon (?:manual )?(?:verification|review|inspection)\b|\bmanual(?:ly)?\b|\bbased on (?:my|the) knowledge\b"
    r"|\bas of my\b|\bhistorical(?:ly)? (?:data|records)\b|\bI (?:can )?confirm\b|\bcross-referenc\w+"
    r"|\bknown (?:facts|information)\b",
    re.I,
)
_PLANS: Final = re.compile(
    r"\b(?:I will|I'll|let's (?:start|begin)|hold on|next step|we (?:need|can|will)"
    r"|please (?:execute|run|provide|perform|confirm))\b",
    re.I,
)
_STATES: Final = re.compile(
    r"\b(?:here (?:is|are)|therefore|thus|the (?:final )?(?:answer|result|output) is|in conclusion|findings|based on"
    r"|is confirmed|have identified|was|were)\b",
    re.I,
)
_FACT: Final = re.compile(r"\d[\d,.:]*\d|\b\d\b|[A-Z][\w'’-]+(?: [A-Z][\w'’-]+)*|\"[^\"\n]{2,60}\"")
_FINAL: Final = re.compile(r"FINAL ANSWER:\s*(.+)")
_WORD: Final = re.compile(r"[a-z]{4,}|\d+")
_SHORT_SESSION: Final = 30
_EARLY_ACTS: Final = 3
_SAME_ORDER: Final = 0.5
_MANY_FACTS: Final = 15


@dataclass(frozen=True, slots=True)
class Sign:
    """One rule that fits one turn.

    Args:
        step: number of the turn.
        rule: name of the rule.
        weight: how much it counts.
        says: the evidence in one sentence.
    """

    step: int
    rule: str
    weight: float
    says: str


Rule = Callable[[Conversation], Iterator[Sign]]


def handed_down(talk: Conversation) -> Iterator[Sign]:
    """The task came with code that everybody built on."""
    if talk.turns and talk.turns[0].has_code:
        yield Sign(0, "handed_down", 3, "the task came with code that the others built on")


def first_failure(talk: Conversation) -> Iterator[Sign]:
    """The first action whose run failed or returned nothing, where the session never reached a conclusion."""
    bad = None if talk.concluded else next((turn for turn in _speaking(talk) if _went_wrong(talk, turn)), None)
    if bad is not None:
        how = "failed" if talk.result_of(bad) == "failed" else "returned nothing"
        yield Sign(bad.step, "first_failure", 2, f"what it ran was the first that {how}, and no conclusion was reached")


def code_without_end(talk: Conversation) -> Iterator[Sign]:
    """Code in a session that never reached a conclusion."""
    for turn in () if talk.concluded else talk.acts:
        if turn.has_code:
            yield Sign(turn.step, "code_without_end", 2, "it wrote code, and the session never reached a conclusion")


def assumption(talk: Conversation) -> Iterator[Sign]:
    """Assumed, simulated or made-up input."""
    for turn in talk.acts:
        if found := _ASSUMES.search(turn.text):
            yield Sign(turn.step, "assumption", 2, f"it worked with something assumed: “{found[0]}”")


def unseen_check(talk: Conversation) -> Iterator[Sign]:
    """Says that something was looked at or checked, and ran nothing."""
    for turn in _without_run(talk, "none"):
        if found := _CLAIMS_CHECK.search(turn.text):
            yield Sign(turn.step, "unseen_check", 1, f"it claims a check that left no trace: “{found[0]}”")


def states_result(talk: Conversation) -> Iterator[Sign]:
    """States more than it plans, and ran nothing."""
    for turn in _without_run(talk):
        if len(_STATES.findall(turn.prose)) > len(_PLANS.findall(turn.prose)):
            yield Sign(turn.step, "states_result", 1, "it states a result and ran nothing")


def new_facts(talk: Conversation) -> Iterator[Sign]:
    """Numbers and names that nobody and nothing had said before, without a run that could give them."""
    heard = talk.turns[0].text.lower() if talk.turns else ""
    for turn in talk.turns[1:]:
        if turn.part == "act" and talk.result_of(turn) in ("none", "nothing_to_run"):
            new = {fact for fact in _facts(turn.prose) if fact not in heard}
            if new:
                says = f"it brings in {len(new)} facts that no turn before it holds"
                yield Sign(turn.step, "new_facts", min(len(new), _MANY_FACTS) / _MANY_FACTS, says)
        heard += " " + turn.text.lower()


def opens_with_code(talk: Conversation) -> Iterator[Sign]:
    """The first turn after the task already carries code."""
    if talk.acts and talk.acts[0].has_code:
        yield Sign(talk.acts[0].step, "opens_with_code", 1, "it set the direction: the first turn, with code")


def early_act(talk: Conversation) -> Iterator[Sign]:
    """The first actions: what goes wrong there is built on."""
    for turn in talk.acts[:_EARLY_ACTS]:
        yield Sign(turn.step, "early_act", 2, "one of the first actions, which the later ones build on")


def asked_again(talk: Conversation) -> Iterator[Sign]:
    """The first action after which the orchestrator gives nearly the same order again."""
    for before, turn, after in _between_orders(talk):
        if _alike(before.text, after.text) >= _SAME_ORDER:
            yield Sign(turn.step, "asked_again", 1.5, "nearly the same order was given again after it")
            return


def stuck_after(talk: Conversation) -> Iterator[Sign]:
    """The last action before the orchestrator first says that it goes in circles or no further."""
    review = next((turn for turn in talk.turns if turn.part == "review" and is_stuck(turn)), None)
    before = [turn for turn in talk.acts if review is not None and turn.step < review.step]
    if before:
        yield Sign(before[-1].step, "stuck_after", 2, "right after it the orchestrator first saw no progress")


def first_new_plan(talk: Conversation) -> Iterator[Sign]:
    """The plan was thrown away for the first time."""
    turn = next((turn for turn in talk.turns if turn.part == "replan"), None)
    if turn is not None:
        yield Sign(turn.step, "first_new_plan", 3, "the plan was given up here for the first time")


def last_act(talk: Conversation) -> Iterator[Sign]:
    """The last action of a short session: the answer came out of it."""
    if talk.acts and len(talk.turns) <= _SHORT_SESSION:
        yield Sign(talk.acts[-1].step, "last_act", 3, "the last action before a quick end")


def answer_source(talk: Conversation) -> Iterator[Sign]:
    """The action in which the final answer first appears."""
    answer = next((found[1].strip().lower() for turn in talk.turns[-2:] if (found := _FINAL.search(turn.text))), "")
    if len(answer) < 2 or answer in talk.turns[0].text.lower():
        return
    pattern = re.compile(rf"(?<!\w){re.escape(answer[:40])}(?!\w)")
    for turn in talk.acts:
        if pattern.search(turn.text.split("FINAL ANSWER")[0].lower()):
            yield Sign(turn.step, "answer_source", 2, "the final answer appears here for the first time")
            return


def crashed(talk: Conversation) -> Iterator[Sign]:
    """Something broke in the program around the agents rather than in what they ran."""
    for turn in talk.turns[1:]:
        if turn.part in ("note", "order", "review") and "Traceback (most recent call last)" in turn.text:
            yield Sign(turn.step, "crashed", 3, "the program around the agents raised an exception here")


ROUND_TABLE: Final[tuple[Rule, ...]] = (
    handed_down, first_failure, code_without_end, assumption, unseen_check, states_result, new_facts, opens_with_code,
)  # fmt: skip
"""Rules for agents that speak in turn."""

ORCHESTRATED: Final[tuple[Rule, ...]] = (
    early_act, asked_again, stuck_after, first_new_plan, last_act, answer_source, crashed,
)  # fmt: skip
"""Rules for agents that one of them directs."""


def _speaking(talk: Conversation) -> list[Turn]:
    return [turn for turn in talk.turns if turn.part in ("task", "act")]


def _went_wrong(talk: Conversation, turn: Turn) -> bool:
    return talk.result_of(turn) in ("failed", "empty")


def _without_run(talk: Conversation, *results: str) -> list[Turn]:
    return [turn for turn in talk.acts if talk.result_of(turn) in (results or ("none", "nothing_to_run"))]


def _facts(prose: str) -> set[str]:
    found = (each.strip('"').lower() for each in _FACT.findall(prose))
    return {each for each in found if len(each) > 1 or each.isdigit()}


def _between_orders(talk: Conversation) -> Iterator[tuple[Turn, Turn, Turn]]:
    last: Turn | None = None
    for turn in talk.turns:
        if turn.part == "order":
            last = turn
        elif turn.part == "act" and last is not None:
            after = next((each for each in talk.turns[turn.step + 1 :] if each.part in ("order", "act")), None)
            if after is not None and after.part == "order":
                yield last, turn, after


def _alike(left: str, right: str) -> float:
    one, other = set(_WORD.findall(left.lower())), set(_WORD.findall(right.lower()))
    return len(one & other) / len(one | other) if one or other else 0.0

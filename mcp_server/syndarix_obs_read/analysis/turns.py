"""A session of several agents as turns: who said what, and what part the turn plays in the conversation."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal

Part = Literal["task", "act", "result", "order", "review", "replan", "note", "end"]
"""What a turn is: the task, an agent's action or words, the result of running something, an order to another agent, the
orchestrator's look at the progress, a new plan, the orchestrator's other notes, the end."""

Result = Literal["ok", "failed", "empty", "nothing_to_run", "none"]
"""What came of an action: `nothing_to_run` when it was handed to an executor without anything to execute, `none` when
nothing was run."""

_EXECUTED: Final = re.compile(r"\s*(?:exitcode: -?\d|The script ran, then exited|There is no code from|No code block)")
_NOTHING: Final = re.compile(r"\s*(?:There is no code from|No code block)")
_FAILED: Final = re.compile(
    r"execution failed|exit ?code:? [1-9]|Traceback|\berror\b|No such file|time(?:d )?out|not found|\b40[134]\b", re.I
)
_OUTPUT: Final = re.compile(r"(?:output|output was):\s*(.*)\Z", re.I | re.S)
_EMPTY_VALUES: Final = frozenset({"", "[]", "{}", "()", "none", "nan", "null", "0", "-1"})
_END_WORDS: Final = frozenset({"", "TERMINATE", "TERMINATED", "DONE", "END"})
_CONCLUDED: Final = re.compile(r"\bTERMINATE\b|\bFINAL ANSWER\b")
_LABEL: Final = re.compile(r"(?P<agent>.*?)\s*\((?P<note>[^()]*)\)\s*\Z")
_NEW_PLAN: Final = re.compile(r"\s*(?:stalled|new plan|re-?plan)", re.I)
_CODE: Final = re.compile(r"```.*?(?:```|\Z)", re.S)


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn.

    Args:
        step: its number in the session, from 0.
        agent: who took it, without notes such as `(thought)`.
        text: what was said or returned.
        part: what it is.
        result: for a `result`, what came of the action before it.
    """

    step: int
    agent: str
    text: str
    part: Part
    result: Result = "none"

    @property
    def has_code(self) -> bool:
        """Whether it carries a block of code."""
        return "```" in self.text

    @property
    def prose(self) -> str:
        """Its text without blocks of code."""
        return _CODE.sub(" ", self.text)


@dataclass(frozen=True)
class Conversation:
    """The turns of one session, with what several rules ask about."""

    turns: Sequence[Turn]
    concluded: bool = field(default=False)

    @cached_property
    def orchestrated(self) -> bool:
        """Whether one agent gives orders to the others; otherwise they speak in turn around a table."""
        return any(turn.part == "order" for turn in self.turns)

    @cached_property
    def acts(self) -> tuple[Turn, ...]:
        """Actions and words of the agents, in order."""
        return tuple(turn for turn in self.turns if turn.part == "act")

    def result_of(self, turn: Turn) -> Result:
        """What came of an action: the result in the next turn, `none` when there is none."""
        after = self.turns[turn.step + 1] if turn.step + 1 < len(self.turns) else None
        return after.result if after is not None and after.part == "result" else "none"


def read_conversation(messages: Iterable[tuple[str, str]]) -> Conversation:
    """A conversation out of (speaker, text) pairs; the first is the task.

    Speakers may carry a note as frameworks write it: `Lead (-> Coder)` orders, `Lead (thought)` thinks.
    """
    turns = tuple(_turn(step, speaker, text) for step, (speaker, text) in enumerate(messages))
    said = [turn for turn in turns if turn.part != "result"]
    return Conversation(turns, any(_CONCLUDED.search(turn.text) for turn in said))


def _turn(step: int, speaker: str, text: str) -> Turn:
    match = _LABEL.match(speaker)
    agent, note = (match["agent"], match["note"]) if match else (speaker, "")
    part = "task" if step == 0 else _part(note, text)
    return Turn(step, agent, text, part, _result(text) if part == "result" else "none")


def _part(note: str, text: str) -> Part:
    if note.startswith("->"):
        return "order"
    if note.startswith("terminat"):
        return "end"
    if note:
        return "replan" if _NEW_PLAN.match(text) else "review" if verdict(text) else "note"
    if re.sub(r"[^A-Za-z]", "", text).upper() in _END_WORDS and not re.search(r"\d", text):
        return "end"
    return "result" if _EXECUTED.match(text) else "act"


def _result(text: str) -> Result:
    if _NOTHING.match(text):
        return "nothing_to_run"
    if _FAILED.search(text):
        return "failed"
    output = _OUTPUT.search(text)
    value = output[1].strip() if output else text.strip()
    return "empty" if value.lower() in _EMPTY_VALUES or ("\n" not in value and value.endswith(":")) else "ok"


def verdict(text: str) -> dict[str, bool]:
    """What an orchestrator's look at the progress says, by question; empty when the text holds no such JSON."""
    start = text.find("{")
    if start < 0:
        return {}
    try:
        found: Any = json.JSONDecoder().raw_decode(text[start:])[0]
    except ValueError:
        return {}
    answers = {key: value.get("answer") for key, value in found.items() if isinstance(value, dict)}
    return {key: value for key, value in answers.items() if isinstance(value, bool)}


def is_stuck(review: Turn) -> bool:
    """Whether an orchestrator's look says that the work goes in circles or no further."""
    said = verdict(review.text)
    loops = any(value for key, value in said.items() if "loop" in key)
    return loops or any(not value for key, value in said.items() if "progress" in key)

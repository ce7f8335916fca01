"""What an evaluator is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from syndarix_obs import vocabulary as v
from syndarix_obs_read.answers.messages import last_text, unified
from syndarix_obs_read.backends.rows import StoredRecord


@dataclass(frozen=True, slots=True)
class Verdict:
    """One score of one evaluator.

    Args:
        name: of the score, one of a small closed set.
        value: True is good; a number or a word says more.
        target: id of the step that is meant; None for the session.
        explanation: why, for people.
    """

    name: str
    value: bool | float | str
    target: str | None = None
    explanation: str | None = None


@dataclass(frozen=True)
class EvaluatedSession:
    """One session with its records, payloads included, oldest first."""

    session_id: str
    records: Sequence[StoredRecord]

    @cached_property
    def model_calls(self) -> tuple[StoredRecord, ...]:
        """Its calls of models that succeeded."""
        return tuple(each for each in self.records if each.kind == v.KIND_LLM_CALL and not each.failed)

    @cached_property
    def tool_calls(self) -> tuple[StoredRecord, ...]:
        """Its calls of tools."""
        return tuple(each for each in self.records if each.kind == v.KIND_TOOL_CALL)

    @cached_property
    def last_call(self) -> StoredRecord | None:
        """The model call that answered last, as far as payloads were kept."""
        kept = [each for each in self.model_calls if "output" in each.payload]
        return kept[-1] if kept else None

    @cached_property
    def answer(self) -> str:
        """What the model said last; empty for silence, and for a mere call of a tool."""
        return "" if self.last_call is None else said(self.last_call.payload.get("output"))

    @cached_property
    def question(self) -> str:
        """What the user said last before that."""
        if self.last_call is None:
            return ""
        asked = [each.text for each in unified(self.last_call.payload.get("input")) if each.role in ("user", "human")]
        return asked[-1] if asked else ""


def said(output: Any) -> str:
    """The words of an answer, without calls of tools."""
    if isinstance(output, str):
        return output
    words = [each for each in _contents(output) if each]
    return "\n".join(words) if words else "" if _calls_tools(output) else last_text(output)


def _contents(output: Any) -> Iterable[str]:
    for message in output if isinstance(output, (list, tuple)) else [output]:
        content = message.get("content", message.get("parts")) if isinstance(message, dict) else None
        if isinstance(content, str):
            yield content
        for part in content if isinstance(content, (list, tuple)) else ():
            if isinstance(part, dict) and part.get("type", "text") in ("text", "output_text"):
                yield str(part.get("text") or part.get("content") or "")


def _calls_tools(output: Any) -> bool:
    return any(word in str(output) for word in ("tool_calls", "tool_use", "function_call", "tool_call"))


Evaluator = Callable[[EvaluatedSession], Iterable[Verdict]]
"""A function that looks at a session. It says nothing where it cannot tell."""

"""An answer within a budget of tokens: long texts become shorter, then lists do, and the answer says so.

Models keep all their fields, so that a cut answer still fits its schema. What was cut, and how to ask for less, is the
first of the answer's hints.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from pydantic import BaseModel
from pydantic_core import to_json

from syndarix_obs_read.answers.base import Answer
from syndarix_obs_read.answers.messages import CUT
from syndarix_obs_read.errors import BackendAnswer
from syndarix_obs_read.mcp.token_estimate import estimate, surely_more
from syndarix_obs_read.mcp.untrusted import Untrusted, untrusted_fields, visible

_FEWEST_NAMES: Final = 8
"""Names of a mapping that are always kept: a group of costs has up to six."""
_LAST_KEPT: Final = frozenset({"steps"})
"""Lists whose end matters more than their beginning."""
_DEEPEST: Final = 12


@dataclass(frozen=True, slots=True)
class Limits:
    """One degree of cutting: longest text in characters, longest list inside of a row, fewest rows of the answer."""

    text: int
    inner: int
    rows: int


_STEPS: Final = (
    Limits(4_000, 200, 1_000_000), Limits(1_500, 50, 1_000_000), Limits(500, 30, 20), Limits(240, 20, 8),
    Limits(120, 10, 3), Limits(60, 5, 1), Limits(40, 3, 0),
)  # fmt: skip


@dataclass(slots=True)
class FittedAnswer:
    """An answer as it is told: its JSON, its estimated tokens, and whether something was cut."""

    text: str
    tokens: int
    cut: bool

    @property
    def data(self) -> dict[str, Any]:
        """The JSON as data: exactly what the text says."""
        found: dict[str, Any] = json.loads(self.text)
        return found


@dataclass(slots=True)
class _Cutter:
    limits: Limits
    rows: int
    texts: int = 0
    inner: int = 0
    lists: dict[str, tuple[int, int]] = field(default_factory=dict)

    def answer(self, answer: Answer) -> Answer:
        found = {name: self._top(name, getattr(answer, name)) for name in type(answer).model_fields}
        return answer.model_copy(update=found)

    def _top(self, name: str, value: Any) -> Any:
        if name == "hints":
            return tuple(self.value(each, 0) for each in value)
        if not _is_rows(value):
            return self.value(value, 0)
        kept = value[-self.rows :] if name in _LAST_KEPT and self.rows else value[: self.rows]
        if len(kept) < len(value):
            self.lists[name] = (len(kept), len(value))
        return tuple(self.value(each, 0) for each in kept)

    def value(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, BaseModel):
            kept = {name: self.value(getattr(value, name), depth + 1) for name in type(value).model_fields}
            return value.model_copy(update=kept)
        if isinstance(value, (Mapping, list, tuple)):
            return self._many(value, depth + 1)
        return value

    def _many(self, value: Any, depth: int) -> Any:
        if depth > _DEEPEST:
            return self._text(str(value)[: self.limits.text + 1])
        most = max(self.limits.inner, _FEWEST_NAMES) if isinstance(value, Mapping) else self.limits.inner
        self.inner += len(value) > most
        if isinstance(value, Mapping):
            return {self.value(str(name), depth): self.value(each, depth) for name, each in islice(value.items(), most)}
        return tuple(self.value(each, depth) for each in value[:most])

    def _text(self, text: str) -> str:
        if len(text) <= self.limits.text:
            return visible(text)
        self.texts += 1
        return f"{visible(text[: self.limits.text])}{CUT} [cut, {len(text):,} characters]"

    @property
    def cut(self) -> bool:
        return bool(self.texts or self.inner or self.lists)


def _is_rows(value: Any) -> bool:
    return isinstance(value, tuple) and bool(value) and isinstance(value[0], (BaseModel, Mapping))


def fit(answer: Answer, tokens: int, narrow: str) -> FittedAnswer:
    """The answer in at most so many tokens.

    Args:
        tokens: the budget.
        narrow: how to ask for less, for the hint.

    Raises:
        BackendAnswer: even its frame is larger than the budget.
    """
    rows = _most_rows(answer)
    for limits in _STEPS:
        told = _tell(answer, limits, rows, tokens, narrow)
        if told.tokens <= tokens:
            return told
        if limits.rows < rows:
            fewest = _tell(answer, limits, limits.rows, tokens, narrow)
            if fewest.tokens <= tokens:
                return _as_many_as_fit(answer, limits, rows, tokens, narrow, fewest)
    raise BackendAnswer(f"the answer does not fit {tokens:,} tokens, however short; narrow with {narrow}")


def _as_many_as_fit(
    answer: Answer, limits: Limits, most: int, tokens: int, narrow: str, best: FittedAnswer
) -> FittedAnswer:
    low, high = limits.rows, most
    while high - low > 1:
        middle = (low + high) // 2
        told = _tell(answer, limits, middle, tokens, narrow)
        if told.tokens <= tokens:
            low, best = middle, told
        else:
            high = middle
    return best


def _most_rows(answer: Answer) -> int:
    lists = (getattr(answer, name) for name in type(answer).model_fields)
    return max((len(value) for value in lists if _is_rows(value)), default=0)


def _tell(answer: Answer, limits: Limits, rows: int, tokens: int, narrow: str) -> FittedAnswer:
    cutter = _Cutter(limits, rows)
    short = cutter.answer(answer)
    if cutter.cut:
        more = {"more": True} if cutter.lists and "more" in type(answer).model_fields else {}
        short = short.model_copy(update={"hints": (_said(cutter, tokens, narrow), *short.hints), **more})
    text = to_json(_with_notice(short)).decode()
    return FittedAnswer(text, 10 * tokens if surely_more(text, tokens) else estimate(text), cutter.cut)


def _said(cutter: _Cutter, tokens: int, narrow: str) -> str:
    parts = [f"{kept:,} of {whole:,} {name}" for name, (kept, whole) in cutter.lists.items()]
    if cutter.texts:
        parts.append(f"{cutter.texts:,} texts after {cutter.limits.text:,} characters")
    if cutter.inner:
        parts.append(f"{cutter.inner:,} inner lists after {cutter.limits.inner} items")
    return f"cut to stay under {tokens:,} tokens: {', '.join(parts)}; narrow with {narrow}"


def _with_notice(answer: Answer) -> dict[str, Any]:
    untrusted = Untrusted(fields=untrusted_fields(type(answer)))
    return {"untrusted": untrusted.model_dump(mode="json"), **answer.model_dump(mode="json")}

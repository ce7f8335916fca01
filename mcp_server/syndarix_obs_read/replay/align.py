"""Two runs side by side: which step of one is which step of the other, and what is different in it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from syndarix_obs.pipeline.messages import as_list
from syndarix_obs.pipeline.messages import field as field_of
from syndarix_obs.replaying.difference import ABSENT, differences
from syndarix_obs.replaying.requests import without_nothing
from syndarix_obs.replaying.tape import AnyStep, ModelStep, Tape, ToolStep

_LARGEST: Final = 600
"""Steps of each side up to which the cheapest alignment is looked for; longer ones are aligned by equal stretches."""
_MOST_PLACES: Final = 40
_IDS: Final = ("id", "call_id")
_ID_FIELDS: Final = frozenset({*_IDS, "tool_call_id", "tool_use_id"})
_LONGEST_TEXT: Final = 600


@dataclass(frozen=True, slots=True)
class Place:
    """One place where two steps differ. `words` shows two texts in one: `[-gone-]` and `{+new+}`."""

    path: str
    before: Any
    after: Any
    words: str | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """A step of each side; None where one side has none. `places` is bounded."""

    before: AnyStep | None
    after: AnyStep | None
    places: tuple[Place, ...] = ()
    more: int = 0

    @property
    def change(self) -> str:
        """`same`, `changed`, `added` or `removed`."""
        if self.before is None:
            return "added"
        if self.after is None:
            return "removed"
        return "changed" if self.places else "same"


@dataclass(slots=True)
class Aligned:
    """The pairs in order, and how many insertions, deletions and changes make one tool sequence of the other."""

    pairs: list[Pair] = field(default_factory=list)
    tool_distance: int = 0


def align(before: Tape, after: Tape) -> Aligned:
    """Align two tapes step by step."""
    couples = _couples(before.steps, after.steps)
    ids = _ids_of_calls((*before.models(), *after.models()))
    heard: tuple[list[Any], list[Any]] = ([], [])
    found = Aligned()
    for one, other in couples:
        if one is None or other is None:
            found.pairs.append(Pair(one, other))
        else:
            shown = (_without(ids, _shown(one, heard[0])), _without(ids, _shown(other, heard[1])))
            places = list(differences(*shown))
            made = tuple(_place(each.path, each.recorded, each.live) for each in places[:_MOST_PLACES])
            found.pairs.append(Pair(one, other, made, max(0, len(places) - _MOST_PLACES)))
        heard = (_heard(one, heard[0]), _heard(other, heard[1]))
    tools = [(p.before, p.after) for p in found.pairs if isinstance(p.before or p.after, ToolStep)]
    found.tool_distance = sum(
        a is None or b is None or _name(a) != _name(b) or _arguments(a) != _arguments(b) for a, b in tools
    )
    return found


def _ids_of_calls(steps: Iterable[ModelStep]) -> frozenset[str]:
    """Ids that models gave their calls and answers. They are other ones each time, and say nothing."""
    found: set[str] = set()
    for step in steps:
        for message in as_list(step.output):
            parts = [message, *as_list(field_of(message, "tool_calls")), *as_list(field_of(message, "content"))]
            found |= {str(value) for part in parts for name in _IDS if (value := field_of(part, name))}
    return frozenset(found)


def _without(ids: frozenset[str], value: Any) -> Any:
    """A value without the members that are one of these ids."""
    if isinstance(value, dict):
        return {
            name: _without(ids, item)
            for name, item in value.items()
            if not (name in _ID_FIELDS and isinstance(item, str) and item in ids)
        }
    return [_without(ids, item) for item in value] if isinstance(value, list) else value


def _heard(step: AnyStep | None, before: list[Any]) -> list[Any]:
    """The messages that the model has been told by now; they come again with each call."""
    if isinstance(step, ModelStep) and isinstance(step.request.get("input"), list):
        return list(step.request["input"])
    return before


def _shown(step: AnyStep, heard: list[Any]) -> dict[str, Any]:
    """What is compared of a step: of a model's request only what is new in it."""
    if isinstance(step, ToolStep):
        shown = {"tool": step.tool, "arguments": step.arguments, "result": step.result, "status": step.status}
    else:
        request = step.request
        told = request.get("input")
        new = told[len(heard) :] if isinstance(told, list) and told[: len(heard)] == heard else told
        parameters = {name: each for name, each in (request.get("parameters") or {}).items() if name != "model"}
        shown = {
            "model": step.model, "system": request.get("system"), "tools": request.get("tools"), "input": new,
            "parameters": parameters, "output": step.output, "status": step.status,
        }  # fmt: skip
    found: dict[str, Any] = without_nothing(shown)
    return found


def _place(path: str, before: Any, after: Any) -> Place:
    gone = None if before is ABSENT else before
    new = None if after is ABSENT else after
    words = word_diff(gone, new) if isinstance(gone, str) and isinstance(new, str) else None
    return Place(path, _bounded(gone), _bounded(new), words)


def _bounded(value: Any) -> Any:
    text = value if isinstance(value, str) else repr(value)
    return value if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}… ({len(text):,} characters)"


def word_diff(before: str, after: str) -> str:
    """Two texts in one, word by word, with a few words around each change."""
    old, new = before.split(), after.split()
    parts: list[str] = []
    for kind, a1, a2, b1, b2 in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            same = old[a1:a2]
            parts.append(" ".join(same) if len(same) <= 8 else " ".join((*same[:3], "…", *same[-3:])))
            continue
        parts += [f"[-{' '.join(old[a1:a2])}-]"] * (a2 > a1) + [f"{{+{' '.join(new[b1:b2])}+}}"] * (b2 > b1)
    text = " ".join(parts)
    return text if len(text) <= 2 * _LONGEST_TEXT else text[: 2 * _LONGEST_TEXT] + "…"


# --- which step is which ---


def _name(step: AnyStep) -> str:
    return f"tool {step.tool}" if isinstance(step, ToolStep) else f"model {step.endpoint}"


def _said(step: AnyStep) -> Any:
    """What tells a step from others of its name: arguments, or what was asked last and answered."""
    if isinstance(step, ToolStep):
        return _arguments(step)
    told = step.request.get("input")
    return (told[-1] if isinstance(told, list) and told else told, step.output)


def _arguments(step: AnyStep) -> Any:
    return without_nothing(step.arguments) if isinstance(step, ToolStep) else None


Couple = tuple[AnyStep | None, AnyStep | None]


def _couples(before: Sequence[AnyStep], after: Sequence[AnyStep]) -> list[Couple]:
    if max(len(before), len(after)) > _LARGEST:
        return _by_stretches(before, after)
    return _cheapest(before, after)


def _by_stretches(before: Sequence[AnyStep], after: Sequence[AnyStep]) -> list[Couple]:
    matcher = difflib.SequenceMatcher(None, [_name(s) for s in before], [_name(s) for s in after], autojunk=False)
    found: list[Couple] = []
    for kind, a1, a2, b1, b2 in matcher.get_opcodes():
        if kind == "equal":
            found += list(zip(before[a1:a2], after[b1:b2], strict=True))
        else:
            found += [(step, None) for step in before[a1:a2]] + [(None, step) for step in after[b1:b2]]
    return found


def _cheapest(before: Sequence[AnyStep], after: Sequence[AnyStep]) -> list[Couple]:
    """Edit distance: a step that is only on one side costs 1, the same tool with other arguments a half, the same kind
    of model call with other words a quarter. Of equally cheap ways the one that keeps the beginnings together."""
    rows, columns = len(before), len(after)
    left, right = [(_name(s), _said(s)) for s in before], [(_name(s), _said(s)) for s in after]
    cost = [[float(i + j) if not i or not j else 0.0 for j in range(columns + 1)] for i in range(rows + 1)]
    for i in range(1, rows + 1):
        for j in range(1, columns + 1):
            cost[i][j] = min(
                cost[i - 1][j - 1] + _apart(left[i - 1], right[j - 1]), cost[i - 1][j] + 1, cost[i][j - 1] + 1
            )
    found: list[Couple] = []
    i, j = rows, columns
    while i or j:
        if i and cost[i][j] == cost[i - 1][j] + 1:
            i -= 1
            found.append((before[i], None))
        elif j and cost[i][j] == cost[i][j - 1] + 1:
            j -= 1
            found.append((None, after[j]))
        else:
            i, j = i - 1, j - 1
            found.append((before[i], after[j]))
    return found[::-1]


def _apart(one: tuple[str, Any], other: tuple[str, Any]) -> float:
    if one[0] != other[0]:
        return 2.5  # dearer than one gone and one new
    if one[1] == other[1]:
        return 0.0
    return 0.5 if one[0].startswith("tool ") else 0.25

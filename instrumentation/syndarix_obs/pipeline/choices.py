"""What a model's answer decided: out of which options, what, why, and whether it was free to.

Reads every shape that `messages` reads. Nothing is invented: a model that gave no reason has none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.pipeline import messages
from syndarix_obs.pipeline.decode import decoded

ANSWER: Final = v.DECISION_ANSWER
_WRAPPERS: Final = ("function", "toolSpec", "json_schema", "tool")
_LISTS: Final = ("functionDeclarations", "function_declarations")
_THINKING: Final = frozenset({"thinking", "reasoning"})
_THOUGHTS: Final = ("reasoning_content", "reasoning", "thinking", "summary", "content", "text")


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call that a model asked for."""

    name: str
    arguments: Any
    call_id: str | None


@dataclass(frozen=True, slots=True)
class Choice:
    """One decision of a model: `selected` are the tools called, or `answer` alone."""

    options: tuple[str, ...]
    selected: tuple[str, ...]
    calls: tuple[Call, ...]
    reasoning: str | None
    reason_source: str
    forced: bool


def choice_of(payload: Mapping[str, Any]) -> Choice | None:
    """The decision in an answer that was offered tools; None when it was offered none, or never came."""
    offered = tuple(dict.fromkeys(name for tool in messages.as_list(payload.get("tools")) for name in _names(tool)))
    output = _first_choice(payload.get("output"))
    if not offered or not output:
        return None
    calls = tuple(calls_of(output))
    selected = tuple(dict.fromkeys(call.name for call in calls)) or (ANSWER,)
    reasoning, source = _reason(output, spoke_before=bool(calls))
    wanted = _forced(payload)
    return Choice((*offered, ANSWER), selected, calls, reasoning, source, wanted in selected if wanted else False)


def _first_choice(output: Any) -> list[Any]:
    """Of several answers to one request (`n`) the first, which is the one that clients read."""
    items = messages.as_list(output)
    roles = [messages.field(item, "role") for item in items]
    several = len(items) > 1 and all(role == "assistant" for role in roles) and all(
        messages.field(item, "type") is None for item in items
    )  # fmt: skip
    return items[:1] if several else items


def _names(tool: Any, depth: int = 0) -> Iterator[str]:
    """Names of the tools that one definition offers; a provider's own tool is called by its type."""
    tool = decoded(tool)
    if isinstance(tool, str) or tool is None or depth > len(_WRAPPERS):
        return
    for name in _LISTS:
        for each in messages.as_list(messages.field(tool, name)):
            yield from _names(each, depth + 1)
    for name in _WRAPPERS:
        inner = decoded(messages.field(tool, name))
        if isinstance(inner, Mapping) and not isinstance(inner.get("type"), Mapping):
            yield from _names(inner, depth + 1)
            return
    found = messages.field(tool, "name") or messages.field(tool, "server_label") or messages.field(tool, "type")
    if isinstance(found, str):
        yield found


def calls_of(output: list[Any]) -> Iterator[Call]:
    """Tool calls of an answer, in the order in which they were asked for."""
    for item in output:
        for block in _blocks(item):
            if messages.is_call(block):
                arguments = messages.field(block, "arguments")
                yield Call(
                    _called(block), messages.field(block, "input") if arguments is None else arguments, _id(block)
                )
        for call in messages.as_list(messages.field(item, "tool_calls")):
            function = messages.field(call, "function") or call
            yield Call(str(messages.field(function, "name")), messages.field(function, "arguments"), _id(call))
        function = messages.field(item, "function_call")
        if function is not None and messages.field(function, "name"):
            yield Call(str(messages.field(function, "name")), messages.field(function, "arguments"), None)


def _called(block: Any) -> str:
    name = messages.field(block, "name")
    return str(name if name else messages.field(block, "type")).removesuffix("_call" if not name else "")


def _id(call: Any) -> str | None:
    found = messages.field(call, "call_id") or messages.field(call, "id")
    return found if isinstance(found, str) else None


def _blocks(item: Any) -> Iterator[Any]:
    """An item of an answer, and the blocks in it."""
    inner = messages.field(item, "message")
    item = item if inner is None else inner
    yield item
    for name in ("content", "parts"):
        blocks = messages.field(item, name)
        if isinstance(blocks, (list, tuple)):
            yield from blocks


def _reason(output: list[Any], *, spoke_before: bool) -> tuple[str | None, str]:
    """What the model thought, else what it said before it called; an answer itself is no reason."""
    thoughts = [text for item in output for text in _thoughts(item) if text.strip()]
    if thoughts:
        return "\n".join(thoughts), v.REASON_THINKING
    if not spoke_before:
        return None, v.REASON_NONE
    said = []
    for item in output:
        for block in _blocks(item):
            if messages.is_call(block):
                break
            if block is item and isinstance(messages.field(item, "content"), (list, tuple)):
                continue  # its blocks follow
            if messages.field(block, "type") not in _THINKING and (text := messages.text_of(block).strip()):
                said.append(text)
    return ("\n".join(said), v.REASON_TEXT) if said else (None, v.REASON_NONE)


def _thoughts(item: Any) -> Iterator[str]:
    for block in _blocks(item):
        if messages.field(block, "type") in _THINKING:
            found = next((messages.field(block, name) for name in _THOUGHTS if messages.field(block, name)), None)
            yield messages.text_of(found)
        else:
            for name in _THOUGHTS[:2]:
                text = messages.field(block, name)
                if isinstance(text, str):
                    yield text


def _forced(payload: Mapping[str, Any]) -> str | None:
    """The tool that `tool_choice` names, `answer` where it forbids tools; None when the model was free."""
    parameters = payload.get("parameters")
    if not isinstance(parameters, Mapping):
        return None
    wanted = parameters.get("tool_choice") or parameters.get("function_call")
    kind = wanted if isinstance(wanted, str) else messages.field(wanted, "type")
    if kind == "none":
        return ANSWER
    if wanted is None or isinstance(wanted, str):
        return None
    found = messages.field(messages.field(wanted, "function"), "name") or messages.field(wanted, "name")
    return found if isinstance(found, str) else None


def form_of(payload: Mapping[str, Any], wanted: str) -> tuple[tuple[str, ...], str] | None:
    """Options and choice of an answer that was to have a form (a schema); None for one that calls tools or is empty."""
    output = _first_choice(payload.get("output"))
    if not output or any(True for _call in calls_of(output)):
        return None
    options = (wanted, "refusal", "other text")
    if any(messages.field(block, "refusal") for item in output for block in _blocks(item)):
        return options, "refusal"
    text = messages.answer(output)
    try:
        json.loads(text)
    except ValueError:
        return options, "other text"
    return options, wanted

"""What a step said and did, readable: messages as a conversation, arguments and results as text; all untrusted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from syndarix_obs_read.answers.message_parts import parsed
from syndarix_obs_read.answers.messages import unified
from syndarix_obs_read.answers.step import PromptChange
from syndarix_obs_read.web.html import Child, Html, el
from syndarix_obs_read.web.parts import json_tree, messages
from syndarix_obs_read.web.parts.messages import SHOWN, cut

_CONVERSATIONS: Final = frozenset({"input", "output", "messages"})
_FIRST: Final = {"system": 0, "input": 1, "messages": 2, "arguments": 3, "output": 4, "result": 5}
_BESIDE: Final = frozenset({"tools", "parameters", "response", "hashes", "chunks"})
"""Fields that are folded: few people look for them first."""
_PROSE: Final = frozenset({"reasoning", "note", "detail", "query", "message", "context_summary"})
_INLINE: Final = 200


def payload(found: Mapping[str, Any], whole: str | None, change: PromptChange | None = None) -> Html:
    """Every field of a payload: rendered, or where nothing is cut exactly as it was recorded.

    Args:
        whole: address where nothing is cut; None where this is that page.
        change: what was new in the prompt.
    """
    ordered = sorted(found.items(), key=lambda each: _FIRST.get(each[0], len(_FIRST)))
    return el("div", (_field(key, value, whole, change) for key, value in ordered), cls="payload")


def _field(key: str, value: Any, whole: str | None, change: PromptChange | None) -> Html:
    style = "prose" if key in _PROSE else None
    body: Child
    if key == "system" and whole is not None:
        instructions = messages.conversation([{"role": "system", "content": value}], whole)
        words = f"{sum(len(each.text) for each in unified([{'content': value}])):,} characters"
        body = el("details", el("summary", words), instructions, cls="known")
    elif key in _CONVERSATIONS:
        change = change if key == "input" else None
        body = _as_recorded(value) if whole is None else messages.conversation(value, whole, change)
    elif whole is not None and isinstance(tree := parsed(value), (dict, list)) and tree:
        body = json_tree.tree(tree, whole)
    else:
        body = text_of(value, whole, style)
    if whole is not None and key in _BESIDE:
        return el("details", el("summary", key.replace("_", " ")), body, cls="field beside-it")
    return el("section", el("h3", key.replace("_", " ")), body, cls="field")


def _as_recorded(value: Any) -> Child:
    return [
        el(
            "article",
            el("span", each.role or "–", cls="role"),
            text_of(each.text, None),
            cls=f"message r-{each.role if each.role in _ROLES else 'other'}",
        )
        for each in unified(value)
    ]


_ROLES: Final = frozenset({"system", "user", "assistant", "tool"})


def text_of(value: Any, whole: str | None, style: str | None = None) -> Child:
    """Any value as text, JSON indented; a long one is cut and says so."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2, default=str)
    if whole is None or len(text) <= SHOWN:
        return el("pre", text, cls=style)
    return [el("pre", text[:SHOWN] + "…", cls=style), cut(f"{len(text):,} characters in all", whole)]


def attributes(found: Mapping[str, Any], whole: str | None) -> Html:
    """Fields of a record as a table of names and values, long ones cut as in `text_of`."""
    rows = (
        el("tr", el("th", key, scope="row"), el("td", _inline(value, whole)))
        for key, value in sorted(found.items())
        if value not in (None, "", [], {}, ())
    )
    return el("table", el("tbody", rows), cls="attributes")


def _inline(value: Any, whole: str | None) -> Child:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _INLINE else text_of(text, whole)

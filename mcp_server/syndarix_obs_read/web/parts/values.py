"""What a step said and did, readable: messages as a conversation, arguments and results as text; all untrusted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from syndarix_obs_read.answers.messages import unified
from syndarix_obs_read.web.html import Child, Html, el

SHOWN: Final = 4_000
"""Characters of one text before it is cut, with a way to the whole."""
_CONVERSATIONS: Final = frozenset({"input", "output", "messages"})
_PROSE: Final = frozenset({"reasoning", "note", "detail", "query", "message", "context_summary"})
_MESSAGES: Final = 40
_INLINE: Final = 200


def payload(found: Mapping[str, Any], whole: str | None) -> Html:
    """Every field of a payload.

    Args:
        whole: address where nothing is cut; None where this is that page.
    """
    return el("div", (_field(key, value, whole) for key, value in found.items()), cls="payload")


def _field(key: str, value: Any, whole: str | None) -> Html:
    style = "prose" if key in _PROSE else None
    body = _conversation(value, whole) if key in _CONVERSATIONS else text_of(value, whole, style)
    return el("section", el("h3", key.replace("_", " ")), body, cls="field")


def _conversation(value: Any, whole: str | None) -> Child:
    messages = unified(value)
    left = 0 if whole is None else max(0, len(messages) - _MESSAGES)
    shown = messages[left:]
    return [
        _cut(f"{left} earlier messages", whole) if left else None,
        *(
            el(
                "article",
                el("span", each.role or "–", cls="role"),
                text_of(each.text, whole),
                cls=f"message r-{each.role if each.role in _ROLES else 'other'}",
            )
            for each in shown
        ),
    ]


_ROLES: Final = frozenset({"system", "user", "assistant", "tool"})


def text_of(value: Any, whole: str | None, style: str | None = None) -> Child:
    """Any value as text, JSON indented; a long one is cut and says so."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2, default=str)
    if whole is None or len(text) <= SHOWN:
        return el("pre", text, cls=style)
    return [el("pre", text[:SHOWN] + "…", cls=style), _cut(f"{len(text):,} characters in all", whole)]


def _cut(words: str, whole: str | None) -> Html:
    return el("p", words, " · ", el("a", "show everything", href=whole), cls="cut")


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

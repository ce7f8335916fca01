"""Messages as people read them: rendered text, calls and results as trees, pictures by reference; all untrusted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from syndarix_obs_read.answers.message_parts import Part, ReadMessage, parsed, read_messages
from syndarix_obs_read.answers.step import PromptChange
from syndarix_obs_read.web.html import Child, Html, el, external
from syndarix_obs_read.web.parts import json_tree, markdown

SHOWN: Final = 4_000
"""Characters of one text before it is cut, with a way to the whole."""
_MESSAGES: Final = 40
_KNOWN_SHOWN: Final = 20
_ROLES: Final = frozenset({"system", "user", "assistant", "tool"})


def conversation(value: Any, whole: str, change: PromptChange | None = None) -> Child:
    """Messages one under another.

    Args:
        whole: address where nothing is cut.
        change: which of them the call before had sent already; those are folded.
    """
    messages = read_messages(value)
    known = min(change.known, len(messages)) if change is not None else 0
    left = max(0, len(messages) - known - _MESSAGES)
    return [
        _known(messages[:known], whole) if known else None,
        _gone(change, whole) if change is not None and change.gone else None,
        cut(f"{left} earlier messages", whole) if left else None,
        *(message(each, whole, new=bool(known)) for each in messages[known + left :]),
    ]  # fmt: skip


def _known(messages: Sequence[ReadMessage], whole: str) -> Html:
    count = len(messages)
    left = max(0, count - _KNOWN_SHOWN)
    words = "1 message as in the call before" if count == 1 else f"{count:,} messages as in the call before"
    return el(
        "details", el("summary", words),
        cut(f"{left} earlier messages", whole) if left else None,
        (message(each, whole) for each in messages[left:]),
        cls="known",
    )  # fmt: skip


def _gone(change: PromptChange, whole: str) -> Html:
    count = len(change.gone)
    words = "1 message of the call before is gone" if count == 1 else f"{count:,} messages of the call before are gone"
    inside = (message(each, whole) for each in read_messages(list(change.gone)[-_KNOWN_SHOWN:]))
    return el("details", el("summary", words), inside, cls="known gone")


def message(found: ReadMessage, whole: str, *, new: bool = False) -> Html:
    """One message."""
    role = found.role if found.role in _ROLES else "other"
    return el(
        "article",
        el("span", found.role or "–", cls="role"),
        el("div", (part(each, whole) for each in found.parts) if found.parts else el("p", "empty", cls="dim")),
        cls=f"message r-{role}{' new' if new else ''}",
    )  # fmt: skip


def part(found: Part, whole: str) -> Html:
    """One part of a message."""
    if found.kind == "call":
        return el("div", el("p", "calls ", el("b", found.name), cls="dim"), _value(found.value, whole), cls="part call")
    if found.kind == "media":
        return _media(found)
    if found.kind == "thinking":
        return el("details", el("summary", "thinking"), text(str(found.value), whole), cls="part")
    if found.kind == "result":
        named = el("p", "result of ", el("b", found.name), cls="dim") if found.name else None
        return el("div", named, _value(found.value, whole), cls="part result")
    return el("div", _value(found.value, whole), cls="part")


def _value(value: Any, whole: str) -> Child:
    if value is None or value in ("", {}):
        return el("p", "nothing", cls="dim")
    value = parsed(value)
    return json_tree.tree(value, whole) if isinstance(value, (dict, list)) else text(str(value), whole)


def text(value: str, whole: str) -> Child:
    """A text, rendered; a long one is cut and says so."""
    if len(value) <= SHOWN:
        return markdown.rendered(value)
    return [markdown.rendered(value[:SHOWN] + "…"), cut(f"{len(value):,} characters in all", whole)]


def _media(found: Part) -> Html:
    """Pictures and files stay where they are: a page asks nobody else."""
    address = external(str(found.value)) if found.value else None
    where: Child = el("code", str(found.value)) if found.value else None
    if address is not None:
        where = el("a", address, href=address, rel="noreferrer noopener")
    size = f"{found.size:,} characters in the message, not shown" if found.size else None
    return el("p", el("span", found.name, cls="tag"), where, " ", el("span", size, cls="dim") if size else None,
              cls="part media")  # fmt: skip


def cut(words: str, whole: str) -> Html:
    """That something is not shown, and where it is."""
    return el("p", words, " · ", el("a", "show everything", href=whole), cls="cut")

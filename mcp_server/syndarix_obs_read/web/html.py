"""HTML that cannot be broken into: an element is made of text, which is escaped, and of other elements."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

Value: TypeAlias = str | int | float | bool | None
"""What an attribute may be: True is the bare name, False and None leave it away."""


@dataclass(frozen=True, slots=True)
class Html:
    """A piece of HTML. Only this module makes one."""

    text: str


Child: TypeAlias = "str | int | Html | Iterable[Child] | None"
"""What an element may hold: text and numbers are escaped, None is nothing."""

NOTHING: Final = Html("")
"""No HTML at all."""

_VOID: Final = frozenset({"hr", "input", "link", "meta"})
_LEAVES: Final = frozenset({"line", "path", "polyline", "rect"})
_ESCAPES: Final = {
    ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord('"'): "&quot;", ord("'"): "&#39;",
    # Control characters mean nothing in HTML, and a browser may read them as it likes.
    **dict.fromkeys((*range(9), 11, 12, *range(14, 32), *range(0x7F, 0xA0), *range(0xD800, 0xE000)), "\ufffd"),
}  # fmt: skip
_NEEDS: Final = re.compile("[&<>\"'\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_ADDRESSES: Final = frozenset({"href", "src", "action"})
_SAFE_TARGET: Final = re.compile(r"(?:https?://|/(?![/\\])|[?#])", re.ASCII)


def el(name: str, /, *children: Child, **attributes: Value) -> Html:
    """An element.

    Args:
        name: of the element, from our own code.
        children: what it holds.
        attributes: names from our own code, `_` for `-`; a trailing `_` and `cls` for the words that Python has taken.

    Raises:
        ValueError: an attribute that carries code or style, or an address that is neither a page of ours nor http(s).
    """
    opened = f"<{name}{''.join(_attribute(key, value) for key, value in attributes.items())}>"
    if name in _VOID:
        return Html(opened)
    if name in _LEAVES:  # in SVG an element without an end would hold the next one
        return Html(f"{opened[:-1]}/>")
    return Html(f"{opened}{joined(children).text}</{name}>")


def joined(children: Child) -> Html:
    """Several pieces after one another."""
    parts: list[str] = []
    _collect(children, parts)
    return Html("".join(parts))


def document(*children: Child) -> str:
    """A whole page as text."""
    return f"<!doctype html>\n{joined(children).text}\n"


def stylesheet(css: str) -> Html:
    """A style sheet of ours within a page, for files that stand alone.

    Raises:
        ValueError: it could end its element.
    """
    if "<" in css:
        raise ValueError("a style sheet within a page holds no `<`")
    return Html(f"<style>{css}</style>")


def escape(text: str) -> str:
    """Text as it may stand in an element or an attribute."""
    return text.translate(_ESCAPES) if _NEEDS.search(text) else text


def external(address: str) -> str | None:
    """An address that a record names, if following it runs nothing: http and https only."""
    return address if address.startswith(("https://", "http://")) else None


def _collect(child: Child, parts: list[str]) -> None:
    if isinstance(child, Html):
        parts.append(child.text)
    elif isinstance(child, str):
        parts.append(escape(child))
    elif isinstance(child, int):
        parts.append(str(child))
    elif child is not None:
        for each in child:
            _collect(each, parts)


def _attribute(key: str, value: Value) -> str:
    if value is None or value is False:
        return ""
    name = _name(key)
    if value is True:
        return f" {name}"
    text = str(value)
    if name in _ADDRESSES and not _SAFE_TARGET.match(text):
        raise ValueError(f"{text!r} is no address that a page may lead to")
    return f' {name}="{escape(text)}"'


@functools.cache
def _name(key: str) -> str:
    """An attribute's name from the keyword that stands for it; keywords come from our own code, so they are few."""
    name = "class" if key == "cls" else key.rstrip("_").replace("_", "-")
    if name == "style" or name.startswith("on"):
        raise ValueError(f"{name} would not pass the pages' policy: put it into style.css or explorer.js")
    return name

"""A value as a tree that opens and closes by itself: no script, nothing but elements."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from syndarix_obs_read.web.html import Child, Html, el

_MOST: Final = 400
"""Values of one tree; further ones are on the page that cuts nothing."""
_LINE: Final = 72
_TEXT: Final = 1_500
_OPEN: Final = 2
_DEEPEST: Final = 24


@dataclass(slots=True)
class _Budget:
    left: int = _MOST


def tree(value: Any, whole: str | None) -> Html:
    """A dict or list as a tree.

    Args:
        whole: address where nothing is cut.
    """
    budget = _Budget()
    inside = _value(value, 0, budget)
    cut = None
    if budget.left <= 0 and whole is not None:
        cut = el("p", f"cut after {_MOST} values · ", el("a", "show everything", href=whole), cls="cut")
    return el("div", inside, cut, cls="json")


def _value(value: Any, depth: int, budget: _Budget) -> Child:
    if not isinstance(value, (dict, list)):
        return _leaf(value)
    line = _one_line(value)
    if line is not None:
        return el("code", line, cls="short")
    if depth >= _DEEPEST or budget.left <= 0:
        return el("code", _size(value), cls="short")
    rows = el("ul", _rows(value, depth, budget))
    return el("details", el("summary", _size(value)), rows, open=depth < _OPEN)


def _rows(value: dict[Any, Any] | list[Any], depth: int, budget: _Budget) -> Iterator[Html]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in pairs:
        if budget.left <= 0:
            yield el("li", "…")
            return
        budget.left -= 1
        yield el("li", el("span", str(key), cls="key"), " ", _value(item, depth + 1, budget))


def _leaf(value: Any) -> Html:
    if isinstance(value, str):
        shown = value if len(value) <= _TEXT else f"{value[:_TEXT]}… ({len(value):,} characters)"
        return el("span", shown, cls="text")
    return el("span", json.dumps(value, default=str), cls="plain")


def _one_line(value: dict[Any, Any] | list[Any]) -> str | None:
    """A small value without anything nested on one line."""
    items = list(value.values()) if isinstance(value, dict) else value
    if len(items) > 8 or any(isinstance(item, (dict, list)) and item for item in items):
        return None
    if any(isinstance(item, str) and len(item) > _LINE for item in items):
        return None
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LINE else None


def _size(value: dict[Any, Any] | list[Any]) -> str:
    count = len(value)
    if isinstance(value, dict):
        return "{1 field}" if count == 1 else f"{{{count:,} fields}}"
    return "[1 item]" if count == 1 else f"[{count:,} items]"

"""Content that libraries flattened to fit into attributes, back in its own shape."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

# OpenInference wraps each item of a list in an object with one key.
_WRAPPERS: Final = frozenset(
    {"message", "message_content", "tool_call", "document", "tool", "embedding", "prompt", "completion"}
)
_DEEPEST: Final = 16


def decoded(value: Any) -> Any:
    """The object or list that a JSON text holds; anything else, and JSON that is broken, as it is."""
    if isinstance(value, str):
        start = value[:64].lstrip()[:1]
        if start in ("{", "["):
            try:
                return json.loads(value)
            except (ValueError, RecursionError):
                return value
    return value


def unflatten(items: Iterable[tuple[str, Any]]) -> list[Any]:
    """The list that indexed keys describe: `0.role`, `0.content`, `1.role`, … in any order, with gaps closed.

    Wrapping objects are taken off and `contents` becomes `content`, so that what comes out is the messages,
    tools or documents themselves.
    """
    root: dict[str, Any] = {}
    for key, value in items:
        _insert(root, key.split(".", _DEEPEST), value)
    numbered = {key: value for key, value in root.items() if key.isdecimal()}
    found = _shaped(numbered)
    return found if isinstance(found, list) else []


def _insert(node: dict[str, Any], path: list[str], value: Any) -> None:
    *parents, last = path
    for part in parents:
        child = node.get(part)
        if not isinstance(child, dict):
            child = node[part] = {}
        node = child
    node.setdefault(last, value)


def _shaped(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    if node and all(key.isdecimal() for key in node):
        return [_shaped(node[key]) for key in sorted(node, key=int)]
    if len(node) == 1 and (key := next(iter(node))) in _WRAPPERS and isinstance(node[key], dict):
        return _shaped(node[key])
    return {("content" if key == "contents" else key): _shaped(value) for key, value in node.items()}

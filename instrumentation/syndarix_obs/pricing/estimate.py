"""Token estimates for providers that sent no usage.

The rule: one token per four bytes of UTF-8 text, and four more per message for its frame. On English prose
and code that is within about a fifth of the common tokenizers; Chinese or Cyrillic text, which costs more
tokens per character, also has more bytes per character. Every number made here is marked as estimated
wherever it goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

BYTES_PER_TOKEN: Final = 4
"""Bytes of UTF-8 that count as one token."""
MESSAGE_TOKENS: Final = 4
"""Tokens that role and separators of one message cost."""
_DEEPEST = 12
_NOT_TEXT = frozenset({"type", "role", "id", "call_id", "tool_call_id", "tool_use_id", "finish_reason", "index"})


def estimate_tokens(text: str) -> int:
    """About how many tokens a text has; 0 for an empty one."""
    size = len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
    return -(-size // BYTES_PER_TOKEN)


def estimate_messages(messages: Any) -> int:
    """About how many tokens messages have, in whatever shape: text, a message, a list of either, any
    provider's.
    """
    if not messages:
        return 0
    items = messages if isinstance(messages, list | tuple) else [messages]
    return sum(_tokens(item, 0) + MESSAGE_TOKENS for item in items)


def estimate_text_of(value: Any) -> int:
    """About how many tokens all texts inside a value have: a system prompt, tool definitions."""
    return _tokens(value, 0)


def _tokens(value: Any, depth: int) -> int:
    if isinstance(value, str):
        return estimate_tokens(value)
    if depth > _DEEPEST:
        return 0
    if isinstance(value, Mapping):
        return sum(_tokens(part, depth + 1) for key, part in value.items() if key not in _NOT_TEXT)
    if isinstance(value, list | tuple):
        return sum(_tokens(part, depth + 1) for part in value)
    dump = getattr(value, "model_dump", None)
    return _tokens(dump(), depth + 1) if callable(dump) else 0

"""The most that a call can cost: its input, estimated high, and the longest answer that it allows.

Held against 150 recorded requests of OpenAI and Anthropic: three bytes of text per token, with what is added here for
messages and tools, is at or above the provider's count in all of them.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from syndarix_obs import vocabulary as v
from syndarix_obs.guarding.budgets import NANO
from syndarix_obs.guarding.output_limits import output_limit
from syndarix_obs.integrations.endpoints import given
from syndarix_obs.pricing.book import PriceBook
from syndarix_obs.pricing.usage import TokenUsage

BYTES_PER_TOKEN: Final = 3
PER_REQUEST: Final = 16
PER_PART: Final = 8
"""Tokens of a message's frame, or of a part of one."""
FOR_TOOLS: Final = 500
"""Tokens of the instructions that providers add when tools are offered."""
FOR_SCHEMA: Final = 300
"""The same for a form of the answer that is asked for."""
PER_ATTACHMENT: Final = 2_000
"""Tokens of a picture; and one more for each 30 characters of its base64 text."""
_DEEPEST: Final = 16
_LOCK_S: Final = 0.05
_MOST_OUTPUT: Final = ("max_completion_tokens", "max_output_tokens", "max_tokens", "max_tokens_to_sample")
_INPUT: Final = ("input", "system", "tools")
_LONG: Final = 1_024


class Need(NamedTuple):
    """What a call may take at most; dollars (billionths) are None when no price is known."""

    usd: int | None
    tokens: int


class WorstCase:
    """Works out the most that a call can take.

    Args:
        book: prices; used by one thread at a time.
        unlimited_output: tokens to assume for an answer of unstated length; None: the model's limit.
    """

    def __init__(self, book: PriceBook, unlimited_output: int | None = None) -> None:
        self._book = book
        self._unlimited = unlimited_output
        self._lock = threading.Lock()

    def of(self, attributes: Mapping[str, Any], payload: Mapping[str, Any], at_ns: int) -> Need:
        """The need of a call that is about to be made.

        Raises:
            TimeoutError: other threads were asking for prices all the time.
        """
        model = str(attributes.get(v.GEN_AI_REQUEST_MODEL) or "")
        asked = payload.get("request") or payload.get("parameters")
        request: Mapping[str, Any] = asked if isinstance(asked, Mapping) else {}
        size = _Size()
        for field in _INPUT:
            size.add(payload.get(field), 0)
        count = size.tokens + PER_REQUEST + (FOR_TOOLS if payload.get("tools") else 0)
        if given(request, "response_format") or given(request, "text") or given(request, "output_format"):
            count += FOR_SCHEMA
        answer = 0
        if attributes.get(v.GEN_AI_OPERATION_NAME) != v.OPERATION_EMBEDDINGS:
            answer = self._output(model, request)
        usage = TokenUsage(input=count, output=answer)
        if size.caches:  # what is written to a cache costs more than plain input
            usage = usage._replace(cache_write=count, other={"cache_write_1h_tokens": count} if size.long_cache else {})
        return Need(self._price(attributes, model, usage, request, at_ns), count + answer)

    def _output(self, model: str, request: Mapping[str, Any]) -> int:
        choices = given(request, "n")
        times = choices if type(choices) is int and choices > 1 else 1
        for name in _MOST_OUTPUT:
            value = given(request, name)
            if type(value) is int and value >= 0:
                return value * times
        return times * (self._unlimited if self._unlimited is not None else output_limit(model))

    def _price(
        self, attributes: Mapping[str, Any], model: str, usage: TokenUsage, request: Mapping[str, Any], at_ns: int
    ) -> int | None:
        if attributes.get(v.GEN_AI_OPERATION_NAME) == v.OPERATION_GENERATE_CONTENT:
            return None  # pictures, speech: billed by something else than what stands in the request
        tier = given(request, "service_tier")
        if not self._lock.acquire(timeout=_LOCK_S):
            raise TimeoutError("the price book was in use")
        try:
            price = self._book.price(
                provider=attributes.get(v.GEN_AI_PROVIDER_NAME), model=model, usage=usage,
                at=datetime.fromtimestamp(at_ns // 10**9, UTC),
                service_tier=tier if tier in ("priority", "flex") else None,
            )  # fmt: skip
        finally:
            self._lock.release()
        return None if price is None else math.ceil(price.total_usd * NANO)


class _Size:
    """Adds up the texts of a request without copying them."""

    __slots__ = ("_bytes", "_more", "caches", "long_cache")

    def __init__(self) -> None:
        self._bytes = self._more = 0
        self.caches = self.long_cache = False

    @property
    def tokens(self) -> int:
        """Tokens so far, estimated high."""
        return -(-self._bytes // BYTES_PER_TOKEN) + self._more

    def add(self, value: Any, depth: int) -> None:
        """Count a value and everything in it."""
        if isinstance(value, str):
            self._text(value)
        elif value is None or depth > _DEEPEST:
            return
        elif isinstance(value, Mapping):
            self._more += PER_PART if "role" in value or "type" in value else 0
            for key, part in value.items():
                if key == "cache_control":
                    self.caches = True
                    self.long_cache = self.long_cache or (isinstance(part, Mapping) and part.get("ttl") == "1h")
                    continue
                self._bytes += len(key) if isinstance(key, str) else 0
                self.add(part, depth + 1)
        elif isinstance(value, list | tuple):
            for part in value:
                self.add(part, depth + 1)
        elif isinstance(value, int | float):
            self._bytes += BYTES_PER_TOKEN
        else:
            dump = getattr(value, "model_dump", None)
            self.add(dump() if callable(dump) else None, depth + 1)

    def _text(self, text: str) -> None:
        if len(text) > _LONG and " " not in text[:_LONG] and "\n" not in text[:_LONG]:  # base64: a picture or a file
            self._more += PER_ATTACHMENT + len(text) // 30
        else:
            self._bytes += len(text) if text.isascii() else len(text.encode("utf-8", "replace"))

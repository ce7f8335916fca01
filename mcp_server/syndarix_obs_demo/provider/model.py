"""The scripted model behind the fake provider: what it says next, what it counts, how much is allowed."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

ToolUse = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer.

    Attributes:
        text: what the model says.
        tool_calls: tools it wants called, as (name, arguments).
        seconds: simulated time until the answer is complete.
        reasoning_tokens: hidden tokens, counted within the output.
        status: HTTP status; anything but 200 is an error without text.
        wait_seconds: what an error says about when to come back.
    """

    text: str = ""
    tool_calls: tuple[ToolUse, ...] = ()
    seconds: float = 0.8
    reasoning_tokens: int = 0
    status: int = 200
    wait_seconds: float = 1.0

    @property
    def output_tokens(self) -> int:
        """Tokens of the answer, hidden ones included."""
        calls = json.dumps(self.tool_calls) if self.tool_calls else ""
        return tokens(self.text) + tokens(calls) + self.reasoning_tokens


def tokens(text: str) -> int:
    """About four characters of English make a token; the fake provider counts exactly so."""
    return -(-len(text) // 4)


@dataclass(slots=True)
class Allowance:
    """A rate limit of a minute, as providers report it in headers."""

    limit: int
    left: int

    def take(self, amount: int) -> None:
        """Use some of it; never below zero."""
        self.left = max(0, self.left - amount)


@dataclass(slots=True)
class Model:
    """Says what the script says, in order.

    Args:
        skip: lets simulated seconds pass.

    Whoever reads a streamed answer sets `first_words_read`: simulated time stands still until then.
    """

    skip: Callable[[float], None]
    requests: Allowance = field(default_factory=lambda: Allowance(500, 500))
    tokens: Allowance = field(default_factory=lambda: Allowance(400_000, 400_000))
    served: int = 0
    first_words_read: threading.Event = field(default_factory=threading.Event)
    _script: deque[Reply] = field(default_factory=deque)
    _cached: set[int] = field(default_factory=set)

    def will_say(self, *replies: Reply) -> None:
        """Add to the script."""
        self._script.extend(replies)

    def new_minute(self) -> None:
        """Rate limits are whole again and the prompt cache has gone cold."""
        self.requests.left, self.tokens.left = self.requests.limit, self.tokens.limit
        self._cached.clear()

    def run_low(self, share: float) -> None:
        """Somebody else uses the same key: only this share of both limits is left."""
        self.requests.left = min(self.requests.left, round(self.requests.limit * share))
        self.tokens.left = min(self.tokens.left, round(self.tokens.limit * share))

    def answer(self, input_tokens: int) -> Reply:
        """The next answer of the script; a request nobody scripted gets a plain one."""
        self.served += 1
        reply = self._script.popleft() if self._script else Reply("I have nothing to add.")
        self.requests.take(1)
        self.tokens.take(input_tokens + reply.output_tokens)
        return reply

    def has_seen(self, model: str, prefix: str) -> bool:
        """Whether this prompt prefix is in the model's cache; it is from now on."""
        key = hash((model, prefix))
        known = key in self._cached
        self._cached.add(key)
        return known

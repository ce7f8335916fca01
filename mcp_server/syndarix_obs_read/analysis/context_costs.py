"""What a conversation's own past costs: tool results that are sent again, repeated prompts, calls in a circle.

Works on the token counts of calls alone, so that it needs no payloads. Calls of one agent in one session are a thread:
each sends what the one before sent and answered, and what came since. What came after a tool call is its result.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import Final

ZERO: Final = Decimal(0)
FRESH_NS: Final = 300 * 10**9
"""How long providers keep a prompt in their cache by default."""
LEAST_CACHED: Final = 1_024
"""Tokens below which providers cache nothing."""
_SAME: Final = 0.9
"""A call that sends less than this share of what the one before sent has begun anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One priced model call. `rates` are dollars per token of `input`, `cache_read` and `cache_write`."""

    thread: tuple[str, str]
    start_ns: int
    end_ns: int
    input: int
    """All of it, both cache classes included."""
    cache_read: int
    cache_write: int
    answer: int
    """Without reasoning, which is not sent again."""
    rates: Mapping[str, Decimal]
    usd: Decimal

    @property
    def input_rate(self) -> Decimal:
        """Dollars per token of its prompt, as it was cached."""
        plain = self.input - self.cache_read - self.cache_write
        paid = self.rates["input"] * plain + self.rates["cache_read"] * self.cache_read
        paid += self.rates["cache_write"] * self.cache_write
        return paid / self.input if self.input else ZERO


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a tool; `loop` is how many equal ones it completed, None where it completed no loop."""

    thread: tuple[str, str]
    start_ns: int
    tool: str
    loop: int | None


@dataclass(slots=True)
class Carried:
    """What sending tool results again cost. `results` are the tokens of the results, each counted once."""

    results: int = 0
    tokens: int = 0
    usd: Decimal = ZERO
    by_tool: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))


@dataclass(slots=True)
class Caching:
    """What caching saved, net of what writing cost, and what it could save beyond that at most."""

    read: int = 0
    saved: Decimal = ZERO
    could_read: int = 0
    could_save: Decimal = ZERO


def threads(calls: Iterable[Call]) -> Iterator[list[Call]]:
    """Calls of each agent and session, in order."""
    found: defaultdict[tuple[str, str], list[Call]] = defaultdict(list)
    for call in calls:
        found[call.thread].append(call)
    for thread in found.values():
        yield sorted(thread, key=lambda call: call.start_ns)


def carried(calls: Sequence[Call], tools: Sequence[ToolCall]) -> Carried:
    """What it cost to send tool results again with every later call, beyond the call that first read them."""
    found, by_thread = Carried(), _by_thread(tools)
    for thread in threads(calls):
        standing: dict[str, int] = defaultdict(int)
        for before, call in pairwise(thread):
            if call.input < _SAME * before.input:
                standing.clear()
            rate = call.input_rate if standing else ZERO
            for tool, tokens in standing.items():
                usd = tokens * rate
                found.tokens += tokens
                found.usd += usd
                found.by_tool[tool] += usd
            for tool, tokens in _results(before, call, by_thread.get(call.thread, ())):
                standing[tool] += tokens
                found.results += tokens
    return found


def _results(before: Call, call: Call, tools: Sequence[ToolCall]) -> Iterator[tuple[str, int]]:
    """Tokens that came between two calls, in equal shares to the tools that ran between them."""
    ran = [each.tool for each in tools if before.start_ns <= each.start_ns < call.start_ns]
    grown = call.input - before.input - before.answer
    if not ran or grown <= 0 or call.input < before.input:
        return
    for place, tool in enumerate(ran):
        yield tool, grown // len(ran) + (place < grown % len(ran))


def caching(calls: Sequence[Call]) -> Caching:
    """What caching did, and what it could do for prompts that begin as the one before did, within five minutes."""
    found = Caching()
    for thread in threads(calls):
        gain, missed, written = ZERO, 0, 0
        for call in thread:
            found.read += call.cache_read
            found.saved += call.cache_read * (call.rates["input"] - call.rates["cache_read"])
            found.saved -= call.cache_write * (call.rates["cache_write"] - call.rates["input"])
            written += call.cache_write
        for before, call in pairwise(thread):
            unread = _unread(before, call)
            missed += unread
            gain += unread * (call.rates["input"] - call.rates["cache_read"])
        if missed:
            longest = max(thread, key=lambda call: call.input)
            dearer = longest.rates["cache_write"] - longest.rates["input"]
            gain -= max(0, longest.input - written) * max(ZERO, dearer)
        if gain > 0:
            found.could_read += missed
            found.could_save += gain
    return found


def _unread(before: Call, call: Call) -> int:
    """Tokens that the call before had sent already and that were paid in full again."""
    again = before.input if call.input >= before.input else 0
    old = call.start_ns - before.end_ns > FRESH_NS
    if old or again < LEAST_CACHED or call.rates["cache_read"] >= call.rates["input"]:
        return 0
    return max(0, again - call.cache_read)


def looping(calls: Sequence[Call], tools: Sequence[ToolCall]) -> dict[tuple[str, str], Decimal]:
    """Dollars by thread of model calls between the first and the last call of a loop; the first was none yet."""
    found: dict[tuple[str, str], Decimal] = {}
    by_thread = _by_thread(tools)
    for thread in threads(calls):
        own = by_thread.get(thread[0].thread, [])
        spans = [span for each in own if each.loop and (span := _loop(each, own))]
        spent = sum((call.usd for call in thread if any(a < call.start_ns <= b for a, b in spans)), ZERO)
        if spent:
            found[thread[0].thread] = spent
    return found


def _loop(last: ToolCall, own: Sequence[ToolCall]) -> tuple[int, int] | None:
    """From the first of the equal calls to the one that completed the loop."""
    same = [each.start_ns for each in own if each.tool == last.tool and each.start_ns <= last.start_ns]
    return (same[-(last.loop or 1) :][0], last.start_ns) if len(same) > 1 else None


def _by_thread(tools: Iterable[ToolCall]) -> dict[tuple[str, str], list[ToolCall]]:
    found: defaultdict[tuple[str, str], list[ToolCall]] = defaultdict(list)
    for each in sorted(tools, key=lambda each: each.start_ns):
        found[each.thread].append(each)
    return found

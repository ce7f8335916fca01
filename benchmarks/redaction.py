"""Redaction throughput over all default patterns: how many MB of text a second one thread masks.

    python benchmarks/redaction.py [--seconds 0.5]

Each figure is thread CPU time of `Redactor("all").json(payload)`, JSON encoding included, best of five rounds that all
ways take in turn; MB are 10^6 bytes of the JSON text. `json` is the C encoder of the standard library on the same
payload. `ours, google-re2` is the redactor as it runs, `ours` the same where google-re2 cannot be imported. `one regex`
is the straightforward alternative: every string through one alternation of all patterns, with `re` and google-re2.
"""

from __future__ import annotations

import importlib
import json
import random
import re
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import results
from syndarix_obs.redaction.step import Redactor

TEXT = """
the agent should confirm before it changes a booking and then offer two options with a short reason for each
while keeping the tone friendly because customers often read quickly and miss details about refunds baggage or upgrades
"""
WORDS = TEXT.split()
HITS = (
    "ann.lee@example.com",
    "+1 415-555-0132",
    "4111 1111 1111 1111",
    "DE89 3704 0044 0532 0130 00",
    "078-05-1120",
    "203.0.113.77",
    "sk-ant-api03-abcDEF1234567890",
    "AKIAIOSFODNN7EXAMPLE",
    "DOB: 1980-03-04",
    "password: hunter22",
)
ONE_REGEX = (
    r"sk-[\w-]{16,}|eyJ[\w-]+\.[\w-]+\.[\w-]+|AKIA[A-Z0-9]{16}|AIza[\w-]{35}|gh[pousr]_\w{24,}|xox[a-z]-[\w-]{10,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----|[Bb]earer\s+[\w.~+/=-]{16,}|://[^\s/:@]+:[^\s/@]+@|[\w.%+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|(?:\d[ -]?){13,19}|[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]{4}){3,7}|\d{3}-\d{2}-\d{4}|(?:\d{1,3}\.){3}\d{1,3}"
    r"|\+?\d{0,2}[ (.-]{0,2}\d{3}[) .-]{1,2}\d{3}[ .-]\d{4}|(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}"
    r"|(?i:dob|date of birth|password|api_key)\W{1,5}\S+"
)


def prose(size: int, hit_every: int = 0) -> str:
    """Sentences of `size` characters, with something sensitive every `hit_every` words (0: never)."""
    rng = random.Random(7)
    words: list[str] = []
    length = 0
    while length < size:
        word = rng.choice(HITS) if hit_every and len(words) % hit_every == hit_every - 1 else rng.choice(WORDS)
        words.append(word + (". " if len(words) % 14 == 13 else " "))
        length += len(words[-1])
    return "".join(words)[:size]


def chat(text: str) -> dict[str, Any]:
    """A payload of one system and one user message."""
    first = len(text) // 4
    return {"input": [{"role": "system", "content": text[:first]}, {"role": "user", "content": text[first:]}]}


def payloads() -> dict[str, Any]:
    """What is measured, by name."""
    rows = [
        {"id": n, "status": "available", "price": n % 400, "flight": f"HAT{n:03}", "date": "2024-05-20"}
        for n in range(2_000)
    ]
    return {
        "clean prompt, 2 KB": chat(prose(2_000)),
        "clean prompt, 200 KB": chat(prose(200_000)),
        "clean structured result, 150 KB": {"result": rows},
        "one e-mail in 2 KB": chat(prose(1_980) + " ann@example.com "),
        "one e-mail in 200 KB": chat(prose(200_000) + " ann@example.com "),
        "dense: a hit every 12 words, 200 KB": chat(prose(200_000, 12)),
    }


def rates(ways: dict[str, Callable[[], object]], size: int, seconds: float) -> dict[str, dict[str, float]]:
    """µs per call and MB/s of each way: best of five rounds of thread CPU time, the ways in turn."""
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(5):
        for way, work in ways.items():
            calls, start = 0, time.thread_time()
            while (spent := time.thread_time() - start) < seconds or not calls:
                work()
                calls += 1
            best[way] = min(best[way], spent / calls)
    return {way: {"us": one * 1e6, "mb_per_s": size / one / 1e6} for way, one in best.items()}


def ways_of(payload: Any, text: str) -> dict[str, Callable[[], object]]:
    """Everything that is compared on one payload; what needs google-re2 only where that is installed."""
    ways: dict[str, Callable[[], object]] = {
        "json": partial(json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode, payload),
        "ours": partial(Redactor("all", accelerated=False).json, payload),
        "one regex": partial(re.compile(ONE_REGEX).sub, "[REDACTED]", text),
    }
    try:
        re2 = importlib.import_module("re2")
    except ImportError:
        return ways
    ways["ours, google-re2"] = partial(Redactor("all").json, payload)
    ways["one regex, google-re2"] = partial(re2.compile(ONE_REGEX).sub, "[REDACTED]", text)
    return ways


def main() -> None:
    """Print the table."""
    parser = results.parser(__doc__)
    parser.add_argument("--seconds", type=float, default=0.2, help="CPU time of each round")
    chosen = parser.parse_args()
    found = {}
    print(f"{'payload':38} {'way':24} {'µs':>12} {'MB/s':>8}")
    for name, payload in payloads().items():
        text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
        found[name] = rates(ways_of(payload, text), len(text.encode()), chosen.seconds)
        for way, one in found[name].items():
            print(f"{name:38} {way:24} {one['us']:12.1f} {one['mb_per_s']:8.1f}")
    results.save(chosen.json, found)


if __name__ == "__main__":
    main()

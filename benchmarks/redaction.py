"""Redaction throughput over all default patterns: how many MB of text a second one thread masks.

    python benchmarks/redaction.py [--seconds 0.5]

Each figure is thread CPU time of `Redactor("all").json(payload)`, JSON encoding included, best of three rounds; MB are
10^6 bytes of the JSON text. `json` is the plain C encoder on the same payload, the floor of any design that must write
JSON. `one regex` is the straightforward alternative: every string through one alternation of all patterns. Where
google-re2 is installed, the same alternation runs through it too.
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
from syndarix_obs.pipeline.redact import Redactor

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


def rate(work: Callable[[], object], size: int, seconds: float) -> tuple[float, float]:
    """µs per call and MB/s, best of three rounds of thread CPU time."""
    best = float("inf")
    for _ in range(3):
        calls, start = 0, time.thread_time()
        while time.thread_time() - start < seconds:
            work()
            calls += 1
        best = min(best, (time.thread_time() - start) / calls)
    return best * 1e6, size / best / 1e6


def other_engines() -> dict[str, Callable[[str], object]]:
    """The same alternation, searched by `re` and by whichever other engine is installed."""
    compiled = re.compile(ONE_REGEX)
    engines: dict[str, Callable[[str], object]] = {"one regex (re)": lambda text: compiled.sub("[REDACTED]", text)}
    try:
        re2 = importlib.import_module("re2")
    except ImportError:
        return engines
    fast = re2.compile(ONE_REGEX)
    engines["one regex (google-re2)"] = lambda text: fast.sub("[REDACTED]", text)
    return engines


def main() -> None:
    """Print the table."""
    parser = results.parser(__doc__)
    parser.add_argument("--seconds", type=float, default=0.5, help="CPU time of each round")
    chosen = parser.parse_args()
    seconds, found = chosen.seconds, dict[str, dict[str, dict[str, float]]]()
    redactor = Redactor("all")
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    print(f"{'payload':38} {'way':24} {'µs':>12} {'MB/s':>8}")
    for name, payload in payloads().items():
        text = encode(payload)
        ways: dict[str, Callable[[], object]] = {
            "json": partial(encode, payload),
            "Redactor.json": partial(redactor.json, payload),
            **{way: partial(search, text) for way, search in other_engines().items()},
        }
        for way, work in ways.items():
            micros, speed = rate(work, len(text.encode()), seconds)
            found.setdefault(name, {})[way] = {"us": micros, "mb_per_s": speed}
            print(f"{name:38} {way:24} {micros:12.1f} {speed:8.1f}")
    results.save(chosen.json, found)


if __name__ == "__main__":
    main()

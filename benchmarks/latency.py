"""The 5% rule: what recording adds to calls of a provider that answers in 100 ms, at p50 and p99.

    python benchmarks/latency.py [--calls 600]

The real `openai` client from four threads. Each way is a process of its own in which calls without and with the
recording alternate in chunks, so that both meet the same moments of the machine. A call's own time is its wall time
less the provider's sleep, as it was; what recording adds is the difference of the own times at each percentile, and
the rule compares it with the whole call.
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import results
import workload
from local_sink import LocalSink

PROVIDER_S = 0.1
THREADS = 4
CHUNK = 10
WAYS = ("api-stack", "api-embedded", "auto-stack", "auto-embedded")

Call = Callable[[], Any]


class SlowProvider:
    """Answers after a sleep, and knows how long that was for the calling thread."""

    def __init__(self) -> None:
        self._slept = threading.local()

    def __call__(self, request: Any) -> Any:
        start = time.perf_counter()
        time.sleep(PROVIDER_S)
        self._slept.seconds = time.perf_counter() - start
        return workload.respond(request)

    @property
    def slept(self) -> float:
        """Seconds of the calling thread's last sleep."""
        return float(self._slept.seconds)


def timed(call: Call, provider: SlowProvider, count: int) -> list[tuple[float, float]]:
    """Own and whole milliseconds of calls in a row."""
    found = []
    for _ in range(count):
        start = time.perf_counter()
        call()
        whole = time.perf_counter() - start
        found.append(((whole - provider.slept) * 1e3, whole * 1e3))
    return found


def in_turn(without: Call, recorded: Call, provider: SlowProvider, calls: int) -> tuple[list[Any], list[Any]]:
    """One thread's times without and with, chunk by chunk."""
    plain: list[Any] = []
    watched: list[Any] = []
    for _ in range(calls // CHUNK):
        plain += timed(without, provider, CHUNK)
        watched += timed(recorded, provider, CHUNK)
    return plain, watched


def child(way: str, url: str, calls: int) -> None:
    """Both kinds of call in one process; JSON on stdout."""
    from syndarix_obs import ObservabilityPlatform, Settings

    provider = SlowProvider()
    messages = [{"role": "user", "content": workload.prompt(2_000)}]
    kind, backend = way.split("-")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        settings = Settings(backend=backend, home=Path(home), otlp_endpoint=url, loki_url=url)
        chat = workload.client(provider).chat.completions
        original = type(chat).create
        obs = ObservabilityPlatform(settings)
        plain: Call = lambda: original(chat, model="gpt-4o-mini", messages=messages)
        if kind == "auto":
            obs.auto_instrument()
            recorded: Call = lambda: chat.create(model="gpt-4o-mini", messages=messages)
        else:
            recorded = through_api(obs, plain, messages)
        in_turn(plain, recorded, provider, CHUNK)
        with ThreadPoolExecutor(THREADS) as pool:
            share = calls // THREADS
            done = list(pool.map(lambda _: in_turn(plain, recorded, provider, share), range(THREADS)))
        obs.shutdown()
    print(json.dumps(figures([t for one, _ in done for t in one], [t for _, one in done for t in one])))


def through_api(obs: Any, call: Call, messages: list[dict[str, str]]) -> Call:
    """The call within our own API."""

    def recorded() -> None:
        with obs.llm(provider="openai", model="gpt-4o-mini", messages=messages) as watched:
            answer = call()
            watched.response(
                [answer.choices[0].message.model_dump()],
                usage=answer.usage,
                finish_reason=answer.choices[0].finish_reason,
                model=answer.model,
            )

    return recorded


def figures(plain: list[tuple[float, float]], recorded: list[tuple[float, float]]) -> dict[str, float]:
    """Milliseconds and percents at the percentiles."""
    found: dict[str, float] = {"calls": len(recorded)}
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        own_plain = results.percentile([own for own, _ in plain], share)
        own_recorded = results.percentile([own for own, _ in recorded], share)
        whole = results.percentile([total for _, total in plain], share)
        found |= {f"{name}_without_ms": whole, f"{name}_added_ms": own_recorded - own_plain}
        found[f"{name}_percent"] = 100 * (own_recorded - own_plain) / whole
    return found


def main() -> None:
    """See the module's text."""
    if "--child" in sys.argv:
        way, url, calls = sys.argv[2:]
        child(way, url, int(calls))
        return
    options = results.parser(__doc__)
    options.add_argument("--calls", type=int, default=600, help="recorded calls of each way")
    chosen = options.parse_args()
    found = {}
    with LocalSink() as sink:
        for way in WAYS:
            found[way] = results.in_child(__file__, way, sink.url, str(chosen.calls))
            print(way, {key: round(value, 3) for key, value in found[way].items()}, flush=True)
    results.save(chosen.json, found)


if __name__ == "__main__":
    main()

"""The short form of the comparison, for CI: our overhead as a ratio to the bare span, everything in one process.

Rounds alternate between the bare span and ours, so that a slow moment of the machine hits both. Spans are opened and
ended around nothing, where the ratio is that of the overheads; calls of the real `openai` client are compared whole,
because the difference of two calls is too small to be steady on a busy machine. Ratios only: times mean nothing on
another machine. A try is a process of its own and takes about 25 seconds.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import results
import spans
import workload
from local_sink import LocalSink
from subjects import bare, ours

ALLOWED_RISE = 1.25
TRIES = 3
ROUNDS, CALLS, SPANS = 7, 400, 1_000
SIZE = 2_000

Subject = tuple[Callable[[], Any], Callable[[], Any]]


def subjects(url: str, home: Path) -> dict[str, Subject]:
    """What is clocked, each with its flush; all on the same real `openai` client."""
    from syndarix_obs import ObservabilityPlatform, Settings

    settings = Settings(backend="stack", home=home, otlp_endpoint=url, loki_url=url, set_global=False)
    obs = ObservabilityPlatform(settings)
    provider = bare.provider(url)
    chat, prompt = workload.client().chat.completions, workload.prompt(SIZE)
    create, messages = type(chat).create, [{"role": "user", "content": prompt}]
    obs.auto_instrument()

    def plain() -> Any:
        return create(chat, model="gpt-4o-mini", messages=messages)

    with_span = bare.wrapper(provider.get_tracer("bench"), content=False)
    with_api = ours.wrapper(obs)
    flush = lambda: obs.flush(30)
    return {
        "bare": (lambda: with_span(plain, prompt), provider.force_flush),
        "api": (lambda: with_api(plain, prompt), flush),
        "auto": (lambda: chat.create(model="gpt-4o-mini", messages=messages), flush),
    }


def ratios() -> dict[str, float]:
    """Ours over the bare span, by operation and clock."""
    return results.in_child(__file__)


def measured() -> dict[str, float]:
    """The same, in this process."""
    with LocalSink() as sink, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        alone = spans.measure(sink.url, ROUNDS, SPANS)
        values = spans.interleaved(subjects(sink.url, Path(home)), ROUNDS, CALLS)
    found = {}
    for clock in ("caller", "process"):
        for way in ("api", "auto"):
            pairs = zip(values[way][clock], values["bare"][clock], strict=True)
            found[f"openai call, {way}, {clock}"] = results.median([own / other for own, other in pairs])
        for operation, one in alone.items():
            found[f"{operation} span, {clock}"] = one["ours"][clock] / one["bare"][clock]
    return found


def worse(measured: dict[str, float], recorded: dict[str, float]) -> list[str]:
    """What is more than 25% above the recorded ratio."""
    return [
        f"{name}: {ratio:.2f} × the bare span, recorded {recorded[name]:.2f}"
        for name, ratio in measured.items()
        if name in recorded and ratio > recorded[name] * ALLOWED_RISE
    ]


def record(path: Path) -> None:
    """Write the ratios of a calm machine: the median of the tries."""
    tries = [ratios() for _ in range(TRIES)]
    found = {name: round(results.median([one[name] for one in tries]), 3) for name in tries[0]}
    path.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(path.read_text(encoding="utf-8"))


def check(path: Path) -> None:
    """Fail when a ratio has risen. What a busy machine spoilt is measured again: a real rise shows in every try."""
    recorded: dict[str, float] = json.loads(path.read_text(encoding="utf-8"))
    best: dict[str, float] = {}
    for _ in range(TRIES):
        best = {name: min(ratio, best.get(name, ratio)) for name, ratio in ratios().items()}
        if not worse(best, recorded):
            break
    for name, ratio in best.items():
        print(f"{name:28} {ratio:5.2f} × the bare span (recorded {recorded.get(name, float('nan')):.2f})")
    if found := worse(best, recorded):
        raise SystemExit("more than 25% above the recorded ratio:\n" + "\n".join(found))


if __name__ == "__main__":
    print(json.dumps(measured()))

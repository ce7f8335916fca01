"""What one span costs the caller and the process: tool, decision and LLM call, ours and OpenTelemetry's in turn.

    python benchmarks/spans.py [--rounds 9] [--spans 2000]

One process, no client around: our span and the OpenTelemetry span (SDK, BatchSpanProcessor, OTLP over HTTP) with the
same attributes are opened and ended back to back, a round of the one, then a round of the other. Caller: CPU time of
this thread. Process: CPU time of all threads, the flush of everything included. `bare` leaves arguments, results and
messages away, `bare + content` carries them as JSON; ours always records them.
"""

from __future__ import annotations

import gc
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import results
from local_sink import LocalSink
from subjects import bare
from workload import prompt

Action = Callable[[], None]
ARGUMENTS = {"query": "refund for order 42", "limit": 5, "sort": "newest"}
RESULT = {"hits": [{"id": n, "title": f"order {n}", "score": 0.5} for n in range(5)]}
OPTIONS = ["search", "refund", "answer"]
REASONING = "The customer names an order, so that order has to be looked up before anything is promised."
QUESTION, ANSWER = prompt(2_000), prompt(400)


def bare_tool(tracer: Any, content: bool) -> Action:
    """A tool span as the conventions want it."""

    def run() -> None:
        with tracer.start_as_current_span("execute_tool search") as span:
            span.set_attribute("gen_ai.operation.name", "execute_tool")
            span.set_attribute("gen_ai.tool.name", "search")
            if content:
                span.set_attribute("gen_ai.tool.call.arguments", json.dumps(ARGUMENTS))
                span.set_attribute("gen_ai.tool.call.result", json.dumps(RESULT))

    return run


def bare_decision(tracer: Any, content: bool) -> Action:
    """A decision as a span; the reasoning is its content."""

    def run() -> None:
        with tracer.start_as_current_span("decision tool_selection") as span:
            span.set_attribute("syndarix.decision.type", "tool_selection")
            span.set_attribute("syndarix.decision.options", OPTIONS)
            span.set_attribute("syndarix.decision.selected", "search")
            span.set_attribute("syndarix.decision.confidence", 0.82)
            if content:
                span.set_attribute("syndarix.decision.reasoning", REASONING)

    return run


def bare_llm(tracer: Any, content: bool) -> Action:
    """The span of `subjects/bare.py` around nothing."""
    around = bare.wrapper(tracer, content=content)
    return lambda: around(lambda: None, QUESTION)


def our_actions(obs: Any) -> dict[str, Action]:
    """The same three through our API, with all content."""

    def tool() -> None:
        with obs.tool("search", arguments=ARGUMENTS) as call:
            call.result(RESULT)

    def decision() -> None:
        obs.decision("tool_selection", options=OPTIONS, selected="search", reasoning=REASONING, confidence=0.82)

    def llm() -> None:
        with obs.llm(provider="openai", model="gpt-4o-mini", messages=[{"role": "user", "content": QUESTION}]) as call:
            call.response(
                [{"role": "assistant", "content": ANSWER}],
                usage={"input_tokens": 400, "output_tokens": 80},
                finish_reason="stop",
                model="gpt-4o-mini-2024-07-18",
                response_id="chatcmpl-bench",
            )

    return {"tool": tool, "decision": decision, "llm": llm}


def clock(action: Action, count: int, flush: Callable[[], Any]) -> dict[str, float]:
    """Microseconds per span, in the caller and in the process."""
    gc.collect()
    process, caller = time.process_time(), time.thread_time()
    for _ in range(count):
        action()
    caller = time.thread_time() - caller
    flush()
    process = time.process_time() - process
    return {"caller": caller / count * 1e6, "process": process / count * 1e6}


def measure(url: str, rounds: int, count: int) -> dict[str, dict[str, dict[str, float]]]:
    """Median microseconds by operation, subject and clock."""
    from syndarix_obs import ObservabilityPlatform, Settings

    provider = bare.provider(url)
    tracer = provider.get_tracer("bench")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        settings = Settings(backend="stack", home=Path(home), otlp_endpoint=url, loki_url=url, set_global=False)
        obs = ObservabilityPlatform(settings)
        makers = {"tool": bare_tool, "decision": bare_decision, "llm": bare_llm}
        found: dict[str, dict[str, dict[str, list[float]]]] = {}
        for operation, ours in our_actions(obs).items():
            subjects: dict[str, tuple[Action, Callable[[], Any]]] = {
                "bare": (makers[operation](tracer, False), provider.force_flush),
                "bare + content": (makers[operation](tracer, True), provider.force_flush),
                "ours": (ours, lambda: obs.flush(30)),
            }
            found[operation] = interleaved(subjects, rounds, count)
        obs.shutdown()
        provider.shutdown()
    return {
        operation: {s: {c: results.median(v) for c, v in clocks.items()} for s, clocks in subjects_found.items()}
        for operation, subjects_found in found.items()
    }


def interleaved(
    subjects: dict[str, tuple[Action, Callable[[], Any]]], rounds: int, count: int
) -> dict[str, dict[str, list[float]]]:
    """All values by subject and clock; the first round warms up and does not count."""
    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for number in range(rounds + 1):
        for subject, (action, flush) in subjects.items():
            for name, value in clock(action, count, flush).items():
                if number:
                    values[subject][name].append(value)
    return values


def main() -> None:
    """Measure and print."""
    options = results.parser(__doc__)
    options.add_argument("--rounds", type=int, default=9)
    options.add_argument("--spans", type=int, default=1_500, help="spans of a round; the default batcher holds 2,048")
    chosen = options.parse_args()
    with LocalSink() as sink:
        found = measure(sink.url, chosen.rounds, chosen.spans)
    for operation, subjects in found.items():
        for subject, clocks in subjects.items():
            ratio = clocks["caller"] / subjects["bare"]["caller"]
            print(f"{operation:9} {subject:15} caller {clocks['caller']:6.1f} µs ({ratio:.2f} × bare)"
                  f"  process {clocks['process']:6.1f} µs")  # fmt: skip
    results.save(chosen.json, found)


if __name__ == "__main__":
    main()

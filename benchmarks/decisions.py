"""What automatic decisions and fingerprints cost: CPU of a whole process for each model call, on and off.

    .venv/bin/python benchmarks/decisions.py
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from syndarix_obs import ObservabilityPlatform, Settings

CALLS = 2_000
ROUNDS = 5
TOOLS = [
    {"type": "function", "function": {"name": f"tool_{n}", "description": "Does a thing. " * 4, "parameters": {}}}
    for n in range(8)
]


def cpu_of(calls: int, *, decisions: bool, tools: Any) -> tuple[float, float]:
    """Microseconds of CPU a call: of the process, and of the caller's thread."""
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home), backend="none", set_global=False, automatic_decisions=decisions)
        with ObservabilityPlatform(settings, consumers=[]) as obs:
            called = {"id": "c", "type": "function", "function": {"name": "tool_1", "arguments": '{"a": 1}'}}
            answer = {"role": "assistant", "content": None, "tool_calls": [called]}
            messages = [{"role": "user", "content": "x" * 2_048}]
            process, thread = time.process_time(), time.thread_time()
            with obs.session("bench"):
                for _ in range(calls):
                    with obs.llm(provider="openai", model="gpt-4o", messages=messages, tools=tools) as call:
                        call.response([answer], usage={"input_tokens": 500, "output_tokens": 20})
            thread = time.thread_time() - thread
            obs.flush(60)
            process = time.process_time() - process
    return process / calls * 1e6, thread / calls * 1e6


def main() -> None:
    """Print the medians."""
    for name, tools in (("no tools offered", None), ("8 tools offered, one called", TOOLS)):
        for decisions in (False, True):
            found = [cpu_of(CALLS, decisions=decisions, tools=tools) for _ in range(ROUNDS)]
            process, thread = (statistics.median(column) for column in zip(*found, strict=True))
            state = "on" if decisions else "off"
            print(f"{name}, decisions {state}: {process:.0f} µs of the process, {thread:.1f} µs of the caller")


if __name__ == "__main__":
    main()

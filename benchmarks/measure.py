"""Measures one subject in one process: `python measure.py SUBJECT SINK_URL SIZE CALLS KIND`, JSON on stdout.

The same calls run first without and then with the subject; the difference is the overhead. Caller: CPU time of the
calling thread. Process: CPU time of all threads including the flush of everything recorded. KIND is `plain`,
`stream`, `async`, `threads`, or `none` (no client at all: the recorder around an empty function).
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

os.environ.setdefault("OTEL_SDK_DISABLED", "false")
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import workload
from subjects import bare

Run = Callable[[int], float]


def clock(run: Run, calls: int, flush: Callable[[], Any]) -> dict[str, float]:
    """Microseconds per call: in the caller, in the whole process, on the wall."""
    flush()
    gc.collect()  # start-up garbage is nobody's overhead per call
    wall, process = time.perf_counter(), time.process_time()
    caller = run(calls)
    wall = time.perf_counter() - wall
    flush()
    process = time.process_time() - process
    return {"caller": caller / calls * 1e6, "process": process / calls * 1e6, "wall": wall / calls * 1e6}


def repeated(call: Callable[[], Any]) -> Run:
    """Back to back in this thread."""

    def run(calls: int) -> float:
        before = time.thread_time()
        for _ in range(calls):
            call()
        return time.thread_time() - before

    return run


def threaded(call: Callable[[], Any]) -> Run:
    """From 8 threads; the caller's time is the sum of theirs."""

    def run(calls: int) -> float:
        with ThreadPoolExecutor(8) as pool:
            return sum(pool.map(lambda _: repeated(call)(calls // 8), range(8)))

    return run


def concurrent(size: int) -> Run:
    """Eight tasks of one event loop."""
    messages = [{"role": "user", "content": workload.prompt(size)}]

    async def work(chat: Any, calls: int) -> None:
        for _ in range(calls):
            await chat.create(model="gpt-4o-mini", messages=messages)

    async def everything(calls: int) -> None:
        chat = workload.async_client().chat.completions
        await asyncio.gather(*(work(chat, calls // 8) for _ in range(8)))

    def run(calls: int) -> float:
        before = time.thread_time()
        asyncio.run(everything(calls))
        return time.thread_time() - before

    return run


def runner(kind: str, size: int, around: Callable[[Callable[[], Any], str], Any] | None) -> Run:
    """What is clocked: the kind of call, with the wrapper around each where the subject is one."""
    if kind == "async":
        return concurrent(size)
    if kind == "none":
        call: Callable[[], Any] = lambda: None
    else:
        call = workload.streamed_call(size) if kind == "stream" else workload.call(size)
    if around is not None:
        inner, prompt = call, workload.prompt(size)
        call = lambda: around(inner, prompt)
    return threaded(call) if kind == "threads" else repeated(call)


def begin(subject: str, sink: str) -> tuple[Any, Callable[[], Any]]:
    """Start a subject: its wrapper, or None when it patches the client, and its flush."""
    if subject.startswith("bare"):
        return bare.start(sink, content=subject == "bare-content")
    if subject.startswith("ours"):
        from subjects import ours

        _, way, backend = subject.split("-")
        return ours.start(sink, backend) if way == "api" else (None, ours.auto(sink, backend))
    from subjects.instrumentors import LIBRARIES

    return None, LIBRARIES[subject][1](sink)


def main() -> None:
    """See the module's text."""
    subject, sink, size, calls, kind = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
    nothing = runner(kind, size, None)
    nothing(max(64, calls // 4))
    without = clock(nothing, calls, lambda: None)
    around, flush = begin(subject, sink)
    subject_run = runner(kind, size, around)
    subject_run(max(64, calls // 4))
    with_subject = clock(subject_run, calls, flush)
    json.dump({"subject": subject, "without": without, "with": with_subject}, sys.stdout)
    sys.stdout.flush()
    os._exit(0)  # some subjects take half a minute to leave; that is measured elsewhere


if __name__ == "__main__":
    main()

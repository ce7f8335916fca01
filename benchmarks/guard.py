"""What a budget adds to a call, while 8 processes make 1,000 calls at once, and whether it holds.

    python benchmarks/guard.py [--json] [--processes 8] [--calls 125] [--seconds 1]

Each process has `--calls` tasks; each task starts at a moment of its own within `--seconds`, opens one recorded call of
$0.10, and waits 50 to 150 ms for its answer. Timed is what opening the call takes on the wall, with no budget
(`without`), with a budget that has room for all (`room`), and with one of $5 (`cap`), in milliseconds at p50 and p99.
`added_p99_ms` is the worse of the two against `without`; `spent_usd` is the sum of the answers that came under the cap.
`cpu_p99_ms` is the processor time of the calling thread for the same: on a machine that others use too, the wall clock
mostly tells how long a process waited for its turn (`load` is the load average over the cores).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from syndarix_obs import BudgetExceeded, ObservabilityPlatform, Settings
from syndarix_obs.guarding.accounts import read
from syndarix_obs.guarding.budgets import NANO

PRICES = """
- {provider: bench, model: dime, from: 2020-01-01, input_per_mtok: 0, output_per_mtok: 100, checked: 2026-11-28,
   source: this benchmark}
"""
"""1,000 tokens of answer cost $0.10, and the prompt nothing: the worst case is the real cost."""
LIMITS = {"without": None, "room": "1000", "cap": "5"}


def agent(home: Path, case: str, calls: int, seconds: float) -> dict[str, Any]:
    """One process: all its calls at once, each timed."""
    obs = ObservabilityPlatform(
        Settings(home=home, backend="none", set_global=False, prices_file=home / "prices.yml", guard_timeout=60)
    )
    if LIMITS[case] is not None:
        obs.budget("bench", usd=LIMITS[case], per="month")
    took: list[float] = []
    worked: list[float] = []
    print("ready", flush=True)
    start_at = float(sys.stdin.readline())

    async def call() -> int:
        await asyncio.sleep(start_at - time.time() + random.random() * seconds)
        opened = obs.llm(provider="bench", model="dime", messages="hello", parameters={"max_tokens": 1_000})
        before, processor = time.perf_counter(), time.thread_time()
        try:
            opened.start()
        except BudgetExceeded:
            return 0
        finally:
            took.append(time.perf_counter() - before)
            worked.append(time.thread_time() - processor)
        await asyncio.sleep(0.05 + random.random() / 10)
        opened.response("hi", usage={"input_tokens": 10, "output_tokens": 1_000})
        opened.stop()
        return 1

    async def everything() -> int:
        return sum(await asyncio.gather(*(call() for _ in range(calls))))

    made = asyncio.run(everything())
    obs.shutdown()
    return {"made": made, "took": took, "worked": worked}


def measured(case: str, options: argparse.Namespace) -> dict[str, float]:
    """All processes of one case."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "prices.yml").write_text(PRICES, encoding="utf-8")
        command = [
            sys.executable, __file__, "--agent", case, folder, "--calls", str(options.calls),
            "--seconds", str(options.seconds),
        ]  # fmt: skip
        pipe = subprocess.PIPE
        running = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(options.processes)]
        for each in running:
            assert each.stdout is not None
            each.stdout.readline()
        start_at = str(time.time() + 0.5)
        for each in running:
            assert each.stdin is not None
            each.stdin.write(start_at + "\n")
            each.stdin.flush()
        found = [json.loads(each.communicate(timeout=120)[0]) for each in running]
        accounts = read(home)[1]
    took = sorted(seconds * 1e3 for each in found for seconds in each["took"])
    worked = sorted(seconds * 1e3 for each in found for seconds in each["worked"])
    return {
        "made": sum(each["made"] for each in found),
        "p50_ms": took[len(took) // 2],
        "p99_ms": took[int(len(took) * 0.99)],
        "max_ms": took[-1],
        "cpu_p99_ms": worked[int(len(worked) * 0.99)],
        "spent_usd": sum(each.spent.usd for each in accounts) / NANO,
        "held_usd": sum(each.held.usd for each in accounts) / NANO,
    }


def main() -> None:
    """See the module's text."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--calls", type=int, default=125, help="of each process")
    parser.add_argument("--seconds", type=float, default=1.0, help="within which all calls begin")
    parser.add_argument("--agent", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.agent:
        case, folder = options.agent
        print(json.dumps(agent(Path(folder), case, options.calls, options.seconds)))
        return
    cases = {case: measured(case, options) for case in LIMITS}
    added = max(cases[case]["p99_ms"] for case in ("room", "cap")) - cases["without"]["p99_ms"]
    figures = {
        "calls": options.processes * options.calls, "added_p99_ms": added, "spent_usd": cases["cap"]["spent_usd"],
        "made_under_cap": cases["cap"]["made"], "load": os.getloadavg()[0] / (os.cpu_count() or 1), "cases": cases,
    }  # fmt: skip
    if options.json:
        print(json.dumps(figures, indent=1))
        return
    for case, found in cases.items():
        print(f"{case:8}", *(f"{name} {value:.3f}" for name, value in found.items()))
    print(f"added p99 {added:.3f} ms; under a cap of $5 spent ${figures['spent_usd']:.2f}; load {figures['load']:.1f}")


if __name__ == "__main__":
    main()

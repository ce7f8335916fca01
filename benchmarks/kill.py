"""`kill -9` at a random moment, over and over: what is missing afterwards, and whether the store opens clean.

    python benchmarks/kill.py [--times 20]

A child records calls as fast as a busy agent (one per half millisecond or so) and notes in shared memory when each had
ended. It is killed; then everything that it noted must be found, except what ended in the last second. `embedded`
looks into the SQLite file, which all runs share, and runs SQLite's integrity check each time. `stack` kills while the
sink is up, down or hanging in turn; then the sink comes back, the next process drains the spool, and the sink is asked.
"""

from __future__ import annotations

import json
import mmap
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import results
from burst import DRAIN_S, KINDS, drain
from local_sink import LocalSink

HERE = Path(__file__).resolve()
MOST_CALLS = 200_000
STATES = ("up", "down", "hang")
PAUSE_S = 0.0005
AT_WORK = 300
"""Calls after which the child counts as warm."""


class Notes:
    """When each call ended, in nanoseconds since the epoch, in memory that outlives the child."""

    def __init__(self, path: Path) -> None:
        path.touch()
        with path.open("r+b") as file:
            file.truncate(MOST_CALLS * 8)
            self._map = mmap.mmap(file.fileno(), MOST_CALLS * 8)
        self.times = memoryview(self._map).cast("q")

    def ended(self) -> dict[int, int]:
        """Number of each call that ended, and when."""
        return {number: at for number, at in enumerate(self.times) if at}


def child(backend: str, url: str, home: str, run: str) -> None:
    """Record calls until killed."""
    from syndarix_obs import ObservabilityPlatform, Settings

    obs = ObservabilityPlatform(Settings(backend=backend, home=Path(home), otlp_endpoint=url, loki_url=url))
    notes = Notes(Path(home) / f"notes-{run}")
    text = "what was said " * 140
    with obs.session(agent="bench"):
        for number in range(MOST_CALLS):
            messages = [{"role": "user", "content": text}]
            with obs.llm(provider="openai", model="gpt-4o-mini", messages=messages) as call:
                call.response(text[:400], usage={"input_tokens": 400, "output_tokens": 80},
                              response_id=f"{run}-{number}")  # fmt: skip
            notes.times[number] = time.time_ns()
            time.sleep(PAUSE_S)


def killed(backend: str, url: str, home: str, run: str) -> tuple[dict[int, int], int]:
    """The calls that a child had ended when it was killed, and when that was."""
    notes = Notes(Path(home) / f"notes-{run}")
    process = subprocess.Popen([sys.executable, str(HERE), "--child", backend, url, home, run])
    deadline = time.monotonic() + 60
    while not notes.times[AT_WORK] and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(random.uniform(0.1, 2.5))
    at = time.time_ns()
    process.kill()
    process.wait()
    return notes.ended(), at


def verdict(run: str, ended: dict[int, int], killed_at: int, stored: set[str]) -> dict[str, Any]:
    """How many calls are missing, and how long before the kill the oldest of them had ended."""
    ages = [killed_at - at for number, at in ended.items() if f"{run}-{number}" not in stored]
    return {"recorded": len(ended), "missing": len(ages), "oldest_missing_s": max(ages, default=0) / 1e9}


def embedded(times: int) -> list[dict[str, Any]]:
    """Kills while the SQLite file is written."""
    from syndarix_obs.store.database import open_for_read
    from syndarix_obs.store.location import store_path

    found = []
    with tempfile.TemporaryDirectory() as home:
        for number in range(times):
            run = f"run{number}"
            ended, at = killed("embedded", "", home, run)
            reader = open_for_read(store_path(Path(home)))
            rows = reader.execute("SELECT json_extract(extra, '$.response_id') FROM records WHERE kind='llm_call'")
            one = verdict(run, ended, at, {row[0] for row in rows})
            one["clean"] = reader.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            reader.close()
            found.append(one)
    return found


def stack(times: int) -> list[dict[str, Any]]:
    """Kills while the spool is written and, when the sink is up, sent."""
    found = []
    for number in range(times):
        run, state = f"run{number}", STATES[number % len(STATES)]
        with LocalSink("keep" if state == "up" else state) as sink, tempfile.TemporaryDirectory() as home:
            ended, at = killed("stack", sink.url, home, run)
            if state != "up":
                sink.become("keep")
            began = time.monotonic()
            drain(sink, home)
            kept = sink.kept()
            twice = sum(count > 1 for kind in KINDS for count in kept.get(kind, {}).values())
            one = verdict(run, ended, at, set(kept.get("calls", {})))
            found.append({**one, "state": state, "twice": twice, "clean": time.monotonic() - began < DRAIN_S})
    return found


def summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """The worst of all runs, and the runs."""
    return {
        "kills": len(runs),
        "recorded": sum(run["recorded"] for run in runs),
        "missing": sum(run["missing"] for run in runs),
        "oldest_missing_s": max(run["oldest_missing_s"] for run in runs),
        "clean": sum(run["clean"] for run in runs),
        "twice": sum(run.get("twice", 0) for run in runs),
        "runs": runs,
    }


def main() -> None:
    """See the module's text."""
    if "--child" in sys.argv:
        child(*sys.argv[2:])
        return
    options = results.parser(__doc__)
    options.add_argument("--times", type=int, default=20)
    chosen = options.parse_args()
    found = {"embedded": summary(embedded(chosen.times)), "stack": summary(stack(chosen.times))}
    for backend, one in found.items():
        print(backend, json.dumps({key: value for key, value in one.items() if key != "runs"}))
    results.save(chosen.json, found)


if __name__ == "__main__":
    main()

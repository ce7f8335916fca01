"""Holds our directly-follows graph, start and end counts and variants to pm4py's, on three public logs.

pm4py (AGPL) is an oracle here and nothing else: it is no dependency, and this program says so where it is missing.

    python -m venv /tmp/oracle && /tmp/oracle/bin/pip install pm4py
    /tmp/oracle/bin/python benchmarks/directly_follows.py
"""

from __future__ import annotations

import gzip
import importlib.util
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"


def ours() -> Any:
    """The module, by its file: the oracle's environment has none of our dependencies, and it needs none."""
    spec = importlib.util.spec_from_file_location("flow", ROOT / "mcp_server/syndarix_obs_read/answers/flow.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["flow"] = module
    spec.loader.exec_module(module)
    return module


def logs() -> dict[str, list[list[str]]]:
    """Name → runs, each a list of what was done: tools of the airline agent, speakers of multi-agent runs."""
    airline = [json.loads(line) for line in (DATA / "tau_bench_airline_gpt4o.jsonl").open(encoding="utf-8")]
    with gzip.open(DATA / "who_and_when.jsonl.gz", "rt", encoding="utf-8") as lines:
        talks = [json.loads(line) for line in lines]
    found = {"airline": [[name for message in each["messages"] for name in did(message)] for each in airline]}
    for part in ("AG", "HC"):
        found[f"who-and-when {part}"] = [[speaker(turn) for turn in e["history"]] for e in talks if e["part"] == part]
    return {name: [run for run in runs if run] for name, runs in found.items()}


def did(message: dict[str, Any]) -> list[str]:
    """Tools that a message calls; `answer` for one that only speaks."""
    if message["role"] != "assistant":
        return []
    return [call["function"]["name"] for call in message.get("tool_calls") or ()] or ["answer"]


def speaker(turn: dict[str, Any]) -> str:
    """Who takes a turn."""
    return str(turn.get("name") or turn.get("role") or "nobody").split(" (")[0]


def oracle(runs: list[list[str]]) -> tuple[Any, Any, Any, Any]:
    """What pm4py says."""
    import pandas
    import pm4py

    rows = [
        {"case:concept:name": str(case), "concept:name": name, "time:timestamp": pandas.Timestamp(at, unit="s")}
        for case, run in enumerate(runs)
        for at, name in enumerate(run)
    ]
    log = pandas.DataFrame(rows)
    edges, starts, ends = pm4py.discover_dfg(log)
    return Counter(edges), Counter(starts), Counter(ends), Counter(pm4py.get_variants(log))


def main() -> int:
    """Compare; exit code 1 on any difference."""
    if importlib.util.find_spec("pm4py") is None:
        print("pm4py is not installed in this environment: nothing was compared")
        return 2
    flow, wrong = ours(), 0
    for name, runs in logs().items():
        found = flow.directly_follows(runs)
        ours_say = (found.edges, found.starts, found.ends, found.variants)
        same = [a == b for a, b in zip(ours_say, oracle(runs), strict=True)]
        wrong += same.count(False)
        print(f"{name}: {len(runs)} runs, {len(found.edges)} edges, {len(found.variants)} variants; equal: {same}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

"""Every page of the web explorer: median time, processor time and size, without a network.

Run: `python benchmarks/web_pages.py --home .demo` for a home that is there (`make demo` makes one), or
`python benchmarks/web_pages.py [--spans 100000]` for a store like that of `mcp_budget.py`, in a temporary folder.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

import mcp_budget
from syndarix_obs.store.location import store_path
from syndarix_obs.store.writer import StoreWriter
from syndarix_obs_read.serving.address import Address
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.web.app import PAGES, build_app

ROUNDS = 9


async def words_of(client: httpx.AsyncClient, since: str) -> dict[str, dict[str, str]]:
    """What pages about one thing are about: the longest trace of the last ones, its first model call, its session."""
    found = (await client.get("/traces.json", params={"since": since, "limit": "200"})).json()["traces"]
    longest = max(found, key=lambda each: each["activity"]["records"])
    trace = (await client.get("/trace.json", params={"id": longest["trace_id"]})).json()["trace"]
    call = next(each["span_id"] for each in trace["spans"] if each["kind"] == "llm_call")
    print(f"the trace has {trace['total_spans']:,} steps")
    return {
        "/trace": {"id": longest["trace_id"]},
        "/step": {"trace": longest["trace_id"], "step": call},
        "/session": {"id": longest["session_id"]},
        "/walk": {"run": longest["session_id"]},
        "/interactions": {"run": longest["session_id"]},
        "/compare": {"before": longest["session_id"], "after": longest["session_id"]},
        "/investigate": {"agent": longest["agent"] or "support"},
    }


async def measure(home: Path, since: str) -> None:
    """Ask for every page in turn, several times, and print a line for each."""
    transport = httpx.ASGITransport(build_app(ReadSettings(home=home, rate_limit=0), Address()))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=60) as client:
        words = await words_of(client, since)
        taken: dict[str, list[tuple[float, float, int]]] = {page.path: [] for page in PAGES}
        for _ in range(ROUNDS):
            for page in PAGES:
                wall, cpu = time.perf_counter(), time.process_time()
                answer = await client.get(page.path, params={"since": since, **words.get(page.path, {})})
                answer.raise_for_status()
                spent = time.perf_counter() - wall, time.process_time() - cpu
                taken[page.path].append((*spent, len(answer.content)))
    print(f"{'page':12} {'ms':>7} {'cpu ms':>7} {'KB':>6}")
    for path, found in taken.items():
        wall, cpu, size = (statistics.median(values) for values in zip(*found, strict=True))
        print(f"{path:12} {wall * 1e3:7.1f} {cpu * 1e3:7.1f} {size / 1e3:6.0f}")


def made(folder: Path, spans: int) -> Path:
    """A home with a store of many spans."""
    writer = StoreWriter(store_path(folder))
    batch: list[Any] = []
    for record in mcp_budget.everything(spans, 0, 200):
        batch.append(record)
        if len(batch) >= mcp_budget.BATCH:
            writer.write(batch)
            batch.clear()
    writer.write(batch)
    writer.index(120.0)
    writer.close()
    return folder


def main() -> int:
    """Measure one home."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--home", type=Path)
    parser.add_argument("--spans", type=int, default=100_000)
    parser.add_argument("--since", default="7d")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(given.home or made(Path(folder), given.spans), given.since))
    return 0


if __name__ == "__main__":
    sys.exit(main())

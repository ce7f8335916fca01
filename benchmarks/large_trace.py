"""One trace of 10,000 spans in a store of its own: seconds until the command has printed it, or its page is there.

    python benchmarks/large_trace.py [--spans 10000] [--rounds 5] [--json FILE]

The command runs as a process of its own, start and drawing included; the page is asked for without a network.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import httpx

import mcp_budget
import results
from syndarix_obs.store.location import store_path
from syndarix_obs.store.writer import StoreWriter
from syndarix_obs_read.serving.address import Address
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.web.app import build_app

TRACE: Final = "b" * 32
GOAL_S: Final = 2.0
_TEXT: Final = 200


def fill(home: Path, spans: int) -> None:
    """Write the trace."""
    writer = StoreWriter(store_path(home))
    writer.write(
        list(mcp_budget.trace(TRACE, "long", time.time_ns() - 10**12, spans, mcp_budget.texts(_TEXT), random.Random(1)))
    )
    writer.close()


def command(home: Path, *options: str) -> float:
    """Seconds of the command, everything included."""
    environment = {**os.environ, "SYNDARIX_OBS_HOME": str(home), "SYNDARIX_OBS_BACKEND": "embedded"}
    line = [sys.executable, "-m", "syndarix_obs_read.cli", "trace", TRACE, *options]
    start = time.perf_counter()
    subprocess.run(line, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


async def page(home: Path) -> float:
    """Seconds until the page of the trace is there."""
    transport = httpx.ASGITransport(build_app(ReadSettings(home=home, rate_limit=0), Address()))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=60) as client:
        start = time.perf_counter()
        (await client.get("/trace", params={"id": TRACE})).raise_for_status()
        return time.perf_counter() - start


def main() -> None:
    """See the module's text."""
    parser = results.parser(__doc__)
    parser.add_argument("--spans", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="syndarix-obs-") as name:
        home = Path(name)
        fill(home, options.spans)
        ways = {
            "command": lambda: command(home),
            "command, every step": lambda: command(home, "--limit", str(options.spans + 1)),
            "page": lambda: asyncio.run(page(home)),
        }
        figures = {}
        for way, ask in ways.items():
            taken = [ask() for _ in range(options.rounds)]
            figures[way] = {"median_s": results.median(taken), "p95_s": results.percentile(taken, 0.95)}
            late = "  LATE" if figures[way]["p95_s"] > GOAL_S else ""
            print(f"{way:22} median {figures[way]['median_s']:6.2f} s  p95 {figures[way]['p95_s']:6.2f} s{late}")
    results.save(options.json, {"spans": options.spans, "ways": figures})


if __name__ == "__main__":
    main()

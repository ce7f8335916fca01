"""How long each board takes in a real browser, from navigation to its last panel, with 20,000 traces in the servers.

Needs Prometheus, Loki, Tempo, Grafana and Chromium on the PATH:

    .venv/bin/python benchmarks/boards_in_grafana.py --json benchmarks/results/boards.json
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from dataclasses import fields, replace
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path += [str(ROOT / folder) for folder in ("tests/support", "tests/integration/stack", "grafana", "benchmarks")]

from alert_sinks import free_ports
from browser_pilot import flying, installed
from grafana_pages import TALL, Grafana, panels, size
from needed_servers import await_metric, scrape

import queries
import results
from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs_stack.launcher import running_stack
from syndarix_obs_stack.options import Options, Ports

HOURS = 6
MODELS = (("openai", "gpt-4o-mini"), ("anthropic", "claude-sonnet-4-5"), ("openai", "gpt-4o"))
RAREST = "environment_agent_le:llm_latency_seconds_bucket:rate5m"
_FLUSH_EVERY = 500


class Clock:
    """Time that is set, so that six hours pass in a minute."""

    def __init__(self) -> None:
        self.now_ns = time.time_ns() - HOURS * 3600 * 10**9

    def wall(self) -> int:
        """Nanoseconds since 1970."""
        return self.now_ns

    def monotonic(self) -> int:
        """Nanoseconds since some moment."""
        return self.now_ns


def fill(options: Options, traces: int, metrics_port: int) -> None:
    """Runs of two agents with calls, tools and failures, oldest first; back once the slowest rule has recorded."""
    clock, chance = Clock(), random.Random(7)
    step_ns = (HOURS * 3600 - 300) * 10**9 // traces
    settings = Settings(
        home=options.data / "home", backend="stack", loki_url=f"http://127.0.0.1:{options.ports.loki}",
        otlp_endpoint=f"http://127.0.0.1:{options.ports.otlp_http}", set_global=False, environment="demo",
        metrics_port=metrics_port,
    )  # fmt: skip
    with ObservabilityPlatform(settings, clock=clock.wall, monotonic=clock.monotonic) as obs:
        for number in range(traces):
            begin = clock.now_ns
            provider, model = chance.choice(MODELS)
            with obs.session(chance.choice(["support", "triage"]), project=chance.choice(["acme", "globex"])):
                with obs.llm(provider=provider, model=model, messages=[{"role": "user", "content": "x" * 300}]) as call:
                    clock.now_ns += chance.randrange(200, 3000) * 10**6
                    call.response(usage={"input_tokens": chance.randrange(100, 4000), "output_tokens": 200})
                try:
                    with obs.tool(chance.choice(["search", "refund", "lookup"]), arguments={"order": number % 50}):
                        clock.now_ns += 50 * 10**6
                        if chance.random() < 0.05:
                            raise TimeoutError("no answer")
                except TimeoutError:
                    pass
            clock.now_ns = max(begin + step_ns, clock.now_ns)
            if number % _FLUSH_EVERY == 0:
                obs.flush(60)
        obs.flush(60)
        await_metric(options, RAREST, 420)  # what is recorded every five minutes: before, the boards have less to show


def measure(grafana: Grafana, browser: str, rounds: int) -> list[dict[str, Any]]:
    """Seconds of each board from navigation to its last panel, warm: as it opens, and with every panel in sight.

    The first round of each warms and is not counted.
    """
    found = []
    with tempfile.TemporaryDirectory() as folder, flying(browser, Path(folder)) as pilot:
        grafana.enter(pilot)
        sys.stdout.write(f"{'board':18} {'seen':14} {'median':>8} {'worst':>8}  panels\n")
        for uid in queries.boards():
            for seen, height in (("as it opens", 900), ("every panel", TALL)):
                size(pilot, 1440, height)
                taken = [grafana.open(pilot, uid) for _ in range(rounds + 1)][1:]
                count = len(panels(pilot))
                found.append(
                    {"board": uid, "seen": seen, "median_s": median(taken), "worst_s": max(taken), "panels": count}
                )
                sys.stdout.write(f"{uid:18} {seen:14} {median(taken):7.2f}s {max(taken):7.2f}s  {count}\n")
                sys.stdout.flush()
    return found


def main() -> int:
    """Start the servers, fill them, measure."""
    parser = results.parser(__doc__)
    parser.add_argument("--traces", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    browser = installed()
    if browser is None:
        sys.stderr.write("There is no Chromium on the PATH.\n")
        return 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        *free, metrics_port = free_ports(len(fields(Ports)) + 1)
        ports = Ports(**dict(zip([each.name for each in fields(Ports)], free, strict=True)))
        options = replace(Options.from_root(ROOT), data=folder / "data", secrets=folder / "secrets", ports=ports)
        with running_stack(options, only=("prometheus", "loki", "tempo", "grafana")):
            began = time.monotonic()
            scrape(options, metrics_port)
            fill(options, given.traces, metrics_port)
            took = time.monotonic() - began
            sys.stdout.write(f"{given.traces:,} traces in {took:.0f} s, load {os.getloadavg()[0]:.1f}\n")
            password = (options.secrets / "grafana_admin_password").read_text("utf-8")
            boards = measure(Grafana(options.ports.grafana, password), browser, given.rounds)
    sys.stdout.write(f"load {os.getloadavg()[0]:.1f}\n")
    results.save(given.json, {"traces": given.traces, "load_1m": os.getloadavg()[0], "boards": boards})
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""How long each board takes in a real browser, from navigation to its last panel, with 20,000 traces in the servers.

Needs Prometheus, Loki, Tempo, Grafana and Chromium on the PATH: .venv/bin/python benchmarks/boards_in_grafana.py
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
sys.path += [str(ROOT / "tests" / "support"), str(ROOT / "grafana")]

from browser_pilot import flying, installed
from grafana_pages import Grafana, panels, size

import queries
from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs_stack.launcher import running_stack
from syndarix_obs_stack.options import Options

HOURS = 6
MODELS = (("openai", "gpt-4o-mini"), ("anthropic", "claude-sonnet-4-5"), ("openai", "gpt-4o"))
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


def fill(options: Options, traces: int) -> None:
    """Runs of two agents with calls, tools and failures, oldest first."""
    clock, chance = Clock(), random.Random(7)
    step_ns = (HOURS * 3600 - 300) * 10**9 // traces
    settings = Settings(
        home=options.data / "home", backend="stack", loki_url=f"http://127.0.0.1:{options.ports.loki}",
        otlp_endpoint=f"http://127.0.0.1:{options.ports.otlp_http}", set_global=False, environment="default",
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
        time.sleep(30)  # a few scrapes


def measure(grafana: Grafana, browser: str, rounds: int) -> None:
    """Print the median and the worst of some rounds for each board; the first round warms and is not counted."""
    with tempfile.TemporaryDirectory() as folder, flying(browser, Path(folder)) as pilot:
        grafana.enter(pilot)
        size(pilot, 1440, 900)
        sys.stdout.write(f"{'board':18} {'median':>8} {'worst':>8}  panels in sight\n")
        for uid in queries.boards():
            taken = [grafana.open(pilot, uid) for _ in range(rounds + 1)][1:]
            sys.stdout.write(f"{uid:18} {median(taken):7.2f}s {max(taken):7.2f}s  {len(panels(pilot))}\n")
            sys.stdout.flush()


def main() -> int:
    """Start the servers, fill them, measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--traces", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    browser = installed()
    if browser is None:
        sys.stderr.write("There is no Chromium on the PATH.\n")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        options = Options.from_root(ROOT)
        options = Options(ROOT, Path(folder) / "data", Path(folder) / "secrets", options.ports, options.environment)
        with running_stack(options, only=("prometheus", "loki", "tempo", "grafana")):
            began = time.monotonic()
            fill(options, given.traces)
            sys.stdout.write(f"{given.traces:,} traces in {time.monotonic() - began:.0f} s\n")
            password = (options.secrets / "grafana_admin_password").read_text("utf-8")
            measure(Grafana(options.ports.grafana, password), browser, given.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())

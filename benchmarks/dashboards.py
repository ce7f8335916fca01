"""How long the boards take with 30 days of 50 agents × 10 models in a real Prometheus.

python benchmarks/dashboards.py            measure and print a table
python benchmarks/dashboards.py --agents 5 --models 2 --days 3    a small try

The series are written as blocks by `promtool tsdb create-blocks-from openmetrics`: what the recording rules of
prometheus/rules would have left, one sample a minute or every five, and the raw counters of the last hours. All
PromQL of a board is sent at once, as a browser does; the figure is the time until the last answer. Every number is
deterministic; the load follows the hour of the day.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "grafana"), str(ROOT / "benchmarks")]

import queries
from dashboard_series import Series, series

PARALLEL = 6
"""Connections that a browser opens to one host."""
POINTS = 700
"""Steps of a graph: about one for two pixels."""
PORT = 19490


@dataclass(frozen=True, slots=True)
class Figure:
    """One board over one range: queries, seconds until the last answer, the slowest query and its seconds."""

    board: str
    range_name: str
    count: int
    seconds: float
    slowest: str
    slowest_s: float


def write_blocks(folder: Path, found: list[Series], days: int, until_s: int) -> int:
    """Blocks of all series, day by day; returns how many samples there are."""
    total, file = 0, folder / "day.om"
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=162h", str(file),
               str(folder / "data")]  # fmt: skip
    for day in range(days):
        from_s = until_s - (days - day) * 86400
        with file.open("w", encoding="utf-8") as text:
            total += sum(each.write(text, from_s, from_s + 86400) for each in found)
            text.write("# EOF\n")
        subprocess.run(command, check=True, capture_output=True)
    file.unlink()
    return total


def measure(uid: str, range_name: str, range_s: int, now: int) -> Figure:
    """Send a board's PromQL at once."""
    found = [query for query in queries.queries(uid) if query.language == "promql"]
    step = max(range_s // POINTS, 15)
    began = time.perf_counter()
    with ThreadPoolExecutor(PARALLEL) as pool:
        seconds = list(pool.map(lambda query: _seconds(query, range_s, step, now), found))
    total = time.perf_counter() - began
    slowest = max(range(len(found)), key=seconds.__getitem__)
    return Figure(uid, range_name, len(found), total, found[slowest].panel, seconds[slowest])


def _seconds(query: queries.Query, range_s: int, step: int, now: int) -> float:
    if query.own_range == "24h":
        range_s, step = 86400, max(86400 // POINTS, 15)
    step = max(step, query.least_step_s)
    text = urllib.parse.quote(query.filled(range_s, step))
    start = now - range_s
    at = f"query?time={now}" if query.instant else f"query_range?start={start}&end={now}&step={step}"
    began = time.perf_counter()
    with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/api/v1/{at}&query={text}", timeout=120) as answer:
        answer.read()
    return time.perf_counter() - began


def serve(folder: Path) -> subprocess.Popen[bytes]:
    """Prometheus on the blocks, scraping nothing; returns when it is ready."""
    (folder / "prometheus.yml").write_text("global: {}\n", "utf-8")
    command = ["prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}",
               f"--web.listen-address=127.0.0.1:{PORT}", "--storage.tsdb.retention.time=60d",
               "--log.level=warn"]  # fmt: skip
    server = subprocess.Popen(command)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}/-/ready", timeout=2).close()
            return server
        except OSError:
            time.sleep(0.2)
    server.terminate()
    raise SystemExit("Prometheus did not get ready")


def main() -> None:
    """Print a line of a Markdown table for each board and range."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("agents", 50), ("models", 10), ("days", 30), ("runs", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    now = int(time.time()) // 300 * 300
    with tempfile.TemporaryDirectory(prefix="dashboards-") as name:
        folder = Path(name)
        began = time.perf_counter()
        samples = write_blocks(folder, list(series(given.agents, given.models)), given.days, now)
        print(f"{samples:,} samples in blocks after {time.perf_counter() - began:.0f} s", flush=True)
        server = serve(folder)
        try:
            _report(given.runs, given.days, now)
        finally:
            server.terminate()
            server.wait()


def _report(runs: int, days: int, now: int) -> None:
    print("| board | range | queries | median s | worst s | slowest panel |\n|---|---|---|---|---|---|")
    for uid in queries.boards():
        for range_name, range_s in (("6 h", 21600), ("24 h", 86400), (f"{days} d", days * 86400)):
            figures = [measure(uid, range_name, range_s, now) for _ in range(runs)]
            figures.sort(key=lambda each: each.seconds)
            median, worst = figures[len(figures) // 2], figures[-1]
            print(f"| {uid} | {range_name} | {median.count} | {median.seconds:.2f} | {worst.seconds:.2f} | "
                  f"{median.slowest} ({median.slowest_s:.2f}) |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()

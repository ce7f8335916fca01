"""What a span costs each component in CPU seconds and bytes, and what follows for a million to a billion a day.

    python benchmarks/scale.py [--calls 20000] [--prompt-bytes 2000] [--json FILE]

Starts Loki and Tempo from the repository's files on free loopback ports and records model calls into them with a real
agent process. Each component is charged the CPU time of its own process (user and system), so that other work on the
machine changes the figures little. The first quarter of the calls is measured on its own: what it foretells for the
rest, against what the rest took, is the error of extrapolation. Without the servers on the PATH it says so and ends
well.
"""

from __future__ import annotations

import json
import os
import re
import resource
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import results
from read_stack import free_ports, missing
from report import table
from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs_stack.launcher import Stack, running_stack
from syndarix_obs_stack.options import HOST, Options
from syndarix_obs_stack.servers import SERVERS

ROOT: Final = Path(__file__).resolve().parents[1]
NEEDED: Final = ("loki", "tempo")
DAILY: Final = (1_000_000, 100_000_000, 1_000_000_000)
PEAK: Final = 5.0
"""The busiest second beside the mean one."""
BUSY: Final = 0.6
"""Share of a core that is planned with; the rest is for queries, compaction and the unexpected."""
SETTLE_S: Final = 12.0
"""Long enough for Tempo to write its blocks and for Loki to cut chunks that are idle."""
_RECEIVED: Final = {
    "loki": ("loki", r"^loki_distributor_bytes_received_total\{.*\} (\S+)$"),
    "tempo": ("tempo", r"^tempo_distributor_bytes_received_total\{.*\} (\S+)$"),
}
TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cost:
    """What so many calls cost one component: CPU seconds, and bytes that came in."""

    calls: int
    cpu_s: float
    bytes_in: float = 0.0

    @property
    def calls_per_cpu_s(self) -> float:
        """Calls that one core does in a second."""
        return self.calls / self.cpu_s if self.cpu_s else float("inf")

    @property
    def mb_per_cpu_s(self) -> float:
        """Megabytes that one core takes in a second."""
        return self.bytes_in / 1e6 / self.cpu_s if self.cpu_s else 0.0

    def minus(self, other: Cost) -> Cost:
        """What came after the other."""
        return Cost(self.calls - other.calls, self.cpu_s - other.cpu_s, self.bytes_in - other.bytes_in)


def simulate(
    rate: float, capacity: float, outage_s: float, record_bytes: float, spools: int, spool_bytes: float
) -> dict[str, float]:
    """A back end that is away while records keep coming, second by second.

    Args:
        rate: records a second that are made.
        capacity: records a second that can be delivered once it is back.
        outage_s: how long it is away.
        record_bytes: size of a record on its way.
        spools: agent processes, each with a spool of its own.
        spool_bytes: cap of each spool.

    Returns:
        Records lost at the caps, the most bytes that wait in one spool, and seconds until nothing waits.
    """
    waiting = lost = most = 0.0
    seconds = 0
    room = spools * spool_bytes / record_bytes
    while True:
        waiting += rate
        if waiting > room:
            lost, waiting = lost + waiting - room, room
        if seconds >= outage_s:
            waiting -= min(waiting, capacity)
        most = max(most, waiting)
        seconds += 1
        if seconds > outage_s and (waiting < rate or capacity <= rate):
            break
    drained = float("inf") if capacity <= rate else seconds - outage_s
    return {"lost": lost, "most_bytes_in_a_spool": most * record_bytes / spools, "drained_after_s": drained}


def cores(calls_a_day: int, cost: Cost) -> float:
    """Cores that the component needs at the peak of such a day."""
    return calls_a_day / 86_400 * PEAK / (cost.calls_per_cpu_s * BUSY)


def child(urls: Mapping[str, str], home: str, calls: int, prompt_bytes: int) -> None:
    """The agent: so many calls into the stack, then its own CPU seconds as JSON."""
    obs = ObservabilityPlatform(Settings(home=Path(home), backend="stack", set_global=False, metrics_port=0, **urls))
    words = "Where is my order with the number {n}? It was promised for Tuesday. " * (prompt_bytes // 64 + 1)
    words = words[:prompt_bytes]
    before = resource.getrusage(resource.RUSAGE_SELF)
    for number in range(calls):
        messages = [{"role": "user", "content": words.replace("{n}", str(number))}]
        with obs.llm(provider="openai", model="gpt-4o-mini", messages=messages) as call:
            call.response("It is on its way.", usage={"input_tokens": prompt_bytes // 4, "output_tokens": 6})
        if number % 500 == 499:
            obs.flush(60)
    delivered = obs.flush(120)
    after = resource.getrusage(resource.RUSAGE_SELF)
    obs.shutdown()
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"cpu_s": spent, "delivered": delivered}))


def cpu_s(pid: int) -> float:
    """User and system seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def received(port: int, pattern: str) -> float:
    """Bytes that a server says it took."""
    with urllib.request.urlopen(f"http://{HOST}:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return sum(float(value) for value in re.findall(pattern, text, re.MULTILINE))


def taken(stack: Stack, calls: int) -> dict[str, Cost]:
    """What each server has used since it started."""
    found = {}
    for server in SERVERS:
        if server.name in NEEDED and (pid := stack.pid_of(server)) is not None:
            port, pattern = _RECEIVED[server.name]
            found[server.name] = Cost(calls, cpu_s(pid), received(getattr(stack.options.ports, port), pattern))
    return found


def size(folder: Path) -> int:
    """Bytes of all files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def measure(folder: Path, calls: int, prompt_bytes: int) -> dict[str, Any]:
    """All figures."""
    for name in ("home", "secrets"):
        (folder / name).mkdir()
    options = Options(ROOT, folder / "stack", folder / "secrets", free_ports(), {})
    with running_stack(options, NEEDED) as stack:
        ports = stack.options.ports
        addresses = {"loki_url": ports.loki, "otlp_endpoint": ports.otlp_http}
        urls = json.dumps({name: f"http://{HOST}:{port}" for name, port in addresses.items()})
        idle, agents, parts = taken(stack, 0), [], [taken(stack, 0)]
        for count in (calls // 4, calls - calls // 4):
            found = results.in_child(__file__, urls, str(folder / "home"), str(count), str(prompt_bytes))
            agents.append(Cost(count, found["cpu_s"]))
            time.sleep(SETTLE_S)
            parts.append(taken(stack, parts[-1]["loki"].calls + count))
        on_disk = {name: size(options.data / name) for name in NEEDED}
    figures: dict[str, Any] = {"calls": calls, "prompt_bytes": prompt_bytes, "components": {}}
    whole = {name: parts[-1][name].minus(idle[name]) for name in NEEDED}
    first = {name: parts[1][name].minus(idle[name]) for name in NEEDED}
    rest = {name: parts[2][name].minus(parts[1][name]) for name in NEEDED}
    whole["agent"], first["agent"], rest["agent"] = Cost(calls, sum(a.cpu_s for a in agents)), agents[0], agents[1]
    for name, cost in whole.items():
        foretold = first[name].cpu_s / first[name].calls * rest[name].calls
        figures["components"][name] = {
            "calls_per_cpu_s": cost.calls_per_cpu_s,
            "mb_per_cpu_s": cost.mb_per_cpu_s,
            "bytes_in_a_call": cost.bytes_in / calls,
            "bytes_on_disk_a_call": on_disk.get(name, 0) / calls,
            "extrapolation_error": foretold / rest[name].cpu_s - 1 if rest[name].cpu_s else 0.0,
            "cores": {str(day): cores(day, cost) for day in DAILY},
            "disk_gb_a_day": {str(day): on_disk.get(name, 0) / calls * day / 1e9 for day in DAILY},
        }
    return figures


def draw(figures: Mapping[str, Any]) -> str:
    """The figures as tables in Markdown."""
    components = figures["components"]
    heads = ("component", "calls per CPU second", "MB per CPU second", "bytes in, a call", "bytes on disk, a call",
             "error of extrapolation")  # fmt: skip
    costs = [
        (name, f"{each['calls_per_cpu_s']:,.0f}", f"{each['mb_per_cpu_s']:.1f}" if each["mb_per_cpu_s"] else "–",
         f"{each['bytes_in_a_call']:,.0f}", f"{each['bytes_on_disk_a_call']:,.0f}",
         f"{each['extrapolation_error']:+.0%}")
        for name, each in common.items()
    ]  # fmt: skip
    days = [
        (f"{day:,}", *(f"{each['cores'][str(day)]:,.2f}" for each in common.values()),
         f"{sum(each['disk_gb_a_day'][str(day)] for each in common.values()):,.1f}")
        for day in DAILY
    ]  # fmt: skip
    about = f"{figures['calls']:,} calls with a prompt of {figures['prompt_bytes']:,} bytes"
    needed = ("calls a day", *(f"cores: {name}" for name in components), "GB a day on disk")
    return "\n".join([about, "", table(heads, costs), "", table(needed, days)])


def outages() -> str:
    """Ten minutes away at the peak, as a table in Markdown; the agent's own spool is the only queue."""
    rows = []
    spool = Settings(set_global=False).spool_max_bytes
    for day, agents in zip(DAILY, (2, 100, 1_000), strict=True):
        rate = day / 86_400 * PEAK
        found = simulate(rate, 2 * rate, 600, 4_000, agents, spool)
        rows.append((f"{day:,}", f"{agents:,}", f"{found['lost']:,.0f}",
                     f"{found['most_bytes_in_a_spool'] / 1e6:,.0f} MB",
                     f"{found['drained_after_s']:,.0f} s"))  # fmt: skip
    heads = ("calls a day", "agent processes", "lost", "most in one spool", "nothing waits after")
    return table(heads, rows)


def main() -> None:
    """See the module's text."""
    if sys.argv[1:2] == ["--child"]:
        urls, home, calls, prompt_bytes = sys.argv[2:]
        child(json.loads(urls), home, int(calls), int(prompt_bytes))
        return
    parser = results.parser(__doc__)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--prompt-bytes", type=int, default=2_000)
    options = parser.parse_args()
    print(outages())
    if absent := missing():
        print(f"\nNot on the PATH: {', '.join(absent)}. Nothing was measured.")
        return
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), options.calls, options.prompt_bytes)
    print("\n" + draw(figures))
    results.save(options.json, figures)


if __name__ == "__main__":
    main()

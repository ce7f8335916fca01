"""Answers from the real stack beside those from the embedded store, over the same records.

Run: `python benchmarks/read_stack.py [--traces 20000] [--rounds 7] [--json FILE]`. It starts Loki and Tempo from the
repository's files on free loopback ports, tells `read_world.py` to them and to SQLite, and asks both backends every
question through the functions that MCP tools and CLI call. Without the servers on the PATH it says so and ends well.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import socket
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, fields
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import read_world as world
import results
from read_catalogue import about_many, about_runs
from syndarix_obs import vocabulary as v
from syndarix_obs.identity import Identity
from syndarix_obs.store.location import store_path
from syndarix_obs_read.answers.agents import get_agents
from syndarix_obs_read.answers.costs import summarise_costs
from syndarix_obs_read.answers.decisions import decision_patterns, list_decisions
from syndarix_obs_read.answers.errors import group_errors
from syndarix_obs_read.answers.logs import search_logs
from syndarix_obs_read.answers.names import list_names
from syndarix_obs_read.answers.session import get_session
from syndarix_obs_read.answers.sessions import list_sessions
from syndarix_obs_read.answers.trace import get_trace
from syndarix_obs_read.answers.traces import search_traces
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.stack.backend import StackBackend, StackOptions
from syndarix_obs_read.timerange import TimeRange, parse_range
from syndarix_obs_stack.launcher import running_stack
from syndarix_obs_stack.options import HOST, Options, Ports
from syndarix_obs_stack.servers import SERVERS, find

ROOT: Final = Path(__file__).resolve().parents[1]
NEEDED: Final = ("loki", "tempo")
LIMIT: Final = 50
TRACES_ASKED: Final = 100
"""Traces by id in one round."""

Question = Callable[[Backend], Awaitable[Any]]


@dataclass(frozen=True)
class Asked:
    """A question with the time that it may take."""

    question: Question
    goal_ms: float | None = None


def questions(user: str, month: TimeRange) -> dict[str, Asked]:
    """Every question but a trace by id, over 30 days."""

    def traces(**narrowed: Any) -> Asked:
        return Asked(lambda backend: search_traces(backend, Filter(**narrowed), month, LIMIT), 1_000)

    def logs(text: str) -> Asked:
        return Asked(lambda backend: search_logs(backend, Filter(text=text), month, LIMIT), 1_000)

    def costs(*by: Any) -> Asked:
        return Asked(lambda backend: summarise_costs(backend, Filter(), month, by), 1_000)

    return {
        "log search, rare text": logs(world.NEEDLE),
        "log search, absent text": logs("no such text"),
        "log search, common text": logs("refund"),
        "costs by agent and model": costs("agent", "model"),
        "costs by day": costs("day"),
        "traces, newest": traces(),
        "traces by agent": traces(agent="agent-1"),
        "traces by user": traces(user=user),
        "traces by tool": traces(tool="refund"),
        "traces with errors": traces(status=v.STATUS_ERROR),
        "traces by least duration": traces(min_duration_ns=8 * 10**9),
        "traces by least cost": traces(min_cost_usd=Decimal("0.1")),
        "traces by text": traces(text=world.NEEDLE),
        "traces by agent, tool, error": traces(agent="agent-1", tool="refund", status=v.STATUS_ERROR),
        "agents": Asked(lambda backend: get_agents(backend, Filter(), month), 1_000),
        "errors in groups": Asked(lambda backend: group_errors(backend, Filter(), month, LIMIT), 1_000),
        "decisions": Asked(lambda backend: list_decisions(backend, Filter(), month, LIMIT), 1_000),
        "decision patterns": Asked(lambda backend: decision_patterns(backend, Filter(), month, LIMIT), 1_000),
        "sessions": Asked(lambda backend: list_sessions(backend, Filter(), month, LIMIT), 1_000),
        "sessions of a user": Asked(lambda backend: list_sessions(backend, Filter(user=user), month, LIMIT), 1_000),
        "one session": Asked(lambda backend: get_session(backend, "session-77"), 1_000),
        "names": Asked(lambda backend: list_names(backend, ("agent", "model", "tool"), LIMIT), 1_000),
        **{
            name: Asked(question, 1_000)
            for name, question in (
                *about_runs("session-77", "session-78", world.trace_id(77)).items(),
                *about_many(month, parse_range("1d"), ("gpt-4o", "gpt-4o-mini")).items(),
            )
        },
    }


async def timed(question: Question, backend: Backend) -> tuple[float, Any]:
    """Milliseconds of one question, and its answer."""
    start = time.perf_counter()
    answer = await question(backend)
    return (time.perf_counter() - start) * 1000, answer


async def one_question(asked: Asked, backends: Mapping[str, Backend], rounds: int) -> dict[str, Any]:
    """A question's figures; both backends in turn, and both must tell the same."""
    taken: dict[str, list[float]] = {name: [] for name in backends}
    for _ in range(rounds):
        answers = []
        for name, backend in backends.items():
            milliseconds, answer = await timed(asked.question, backend)
            taken[name].append(milliseconds)
            answers.append(told(answer))
        if told_apart := [each for each in different(*answers) if not each[0].endswith(".backend")]:
            raise SystemExit("\n".join(["the backends differ:", *map(str, told_apart)]))
    return _figures(taken, asked.goal_ms)


def told(answer: Any) -> dict[str, Any]:
    """An answer without what only the embedded store knows: how much there is beyond what is listed."""
    found: dict[str, Any] = answer.model_dump(mode="json", exclude={"backend", "period", "hints", "total"})
    return found


def different(one: Any, other: Any, path: str = "") -> list[tuple[str, Any, Any]]:
    """Where two answers differ, a few of the places."""
    if isinstance(one, dict) and isinstance(other, dict):
        pairs = [(f"{path}.{key}", one.get(key), other.get(key)) for key in {**one, **other}]
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = [(f"{path}[{place}]", *each) for place, each in enumerate(zip(one, other, strict=True))]
    else:
        return [] if one == other else [(path, one, other)]
    return [found for place, a, b in pairs for found in different(a, b, place)][:10]


async def traces_by_id(backends: Mapping[str, Backend], traces: int) -> dict[str, Any]:
    """Figures of random traces by id, with payloads."""
    chance = random.Random(3)
    taken: dict[str, list[float]] = {name: [] for name in backends}
    for _ in range(TRACES_ASKED):
        trace_id = world.trace_id(chance.randrange(traces))
        asked = Asked(lambda backend, i=trace_id: get_trace(backend, i, payloads=True))  # type: ignore[misc]  # bound
        for name, figure in (await one_question(asked, backends, 1)).items():
            if name != "goal_ms":
                taken[name].append(figure["median_ms"])
    return _figures(taken, 100)


async def measure(home: Path, urls: Mapping[str, str], options: argparse.Namespace) -> dict[str, Any]:
    """All figures."""
    user = Identity(home, world.key_file(home).read_bytes()).pseudonym("user-7")
    backends: dict[str, Backend] = {
        "embedded": EmbeddedBackend(store_path(home)),
        "stack": StackBackend(StackOptions(prometheus=urls["loki"], alertmanager=urls["loki"], **urls)),
    }
    figures = {"trace by id": await traces_by_id(backends, options.traces)}
    show("trace by id", figures["trace by id"])
    for name, asked in questions(user, parse_range("30d")).items():
        if any(part in name for part in options.only):
            figures[name] = await one_question(asked, backends, options.rounds)
            show(name, figures[name])
    for backend in backends.values():
        await backend.close()
    return figures


def _figures(taken: Mapping[str, list[float]], goal_ms: float | None) -> dict[str, Any]:
    each = {
        name: {"median_ms": results.median(values), "p95_ms": results.percentile(values, 0.95)}
        for name, values in taken.items()
    }
    return {"goal_ms": goal_ms, **each}


def show(name: str, figure: Mapping[str, Any]) -> None:
    """One line."""
    numbers = " ".join(f"{figure[w]['median_ms']:9.1f} {figure[w]['p95_ms']:9.1f}" for w in ("embedded", "stack"))
    late = "  LATE" if figure["goal_ms"] and figure["stack"]["p95_ms"] > figure["goal_ms"] else ""
    print(f"{name:32} {numbers}{late}", flush=True)


def free_ports() -> Ports:
    """Ports that were free a moment ago."""
    with ExitStack() as open_ones:
        sockets = [open_ones.enter_context(socket.socket()) for _ in fields(Ports)]
        for each in sockets:
            each.bind((HOST, 0))
        return Ports(**{f.name: s.getsockname()[1] for f, s in zip(fields(Ports), sockets, strict=True)})


def missing() -> list[str]:
    """Servers that are not on the PATH."""
    found, _ = find([server for server in SERVERS if server.name in NEEDED])
    return sorted(set(NEEDED) - {each.server.name for each in found})


def run(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Start, tell, ask."""
    home, secrets = folder / "home", folder / "secrets"
    home.mkdir()
    secrets.mkdir()
    ports = free_ports()
    urls = {name: f"http://{HOST}:{getattr(ports, name)}" for name in NEEDED}
    with running_stack(Options(ROOT, folder / "data", secrets, ports, {}), only=NEEDED):
        began = time.monotonic()
        world.tell(home, time.time_ns(), options.traces, urls["loki"], f"http://{HOST}:{ports.otlp_http}")
        print(f"{options.traces:,} traces told in {time.monotonic() - began:.0f} s", flush=True)
        print(f"{'milliseconds: median and p95':32} {'embedded':>19} {'stack':>19}", flush=True)
        return asyncio.run(measure(home, urls, options))


def main() -> None:
    """See the module's text."""
    parser = results.parser(__doc__)
    parser.add_argument("--traces", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", nargs="*", default=[""], help="parts of the questions' names")
    options = parser.parse_args()
    if lacking := missing():
        print(f"skipped: {' and '.join(lacking)} not on the PATH", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory(prefix="syndarix-obs-") as name:
        figures = run(Path(name), options)
    lines = options.traces * world.LINES_PER_TRACE
    results.save(options.json, {"traces": options.traces, "lines": lines, "answers": figures})


if __name__ == "__main__":
    main()

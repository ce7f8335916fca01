"""Many processes, several platforms in each, and every kind of reader on one SQLite file; some are killed.

    python benchmarks/store_stress.py [--seconds 60] [--processes 3] [--platforms 2] [--seed 1]

Agents come and go: each has several platforms in one process and records calls on all of them, some fork a child that
records too, some are killed (`kill -9`). One agent stays for the whole time. Meanwhile the explorer, an MCP server,
`logs --follow` and the commands read. An agent notes what it recorded, and what a `flush` has confirmed.
A third of the time nobody reads, a third the explorer alone.

Afterwards: SQLite's integrity check; every call of an agent that ended by itself is there, once; of one that was killed
all that was confirmed; no reader failed; and the readers that stayed see what the file holds.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import results

HERE = Path(__file__).resolve()
_PATIENCE_S = 60.0


@dataclass
class Figures:
    """What was done and what was found. `wrong` names everything that is not as it should be."""

    agents: int = 0
    killed: int = 0
    forked: int = 0
    recorded: int = 0
    stored: int = 0
    integrity: str = ""
    pages: int = 0
    mcp_calls: int = 0
    commands: int = 0
    lines_followed: int = 0
    wrong: list[str] = field(default_factory=list)


# --- one agent, in a process of its own ---


def agent(name: str, platforms: int, seconds: float, forks: bool) -> None:
    """Record for a while on all platforms in turn; write down counts after every flush."""
    from syndarix_obs import ObservabilityPlatform

    found = [ObservabilityPlatform.from_env()]
    notes = Path(os.environ["STRESS_NOTES"]) / name
    until, number, child = time.monotonic() + seconds, 0, None
    while time.monotonic() < until or not number:
        for obs in found:
            with obs.session(agent=name):
                for _ in range(10):
                    with obs.tool("t", arguments={"x": "y" * 300}):
                        number += 1
        if [obs.flush() for obs in found] == [True] * len(found):
            _note(notes, number, ended=False)
        if forks and child is None:
            child = _fork(name, found[0])
        if len(found) < platforms:  # a cell of a notebook that is run again
            found.append(ObservabilityPlatform.from_env())
        time.sleep(0.02)
    done = [obs.shutdown() for obs in found] == [True] * len(found)
    if child is not None:
        os.waitpid(child, 0)
    _note(notes, number, ended=done)


def _fork(name: str, obs: Any) -> int:
    child = os.fork()
    if child:
        return child
    with obs.session(agent=f"{name}-child"):
        for _ in range(10):
            with obs.tool("t"):
                pass
    _note(Path(os.environ["STRESS_NOTES"]) / f"{name}-child", 10, ended=bool(obs.shutdown()))
    os._exit(0)


def _note(path: Path, number: int, *, ended: bool) -> None:
    draft = path.with_name(f".{path.name}")
    draft.write_text(json.dumps({"calls": number, "ended": ended}), encoding="ascii")
    draft.replace(path)


# --- readers ---


class Explorer:
    """`syndarix-obs web`, asked for pages all the time."""

    def __init__(self, environment: dict[str, str], figures: Figures) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.figures = figures
        self.process = start(["web", "--port", str(self.port)], environment)

    def page(self, path: str) -> str:
        """The text of a page."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=20) as answer:
            text: str = answer.read().decode()
            return text

    def run(self, stop: threading.Event) -> None:
        """Ask until told to stop."""
        deadline = time.monotonic() + _PATIENCE_S
        while not stop.wait(0.05):
            for path in ("/", "/traces.json?limit=5"):
                try:
                    text = self.page(path)
                except OSError as error:
                    if self.figures.pages or time.monotonic() > deadline:
                        self.figures.wrong.append(f"web {path}: {error}")
                    continue
                self.figures.pages += 1
                if "malformed" in text or "is damaged" in text:
                    self.figures.wrong.append(f"web {path}: malformed")


class Follower:
    """`syndarix-obs logs --follow`, whose lines are counted."""

    name = "follower"

    def __init__(self, environment: dict[str, str], figures: Figures) -> None:
        self.figures = figures
        self.traces: set[str] = set()
        self.process = start(["logs", "--follow", "--json"], environment, stdout=subprocess.PIPE)

    def run(self) -> None:
        """Count until it ends."""
        for line in self.process.stdout or ():
            self.figures.lines_followed += 1
            self.traces.update(_TRACE.findall(line))


def ask_mcp(environment: dict[str, str], figures: Figures, stop: threading.Event) -> None:
    """One MCP server, asked over stdio until told to stop."""
    import asyncio

    from mcp import Client, StdioServerParameters

    async def ask() -> None:
        server = StdioServerParameters(command=sys.executable, args=[*_COMMAND, "mcp"], env=environment)
        async with Client(server) as client:
            while not (stop.is_set() and figures.mcp_calls):
                for tool, arguments in (("search_traces", {"limit": 3}), ("get_health", {})):
                    found = await client.call_tool(tool, arguments)
                    figures.mcp_calls += 1
                    if found.is_error or "malformed" in str(found.content):
                        figures.wrong.append(f"mcp {tool}: {str(found.content)[:200]}")
                await asyncio.sleep(0.05)

    asyncio.run(ask())


def ask_commands(environment: dict[str, str], figures: Figures, stop: threading.Event) -> None:
    """Commands, one after the other."""
    while not stop.is_set():
        for command in (["traces", "--json", "--limit", "5"], ["health", "--json"]):
            done = subprocess.run(
                [sys.executable, *_COMMAND, *command], env=environment, capture_output=True, text=True, check=False
            )
            figures.commands += 1
            if done.returncode or "malformed" in done.stdout:
                figures.wrong.append(f"{command[0]}: exit {done.returncode} {done.stderr[-200:]}")
            if stop.is_set():
                return


_TRACE = re.compile(r'"trace_id": ?"([0-9a-f]{32})"')
_COMMAND = ("-m", "syndarix_obs_read.cli")


def start(command: list[str], environment: dict[str, str], **more: Any) -> subprocess.Popen[str]:
    """One of our commands in a process of its own."""
    more = {"stdout": subprocess.DEVNULL, **more}
    return subprocess.Popen(
        [sys.executable, *_COMMAND, *command], env=environment, stderr=subprocess.DEVNULL, text=True, **more
    )


# --- the whole ---


@dataclass(frozen=True)
class Plan:
    """How much of everything."""

    seconds: float = 60.0
    processes: int = 3
    platforms: int = 2
    seed: int = 1
    readers: tuple[str, ...] = ("web", "mcp", "commands", "follow")


def stress(home: Path, plan: Plan) -> Figures:
    """Do all of it; see the module's text for what is looked at."""
    figures = Figures()
    notes = home / "notes"
    notes.mkdir(parents=True)
    own = {name: value for name, value in os.environ.items() if not name.startswith(("SYNDARIX_OBS_", "OTEL_"))}
    environment = {
        **own, "SYNDARIX_OBS_HOME": str(home), "SYNDARIX_OBS_BACKEND": "embedded", "STRESS_NOTES": str(notes),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }  # fmt: skip
    _wait_for(_agent(environment, "first", 1, 0.0, forks=False))  # so that there is a store to read
    figures.agents = 1
    with _reading(environment, figures, plan.readers) as (explorer, follower):
        _agents(environment, figures, plan)
        _judge(home / "store.sqlite3", notes, figures)
        if figures.integrity == "ok":
            _judge_readers(explorer, follower, home / "store.sqlite3", figures)
    return figures


@contextlib.contextmanager
def _reading(
    environment: dict[str, str], figures: Figures, readers: tuple[str, ...]
) -> Iterator[tuple[Explorer | None, Follower | None]]:
    stop = threading.Event()
    explorer = Explorer(environment, figures) if "web" in readers else None
    follower = Follower(environment, figures) if "follow" in readers else None
    threads = []
    if explorer:
        threads.append(threading.Thread(target=explorer.run, args=(stop,)))
    if follower:
        threads.append(threading.Thread(target=follower.run, name=follower.name))
    for name, target in (("mcp", ask_mcp), ("commands", ask_commands)):
        if name in readers:
            threads.append(threading.Thread(target=target, args=(environment, figures, stop)))
    for thread in threads:
        thread.start()
    try:
        yield explorer, follower
    finally:
        stop.set()
        for thread in threads:
            if follower is None or thread.name != follower.name:
                thread.join(_PATIENCE_S)
        for name, reader in (("web", explorer), ("logs --follow", follower)):
            if reader is not None:
                if reader.process.poll() is not None:
                    figures.wrong.append(f"{name} ended with {reader.process.returncode}")
                reader.process.terminate()
                reader.process.wait(_PATIENCE_S)
        for thread in threads:
            thread.join(_PATIENCE_S)  # the follower's ends with its process


def _agent(environment: dict[str, str], name: str, platforms: int, seconds: float, *, forks: bool) -> Any:
    arguments = [str(HERE), "--agent", name, str(platforms), str(seconds), str(int(forks))]
    return subprocess.Popen([sys.executable, *arguments], env=environment)


def _agents(environment: dict[str, str], figures: Figures, plan: Plan) -> None:
    chance = random.Random(plan.seed)
    until = time.monotonic() + plan.seconds
    stays = _agent(environment, "stays", plan.platforms, plan.seconds, forks=True)
    figures.agents, figures.forked = figures.agents + 1, 1
    running: dict[Any, float | None] = {}
    while time.monotonic() < until or running:
        while time.monotonic() < until and len(running) < plan.processes:
            forks, killed = figures.agents % 3 == 0, figures.agents % 4 == 2
            process = _agent(
                environment,
                f"agent-{figures.agents}",
                plan.platforms,
                _PATIENCE_S if killed else chance.uniform(0.1, 1.5),  # whoever is to be killed is still there then
                forks=forks and not killed,
            )
            running[process] = time.monotonic() + chance.uniform(0.8, 2.0) if killed else None
            figures.agents += 1
            figures.forked += forks and not killed
        for process, kill_at in list(running.items()):
            if kill_at is not None and time.monotonic() > kill_at and process.poll() is None:
                process.send_signal(signal.SIGKILL)
                figures.killed += 1
                process.wait()
            if process.poll() is not None:
                del running[process]
                if process.returncode not in (0, -signal.SIGKILL):
                    figures.wrong.append(f"an agent ended with {process.returncode}")
        time.sleep(0.02)
    _wait_for(stays)


def _wait_for(process: Any) -> None:
    process.wait(_PATIENCE_S)


def _judge(path: Path, notes: Path, figures: Figures) -> None:
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as reader:
        figures.integrity = reader.execute("PRAGMA integrity_check").fetchone()[0]
        counted = (
            "SELECT agent, count(*), count(DISTINCT record_id) FROM records WHERE kind = 'tool_call' GROUP BY agent"
        )
        stored = {name: (count, once) for name, count, once in reader.execute(counted)}
    if figures.integrity != "ok":
        figures.wrong.append(f"integrity: {figures.integrity}")
    for note in sorted(path for path in notes.iterdir() if not path.name.startswith(".")):
        told = json.loads(note.read_text(encoding="ascii"))
        count, once = stored.get(note.name, (0, 0))
        figures.recorded += told["calls"]
        figures.stored += count
        missing = told["calls"] - count
        if missing > 0 or (told["ended"] and missing) or count != once:
            figures.wrong.append(f"{note.name}: {told['calls']} calls, {count} stored, {once} different")


def _judge_readers(explorer: Explorer | None, follower: Follower | None, path: Path, figures: Figures) -> None:
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as reader:
        newest = reader.execute(
            "SELECT trace_id FROM records WHERE parent_id IS NULL ORDER BY ts_ns DESC LIMIT 1"
        ).fetchone()[0]
    deadline = time.monotonic() + _PATIENCE_S
    while explorer is not None and not figures.pages and time.monotonic() < deadline:
        time.sleep(0.1)  # it has not begun to answer yet
    if explorer is not None and newest not in explorer.page("/traces.json?limit=5"):
        figures.wrong.append(f"web does not show the newest trace {newest}")
    while follower is not None and newest not in follower.traces:
        if time.monotonic() > deadline:
            figures.wrong.append(f"logs --follow does not show the newest trace {newest}")
            return
        time.sleep(0.1)


def main() -> int:
    """Run it and print the figures; 1 when anything was wrong."""
    if sys.argv[1:2] == ["--agent"]:
        name, platforms, seconds, forks = sys.argv[2:]
        agent(name, int(platforms), float(seconds), forks == "1")
        return 0
    options = results.parser(__doc__)
    options.add_argument("--seconds", type=float, default=60.0)
    options.add_argument("--processes", type=int, default=3)
    options.add_argument("--platforms", type=int, default=2)
    options.add_argument("--seed", type=int, default=1)
    asked = options.parse_args()
    found = {}
    # A reader that stays keeps the log from being deleted, and so hides a writer that dropped its locks.
    for name, readers in (("nobody reads", ()), ("the explorer", ("web",)), ("every reader", Plan.readers)):
        plan = Plan(asked.seconds / 3, asked.processes, asked.platforms, asked.seed, readers)
        with tempfile.TemporaryDirectory() as folder:
            found[name] = asdict(stress(Path(folder), plan))
    print(json.dumps(found, indent=1))
    results.save(asked.json, found)
    return 1 if any(each["wrong"] for each in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())

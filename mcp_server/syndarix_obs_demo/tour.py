"""What a person wants to know after the demo, each answer under the command that gives it."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from syndarix_obs_demo.run import DemoReport
from syndarix_obs_demo.scenario import Scenario

if TYPE_CHECKING:
    from syndarix_obs_demo.alarm import Alarm

PERIOD = ("--since", "7d")
_LOKI = "http://127.0.0.1:3100"
"""Where both sides look unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Stop:
    """One question and the arguments of `syndarix-obs` that answer it."""

    question: str
    arguments: tuple[str, ...]


def stops(report: DemoReport) -> tuple[Stop, ...]:
    """The questions, in the order in which they usually come up."""
    return (
        Stop("What did it do? One session, as a tree", ("trace", report.trace_id)),
        Stop(
            "Why? The decisions of that session",
            ("decisions", "--session", report.session_id, "--limit", "4", *PERIOD),
        ),
        Stop("What does it usually decide, and how does that end?", ("decisions", "--patterns", *PERIOD)),
        *(
            Stop(f"What did it cost, by {by.replace('_', ' ')}?", ("costs", "--by", by, *PERIOD))
            for by in ("agent", "project", "user", "task_type", "model", "day")
        ),
        Stop("What went wrong, and what went round in circles?", ("errors", *PERIOD)),
    )


def regression_stops(alarm: Alarm | None) -> tuple[Stop, ...]:
    """The questions after a worse prompt was deployed."""
    episode = None if alarm is None else alarm.episode
    which = ("--agent", "support", "--since", "3h") if episode is None else (episode.episode,)
    return (
        *([Stop("What is unusual?", ("anomalies", "--agent", "support", "--since", "2d"))] if episode else []),
        Stop("What changed?", ("investigate", *which)),
        Stop(
            "Are the answers any good, before and after?",
            ("quality", "--agent", "support", "--by", "prompt_hash", "--since", "2d"),
        ),
        Stop("What did it cost, by day?", ("costs", "--by", "agent", "--since", "2d")),
    )


def further() -> tuple[Stop, ...]:
    """Where to look next."""
    return (
        Stop("all of it in a browser", ("web", "--open")),
        Stop("every session, newest first", ("sessions", *PERIOD)),
        Stop("the traces of one agent that failed", ("traces", "--agent", "support", "--status", "error", *PERIOD)),
        Stop("every line with a word in it", ("logs", "--grep", "refund", *PERIOD)),
        Stop("anything for a program", ("costs", "--by", "agent,model", "--json", *PERIOD)),
    )


def summary(report: DemoReport) -> Iterator[str]:
    """What the run was, line by line."""
    yield (
        f"{report.sessions} sessions, {report.requests} requests to the fake provider, {report.seconds:.1f} s; "
        "latencies are simulated, tokens are counted by the provider, prices are real."
    )
    yield f"Watched without a line of code: the clients of {' and '.join(sorted(report.instrumented))}."
    yield "Sessions with " + ", ".join(f"{name}: {count}" for name, count in sorted(report.incidents.items())) + "."
    lowest = ", ".join(f"{provider} {share:.1%}" for provider, share in sorted(report.lowest_limits.items()))
    yield f"Least that was left of a rate limit: {lowest}."
    hidden = ", ".join(f"{kind} {count}" for kind, count in sorted(report.masked.items()))
    yield f"Masked before anything was stored: {hidden or 'nothing'}."
    yield from (f"It warned: {message}" for message in report.warnings)
    if report.store is not None:
        yield f"Everything is in {report.store}."
    if not report.saved:
        yield "Not everything could be saved; see the messages above."


def called(home: Path | None, settings: Mapping[str, str] = MappingProxyType({})) -> str:
    """How to call `syndarix-obs` from here: by its path where the shell would not find it.

    Args:
        home: data folder that has to be named, if any.
        settings: variables without which a new terminal would look elsewhere.
    """
    command = "syndarix-obs"
    here = Path(sys.argv[0])
    if here.name == command and shutil.which(command) != str(here.absolute()):
        command = str(here.relative_to(Path.cwd()) if here.is_relative_to(Path.cwd()) else here)
    given = {**settings, **({"SYNDARIX_OBS_HOME": str(home)} if home is not None else {})}
    return "".join(f"{name}={shlex.quote(value)} " for name, value in given.items()) + command


def needed(backend: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Settings that a later command needs to see what the demo sent: the backend, and addresses that are not the usual.

    Args:
        backend: where the demo sent its records.
        environment: the demo's own.
    """
    if backend not in {"stack", "both"}:
        return {}
    addresses = {
        name: value
        for name, value in environment.items()
        # A bare name is a container's: from the terminal that reads this, it leads nowhere.
        if name.startswith("SYNDARIX_OBS_READ_") and "." in (urlsplit(value).hostname or "")
    }
    return {"SYNDARIX_OBS_BACKEND": "stack", **dict(sorted(addresses.items()))}


def elsewhere(backend: str, environment: Mapping[str, str]) -> str | None:
    """What is wrong when the answers would be read from another Loki than the demo wrote to, and what to set.

    Args:
        backend: where the demo sent its records.
        environment: the demo's own.
    """
    written = environment.get("SYNDARIX_OBS_LOKI_URL") or _LOKI
    read = environment.get("SYNDARIX_OBS_READ_LOKI_URL") or _LOKI
    if backend != "stack" or written.rstrip("/") == read.rstrip("/"):
        return None
    return (
        f"The demo wrote to {written}, but answers are read from {read}: set SYNDARIX_OBS_READ_LOKI_URL={written}, and "
        "SYNDARIX_OBS_READ_TEMPO_URL and SYNDARIX_OBS_READ_PROMETHEUS_URL to the servers beside it."
    )


def show(
    report: DemoReport,
    answer: Callable[[list[str]], int],
    write: Callable[[str], object],
    prefix: str = "syndarix-obs",
    scenario: Scenario = Scenario.ORDINARY,
    alarm: Alarm | None = None,
) -> int:
    """Print the summary, every answer under its command, and where to look next.

    Args:
        report: the run.
        answer: runs one command of `syndarix-obs` and prints what it says; returns its exit status.
        write: takes one line.
        prefix: how the command is called here.
        scenario: the story that was told.
        alarm: what the watch found afterwards.

    Returns:
        The first exit status that is not 0, else 0.
    """
    for line in summary(report):
        write(line)
    for alert in () if alarm is None else alarm.alerts:
        said = alert["annotations"]
        write(f"An alert arrived at a local receiver: {said['summary']}: {said['description']}")
    status = 0
    for stop in regression_stops(alarm) if scenario is Scenario.REGRESSION else stops(report):
        write("")
        write(f"── {stop.question}")
        write(f"$ {prefix} {shlex.join(stop.arguments)}")
        status = status or answer(list(stop.arguments))
    write("")
    write("── Look further")
    for stop in further():
        write(f"$ {prefix} {shlex.join(stop.arguments)}    # {stop.question}")
    return status

"""The demo's story on one screen: a session that failed, why, its decisions, its cost, its replay, the anomaly."""

from __future__ import annotations

import os
import shlex
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final

from syndarix_obs_read import formats as f

if TYPE_CHECKING:
    from syndarix_obs_demo.alarm import Alarm
    from syndarix_obs_demo.findings import Findings
    from syndarix_obs_demo.run import DemoReport
    from syndarix_obs_read.answers.explain import ExplanationStep

WIDTH: Final = 100
"""Columns; lines are wrapped or cut to this many."""
MOST_LINES: Final = 60
"""Lines of the whole story; a test holds it."""
_SHORT: Final = 10
_CONTACT: Final = "syndarix_obs_demo.again:contact"
_MOST_STEPS: Final = 7
EXPLORER: Final = "http://127.0.0.1:8766"


@dataclass(frozen=True, slots=True)
class Shell:
    """How `syndarix-obs` is called from here.

    Args:
        exports: variables that a new terminal needs before the commands below find the demo's records.
        folder: that has to be put on the PATH; None where the command is found without.
    """

    exports: Mapping[str, str]
    folder: str | None = None

    def line(self) -> str | None:
        """The command that sets them; None when nothing is needed."""
        given = [f"{name}={shlex.quote(value)}" for name, value in self.exports.items()]
        if self.folder is not None:
            given.append(f'PATH="{self.folder}:$PATH"')
        return f"export {' '.join(given)}" if given else None


def shell(home: Path | None, settings: Mapping[str, str], program: str, on_path: str | None) -> Shell:
    """What a terminal needs.

    Args:
        home: data folder that has to be named, if any.
        settings: variables without which a new terminal would look elsewhere.
        program: path that this program was started by.
        on_path: where a shell finds `syndarix-obs` now.
    """
    exports = {**settings, **({"SYNDARIX_OBS_HOME": str(home)} if home is not None else {})}
    here = Path(program).absolute()
    if here.name != "syndarix-obs" or on_path == str(here):
        return Shell(exports)
    inside = here.parent.is_relative_to(Path.cwd())
    return Shell(exports, f"$PWD/{here.parent.relative_to(Path.cwd())}" if inside else str(here.parent))


def tell(
    report: DemoReport, found: Findings, alarm: Alarm | None, terminal: Shell, write: Callable[[str], object]
) -> None:
    """Write the story, line by line.

    Args:
        report: the run.
        found: what is known about its failed session.
        alarm: what the watch found; None where the watch is another process (the stack).
        terminal: how commands are called here.
        write: takes one line.
    """
    for line in _lines(report, found, alarm, terminal):
        write(line)


def _lines(report: DemoReport, found: Findings, alarm: Alarm | None, terminal: Shell) -> Iterator[str]:
    yield from _opening(report)
    yield from _why(found, report)
    yield from _decided(found, report)
    yield from _cost(found, report)
    yield from _replayed(found, report)
    yield from _unusual(alarm)
    yield from _next(report, terminal)


def _opening(report: DemoReport) -> Iterator[str]:
    failed = sum(count for outcome, count in report.outcomes.items() if outcome != "resolved")
    yield f"A support desk of three agents answered {report.sessions} customers in {report.seconds:.1f} s."
    yield from _text("The provider is a fake on this machine: seconds are simulated, tokens and prices are real.", "")
    masked = ", ".join(f"{kind.replace('_', ' ')} {count}" for kind, count in sorted(report.masked.items()))
    yield from _text(f"Masked before anything was stored: {masked or 'nothing'}.", "")
    if report.warnings:
        yield _cut(f"It warned: {report.warnings[0].removeprefix('syndarix-obs: ')}")
    if not report.saved:
        yield "Not everything could be saved; see the messages above."
    yield f"{f.count(report.sessions - failed)} customers got an answer, {failed} did not. This is the last of them."


def _why(found: Findings, report: DemoReport) -> Iterator[str]:
    yield from _head("Why did it fail?", f"explain {report.trace_id[:_SHORT]}")
    yield from _text(found.explanation.outcome.split(";")[0] + ".")
    shown = [list(same) for _, same in groupby(_told(found), key=lambda step: (step.role, step.title))]
    for steps in shown[-_MOST_STEPS:]:
        first = steps[0]
        times = f" ({len(steps)} times)" if len(steps) > 1 else ""
        text = first.text.partition(";")[0]
        yield _cut(f"  {_offset(first.offset_ms):>6}  {first.role:<8}  {first.title}{times}: {text}")


def _told(found: Findings) -> list[ExplanationStep]:
    """The chain without the loop's remark on each step, and without decisions: those have a part of their own."""
    return [step for step in found.explanation.chain if step.role not in ("decision", "loop", "answer")]


def _decided(found: Findings, report: DemoReport) -> Iterator[str]:
    yield from _head("What did it decide, and why?", f"decisions --session {report.session_id} --since 7d")
    stated = [each for each in reversed(found.decisions) if not each.automatic and each.reasoning]
    for each in stated[-4:]:
        over = [option for option in each.options if option != each.selected]
        others = f"{', '.join(over[:2])}{f' and {len(over) - 2} more' if len(over) > 2 else ''}"
        sure = "" if each.confidence is None else f", {each.confidence:.0%} sure"
        yield _cut(f"  {each.selected}, not {others}{sure}")
        yield _cut(f"      {each.reasoning}")


def _cost(found: Findings, report: DemoReport) -> Iterator[str]:
    yield from _head("What did it cost?", f"costs --session {report.session_id} --since 7d")
    total, usual = found.session.cost.total_usd, found.usual_usd
    beside = f", {total / usual:.0f} times what a session usually costs ({f.money(usual)})" if total and usual else ""
    yield _cut(f"  {f.cost(found.session.cost)} for {found.session.tokens.total:,} tokens{beside}")
    for group in found.costs[:2]:
        who, calls = f"{group.key['agent']}, {group.key['model']}", f.count(group.cost.calls)
        yield _cut(f"  {who:<36} {calls:>4} calls {group.tokens.total:>8,} tokens {f.cost(group.cost):>11}")


def _replayed(found: Findings, report: DemoReport) -> Iterator[str]:
    yield from _head("Would the same code do it again?", f"replay {report.session_id[:_SHORT]} --with {_CONTACT}")
    ran = found.replay
    yield _cut(f"  {ran.result}: {ran.replayed} of {ran.steps} steps were answered from the record, nothing was live")
    if ran.error:
        yield from _text(ran.error)


def _unusual(alarm: Alarm | None) -> Iterator[str]:
    yield from _head("Did anybody notice?", "anomalies --since 7d")
    if alarm is None:
        yield "  The stack's own watch looks every five minutes, and Alertmanager tells people."
        return
    each = alarm.cost or alarm.episode
    if each is None:
        yield "  No: its agent makes too few calls for anything to count as unusual."
        return
    seen, usual = _amount(each.series, each.observed), _amount(each.series, each.expected)
    yield _cut(f"  {each.agent}: {each.series} of {seen} in five minutes, where {usual} is usual")
    for alert in alarm.alerts[:1]:
        yield _cut(f"  An alert arrived at a local receiver: {alert['annotations']['summary']}")


def _next(report: DemoReport, terminal: Shell) -> Iterator[str]:
    session, trace = report.session_id[:_SHORT], report.trace_id[:_SHORT]
    yield ""
    yield "Try next:"
    if line := terminal.line():
        yield f"  $ {line}"
    for arguments, about in (
        (f"trace {trace}", "every step, time, token and dollar"),
        (f"step {session} 4", "one step as the model saw it"),
        ("costs --by agent,model --since 7d", "what everything cost"),
        ("errors --since 7d", "what failed, grouped by message"),
    ):
        yield f"  $ {f'syndarix-obs {arguments}':<58} # {about}"
    yield f"  $ syndarix-obs replay {session} --with {_CONTACT} \\"
    yield f"      {'--fork-at 4 --set model=claude-haiku-4-5 --live llm':<56} # again, with another model"
    yield ""
    yield f"In a browser: {EXPLORER}/session?id={report.session_id}"
    yield "  served by `syndarix-obs web`; `make demo OPEN=1` opens it."


def _head(question: str, arguments: str) -> Iterator[str]:
    yield ""
    command = f"$ syndarix-obs {arguments}"
    if len(question) + 2 + len(command) <= WIDTH:
        yield f"{question:<{WIDTH - len(command)}}{command}"
    else:
        yield question
        yield f"{command:>{WIDTH}}"


def _text(text: str, indent: str = "  ") -> list[str]:
    return textwrap.wrap(text, WIDTH - 1, initial_indent=indent, subsequent_indent=indent)


def _cut(line: str) -> str:
    line = " ".join(line.split("\n"))
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…"


def _offset(milliseconds: float) -> str:
    return f"+{f.duration(milliseconds)}"


def _amount(series: str, value: float | None) -> str:
    if value is None:
        return f.NOTHING
    return f"${value:.3g}" if series == "cost" else f"{value:.3g}"


def terminal_of(home: Path | None, settings: Mapping[str, str]) -> Shell:
    """What this process' terminal needs."""
    import shutil
    import sys

    return shell(home, settings, sys.argv[0], shutil.which("syndarix-obs", path=os.environ.get("PATH")))

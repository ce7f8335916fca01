"""`syndarix-obs replay`: the command and its drawing."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from syndarix_obs.replaying.tape import ModelStep, Tape
from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.messages import brief
from syndarix_obs_read.answers.replay import Replayable, ReplayReport, problems_of, report_of
from syndarix_obs_read.backends.choose import open_backend
from syndarix_obs_read.backends.rows import StoredRecord
from syndarix_obs_read.cli.asking import print_json, settings_of
from syndarix_obs_read.cli.diff import draw_steps
from syndarix_obs_read.cli.options import Common
from syndarix_obs_read.cli.screen import Screen
from syndarix_obs_read.cli.writing import write_file
from syndarix_obs_read.errors import UsageError
from syndarix_obs_read.replay.keep import keep, replays_of
from syndarix_obs_read.replay.load import tape_named
from syndarix_obs_read.replay.run import Ran, changes_of, function_at, run
from syndarix_obs_read.settings import ReadSettings

_FORK, _WHAT = "Fork", "What to run"
_TRACE_ID: Final = re.compile(r"[0-9a-f]{32}")
_GOOD: Final = frozenset({"identical", "finished"})


def replay(
    common: Common,
    session: Annotated[
        str, typer.Argument(metavar="SESSION", help="Session or trace, or its beginning, or a recording's file.")
    ],
    function: Annotated[
        str | None, typer.Option("--with", help="The agent's function, as module:function.", rich_help_panel=_WHAT)
    ] = None,
    arguments: Annotated[
        str | None,
        typer.Option("--args", help="Its arguments as a JSON list; by default the first message of the user, if it "
                     "takes one.", rich_help_panel=_WHAT),
    ] = None,
    tool: Annotated[
        list[str] | None,
        typer.Option(help="A function to answer for that is not under @obs.tool_call: module:function=tool.",
                     rich_help_panel=_WHAT),
    ] = None,
    requests_only: Annotated[
        bool,
        typer.Option("--requests-only", help="Send the recorded requests again, without the agent; needs --live llm.",
                     rich_help_panel=_WHAT),
    ] = False,
    fork_at: Annotated[
        int | None, typer.Option(min=1, help="Step from which on the model is live.", rich_help_panel=_FORK)
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="A field of the live requests: model=…, system=@file, temperature=0.",
                     rich_help_panel=_FORK),
    ] = None,
    live: Annotated[
        list[str] | None, typer.Option(help="What may be live: llm.", rich_help_panel=_FORK)
    ] = None,
    allow: Annotated[
        list[str] | None, typer.Option(help="A tool that may really run.", rich_help_panel=_FORK)
    ] = None,
    lenient: Annotated[bool, typer.Option("--lenient", help="Report differences instead of stopping.")] = False,
    doctor: Annotated[
        bool, typer.Option("--doctor", help="Go on after a difference, and say what it probably comes from.")
    ] = False,
    export: Annotated[
        Path | None, typer.Option(help="Write the session as a file for the pytest fixture `replayed_session`.")
    ] = None,
) -> None:
    """Run an agent's own code again along a recorded session. Nothing is live that is not named.

    Without --fork-at every request must be as it was recorded; the first difference is named, and the exit code is 1.
    """  # fmt: skip
    settings, screen = settings_of(common), Screen(settings_of(common).zone)
    _check(live or [], fork_at, requests_only, set_ or [])
    nothing_runs = function is None and not requests_only
    named = fork_at is not None or any((live, allow, tool, arguments, lenient, doctor))
    if nothing_runs and export is None and named:
        raise UsageError("nothing was named to run: --with module:function is the agent's function, for example "
                         "--with my_agent.main:answer")  # fmt: skip
    only_shown = export is not None or nothing_runs
    tape, replays = asyncio.run(_load(settings, session, with_replays=only_shown))
    if fork_at is not None and fork_at > len(tape.steps):
        raise UsageError(f"--fork-at {fork_at}: the session {tape.session_id} has {len(tape.steps)} steps")
    if only_shown:
        tape.tools_at |= _answered_for(function, tool or [])
        _show_tape(common, settings, screen, tape, export, replays)
        return
    if requests_only:
        from syndarix_obs_read.replay.requests_only import send_again

        ran = send_again(tape, changes_of(set_ or []))
    else:
        options = {"fork_at": fork_at, "live": tuple(live or ()), "allow": tuple(allow or ()),
                   "changes": changes_of(set_ or []), "lenient": lenient or doctor,
                   "tools_at": _answered_for(function, tool or [])}  # fmt: skip
        ran = _run(tape, function or "", arguments, **options)
    report = report_of(settings.backend, ran)
    place = keep(settings, ran.run, report.mode, report.result, as_file=session.endswith(".json"))
    report = report.model_copy(update={"saved": place})
    if common.as_json:
        print_json(report)
    else:
        draw_report(screen, report, doctor=doctor)
    raise typer.Exit(0 if report.result in _GOOD else 1)


async def _load(settings: ReadSettings, name: str, *, with_replays: bool) -> tuple[Tape, list[StoredRecord]]:
    backend = open_backend(settings)
    try:
        tape = await tape_named(backend, settings, name)
        known = with_replays and not name.endswith(".json")
        return tape, await replays_of(backend, tape.session_id) if known else []
    finally:
        await backend.close()


def _check(live: list[str], fork_at: int | None, requests_only: bool, changes: list[str]) -> None:
    unknown = [each for each in live if each != "llm"]
    if unknown:
        raise UsageError(f"--live {unknown[0]!r} is not known: `llm` is; tools are allowed one by one with --allow")
    if requests_only and "llm" not in live:
        raise UsageError("--requests-only asks the provider, which costs money: say so with --live llm")
    if fork_at is not None and "llm" not in live:
        raise UsageError("from --fork-at N on the model is asked, which costs money: say so with --live llm")
    if changes and fork_at is None and not requests_only:
        raise UsageError("--set changes live requests: say from which step on with --fork-at N, or use --requests-only")


def _show_tape(
    common: Common, settings: ReadSettings, screen: Screen, tape: Tape, export: Path | None, replays: list[StoredRecord]
) -> None:
    """Without a function to run: whether the session can be replayed, and its file if one is wanted."""
    if export is not None:
        export.parent.mkdir(parents=True, exist_ok=True)
        # A session without a name is told by its trace, by which an erasure then finds the file.
        traces = [tape.session_id] if _TRACE_ID.fullmatch(tape.session_id) else []
        write_file(common, export, tape.to_json().encode(), "a session for replay", traces)
    found = problems_of(settings.backend, tape, None if export is None else str(export), replays)
    if common.as_json:
        print_json(found)
    else:
        draw_tape(screen, found)
    raise typer.Exit(1 if found.problems else 0)


def _answered_for(place: str | None, tools: list[str]) -> dict[str, str]:
    """Functions that the replay answers for: those that the agent's function names itself, and those of --tool."""
    own = {} if place is None else getattr(function_at(place), "replay_tools", {})
    return {**own, **_tools(tools)}


def _run(tape: Tape, place: str, arguments: str | None, **options: Any) -> Ran:
    called = function_at(place)
    return run(tape, called, *_arguments(called, arguments, tape), **options)


def _arguments(function: Callable[..., Any], given: str | None, tape: Tape) -> list[Any]:
    if given is not None:
        try:
            found = json.loads(given)
        except ValueError as error:
            raise UsageError(f'--args is no JSON ({error}); for example --args \'["Where is my order?"]\'') from error
        return found if isinstance(found, list) else [found]
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError) as error:  # a function of C tells none
        raise UsageError(f"what the function takes is not known ({error}): give a JSON list with --args") from error
    needed = [
        each.name for each in signature.parameters.values()
        if each.default is each.empty and each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
    ]  # fmt: skip
    if not needed:
        return []
    if len(needed) == 1 and (said := first_words(tape)):
        return [said]
    raise UsageError(f"the function takes {', '.join(needed)}: give them as a JSON list with --args")


def first_words(tape: Tape) -> str | None:
    """The first message of the user in a recording."""
    for step in tape.steps:
        told = step.request.get("input") if isinstance(step, ModelStep) else None
        if isinstance(told, str):
            return told
        for message in told if isinstance(told, list) else ():
            if isinstance(message, dict) and message.get("role") == "user" and isinstance(message.get("content"), str):
                return str(message["content"])
    return None


def _tools(given: list[str]) -> dict[str, str]:
    found = {}
    for each in given:
        place, _, name = each.partition("=")
        found[place] = name or place.rpartition(":")[2].rpartition(".")[2]
    return found


# --- drawing ---


def draw_report(screen: Screen, report: ReplayReport, *, doctor: bool = False) -> None:
    """How a replay went."""
    style = "bold green" if report.result in _GOOD else "bold red"
    screen.line(f"{report.result}: {report.mode} of session {report.session_id}", style)
    live = f", {report.live_steps} live" if report.live_steps else ""
    screen.line(f"{report.replayed} of {report.steps} steps answered from the record{live}; kept as {report.replay_id}")
    if report.error:
        screen.text(report.error, "red")
    for each in report.divergences:
        if each.message != report.error:
            screen.text(f"step {each.step} at {each.path}: {each.message}", "red")
        if doctor:
            screen.text(f"  {each.cause}: {each.advice}")
    for note in report.notes:
        screen.text(f"note: {note}", "dim")
    if report.comparison is not None:
        for line in report.comparison.summary:
            screen.text(line)
        draw_steps(screen, report.comparison)
    if not screen.piped:
        screen.line(f"→ syndarix-obs diff {report.session_id} {report.replay_id}", "dim")


def draw_tape(screen: Screen, found: Replayable) -> None:
    """Whether a session can be replayed."""
    bad = len(found.problems)
    words = "every step can be replayed" if not bad else f"{bad} of {f.count(found.steps)} steps cannot be replayed"
    screen.line(f"Session {found.session_id}: {f.count(found.steps)} steps, {words}", "bold")
    for each in found.problems:
        screen.text(f"{each.title}: {brief(each.problem, 400)}", "yellow")
    for kept in found.replays:
        screen.text(f"replayed as {kept.replay_id}: {kept.mode}, {kept.result}")
    if found.exported:
        screen.line(f"written to {found.exported}; play it in a test with the fixture `replayed_session`")
    elif not screen.piped:
        screen.line(f"→ syndarix-obs replay {screen.id(found.session_id)} --with module:function", "dim")

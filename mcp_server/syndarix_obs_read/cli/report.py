"""`syndarix-obs report`: a run, an agent or a week as one file to send on."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from syndarix_obs_read.answers import report as report_answer
from syndarix_obs_read.answers.report import Report
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.cli.asking import Asker, ask, settings_of
from syndarix_obs_read.cli.options import Common, When
from syndarix_obs_read.cli.screen import Screen
from syndarix_obs_read.cli.writing import write_file
from syndarix_obs_read.errors import FilterError
from syndarix_obs_read.timerange import parse_range

WEEK = "7d"


def report(
    common: Common,
    when: When,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File; its end says the form: .html, .md or .pdf.")
    ] = None,
    session: Annotated[str | None, typer.Option(help="A session, or a unique beginning of its id.")] = None,
    trace: Annotated[str | None, typer.Option(help="A trace, likewise.")] = None,
    agent: Annotated[str | None, typer.Option(help="An agent over the time of --since; a week without it.")] = None,
    week: Annotated[bool, typer.Option("--week", help="The last seven days beside those before.")] = False,
    mail: Annotated[
        str | None, typer.Option(help="Send the report of this name in SYNDARIX_OBS_READ_REPORTS_FILE now.")
    ] = None,
) -> None:
    """Write one file about a session, a trace, an agent or a week: no script, no network, drawings inside.

    A PDF is printed by Chromium where it is on the PATH. --mail sends one now that `watch` sends every week.
    """
    if mail is not None:
        _send(common, mail)
        return
    from syndarix_obs_read.reporting.write import check, written

    run = session or trace
    if sum((run is not None, agent is not None, week)) != 1 or (session and trace):
        raise FilterError("what is the report about? give one of --session, --trace, --agent and --week")
    if output is None:
        raise FilterError("where does the report go? give -o report.html")
    suffix = check(output)

    async def question(asker: Asker, backend: Backend) -> Report:
        if run is not None:
            return await report_answer.report_run(backend, asker.settings, run)
        period = parse_range(when.since or WEEK, when.until, zone=asker.zone)
        if agent is not None:
            return await report_answer.report_agent(backend, asker.settings, agent, period)
        return await report_answer.report_week(backend, asker.settings, period)

    def draw(screen: Screen, answer: Report) -> None:
        data = written(answer, output)
        size = write_file(common, output, data, f"a report about a {answer.about} as {suffix}", answer.trace_ids)
        screen.line(f"{answer.title}: {len(answer.sections)} sections in {output}, {size:,} bytes")

    ask(common, question, draw)


def _send(common: Common, name: str) -> None:
    """Send the report of a directive, of the week up to now."""
    from syndarix_obs_read.mailing.directives import load
    from syndarix_obs_read.mailing.due import send

    path = settings_of(common).reports_file
    if path is None:
        raise FilterError("no reports are set up; SYNDARIX_OBS_READ_REPORTS_FILE names the file that does")
    file = load(path)
    directive = file.named(name)

    async def question(asker: Asker, backend: Backend) -> Report:
        return await send(backend, asker.settings, file, directive, datetime.now(asker.zone))

    def draw(screen: Screen, answer: Report) -> None:
        screen.line(f"{answer.title}: sent to {', '.join(directive.to)}")

    ask(common, question, draw)

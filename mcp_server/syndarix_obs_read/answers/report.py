"""A report to send on: one run, one agent, or a week, gathered from the other answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import Final

from pydantic import Field

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.base import Answer, Moment
from syndarix_obs_read.answers.interactions import interactions, traces_of
from syndarix_obs_read.answers.report_run import run_sections
from syndarix_obs_read.answers.report_time import agent_sections, week_sections
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.errors import FilterError
from syndarix_obs_read.next_steps import Ask
from syndarix_obs_read.reporting.parts import Section
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.timerange import TimeRange

_ARROWS: Final = 200


class Report(Answer):
    """A report before it is written to a file."""

    title: str
    about: str = Field(description="`run`, `agent` or `week`.")
    made: Moment
    zone: str = Field(description="Zone of the times in it.")
    trace_ids: tuple[str, ...] = Field(description="Traces that it shows.")
    sections: tuple[Section, ...]


async def report_run(backend: Backend, settings: ReadSettings, run: str) -> Report:
    """A session or trace: how it ended and why, who spoke to whom, every step, what was said, what it cost.

    Raises:
        NotFound, Ambiguous: see `resolve_session`.
    """
    name, traces = await traces_of(backend, run)
    found = await interactions(backend, name, limit=_ARROWS)
    sections = await run_sections(backend, settings, found, traces)
    what = "Session" if found.is_session else "Trace"
    return _report(backend, settings, f"{what} {name}", "run", traces, sections, found.hints)


async def report_agent(backend: Backend, settings: ReadSettings, agent: str, period: TimeRange) -> Report:
    """How one agent did over a time: success, cost, tools, errors, ways it went.

    Raises:
        FilterError: no such agent did anything in that time.
    """
    sections, traces = await agent_sections(backend, settings, agent, period)
    if not sections:
        raise FilterError(f"the agent {agent!r} did nothing in {period.text}", next=(Ask("agents"), " lists agents"))
    return _report(backend, settings, f"Agent {agent}, {_span(period, settings.zone)}", "agent", traces, sections)


async def report_week(backend: Backend, settings: ReadSettings, period: TimeRange) -> Report:
    """A time beside the one of the same length before it: cost, success, errors, what was unusual, the dearest runs."""
    sections, traces = await week_sections(backend, settings, period)
    return _report(backend, settings, f"Week {_span(period, settings.zone)}", "week", traces, sections)


def _report(
    backend: Backend, settings: ReadSettings, title: str, about: str, traces: Sequence[str],
    sections: Sequence[Section], hints: tuple[str, ...] = (),
) -> Report:  # fmt: skip
    return Report(
        backend=backend.name, hints=hints, title=title, about=about, made=datetime.now(UTC), zone=settings.timezone,
        trace_ids=tuple(dict.fromkeys(traces)), sections=tuple(sections),
    )  # fmt: skip


def _span(period: TimeRange, zone: tzinfo) -> str:
    since, until = (datetime.fromtimestamp(ns / 1e9, zone) for ns in (period.since_ns, period.until_ns))
    return f"{f.day_minute(since, zone)} to {f.day_minute(until, zone)}"

"""What the platform knows about the session that failed: the same answers that commands, pages and tools give."""

from __future__ import annotations

import asyncio
import statistics
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from syndarix_obs_demo.again import contact
from syndarix_obs_demo.run import DemoReport
from syndarix_obs_read.answers.costs import CostGroup, summarise_costs
from syndarix_obs_read.answers.decisions import Decision, list_decisions
from syndarix_obs_read.answers.explain import Explanation, explain_trace
from syndarix_obs_read.answers.replay import ReplayReport, report_of
from syndarix_obs_read.answers.sessions import Session, list_sessions
from syndarix_obs_read.backends.choose import open_backend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.replay.load import tape_of
from syndarix_obs_read.replay.run import run
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.timerange import parse_range

SINCE: Final = "7d"
_MOST: Final = 1_000


@dataclass(frozen=True, slots=True)
class Findings:
    """About one session.

    Args:
        explanation: why it ended as it did.
        decisions: what it decided, the last first.
        costs: what it cost, by agent and model, most expensive first.
        session: the session itself.
        usual_usd: what the session in the middle costs, in dollars; None when no other has a price.
        replay: how the same code did along the record.
    """

    explanation: Explanation
    decisions: tuple[Decision, ...]
    costs: tuple[CostGroup, ...]
    session: Session
    usual_usd: Decimal | None
    replay: ReplayReport


def find(settings: ReadSettings, report: DemoReport) -> Findings:
    """Ask about the session of a report, and run its agents again along the record.

    Raises:
        ReadError: the backend cannot answer.
    """

    async def ask() -> Findings:
        backend = open_backend(settings)
        try:
            return await _find(backend, report)
        finally:
            await backend.close()

    return asyncio.run(ask())


async def _find(backend: Backend, report: DemoReport) -> Findings:
    period, mine = parse_range(SINCE), Filter(session_id=report.session_id)
    sessions = (await list_sessions(backend, Filter(), period, _MOST)).sessions
    return Findings(
        await explain_trace(backend, report.trace_id),
        (await list_decisions(backend, mine, period, _MOST)).decisions,
        (await summarise_costs(backend, mine, period, ("agent", "model"))).groups,
        next(each for each in sessions if each.session_id == report.session_id),
        _middle(sessions, report.session_id),
        await _replayed(backend, report),
    )


def _middle(sessions: tuple[Session, ...], without: str) -> Decimal | None:
    amounts = [each.cost.total_usd for each in sessions if each.session_id != without]
    priced = [amount for amount in amounts if amount is not None]
    return statistics.median(priced) if priced else None


async def _replayed(backend: Backend, report: DemoReport) -> ReplayReport:
    from syndarix_obs_read.cli.replay import first_words

    tape = await tape_of(backend, report.session_id)
    tools = getattr(contact, "replay_tools", {})
    words = first_words(tape) or ""
    ran = await asyncio.to_thread(run, tape, contact, words, report.sessions, report.seed, tools_at=tools)
    return report_of(backend.name, ran)

"""How far can an agent's confidence be believed? Against what came of its decisions, by agent, type and source."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Final

from pydantic import Field

from syndarix_obs import vocabulary as v
from syndarix_obs_read.amounts import Frozen
from syndarix_obs_read.answers.base import Answer, Period, some_fields
from syndarix_obs_read.answers.calibration import NEEDED, calibrate, refusal
from syndarix_obs_read.answers.decisions import outcomes_of
from syndarix_obs_read.answers.empty import why_empty
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import COUNTED_UP_TO, StoredRecord
from syndarix_obs_read.outcomes import is_success
from syndarix_obs_read.timerange import TimeRange


class ReliabilityBin(Frozen):
    """Decisions of about the same confidence."""

    count: int
    confidence: float
    success: float
    low: float = Field(description="Lower end of the 95% interval of `success` (Wilson).")
    high: float


class Reliability(Frozen):
    """Confidence of one source in one type of decision of one agent."""

    agent: str | None
    decision_type: str
    source: str = Field(description="`stated`, `logprob`, `judge` or `vote`; sources are never mixed.")
    outcomes: int
    verdict: str | None = Field(description="Why nothing can be said; null when something can.")
    mean_confidence: float
    success_rate: float
    brier: float | None = None
    reliability: float | None = Field(default=None, description="Part of the Brier score that calibration could mend.")
    resolution: float | None = Field(default=None, description="How far confidence tells right from wrong.")
    uncertainty: float | None = None
    ece: float | None = Field(default=None, description="Expected calibration error, without what chance adds.")
    bins: tuple[ReliabilityBin, ...] = ()


class ConfidenceReport(Answer):
    """Confidence against outcome."""

    groups: tuple[Reliability, ...]
    needed: int = NEEDED
    decisions: int = Field(description="Decisions with a confidence that were looked at.")


_FIELDS: Final = ("confidence", "agent", "decision_type", "session_id", "attributes")
"""Fields of decisions that are looked at."""


async def confidence_report(backend: Backend, where: Filter, period: TimeRange) -> ConfidenceReport:
    """Every agent, type and source in a period; those with most outcomes first."""
    wanted = replace(where.within(period), kinds=(v.KIND_DECISION,))
    page = await some_fields(backend, wanted, _FIELDS, COUNTED_UP_TO)
    sure = [record for record in page.rows if record.get("confidence") is not None]
    outcomes = await outcomes_of(backend, sure, where)
    groups: defaultdict[tuple[str, str, str], list[tuple[float, bool]]] = defaultdict(list)
    for record in sure:
        right = _right(record, outcomes.get(record.text("session_id")))
        if right is not None:
            groups[_group(record)].append((float(record.get("confidence")), right))
    made = sorted((_reliability(*key, pairs) for key, pairs in groups.items()), key=lambda each: -each.outcomes)
    hints = () if sure else tuple(await why_empty(backend, where, period))
    if page.more:
        hints = (*hints, f"only the newest {COUNTED_UP_TO:,} decisions were looked at")
    return ConfidenceReport(
        backend=backend.name, period=Period.of(period), groups=tuple(made), decisions=len(sure), hints=hints
    )


def _group(record: StoredRecord) -> tuple[str, str, str]:
    source = (record.get("attributes") or {}).get(v.DECISION_CONFIDENCE_SOURCE) or v.CONFIDENCE_STATED
    return record.text("agent"), record.text("decision_type"), str(source)


def _right(record: StoredRecord, session: tuple[str, str | None] | None) -> bool | None:
    """What came of a decision: of its tools where that is known, else of its session."""
    own = (record.get("attributes") or {}).get(v.DECISION_OUTCOME)
    if own is not None:
        return bool(own == v.STATUS_OK)
    if session is None or session[0] == v.STATUS_RUNNING:
        return None
    return is_success(*session)


def _reliability(agent: str, decision_type: str, source: str, pairs: list[tuple[float, bool]]) -> Reliability:
    values = [sure for sure, _right in pairs]
    verdict = refusal(values)
    plain = Reliability(
        agent=agent or None, decision_type=decision_type, source=source, outcomes=len(pairs), verdict=verdict,
        mean_confidence=sum(values) / len(values), success_rate=sum(right for _sure, right in pairs) / len(pairs),
    )  # fmt: skip
    if verdict is not None:
        return plain
    found = calibrate(pairs)
    bins = tuple(
        ReliabilityBin(count=b.count, confidence=b.confidence, success=b.success, low=b.low, high=b.high)
        for b in found.bins
    )
    return plain.model_copy(update={
        "brier": found.brier, "reliability": found.reliability, "resolution": found.resolution,
        "uncertainty": found.uncertainty, "ece": found.ece, "bins": bins,
    })  # fmt: skip

"""Is it any good? Scores, outcomes and feedback by agent, version, prompt and model, with intervals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Final, Literal, get_args

from pydantic import Field

from syndarix_obs import vocabulary as v
from syndarix_obs_read.amounts import Frozen
from syndarix_obs_read.analysis.statistics import mean_interval, wilson
from syndarix_obs_read.answers.base import Answer, Moment, Period
from syndarix_obs_read.answers.empty import why_empty
from syndarix_obs_read.answers.observed import MOST_CALLS, attributes, configurations
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import COUNTED_UP_TO, StoredRecord
from syndarix_obs_read.errors import FilterError
from syndarix_obs_read.timerange import TimeRange, to_datetime

By = Literal[
    "agent", "agent_version", "prompt_hash", "tool_set_hash", "model", "provider", "source", "judge_version", "day"
]
BY: Final[tuple[str, ...]] = get_args(By)
"""What scores can be grouped by."""
_LOOKED_UP: Final = 300
_ORPHANS: Final = 20


class Score(Frozen):
    """One score, as it was given."""

    name: str
    type: str = Field(description="outcome, score or feedback.")
    value: float | None
    label: str | None
    source: str
    judge_version: str | None
    given: Moment
    session_id: str | None
    trace_id: str
    target: str | None
    explanation: str | None = Field(default=None, description="Why, or a person's comment; untrusted.")
    author: str | None = Field(default=None, description="The person who gave it by hand.")


class QualityGroup(Frozen):
    """Scores of one name under one key. Yes counts as 1 and no as 0."""

    name: str
    key: Mapping[str, str | None]
    scores: int
    sessions: int
    mean: float | None = Field(description="Null when the scores are words.")
    low: float | None = Field(description="Lower end of the mean's 95% interval.")
    high: float | None
    labels: Mapping[str, int] = Field(description="How often each word was given.")
    kappa: float | None = Field(default=None, description="A judge's agreement with people on its control set.")


class QualityReport(Answer):
    """Scores, grouped."""

    by: tuple[str, ...]
    groups: tuple[QualityGroup, ...]
    scores: int
    orphaned: int = Field(description="Scores for sessions that are not here (yet); they are kept, and not in groups.")
    orphans: tuple[Score, ...] = Field(description="Some of those, the newest first.")


@dataclass(frozen=True, slots=True)
class _Known:
    """Sessions that were found, with what they ran on."""

    agents: Mapping[str, str]
    running_on: Mapping[tuple[str, str], Mapping[str, tuple[str, ...]]]

    def agent(self, record: StoredRecord, wanted: str | None) -> str:
        """Whose score it is: the agent that is asked about if it worked in the session, else the session's first."""
        session = record.text("session_id")
        if wanted is not None and (session, wanted) in self.running_on:
            return wanted
        return record.text("agent") or self.agents.get(session, "")

    def configuration(self, record: StoredRecord, agent: str) -> Mapping[str, tuple[str, ...]]:
        """What that agent ran on in the session."""
        return self.running_on.get((record.text("session_id"), agent), {})


async def get_quality(
    backend: Backend, where: Filter, period: TimeRange, by: Sequence[str], zone: tzinfo, name: str | None = None
) -> QualityReport:
    """Scores that were given in the period, grouped by `by`; of sessions of any time.

    Raises:
        FilterError: scores cannot be grouped like that.
    """
    if wrong := [each for each in by if each not in BY]:
        raise FilterError(f"scores cannot be grouped by {', '.join(wrong)}; possible: {', '.join(BY)}")
    given = await scores_given(backend, where, period, name)
    known = await _sessions(backend, given, period)
    homeless = [each for each in given if each.text("session_id") and each.text("session_id") not in known.agents]
    housed = [each for each in given if each not in homeless and _fits(each, known, where)]
    hints = () if given else await why_empty(backend, where, period)
    return QualityReport(
        backend=backend.name,
        period=Period.of(period),
        hints=hints,
        by=tuple(by),
        groups=_groups(housed, known, by, zone, where.agent),
        scores=len(given),
        orphaned=len(homeless),
        orphans=tuple(score_of(each) for each in homeless[:_ORPHANS]),
    )


async def scores_given(
    backend: Backend, where: Filter, period: TimeRange, name: str | None = None
) -> list[StoredRecord]:
    """Scores of a time, the newest first. An agent is looked for in the session, not in the score."""
    wanted = replace(where.within(period), kinds=(v.KIND_SCORE,), agent=None, model=None)
    page = await backend.records(wanted, limit=COUNTED_UP_TO, payloads=False)
    return [each for each in page.rows if name is None or each.text("score_name") == name]


async def scores_of_session(backend: Backend, session_id: str) -> tuple[Score, ...]:
    """Everything that was said about one session, whenever that was."""
    page = await backend.records(Filter(session_id=session_id, kinds=(v.KIND_SCORE,)), limit=200, payloads=True)
    return tuple(score_of(each) for each in page.rows)


def author_of(record: StoredRecord) -> str | None:
    """Who gave a score or wrote a note by hand."""
    found = attributes(record).get(v.ANNOTATION_AUTHOR)
    return None if found is None else str(found)


def score_of(record: StoredRecord) -> Score:
    """A record as a score."""
    return Score(
        name=record.text("score_name"),
        type=record.text("score_type"),
        value=record.get("value"),
        label=record.optional("label"),
        source=record.text("source"),
        judge_version=record.optional("judge_version"),
        given=to_datetime(record.start_ns),
        session_id=record.optional("session_id"),
        trace_id=record.text("trace_id"),
        target=record.optional("target"),
        explanation=record.payload.get("explanation"),
        author=author_of(record),
    )


async def _sessions(backend: Backend, given: Sequence[StoredRecord], period: TimeRange) -> _Known:
    """The sessions that scores are about: those of the period at once, older ones one by one."""
    wanted = {each.text("session_id") for each in given} - {""}
    kinds = (v.KIND_LLM_CALL, v.KIND_SESSION)
    recent = Filter(kinds=kinds).within(period)
    found = list((await backend.records(recent, limit=MOST_CALLS, payloads=False)).rows) if wanted else []
    here = {each.text("session_id") for each in found if each.kind == v.KIND_SESSION}
    for session in sorted(wanted - here)[:_LOOKED_UP]:
        page = await backend.records(Filter(session_id=session, kinds=kinds), limit=100, payloads=False)
        found += page.rows
    found = [each for each in found if each.text("session_id") in wanted]
    agents = {each.text("session_id"): each.text("agent") for each in sorted(found, key=lambda r: -r.start_ns)}
    return _Known(agents, configurations(found))


def _fits(record: StoredRecord, known: _Known, where: Filter) -> bool:
    agent = known.agent(record, where.agent)
    models = known.configuration(record, agent).get("model", ())
    return where.agent in (None, agent) and (where.model is None or where.model in models)


def _key(
    record: StoredRecord, known: _Known, by: Sequence[str], zone: tzinfo, wanted: str | None
) -> tuple[str | None, ...]:
    agent = known.agent(record, wanted)
    found: dict[str, str | None] = {
        "agent": agent or None,
        "source": record.text("source"),
        "judge_version": record.optional("judge_version"),
        "day": _day(record.start_ns, zone),
    }
    for name, values in known.configuration(record, agent).items():
        found[name] = " + ".join(values) or None
    return tuple(found.get(name) for name in by)


def _day(ns: int, zone: tzinfo) -> str:
    return datetime.fromtimestamp(ns / 1e9, zone).date().isoformat()


KAPPA: Final = ".kappa"
"""What stands behind the name of a judge's score in the name of its agreement with people."""


def _agreements(records: Sequence[StoredRecord]) -> dict[tuple[str, str], float]:
    """The newest agreement of each judge, by the name of its score and its version."""
    found: dict[tuple[str, str], float] = {}
    for each in records:  # the newest first
        if each.text("score_name").endswith(KAPPA) and each.get("value") is not None:
            name = each.text("score_name").removesuffix(KAPPA)
            found.setdefault((name, each.text("judge_version")), float(each.get("value")))
    return found


def _groups(
    records: Sequence[StoredRecord], known: _Known, by: Sequence[str], zone: tzinfo, wanted: str | None
) -> tuple[QualityGroup, ...]:
    found: defaultdict[tuple[str, tuple[str | None, ...]], list[StoredRecord]] = defaultdict(list)
    for record in records:
        if not record.text("score_name").endswith(KAPPA):
            found[record.text("score_name"), _key(record, known, by, zone, wanted)].append(record)
    agreed = _agreements(records)
    ordered = sorted(found.items(), key=lambda item: (item[0][0], tuple(str(each) for each in item[0][1])))
    return tuple(_group(name, dict(zip(by, key, strict=True)), each, agreed) for (name, key), each in ordered)


def _group(
    name: str,
    key: Mapping[str, str | None],
    records: Sequence[StoredRecord],
    agreed: Mapping[tuple[str, str], float],
) -> QualityGroup:
    versions = {each.text("judge_version") for each in records}
    values = [float(each.get("value")) for each in records if each.get("value") is not None]
    labels: dict[str, int] = {}
    for record in records:
        if label := record.text("label"):
            labels[label] = labels.get(label, 0) + 1
    mean, low, high = _interval(values) if values else (None, None, None)
    return QualityGroup(
        name=name,
        key=key,
        scores=len(records),
        sessions=len({each.text("session_id") or each.text("trace_id") for each in records}),
        mean=mean,
        low=low,
        high=high,
        labels=labels,
        kappa=agreed.get((name, next(iter(versions)))) if len(versions) == 1 else None,
    )


def _interval(values: Sequence[float]) -> tuple[float, float | None, float | None]:
    """Wilson's for yes and no, the usual one for other numbers; none for a single number."""
    if len(values) < 2 and not set(values) <= {0.0, 1.0}:
        return values[0], None, None
    if set(values) <= {0.0, 1.0}:
        hits = int(sum(values))
        return hits / len(values), *wilson(hits, len(values))
    return mean_interval(values)

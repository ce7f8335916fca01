"""Evaluates the sessions of a time and gives their scores, each once."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import Final

from pydantic import Field

from syndarix_obs import vocabulary as v
from syndarix_obs_read.amounts import Frozen
from syndarix_obs_read.answers.base import Answer, Period
from syndarix_obs_read.answers.empty import why_empty
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.errors import FilterError
from syndarix_obs_read.evaluators.session import EvaluatedSession, Evaluator, Verdict
from syndarix_obs_read.scoring import SERVICE, writer
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.timerange import TimeRange

MOST_SESSIONS: Final = 1_000
_MOST_RECORDS: Final = 500
_VERSION: Final = "1"


class Tally(Frozen):
    """How one score came out."""

    name: str
    given: int
    good: int = Field(description="Of those that are yes or no, the yes.")


class Evaluated(Answer):
    """What an evaluation gave."""

    sessions: int = Field(description="Sessions that were looked at.")
    known: int = Field(description="Sessions that these evaluators had scored before.")
    failed: tuple[str, ...] = Field(description="Evaluators that raised, and what.")
    scores: tuple[Tally, ...]


def sampled(session_id: str, share: float) -> bool:
    """Whether a session is in a sample: always the same answer for the same session."""
    drawn = int.from_bytes(hashlib.blake2b(session_id.encode(errors="replace"), digest_size=8).digest(), "big")
    return drawn < share * 2**64


async def evaluate(
    settings: ReadSettings,
    backend: Backend,
    where: Filter,
    period: TimeRange,
    evaluators: Mapping[str, Evaluator],
    *,
    sample: float = 1.0,
    version: str = _VERSION,
    source: str = "code",
) -> Evaluated:
    """Evaluate the ended sessions of a period that these evaluators have not scored yet.

    Args:
        settings: say where scores go.
        backend: where the sessions are.
        where: whose sessions.
        period: when they began.
        evaluators: by name.
        sample: share of the sessions that is looked at, 0 to 1.
        version: of the evaluators; sessions scored by another version are scored again.
        source: who says so: `code` or `judge`.
    """
    if not settings.may_write:
        raise FilterError("SYNDARIX_OBS_READ_WRITES=false switches the giving of scores off")
    page = await backend.sessions(where.within(period), MOST_SESSIONS)
    ended = [row for row in page.rows if row.status != v.STATUS_RUNNING and row.service != SERVICE]
    ended = [row for row in ended if sampled(row.session_id, sample)]
    done, tallies, good, failed = 0, Counter[str](), Counter[str](), dict[str, str]()
    with writer(settings) as give:
        for row in ended:
            stamp = {f"{name}/{version}" for name in evaluators}
            if stamp <= await _scored(backend, row.session_id):
                done += 1
                continue
            session = await read(backend, row.session_id)
            for name, evaluator in evaluators.items():
                for verdict in _verdicts(name, evaluator, session, failed):
                    give.score(verdict.name, verdict.value, source=source, judge_version=f"{name}/{version}",
                               explanation=verdict.explanation, session_id=row.session_id,
                               target=verdict.target)  # fmt: skip
                    tallies[verdict.name] += 1
                    good[verdict.name] += verdict.value is True
    hints = () if page.rows else await why_empty(backend, where, period)
    if page.more:
        hints = (*hints, f"only the newest {MOST_SESSIONS:,} sessions were looked at; ask for a shorter time")
    return Evaluated(
        backend=backend.name,
        period=Period.of(period),
        hints=hints,
        sessions=len(ended),
        known=done,
        failed=tuple(f"{name}: {problem}" for name, problem in sorted(failed.items())),
        scores=tuple(Tally(name=name, given=count, good=good[name]) for name, count in sorted(tallies.items())),
    )


async def read(backend: Backend, session_id: str) -> EvaluatedSession:
    """A session with its records, oldest first."""
    page = await backend.records(Filter(session_id=session_id), limit=_MOST_RECORDS, payloads=True)
    return EvaluatedSession(session_id, sorted(page.rows, key=lambda record: record.start_ns))


async def _scored(backend: Backend, session_id: str) -> set[str]:
    where = Filter(session_id=session_id, kinds=(v.KIND_SCORE,))
    page = await backend.records(where, limit=_MOST_RECORDS, payloads=False)
    return {each.text("judge_version") for each in page.rows}


def _verdicts(
    name: str, evaluator: Evaluator, session: EvaluatedSession, failed: dict[str, str]
) -> tuple[Verdict, ...]:
    """What an evaluator says. One that raises is named once, and does not stop the others."""
    try:
        return tuple(evaluator(session))
    except Exception as error:  # noqa: BLE001 - anybody may write an evaluator
        failed.setdefault(name, f"{type(error).__name__}: {error}")
        return ()

"""Giving a score: from a command, a tool, a page or an HTTP request it goes the way that an agent's own scores go.

That way is the write side's: redaction stands before every destination, what cannot be delivered waits on disk, and the
backend that is read is the one that is written.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydantic import Field

from syndarix_obs import vocabulary as v
from syndarix_obs_read.answers.base import Answer
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.errors import FilterError
from syndarix_obs_read.next_steps import Ask
from syndarix_obs_read.settings import ReadSettings

if TYPE_CHECKING:
    from syndarix_obs.platform import ObservabilityPlatform

LONGEST_NAME: Final = 100
LONGEST_TEXT: Final = 4_000
SERVICE: Final = "syndarix-obs"
"""Service that scores, and the judge's own calls, come from."""
_YES: Final = {"true": True, "yes": True, "false": False, "no": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A score to give.

    Args:
        session_id: whole id of the session; it need not have arrived yet.
        name: what was judged.
        value: a number, `true` or `false`, or a word.
        type: `outcome`, `score` or `feedback`.
        source: who says so.
        judge_version: of a judge.
        comment: why.

    Raises:
        FilterError: it cannot be read.
    """

    session_id: str
    name: str
    value: str
    type: str = "score"
    source: str = "human"
    judge_version: str | None = None
    comment: str | None = None

    def __post_init__(self) -> None:
        if not self.session_id.strip():
            raise FilterError("no session was named", next=(Ask("sessions"), " lists them"))
        if not 0 < len(self.name.strip()) <= LONGEST_NAME:
            raise FilterError(f"no name of 1 to {LONGEST_NAME} characters was given, such as resolved or tone")
        if not 0 < len(self.value.strip()) <= LONGEST_NAME:
            raise FilterError("no value was given: a number, true, false, or a word such as paid")
        if self.type not in v.SCORE_TYPES:
            raise FilterError(f"there is no type {self.type!r} of score; possible: {', '.join(v.SCORE_TYPES)}")
        if self.comment is not None and len(self.comment) > LONGEST_TEXT:
            raise FilterError(f"a comment may have {LONGEST_TEXT:,} characters, this one has {len(self.comment):,}")

    @property
    def read(self) -> float | bool | str:
        """The value as it is stored."""
        text = self.value.strip()
        if text.lower() in _YES:
            return _YES[text.lower()]
        try:
            number = float(text)
        except ValueError:
            return text
        return number if math.isfinite(number) else text


class ScoreGiven(Answer):
    """A score that was kept."""

    session_id: str
    name: str
    value: float | None
    label: str | None
    orphaned: bool = Field(description="No such session is here yet; the score waits for it.")
    delivered: bool = Field(description="False while it waits on disk for a server that is down.")


async def give(settings: ReadSettings, backend: Backend, given: Given) -> ScoreGiven:
    """Keep a score. A session that is not known is no error: the score is shown as orphaned until it arrives."""
    if not settings.may_write:
        raise FilterError("SYNDARIX_OBS_READ_WRITES=false switches the giving of scores off")
    known = bool((await backend.sessions(Filter(session_id=given.session_id), 1)).rows)
    delivered = record(settings, given)
    value = given.read
    number = float(value) if isinstance(value, (bool, int, float)) else None
    hints = () if known else (f"no session {given.session_id} is here; the score is kept and waits for it",)
    if not delivered:
        hints = (*hints, "it could not be delivered yet and waits on disk; the doctor at a terminal says why")
    return ScoreGiven(
        backend=backend.name,
        hints=hints,
        session_id=given.session_id,
        name=given.name,
        value=number,
        label=str(value).lower() if isinstance(value, bool) else value if isinstance(value, str) else None,
        orphaned=not known,
        delivered=delivered,
    )


@contextmanager
def writer(settings: ReadSettings) -> Iterator[ObservabilityPlatform]:
    """A platform that writes where the settings read from."""
    from syndarix_obs.platform import ObservabilityPlatform  # only who gives a score needs the write side
    from syndarix_obs.settings import Settings

    platform = ObservabilityPlatform(
        Settings(
            backend=settings.backend,
            home=settings.home,
            user_key_file=settings.user_key_file,
            loki_url=settings.loki_url,
            loki_tenant=settings.tenant,
            service_name=SERVICE,
            set_global=False,
        )
    )
    try:
        yield platform
    finally:
        platform.shutdown(5.0)


def record(settings: ReadSettings, given: Given) -> bool:
    """Write the score where the settings read from; True when it is safe there."""
    about = {"source": given.source, "session_id": given.session_id}
    with writer(settings) as platform:
        if given.type == "outcome":
            platform.outcome(given.name, given.read, explanation=given.comment, **about)
        elif given.type == "feedback":
            platform.feedback(given.read, name=given.name, comment=given.comment, **about)
        else:
            platform.score(
                given.name, given.read, judge_version=given.judge_version, explanation=given.comment, **about
            )
        return platform.flush(5.0)

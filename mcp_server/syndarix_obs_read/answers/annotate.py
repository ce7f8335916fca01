"""What people said about a run or a step: notes, labels, thumbs, outcomes and scores, with who said it and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from pydantic import Field

from syndarix_obs import vocabulary as v
from syndarix_obs_read.amounts import Frozen
from syndarix_obs_read.answers.base import Answer, Moment
from syndarix_obs_read.answers.interactions import MOST_RECORDS, traces_of
from syndarix_obs_read.answers.quality import author_of
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import StoredRecord
from syndarix_obs_read.errors import FilterError, NotFound
from syndarix_obs_read.next_steps import Ask
from syndarix_obs_read.timerange import to_datetime

Thumbs = Literal["up", "down"]
THUMBS: Final[tuple[str, ...]] = get_args(Thumbs)
FEEDBACK: Final = "thumbs"
"""Name of the feedback that a thumb is kept as."""
OUTCOME: Final = "outcome"
"""Name of the score that an outcome is kept as."""
LONGEST: Final = {"note": 4_000, "label": 100, "outcome": 100, "author": 100}
"""Characters that each may have."""
_MOST: Final = 200


class Said(Frozen):
    """One thing that somebody said."""

    kind: str = Field(description="note, outcome, score or feedback.")
    label: str = Field(description="Label of a note, name of a score.")
    value: str = Field(description="Of a score; empty for a note.")
    text: str = Field(description="The note, or why; untrusted.")
    author: str | None = Field(description="As they named themselves; null for a program.")
    said: Moment
    trace_id: str
    target: str = Field(description="The step, trace or session that is meant.")


class Annotations(Answer):
    """Everything that was said about a run, the last first."""

    run: str
    step: str | None = Field(description="The step that was asked about; null for the whole run.")
    said: tuple[Said, ...]


class Annotated(Answer):
    """What was kept."""

    run: str
    step: str | None
    kept: tuple[str, ...] = Field(description="note, thumbs, outcome: which of them.")
    delivered: bool = Field(description="False while it waits on disk for a server that is down.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """Something to say.

    Args:
        run: session or trace, or a unique beginning of its id.
        step: span id, when one step is meant.
        note: a text.
        label: short class of it.
        thumbs: `up` or `down`.
        outcome: what the run led to, in a word.
        author: who says it.

    Raises:
        FilterError: it says nothing, or too much.
    """

    run: str
    step: str | None = None
    note: str | None = None
    label: str | None = None
    thumbs: str | None = None
    outcome: str | None = None
    author: str | None = None

    def __post_init__(self) -> None:
        if not self.run.strip():
            raise FilterError("no run was named", next=(Ask("sessions"), " lists them"))
        if not any((self.note, self.label, self.thumbs, self.outcome)):
            raise FilterError("nothing was said: give a note, a label, thumbs (up or down) or an outcome")
        if self.thumbs is not None and self.thumbs not in THUMBS:
            raise FilterError(f"thumbs are {' or '.join(THUMBS)}, not {self.thumbs!r}")
        for name, most in LONGEST.items():
            value = getattr(self, name)
            if value is not None and len(value) > most:
                raise FilterError(f"{name} may have {most:,} characters, this one has {len(value):,}")


async def said_about(backend: Backend, run: str, step: str | None = None) -> Annotations:
    """What was said about a session or trace, or about one step of it; raises like `interactions`."""
    name, traces = await traces_of(backend, run)
    kinds = (v.KIND_ANNOTATION, v.KIND_SCORE)
    where = Filter(trace_id=name, kinds=kinds) if name in traces else Filter(session_id=name, kinds=kinds)
    page = await backend.records(where, limit=_MOST, payloads=True)
    rows = [record for record in page.rows if step is None or record.text("target") == step]
    return Annotations(backend=backend.name, run=name, step=step, said=tuple(map(_said, rows)))


def _said(record: StoredRecord) -> Said:
    if record.kind == v.KIND_ANNOTATION:
        kind, label, value = "note", record.text("label"), ""
        text = record.payload.get("note")
    else:
        kind, label = record.text("score_type"), record.text("score_name")
        number = record.get("value")
        value = record.text("label") or ("" if number is None else f"{float(number):g}")
        text = record.payload.get("explanation")
    return Said(
        kind=kind, label=label, value=value, text="" if text is None else str(text), author=author_of(record),
        said=to_datetime(record.start_ns), trace_id=record.text("trace_id"), target=record.text("target"),
    )  # fmt: skip


async def place_of(backend: Backend, given: Annotation) -> tuple[str, str | None, str | None]:
    """The run that is meant, and the session and trace that it is kept with.

    Raises:
        NotFound, Ambiguous: see `resolve_session`; `NotFound` also for a step that the run does not have.
    """
    name, traces = await traces_of(backend, given.run)
    if given.step is None:
        trace = traces[0] if traces else None
    else:
        trace = await _trace_with(backend, traces, given.step)
        if trace is None:
            raise NotFound(f"the run {name} has no step {given.step!r}", next=(Ask("trace"), " lists its steps"))
    session: str | None = name
    if name in traces:
        page = await backend.trace(name, limit=_MOST, payloads=False)
        session = next((found for row in page.rows if (found := row.optional("session_id"))), None)
    return name, session, trace


async def _trace_with(backend: Backend, traces: tuple[str, ...], step: str) -> str | None:
    for trace_id in traces:
        page = await backend.trace(trace_id, limit=MOST_RECORDS, payloads=False)
        if any(record.text("span_id") == step for record in page.rows):
            return trace_id
    return None

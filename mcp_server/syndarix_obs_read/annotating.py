"""Writing what people say about a run: it goes the way of an agent's own notes, redaction and spool included."""

from __future__ import annotations

from syndarix_obs import vocabulary as v
from syndarix_obs_read.answers.annotate import FEEDBACK, OUTCOME, Annotated, Annotation, place_of
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.errors import FilterError
from syndarix_obs_read.scoring import writer
from syndarix_obs_read.settings import ReadSettings


async def annotate(settings: ReadSettings, backend: Backend, given: Annotation) -> Annotated:
    """Keep it.

    Raises:
        FilterError: writing is switched off.
        NotFound, Ambiguous: see `place_of`.
    """
    if not settings.may_write:
        raise FilterError("SYNDARIX_OBS_READ_WRITES=false switches notes and scores off")
    run, session, trace = await place_of(backend, given)
    kept = tuple(name for name in ("note", "thumbs", "outcome") if _has(given, name))
    delivered = _write(settings, given, session, trace)
    hints = () if delivered else ("it could not be delivered yet and waits on disk; the doctor at a terminal says why",)
    return Annotated(backend=backend.name, hints=hints, run=run, step=given.step, kept=kept, delivered=delivered)


def _has(given: Annotation, name: str) -> bool:
    return bool(given.note or given.label) if name == "note" else bool(getattr(given, name))


def _write(settings: ReadSettings, given: Annotation, session: str | None, trace: str | None) -> bool:
    author = given.author or None
    with writer(settings) as platform:
        if given.thumbs:
            platform.feedback(given.thumbs, name=FEEDBACK, source="human", session_id=session, trace_id=trace,
                              target=given.step, author=author)  # fmt: skip
        if given.outcome:
            platform.outcome(OUTCOME, given.outcome, source="human", session_id=session, trace_id=trace, author=author)
        if given.note or given.label:
            who = {v.ANNOTATION_AUTHOR: author} if author else {}
            target = given.step or trace or session
            platform.annotate(given.note or "", target=target, label=given.label, trace_id=trace, session_id=session,
                              **who)  # fmt: skip
        return platform.flush(5.0)

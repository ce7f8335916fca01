"""Scores, outcomes and feedback: what something led to and how good it was, said at once or long after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from opentelemetry.context import Context

from syndarix_obs import vocabulary as v
from syndarix_obs.spans.decisions import parent_in
from syndarix_obs.spans.operations import text_of
from syndarix_obs.spans.span import LightSpan, SpanSource


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What a score is about: the session and step that are current, unless something else is named.

    Args:
        session_id: a session of any time; the score stands apart from what is current then.
        trace_id: a trace of any time: the score is found with it.
        target: id of the step that is meant.
    """

    session_id: str | None = None
    trace_id: str | None = None
    target: str | None = None


def score(
    source: SpanSource,
    kind: str,
    name: str,
    value: Any,
    *,
    given_by: str,
    label: str | None = None,
    judge_version: str | None = None,
    explanation: str | None = None,
    author: str | None = None,
    about: Evaluated,
) -> None:
    """Record one score of the kind `outcome`, `score` or `feedback`.

    A bool counts as 1 or 0, a number as itself, a text as a label. `author` is the person who gave it by hand.
    """
    number, word = _read(value)
    said: dict[str, Any] = {
        v.GEN_AI_EVALUATION_NAME: name,
        v.GEN_AI_EVALUATION_SCORE_VALUE: number,
        v.GEN_AI_EVALUATION_SCORE_LABEL: label if label is not None else word,
        v.SCORE_TYPE: kind,
        v.SCORE_SOURCE: given_by,
        v.SCORE_JUDGE_VERSION: judge_version,
    }
    said = {key: each for key, each in said.items() if each is not None}
    span = LightSpan(source, f"evaluate {name}")
    span.attributes = {v.KIND: v.KIND_SCORE, **said}
    if author is not None:
        span.attributes[v.ANNOTATION_AUTHOR] = author
    if about.target is not None:
        span.attributes[v.ANNOTATION_TARGET] = about.target
    if about.session_id is not None:
        span.attributes |= {v.SESSION_ID: about.session_id, v.GEN_AI_CONVERSATION_ID: about.session_id}
    if explanation is not None:
        span.payload = {"explanation": explanation}
    span.begin(_context(about))
    span.add_event(v.EVENT_EVALUATION, said, span.start_ns)
    span.end(span.start_ns)


def _read(value: Any) -> tuple[float | None, str | None]:
    if isinstance(value, bool):
        return float(value), str(value).lower()
    if isinstance(value, (int, float)):
        return float(value), None
    return None, None if value is None else text_of(value)


def _context(about: Evaluated) -> Context | None:
    """None for what is current. A named session or trace has nothing to do with it."""
    if about.trace_id is not None:
        return parent_in(about.trace_id, about.target) or Context()
    return None if about.session_id is None else Context()

"""A run along a tape as a session of its own, in whatever backend a platform writes to: records of the kind `replay`.

No session, model call or tool call is recorded, so that no count, metric, ledger or list of traces meets a replay.
"""

from __future__ import annotations

import hashlib
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from syndarix_obs import vocabulary as v
from syndarix_obs.replaying.tape import Tape, step_to
from syndarix_obs.spans.correlation import CORRELATION_KEY, Correlation
from syndarix_obs.spans.span import LightSpan, SpanSource


def trace_of_replays(session_id: str) -> str:
    """Id of the trace that all replays of a session share: worked out, so that they are found with one question."""
    return hashlib.blake2b(f"replays of {session_id}".encode(errors="replace"), digest_size=16).hexdigest()


def keep(source: SpanSource, run: Tape, mode: str, result: str) -> None:
    """Record a run along a tape: itself, and every step.

    Args:
        source: of the platform that writes.
        run: what happened; it belongs to the user and project of the session that it plays again.
        mode: `verify`, `fork` or `requests`.
        result: how it ended.
    """
    context = _context(run)
    said = {v.REPLAY_MODE: mode, v.REPLAY_RESULT: result}
    _record(source, run, context, f"replay {mode}", {**said, v.REPLAY_STEP: 0}, {"tape": run.head()})
    for step in run.steps:
        payload = {"tape_step": step_to(step)}
        _record(source, run, context, step.title, {v.REPLAY_STEP: step.number}, payload)


def _context(run: Tape) -> Context:
    """Under a stand-in (span id 1), so that the replays of a session are no trace in a list."""
    number = int(trace_of_replays(run.replay_of or ""), 16)
    parent = NonRecordingSpan(SpanContext(number, 1, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED)))
    whose = Correlation(
        session_id=run.session_id, agent=run.agent, project=run.project, user=run.user, user_is_pseudonym=True
    )
    return trace.set_span_in_context(parent, Context({CORRELATION_KEY: whose}))


def _record(
    source: SpanSource, run: Tape, context: Context, name: str, said: dict[str, Any], payload: dict[str, Any]
) -> None:
    span = LightSpan(source, name)
    span.attributes = {v.KIND: v.KIND_REPLAY, v.REPLAY_OF: run.replay_of or "", **said}
    span.payload = payload
    span.begin(context)
    span.end(span.start_ns)

"""`Receiver`: OTLP requests into the pipeline, acknowledged when what they hold is safe."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs_pb
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics_pb
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace_pb
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord as LogProto

from syndarix_obs import vocabulary as v
from syndarix_obs.receivers import claude_code, events
from syndarix_obs.receivers.body import BadRequest, Reply, accepted, content_type_of, parsed, refused, unpacked
from syndarix_obs.receivers.spans import Rejected, attributes_of, resource_of, spans_of, value_of
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.records.model import LogRecord
from syndarix_obs.records.resource import Resource
from syndarix_obs.spans.correlation import NOTHING, Correlation

if TYPE_CHECKING:
    from syndarix_obs.pipeline.pipeline import Pipeline
    from syndarix_obs.pipeline.runtime import Runtime

MOST_WAITING_BYTES: Final = 128 * 1024 * 1024
"""Bytes of requests that may be in hand at once; more are told to come again."""
_MOST_SEEN: Final = 200_000
_SAFE_WITHIN_S: Final = 10.0
_IDLE_NS: Final = 30 * 60 * 1_000_000_000
_LEVELS: Final = ((17, "error"), (13, "warning"), (9, "info"), (1, "debug"))


class Receiver:
    """Takes requests from any number of threads.

    Args:
        runtime: of the platform whose pipeline, price book and destinations are used.
        session_of: which session of ours a trace id belongs to; `NOTHING` leaves a span what it says itself.
    """

    def __init__(self, runtime: Runtime, session_of: Callable[[str], Correlation] = lambda _: NOTHING) -> None:
        runtime.take_reports()
        self._runtime = runtime
        self._session_of = session_of
        self._lock = threading.Lock()
        self._in_hand = 0
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._sessions: dict[str, FinishedSpan] = {}
        self._take: Mapping[str, Callable[[str, bytes], Reply]] = {
            "/v1/traces": self._traces, "/v1/logs": self._logs, "/v1/metrics": self._metrics,
        }  # fmt: skip

    def receive(self, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Answer one request. `headers` have lower-case names; nothing is raised.

        Status 200 says that everything in it is where a crash cannot reach it, or was set aside with a reason.
        """
        kind = "application/json"
        try:
            take = self._take.get(path.partition("?")[0].rstrip("/"))
            if take is None:
                raise BadRequest(404, f"no receiver at {path[:80]}: OTLP goes to {', '.join(self._take)}")
            kind = content_type_of(headers)
            size = self._admit(len(body))
            try:
                return take(kind, unpacked(headers, body))
            finally:
                self._release(size)
        except BadRequest as error:
            return refused(kind, error.status, str(error), 1 if error.status in (429, 503) else None)

    def _admit(self, size: int) -> int:
        with self._lock:
            if self._in_hand and self._in_hand + size > MOST_WAITING_BYTES:
                raise BadRequest(429, "more arrives than can be stored: try again in a second")
            self._in_hand += size
        return size

    def _release(self, size: int) -> None:
        with self._lock:
            self._in_hand -= size

    def _traces(self, kind: str, body: bytes) -> Reply:
        request = parsed(kind, body, trace_pb.ExportTraceServiceRequest())
        rejected = Rejected()
        found = spans_of(request, rejected, self._runtime.redactor.text)
        spans = [span for span in found if self._is_new(f"{span.trace_id}{span.span_id}")]
        for span in spans:
            claude_code.translate(span, self._session_of(span.trace_id))
        self._store(spans, ())
        answer = trace_pb.ExportTraceServiceResponse()
        if rejected.count:
            answer.partial_success.rejected_spans = rejected.count
            answer.partial_success.error_message = rejected.message
        return accepted(kind, answer)

    def _logs(self, kind: str, body: bytes) -> Reply:
        request = parsed(kind, body, logs_pb.ExportLogsServiceRequest())
        steps: list[FinishedSpan] = []
        lines: list[Callable[[Pipeline], None]] = []
        for group in request.resource_logs:
            resource = resource_of(group.resource, self._runtime.redactor.text)
            for scoped in group.scope_logs:
                for record in scoped.log_records:
                    self._sort(record, resource, scoped.scope.name, steps, lines)
        self._store(steps, lines)
        return accepted(kind, logs_pb.ExportLogsServiceResponse())

    def _metrics(self, kind: str, body: bytes) -> Reply:
        # Tokens and dollars are in the spans and events of the same programs: counted here, they would count twice.
        parsed(kind, body, metrics_pb.ExportMetricsServiceRequest())
        return accepted(kind, metrics_pb.ExportMetricsServiceResponse())

    def _sort(
        self,
        record: LogProto,
        resource: Resource,
        logger: str,
        steps: list[FinishedSpan],
        lines: list[Callable[[Pipeline], None]],
    ) -> None:
        """A record of a coding agent becomes a step, any other a line."""
        attributes = attributes_of(record.attributes)
        body = value_of(record.body)
        at_ns = record.time_unix_nano or record.observed_time_unix_nano or time.time_ns()
        event = events.event_name(record.event_name, attributes, body)
        step = events.step_of(event, at_ns, attributes, resource) if event else None
        identity = hashlib.sha256(record.SerializeToString(deterministic=True)).hexdigest()[:32]
        if not self._is_new(identity if step is None else f"{step.trace_id}{step.span_id}"):
            return
        if step is not None:
            steps.append(step)
            return
        name = event or logger
        lines.append(lambda pipeline: self._line(pipeline, record, identity, attributes, body, resource, name, at_ns))

    def _line(
        self,
        pipeline: Pipeline,
        record: LogProto,
        identity: str,
        attributes: dict[str, Any],
        body: Any,
        resource: Resource,
        logger: str,
        at_ns: int,
    ) -> None:
        redact = self._runtime.redactor
        level = next((name for least, name in _LEVELS if record.severity_number >= least), "info")
        user = attributes.pop(v.USER_ID, None)
        session = events.session_of(attributes)
        pipeline.emit(
            LogRecord(
                record_id=f"log:{identity}", trace_id=record.trace_id.hex(), span_id=record.span_id.hex(),
                name=logger, logger=logger, severity=level, start_ns=at_ns, end_ns=at_ns,
                status=v.STATUS_ERROR if level == "error" else v.STATUS_OK,
                service=resource.service, environment=resource.environment,
                session_id=session,
                user=None if user is None else self._runtime.pseudonym(str(user)),
                payload=redact.json({"message": body, **attributes}),
            )
        )  # fmt: skip

    def _is_new(self, identity: str) -> bool:
        """Whether this was not taken before; exporters send a batch again when its answer was lost."""
        with self._lock:
            if identity in self._seen:
                return False
            self._seen[identity] = None
            if len(self._seen) > _MOST_SEEN:
                self._seen.popitem(last=False)
        return True

    def _store(self, spans: list[FinishedSpan], lines: Any) -> None:
        if not spans and not lines:
            return
        started = [root for span in spans if (root := self._opened(span)) is not None]

        def on_worker(pipeline: Pipeline) -> None:
            for root in started:
                pipeline.session_started(root)
            if spans:
                pipeline.process(spans)
            for line in lines:
                line(pipeline)

        self._runtime.submit(on_worker)
        if not self._runtime.flush(_SAFE_WITHIN_S):
            # The spans are in the queue and will be stored; a second copy would be recognised.
            raise BadRequest(503, "not stored yet: the store or a destination is busy; try again in a second")

    def _opened(self, span: FinishedSpan) -> FinishedSpan | None:
        """The session of a coding agent whose first step this is."""
        if span.scope[0] != events.SCOPE or span.parent_id is None:
            return None
        with self._lock:
            known = self._sessions.get(span.trace_id)
            if known is not None:
                known.end_ns = max(known.end_ns, span.end_ns)
                return None
            root = self._sessions[span.trace_id] = _session_root(span)
        return _copy(root)

    def end_sessions(self, *, idle_ns: int = _IDLE_NS) -> None:
        """End sessions of coding agents in which nothing has happened for long: those tools tell of no end."""
        now = time.time_ns()
        with self._lock:
            over = [key for key, root in self._sessions.items() if now - root.end_ns >= idle_ns]
            roots = [self._sessions.pop(key) for key in over]
        if roots:
            self._runtime.submit(lambda pipeline: pipeline.process(roots))

    def close(self) -> None:
        """End what is open."""
        self.end_sessions(idle_ns=0)


def _session_root(span: FinishedSpan) -> FinishedSpan:
    own = (v.SESSION_ID, v.GEN_AI_AGENT_NAME, v.USER_ID)
    attributes = {name: span.attributes[name] for name in own if name in span.attributes}
    return FinishedSpan(
        name=f"session {span.attributes.get(v.GEN_AI_AGENT_NAME)}", trace_id=span.trace_id,
        span_id=span.parent_id or "", start_ns=span.start_ns, end_ns=span.end_ns,
        attributes={**attributes, v.KIND: v.KIND_SESSION, v.AGENT_TYPE: "coding"}, scope=span.scope,
        resource=span.resource,
    )  # fmt: skip


def _copy(root: FinishedSpan) -> FinishedSpan:
    """For the record of the start: the pipeline changes what it takes, and the session goes on."""
    return FinishedSpan(
        name=root.name, trace_id=root.trace_id, span_id=root.span_id, start_ns=root.start_ns, end_ns=root.end_ns,
        attributes=dict(root.attributes), scope=root.scope, resource=root.resource,
    )  # fmt: skip

"""The application's own log lines, as structured JSON with the ids of the session and span they were logged in.

`CaptureHandler` hands each line to the worker, which redacts it and sends it where all records go. `JsonFormatter`
writes the same shape to a stream, for programs whose standard output is collected.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel_context
from opentelemetry import trace

from syndarix_obs import vocabulary as v
from syndarix_obs.guard import guarded
from syndarix_obs.records.intake import error_text, error_type
from syndarix_obs.records.model import LogRecord
from syndarix_obs.redaction.jsonable import dumps
from syndarix_obs.redaction.step import Redactor
from syndarix_obs.spans import correlation
from syndarix_obs.spans.correlation import Correlation
from syndarix_obs.spans.span import RandomIds, before_left

if TYPE_CHECKING:
    from syndarix_obs.pipeline.pipeline import Pipeline
    from syndarix_obs.pipeline.runtime import Runtime

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_OURS = "syndarix_obs"
_OUR_THREADS = "syndarix-obs"
_ids = RandomIds()


def _severity(levelno: int) -> str:
    steps = ((logging.CRITICAL, "critical"), (logging.ERROR, "error"), (logging.WARNING, "warning"))
    for number, name in steps:
        if levelno >= number:
            return name
    return "info" if levelno >= logging.INFO else "debug"


def extras(record: logging.LogRecord) -> dict[str, Any]:
    """What the caller passed as `extra=`."""
    return {key: value for key, value in vars(record).items() if key not in _STANDARD}


def where() -> tuple[str, str, Correlation]:
    """Trace id, span id and correlation of the calling code; zeros become empty strings."""
    context = before_left(otel_context.get_current())
    span = trace.get_current_span(context).get_span_context()
    if not span.is_valid:
        return "", "", correlation.current(context)
    return f"{span.trace_id:032x}", f"{span.span_id:016x}", correlation.current(context)


class CaptureHandler(logging.Handler):
    """Keeps log lines as records of kind `app`.

    Args:
        runtime: where the lines go.
        level: least severe level that is kept.
    """

    def __init__(self, runtime: Runtime, level: int) -> None:
        super().__init__(level)
        self._runtime = runtime

    def emit(self, record: logging.LogRecord) -> None:
        """Take one line: format the message now (its arguments may change), do the rest on the worker."""
        if record.name.startswith(_OURS) or (record.threadName or "").startswith(_OUR_THREADS):
            return  # a failure while recording a line, or a library sending it, must not record another line
        with guarded("logs"):
            payload: dict[str, Any] = {"message": record.getMessage(), **extras(record)}
            if record.exc_info and record.exc_info[1] is not None:
                payload["exception"] = logging.Formatter().formatException(record.exc_info)
            place = where()
            error = record.exc_info[1] if record.exc_info else None
            self._runtime.submit(
                lambda pipeline: self._record(pipeline, record, payload, place, error)  # runs on the worker
            )

    def _record(
        self,
        pipeline: Pipeline,
        record: logging.LogRecord,
        payload: dict[str, Any],
        place: tuple[str, str, Correlation],
        error: BaseException | None,
    ) -> None:
        trace_id, span_id, found = place
        redactor, runtime = self._runtime.redactor, self._runtime
        created_ns = int(record.created * 1e9)
        pipeline.emit(
            LogRecord(
                record_id=f"log:{_ids.span_id():016x}{_ids.span_id():016x}",
                trace_id=trace_id,
                span_id=span_id,
                name=record.name,
                logger=record.name,
                severity=_severity(record.levelno),
                start_ns=created_ns,
                end_ns=created_ns,
                status=v.STATUS_ERROR if record.levelno >= logging.ERROR else v.STATUS_OK,
                error_type=None if error is None else error_type(error),
                error_message=None if error is None else redactor.text(error_text(error)),
                service=runtime.resource.service,
                environment=runtime.resource.environment,
                payload=redactor.json(payload),
                **_correlated(found, runtime.pseudonym),
            )
        )


def _correlated(found: Correlation, pseudonym: Callable[[str], str]) -> dict[str, Any]:
    user = found.user
    if user is not None and not found.user_is_pseudonym:
        user = pseudonym(str(user))
    return {
        "session_id": found.session_id,
        "agent": found.agent,
        "agent_type": found.agent_type,
        "project": found.project,
        "task_type": found.task_type,
        "user": user,
    }


class JsonFormatter(logging.Formatter):
    """Formats a line as one JSON object with `timestamp`, `level`, `logger`, `message`, ids and extras, redacted.

    Args:
        redactor: what masks secrets and PII; all default patterns when omitted.
    """

    def __init__(self, redactor: Redactor | None = None) -> None:
        super().__init__()
        self._redactor = redactor or Redactor()

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
        trace_id, span_id, found = where()
        line: dict[str, Any] = {
            "timestamp": self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{int(record.msecs):03d}",
            "level": _severity(record.levelno),
            "logger": record.name,
            "message": record.getMessage(),
            "trace_id": trace_id or None,
            "span_id": span_id or None,
            "agent": found.agent,
            "project": found.project,
            **extras(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        set_only = {key: value for key, value in line.items() if value is not None}
        try:
            shown = self._redactor.value(set_only)
            if found.session_id is not None and isinstance(shown, dict):
                # Not as a key of the caller's, where `session_id` hints at a secret.
                shown["session_id"] = self._redactor.text(found.session_id)
            return dumps(shown)
        except Exception:  # noqa: BLE001 - a log line must not raise into the program, nor leak what failed
            return json.dumps({"level": line["level"], "logger": record.name, "message": "[unreadable]"})


def attach_handler(runtime: Runtime, logger: str | None, level: str) -> CaptureHandler:
    """Put a `CaptureHandler` on a logger (the root by default) and let the level through."""
    number = logging.getLevelNamesMapping()[level.upper()]
    handler = CaptureHandler(runtime, number)
    target = logging.getLogger(logger)
    target.addHandler(handler)
    if target.getEffectiveLevel() > number:
        target.setLevel(number)
    return handler

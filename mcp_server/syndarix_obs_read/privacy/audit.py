"""Who read payloads, exported or erased, and when: a log record of its own in the backend, itself without content."""

from __future__ import annotations

import json
import time
import uuid
from contextlib import closing
from typing import Final, Literal

from syndarix_obs.delivery.frames import parse
from syndarix_obs.destinations.loki import LokiEmitter
from syndarix_obs.destinations.loki_push import encode_line, labels_text
from syndarix_obs.records.model import LogRecord
from syndarix_obs.store.writer import StoreWriter
from syndarix_obs_read.privacy.requests import account
from syndarix_obs_read.settings import ReadSettings

LOGGER: Final = "syndarix_obs.audit"
"""Name of the logger under which audit records are found: `syndarix-obs logs --grep syndarix_obs.audit`."""
_SERVICE: Final = "syndarix-obs"
Action = Literal["read payloads", "export", "erase", "redact", "archive"]


def audit(settings: ReadSettings, action: Action, detail: str, who: str | None = None) -> None:
    """Record an action.

    Args:
        settings: which backend.
        action: what was done.
        detail: how much, and of what kind; never a text that was recorded.
        who: account or name of the token; the account of this process without one.
    """
    now, name = time.time_ns(), uuid.uuid4().hex
    message = f"{LOGGER}: {who or account()}: {action}: {detail}"
    record = LogRecord(
        record_id=f"audit:{name}", trace_id="", span_id="", name=LOGGER, start_ns=now, end_ns=now, service=_SERVICE,
        environment="audit", logger=LOGGER, severity="info",
        payload=json.dumps({"message": message, "who": who or account(), "action": action, "detail": detail}),
    )  # fmt: skip
    if settings.backend == "stack":
        labels = labels_text((_SERVICE, "audit", record.kind, record.level))
        frames = parse(encode_line(record.line(payload=False), record.payload, labels, b"", now)).frames
        LokiEmitter(settings.loki_url, tenant=settings.tenant).send(frames, settings.timeout)
        return
    with closing(StoreWriter(settings.store_path)) as writer:
        writer.write([record])

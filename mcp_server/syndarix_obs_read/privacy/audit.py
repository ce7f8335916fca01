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
from syndarix_obs.errors import StoreError
from syndarix_obs.records.model import LogRecord
from syndarix_obs.store.writer import StoreWriter
from syndarix_obs_read.errors import BackendUnavailable
from syndarix_obs_read.privacy.requests import account
from syndarix_obs_read.settings import ReadSettings

LOGGER: Final = "syndarix_obs.audit"
"""Name of the logger under which audit records are found: `syndarix-obs audit`."""
ENVIRONMENT: Final = "audit"
"""Environment of audit records, by which they are told from what agents log."""
_SERVICE: Final = "syndarix-obs"
Action = Literal["read payloads", "export", "erase", "redact", "archive"]


def audit(settings: ReadSettings, action: Action, detail: str, who: str | None = None) -> None:
    """Record an action.

    Args:
        settings: which backend.
        action: what was done.
        detail: how much, and of what kind; never a text that was recorded.
        who: account or name of the token; the account of this process without one.

    Raises:
        StoreError, BackendError: it could not be recorded.
    """
    now, name = time.time_ns(), uuid.uuid4().hex
    message = f"{LOGGER}: {who or account()}: {action}: {detail}"
    record = LogRecord(
        record_id=f"audit:{name}", trace_id="", span_id="", name=LOGGER, start_ns=now, end_ns=now, service=_SERVICE,
        environment=ENVIRONMENT, logger=LOGGER, severity="info",
        payload=json.dumps({"message": message, "who": who or account(), "action": action, "detail": detail}),
    )  # fmt: skip
    if settings.backend == "stack":
        labels = labels_text((_SERVICE, ENVIRONMENT, record.kind, record.level))
        frames = parse(encode_line(record.line(payload=False), record.payload, labels, b"", now)).frames
        outcome = LokiEmitter(settings.loki_url, tenant=settings.tenant).send(frames, settings.timeout)
        if outcome.kind.name != "DELIVERED" or outcome.rejected:
            raise BackendUnavailable(f"Loki at {settings.loki_url} did not take an audit record: {outcome.reason}")
        return
    with closing(StoreWriter(settings.store_path)) as writer:
        if not writer.write([record]):
            raise StoreError(f"an audit record could not be stored in {settings.store_path}")

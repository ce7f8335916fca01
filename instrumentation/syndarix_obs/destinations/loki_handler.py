"""python-logging-loki's handler on our delivery: for programs that want nothing but their log lines in Loki.

    handler = SyndarixLokiHandler("http://127.0.0.1:3100", tags={"service_name": "shop"}, folder=Path("spool"))
    logging.getLogger().addHandler(handler)

The library's own handler sends one request per line from the logging thread and loses what Loki does not take. This
one appends to a spool, and never waits for the network.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Final

from logging_loki import LokiHandler

from syndarix_obs import vocabulary as v
from syndarix_obs.delivery.disk_budget import DiskBudget
from syndarix_obs.delivery.sender import Delivery
from syndarix_obs.delivery.spool import Spool
from syndarix_obs.destinations.loki import LokiEmitter
from syndarix_obs.destinations.loki_push import encode_line, labels_text, metadata_fields
from syndarix_obs.guard import record_failure
from syndarix_obs.pipeline.preload import preload_network
from syndarix_obs.redaction.step import Redactor

_OURS: Final = "syndarix_obs"
_SENDERS: Final = "syndarix-obs"


class SpooledEmitter(LokiEmitter):
    """An emitter that keeps lines for a sender instead of sending them."""

    redactor: Redactor
    spool: Spool
    delivery: Delivery

    def open(self, folder: Path, health: Any, max_bytes: int) -> None:
        """Begin to keep lines in `folder`."""
        self.spool = Spool(folder / self.name, self.name, DiskBudget(max_bytes), health, self.shorten)
        self.delivery = Delivery(self.spool, self, health)

    def __call__(self, record: logging.LogRecord, line: str) -> None:
        """Keep one formatted line under the record's own time."""
        own = getattr(record, "tags", None)
        given = {**self.tags, **own} if isinstance(own, dict) else self.tags
        mask = self.redactor.text
        tags = {str(name): mask(str(tag)) for name, tag in given.items() if tag}
        level = record.levelname.lower()
        service, environment = (tags.get(name, "") for name in v.LOKI_LABELS[:2])
        labels = labels_text((service or "unknown_service", environment, v.KIND_APP, level))
        metadata = {name: tags[name] for name in v.LOG_METADATA if tags.get(name)}
        self.spool.append(encode_line(mask(line), None, labels, metadata_fields(metadata), int(record.created * 1e9)))
        self.spool.commit()
        self.delivery.start()


class SyndarixLokiHandler(LokiHandler):  # type: ignore[misc]  # the library ships no types
    """A logging handler that batches, compresses, retries and keeps what Loki does not take on disk.

    `extra={"tags": {...}}` and `tags` may name `service_name`, `environment` (labels) and the fields of
    `vocabulary.LOG_METADATA`; nothing else becomes a label.

    Args:
        url: base URL of Loki.
        folder: where lines wait.
        tags: tags of every line.
        auth: user and password.
        redactor: masks lines and tags; all default patterns when omitted.
        health: who is told about drops and failures, for example `obs.metrics`.
        max_bytes: disk space for lines that wait.
    """

    emitters = {"1": SpooledEmitter}  # noqa: RUF012 - the library declares it so

    def __init__(
        self,
        url: str,
        folder: Path,
        tags: dict[str, Any] | None = None,
        auth: tuple[str, str] | None = None,
        *,
        redactor: Redactor | None = None,
        health: Any = None,
        max_bytes: int = 64 * 1024 * 1024,
    ) -> None:
        preload_network()
        super().__init__(url, tags, auth, version="1")
        self.emitter.redactor = redactor or Redactor()
        if health is None:
            from syndarix_obs.metrics.registry import Metrics

            health = Metrics()
        self.emitter.open(folder, health, max_bytes)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line; what our own senders log is left out, as sending it would make more of it."""
        if not record.name.startswith(_OURS) and not (record.threadName or "").startswith(_SENDERS):
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002 - the library's signature
        """Count a line that could not be kept; logging must not write to the program's stderr."""
        record_failure("loki_handler", RuntimeError("a log line could not be kept"))

    def flush(self) -> None:
        """Wait up to 5 seconds until what was logged is delivered, or is known to be safe on disk."""
        if hasattr(self, "emitter"):
            self.emitter.delivery.flush(5.0)

    def close(self) -> None:
        """Flush and end; `logging.shutdown` calls it at exit."""
        self.flush()
        self.emitter.delivery.close(1.0)
        super().close()

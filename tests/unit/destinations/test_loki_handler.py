"""Plain logging to Loki."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from scripted_sink import Ledger, ScriptedSink, until

from syndarix_obs import guard
from syndarix_obs.destinations.loki_handler import SyndarixLokiHandler


@pytest.fixture
def log(sink: ScriptedSink, tmp_path: Path, health: Ledger) -> Iterator[logging.Logger]:
    """A logger of its own with the handler on it."""
    tags = {"service_name": "shop", "environment": "test", "random": "r"}
    handler = SyndarixLokiHandler(sink.url, tmp_path / "spool", tags, health=health)
    handler.setFormatter(logging.Formatter('{"record_id": "%(message)s"}'))
    logger = logging.Logger("app", logging.DEBUG)
    logger.addHandler(handler)
    yield logger
    handler.close()


def test_lines_arrive_in_batches_with_labels_metadata_and_their_own_time(
    log: logging.Logger, sink: ScriptedSink
) -> None:
    record = log.makeRecord("app", logging.WARNING, "f", 1, "one", (), None, extra={"tags": {"session_id": "s-1"}})
    record.created = 1_900_000_000.5
    log.handle(record)
    log.handlers[0].flush()
    (stream,) = sink.taken[0].streams
    labels = {"service_name": "shop", "environment": "test", "kind": "app", "level": "warning"}
    assert labels == stream.labels
    assert [(1900000000500000000, '{"record_id": "one"}', {"session_id": "s-1"})] == stream.entries


def test_many_lines_take_few_requests_and_all_arrive(log: logging.Logger, sink: ScriptedSink) -> None:
    for number in range(500):
        log.info("r%d", number)
    log.handlers[0].flush()
    until(lambda: len(sink.record_ids) == 500)
    assert len(sink.requests) < 250


def test_lines_logged_while_loki_is_down_arrive_later(log: logging.Logger, sink: ScriptedSink, health: Ledger) -> None:
    sink.stop()
    log.info("kept")
    until(lambda: health.failures["loki"] > 0)
    sink.start()
    until(lambda: {"kept": 1} == sink.record_ids)


def test_what_the_sender_itself_logs_is_left_out(log: logging.Logger, sink: ScriptedSink) -> None:
    ours = logging.LogRecord("urllib3.connectionpool", logging.DEBUG, "f", 1, "noise", (), None)
    ours.threadName = "syndarix-obs-loki"
    log.handle(ours)
    log.handle(logging.LogRecord("syndarix_obs", logging.WARNING, "f", 1, "noise", (), None))
    log.info("mine")
    log.handlers[0].flush()
    assert {"mine": 1} == sink.record_ids


def test_a_line_that_cannot_be_formatted_is_counted_and_not_raised(log: logging.Logger, sink: ScriptedSink) -> None:
    log.info("%d", "not a number")
    log.info("mine")
    log.handlers[0].flush()
    assert {"mine": 1} == sink.record_ids
    assert {"loki_handler": 1} == guard.failures()

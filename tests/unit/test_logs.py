"""The application's own log lines."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from syndarix_obs.logs import JsonFormatter
from syndarix_obs.testing import Kit


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    logger = logging.getLogger("shop.orders")
    logger.propagate = False
    yield logger
    logger.handlers.clear()
    logger.setLevel(logging.NOTSET)


def test_a_line_carries_the_ids_of_its_session_and_span(kit: Kit, log: logging.Logger) -> None:
    kit.obs.capture_logs("shop.orders")
    with kit.obs.session(agent="support", session_id="s-1", user="anna"), kit.obs.tool("x"):
        log.warning("order %s is late", 42, extra={"order": 42})
    line, tool = kit.record("app"), kit.record("tool_call")
    assert (tool.span_id, "s-1", "support", "warning") == (line.span_id, line.session_id, line.agent, line.level)
    assert line.user == tool.user
    assert {"message": "order 42 is late", "order": 42} == kit.payload("app")


def test_the_level_filters(kit: Kit, log: logging.Logger) -> None:
    kit.obs.capture_logs("shop.orders", level="error")
    log.warning("not kept")
    log.error("kept")
    assert ["kept"] == [json.loads(line.payload)["message"] for line in kit.records("app")]


def test_secrets_and_people_in_lines_are_masked(kit: Kit, log: logging.Logger) -> None:
    kit.obs.capture_logs("shop.orders")
    try:
        raise ValueError("bad key sk-abcdefghijklmnopqrstuvwxyz123456")
    except ValueError:
        log.exception("mail to anna@example.org failed")
    line = kit.record("app")
    assert "anna@example.org" not in line.line()
    assert "sk-abcdef" not in line.line()
    assert "ValueError" == line.error_type


def test_a_line_outside_every_session_is_kept_too(kit: Kit, log: logging.Logger) -> None:
    kit.obs.capture_logs("shop.orders")
    log.info("starting")
    assert ("", None) == (kit.record("app").trace_id, kit.record("app").session_id)


def test_the_json_formatter_writes_one_redacted_object_a_line(kit: Kit, log: logging.Logger) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    with kit.obs.session(agent="support", session_id="s-1"):
        log.info("mail anna@example.org\nnow", extra={"order": 42})
    line = json.loads(stream.getvalue())
    assert 1 == stream.getvalue().count("\n")
    assert ("info", "shop.orders", "s-1", 42) == (line["level"], line["logger"], line["session_id"], line["order"])
    assert "anna@" not in line["message"]

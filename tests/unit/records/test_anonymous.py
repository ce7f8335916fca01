"""A line without its person keeps the fields of its kind, and nothing of its payload, whatever that is called."""

from __future__ import annotations

import json

from syndarix_obs.delivery.frames import parse
from syndarix_obs.destinations.loki_push import anonymous_frame, encode_line
from syndarix_obs.records.anonymous import anonymous_line
from syndarix_obs.records.model import LogRecord, Record, ReplayRecord, ToolRecord

COMMON = {"record_id": "r", "trace_id": "t", "span_id": "s", "user": "u_1", "session_id": "chat of ada"}


def without_person(record: Record) -> dict[str, object]:
    frame = parse(encode_line(record.line(payload=False), record.payload, b"{}", b"", 1)).frames[0]
    kept = anonymous_frame(frame)
    assert kept is not None
    found: dict[str, object] = json.loads(bytes(kept.before))
    assert anonymous_line(json.loads(record.line())).keys() == found.keys()
    return found


def test_the_result_of_a_tool_is_payload_and_that_of_a_replay_a_word() -> None:
    tool = without_person(ToolRecord(tool="lookup", payload='{"result":"her words","value":"more"}', **COMMON))
    assert ("lookup", False, False) == (tool["tool"], "result" in tool, "value" in tool)
    assert "identical" == without_person(ReplayRecord(result="identical", payload='{"tape":{}}', **COMMON))["result"]


def test_fields_of_a_log_line_that_are_called_as_ours_do_not_stay() -> None:
    said = '{"message":"hello","model":"her words","status":"her words"}'
    found = without_person(LogRecord(severity="warning", payload=said, **COMMON))
    assert ("warning", "ok", "t") == (found["severity"], found["status"], found["session_id"])
    assert "her words" not in json.dumps(found)

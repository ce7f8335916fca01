"""What a record looks like in a push to Loki."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from exporter_samples import NOW_NS, TRACE, record, span
from scripted_sink import Request, ScriptedSink, until

from syndarix_obs import records as r
from syndarix_obs import vocabulary as v
from syndarix_obs.exporters import frames as f
from syndarix_obs.exporters.loki import LokiExporter, encode_line, push_body, shorten

Make = Callable[[], LokiExporter]


def pushed(sink: ScriptedSink, exporter: LokiExporter, *records: r.Record) -> list[dict[str, Any]]:
    """Send records, get the streams of the one push."""
    exporter.consume(span(), records)
    assert exporter.flush(10)
    until(lambda: len(sink.taken) == 1)
    found: list[dict[str, Any]] = json.loads(sink.taken[0].body)["streams"]
    return found


def lines_of(*data: bytes) -> list[tuple[int, dict[str, Any], dict[str, str]]]:
    """What a push of encoded frames holds."""
    return Request("", {}, push_body(f.parse(b"".join(data)).frames)).lines


def test_a_push_goes_to_the_api_gzipped_with_the_tenant(loki: Make, sink: ScriptedSink) -> None:
    pushed(sink, loki(), record())
    request = sink.taken[0]
    assert "/loki/api/v1/push" == request.path
    assert ("gzip", "application/json", "team-a") == (
        request.headers["Content-Encoding"], request.headers["Content-Type"], request.headers["X-Scope-OrgID"]
    )  # fmt: skip


def test_the_labels_are_those_of_the_vocabulary_and_no_others(loki: Make, sink: ScriptedSink) -> None:
    (stream,) = pushed(sink, loki(), record())
    assert {"service_name": "shop", "environment": "test", "kind": "llm_call", "level": "info"} == stream["stream"]
    assert set(v.LOKI_LABELS) == set(stream["stream"])


def test_the_time_is_the_end_of_the_record_as_text_and_lines_are_sorted(loki: Make, sink: ScriptedSink) -> None:
    (stream,) = pushed(sink, loki(), record(2), record(0), record(1))
    assert [str(NOW_NS), str(NOW_NS + 1), str(NOW_NS + 2)] == [value[0] for value in stream["values"]]


def test_metadata_are_strings_under_the_names_of_the_vocabulary(loki: Make, sink: ScriptedSink) -> None:
    (stream,) = pushed(sink, loki(), record(0, session_id=17))
    expected = {
        "trace_id": TRACE, "span_id": f"{1:016x}", "session_id": "17", "agent": "support", "user": "u-pseudonym",
        "model": "gpt-4o",
    }  # fmt: skip
    assert expected == stream["values"][0][2]
    assert set(expected) <= set(v.LOG_METADATA)


def test_the_line_is_the_record_with_its_payload(loki: Make, sink: ScriptedSink) -> None:
    made = record(0, text='quotes " and \\ and\nnew lines and ünïcode 🙂')
    (stream,) = pushed(sink, loki(), made)
    assert made.line() == stream["values"][0][1]


def test_plain_spans_leave_no_line(loki: Make, sink: ScriptedSink) -> None:
    plain = r.SpanRecord(record_id="x", trace_id=TRACE, span_id="1" * 16)
    (stream,) = pushed(sink, loki(), plain, record())
    assert ["llm_call"] == [json.loads(value[1])["kind"] for value in stream["values"]]


def test_a_record_without_its_trace_is_sent_all_the_same(loki: Make, sink: ScriptedSink) -> None:
    cost = r.CostRecord(record_id="c", trace_id=TRACE, span_id="1" * 16, end_ns=5, total_cost_usd=Decimal("0.1"))
    exporter = loki()
    exporter.consume(None, [cost])
    assert exporter.flush(10)
    assert [(5, "c")] == [(time_ns, line["record_id"]) for time_ns, line, _ in sink.taken[0].lines]


@pytest.mark.parametrize("text", ["lone \ud83d surrogate", "nul \x00 byte", "line\u2028separator"])
def test_hostile_text_stays_a_readable_line(text: str) -> None:
    ((_, line, metadata),) = lines_of(encode_line('{"a":1}', '{"input":"x"}', b"{}", {"session_id": text}, 1))
    assert {"a": 1, "input": "x"} == line
    assert text.replace("\ud83d", "?") == metadata["session_id"]


def test_a_surrogate_in_the_payload_becomes_a_question_mark() -> None:
    ((_, line, _),) = lines_of(encode_line('{"a":1}', '{"input":"lone \ud83d"}', b"{}", {}, 1))
    assert "lone ?" == line["input"]


@pytest.mark.parametrize("payload", [None, "", "{}"])
def test_a_line_without_payload_is_the_record_alone(payload: str | None) -> None:
    assert [(1, {"a": 1}, {})] == lines_of(encode_line('{"a":1}', payload, b"{}", {}, 1))


def parsed(data: bytes) -> f.Frame:
    """The one frame in `data`."""
    return f.parse(data).frames[0]


def test_a_shortened_line_stays_json_and_says_what_it_was() -> None:
    payload = json.dumps({"input": "é" * 1000, "output": 'q"' * 500}, ensure_ascii=False)
    shorter = shorten(parsed(encode_line('{"a":1}', payload, b"{}", {"agent": "x"}, 1)), 100)
    assert shorter is not None
    ((_, line, metadata),) = lines_of(shorter.encode())
    assert {"a": 1, "truncated": f"{payload[:100]}{v.TRUNCATED_SUFFIX}{len(payload.encode()) - 1}"} == line
    assert {"agent": "x"} == metadata


def test_a_line_that_is_shortened_again_keeps_its_first_size() -> None:
    payload = json.dumps({"input": "y" * 1000})
    once = shorten(parsed(encode_line('{"a":1}', payload, b"{}", {}, 1)), 100)
    assert once is not None
    twice = shorten(once, 0)
    assert twice is not None
    ((_, line, _),) = lines_of(twice.encode())
    assert f"{v.TRUNCATED_SUFFIX}{len(payload) - 1}" == line["truncated"]
    assert shorten(twice, 0) is None


def test_a_line_without_payload_cannot_be_shortened() -> None:
    assert shorten(parsed(encode_line('{"a":1}', None, b"{}", {}, 1)), 0) is None


def test_an_url_with_the_path_of_the_api_is_taken_as_it_is(sink: ScriptedSink, post: Any) -> None:
    exporter = LokiExporter(f"{sink.url}/custom/push", post)
    pushed(sink, exporter, record())
    assert "/custom/push" == sink.taken[0].path
    exporter.close(2)


def test_gzip_is_what_servers_unpack() -> None:
    from syndarix_obs.exporters.http_post import gzipped

    assert b"abc" * 1000 == gzip.decompress(gzipped(b"abc" * 1000))

"""What a record looks like in a push to Loki."""

from __future__ import annotations

import gzip
import importlib.util
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from exporter_samples import NOW_NS, TRACE, record, span
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from loki_wire import Stream, streams_of, unpacked
from scripted_sink import Answer, Ledger, Request, ScriptedSink, until

from syndarix_obs import vocabulary as v
from syndarix_obs.delivery import frames as f
from syndarix_obs.delivery.http import HttpPost, gzipped
from syndarix_obs.destinations.loki import LokiDestination
from syndarix_obs.destinations.loki_push import encode_line, labels_text, metadata_fields, push_body, shorten
from syndarix_obs.records import model as r

Make = Callable[[], LokiDestination]
LABELS = b'{kind="app"}'


def pushed(sink: ScriptedSink, exporter: LokiDestination, *records: r.Record) -> list[Stream]:
    """Send records, get the streams of the one push."""
    exporter.consume(span(), records)
    assert exporter.flush(10)
    until(lambda: len(sink.taken) == 1)
    return sink.taken[0].streams


def lines_of(*data: bytes) -> list[tuple[int, dict[str, Any], dict[str, str]]]:
    """What a push of encoded frames holds."""
    return Request("", {}, unpacked(push_body(f.parse(b"".join(data)).frames))).lines


def test_a_push_goes_to_the_api_with_the_tenant_and_uncompressed_on_one_machine(loki: Make, sink: ScriptedSink) -> None:
    pushed(sink, loki(), record())
    request = sink.taken[0]
    assert "/loki/api/v1/push" == request.path
    assert ("application/x-protobuf", "team-a") == (request.headers["Content-Type"], request.headers["X-Scope-OrgID"])
    assert "Content-Encoding" not in request.headers


def test_the_labels_are_those_of_the_vocabulary_and_no_others(loki: Make, sink: ScriptedSink) -> None:
    (stream,) = pushed(sink, loki(), record())
    assert {"service_name": "shop", "environment": "test", "kind": "llm_call", "level": "info"} == stream.labels
    assert set(v.LOKI_LABELS) == set(stream.labels)


def test_the_time_is_the_end_of_the_record_and_lines_are_sorted(loki: Make, sink: ScriptedSink) -> None:
    (stream,) = pushed(sink, loki(), record(2), record(0), record(1))
    assert [NOW_NS, NOW_NS + 1, NOW_NS + 2] == [time_ns for time_ns, _, _ in stream.entries]


def test_metadata_are_strings_under_the_names_of_the_vocabulary(loki: Make, sink: ScriptedSink) -> None:
    (stream,) = pushed(sink, loki(), record(0, session_id=17))
    expected = {
        "trace_id": TRACE, "span_id": f"{1:016x}", "session_id": "17", "agent": "support", "user": "u-pseudonym",
        "model": "gpt-4o",
    }  # fmt: skip
    assert expected == stream.entries[0][2]
    assert set(expected) <= set(v.LOG_METADATA)


def test_the_line_is_the_record_with_its_payload(loki: Make, sink: ScriptedSink) -> None:
    made = record(0, text='quotes " and \\ and\nnew lines and ünïcode 🙂')
    (stream,) = pushed(sink, loki(), made)
    assert made.line() == stream.entries[0][1]


def test_plain_spans_leave_no_line(loki: Make, sink: ScriptedSink) -> None:
    plain = r.SpanRecord(record_id="x", trace_id=TRACE, span_id="1" * 16)
    (stream,) = pushed(sink, loki(), plain, record())
    assert ["llm_call"] == [json.loads(text)["kind"] for _, text, _ in stream.entries]


def test_a_record_without_its_trace_is_sent_all_the_same(loki: Make, sink: ScriptedSink) -> None:
    cost = r.CostRecord(record_id="c", trace_id=TRACE, span_id="1" * 16, end_ns=5, total_cost_usd=Decimal("0.1"))
    exporter = loki()
    exporter.consume(None, [cost])
    assert exporter.flush(10)
    assert [(5, "c")] == [(time_ns, line["record_id"]) for time_ns, line, _ in sink.taken[0].lines]


@pytest.mark.parametrize("text", ["lone \ud83d surrogate", "nul \x00 byte", "line\u2028separator"])
def test_hostile_text_stays_a_readable_line(text: str) -> None:
    metadata_of_line = metadata_fields({"session_id": text})
    ((_, line, metadata),) = lines_of(encode_line('{"a":1}', '{"input":"x"}', LABELS, metadata_of_line, 1))
    assert {"a": 1, "input": "x"} == line
    assert text.replace("\ud83d", "?") == metadata["session_id"]


def test_a_surrogate_in_the_payload_becomes_a_question_mark() -> None:
    ((_, line, _),) = lines_of(encode_line('{"a":1}', '{"input":"lone \ud83d"}', LABELS, b"", 1))
    assert "lone ?" == line["input"]


@pytest.mark.parametrize("payload", [None, "", "{}"])
def test_a_line_without_payload_is_the_record_alone(payload: str | None) -> None:
    assert [(1, {"a": 1}, {})] == lines_of(encode_line('{"a":1}', payload, LABELS, b"", 1))


def parsed(data: bytes) -> f.Frame:
    """The one frame in `data`."""
    return f.parse(data).frames[0]


def test_a_shortened_line_stays_json_and_says_what_it_was() -> None:
    payload = json.dumps({"input": "é" * 1000, "output": 'q"' * 500}, ensure_ascii=False)
    shorter = shorten(parsed(encode_line('{"a":1}', payload, LABELS, metadata_fields({"agent": "x"}), 1)), 100)
    assert shorter is not None
    ((_, line, metadata),) = lines_of(shorter.encode())
    assert {"a": 1, "truncated": f"{payload[:100]}{v.TRUNCATED_SUFFIX}{len(payload.encode())}"} == line
    assert {"agent": "x"} == metadata


def test_a_line_that_is_shortened_again_keeps_its_first_size() -> None:
    payload = json.dumps({"input": "y" * 1000})
    once = shorten(parsed(encode_line('{"a":1}', payload, LABELS, b"", 1)), 100)
    assert once is not None
    twice = shorten(once, 0)
    assert twice is not None
    ((_, line, _),) = lines_of(twice.encode())
    assert f"{v.TRUNCATED_SUFFIX}{len(payload)}" == line["truncated"]
    assert shorten(twice, 0) is None


def test_a_line_without_payload_cannot_be_shortened() -> None:
    assert shorten(parsed(encode_line('{"a":1}', None, LABELS, b"", 1)), 0) is None


def test_an_url_with_the_path_of_the_api_is_taken_as_it_is(sink: ScriptedSink, post: Any) -> None:
    exporter = LokiDestination(f"{sink.url}/custom/push", post)
    pushed(sink, exporter, record())
    assert "/custom/push" == sink.taken[0].path
    exporter.close(2)


def test_a_push_to_another_machine_is_gzipped_around_its_block(sink: ScriptedSink) -> None:
    body = push_body(f.parse(encode_line('{"a":1}', None, LABELS, b"", 1)).frames)
    assert 204 == HttpPost(f"{sink.url}/push", {}, compress=True)(body, 5).status
    assert "gzip" == sink.taken[0].headers["Content-Encoding"]
    assert [(1, {"a": 1}, {})] == sink.taken[0].lines


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_the_sink_of_the_benchmarks_counts_what_a_push_holds(encoding: str) -> None:
    data = b"".join(
        encode_line(made.line(), None, labels, b"", NOW_NS)
        for made in (record(0, response_id="resp-0"), record(1, response_id="resp-1"))
        for labels in (LABELS, LABELS, b'{kind="llm_call"}')
    )
    body = push_body(f.parse(data).frames)
    found = _sink().deliveries([("/push", encoding, gzipped(body) if encoding else body)])
    assert {"llm_call": {"r0": 3, "r1": 3}, "calls": {"resp-0": 3, "resp-1": 3}} == found


def _sink() -> Any:
    spec = importlib.util.spec_from_file_location("sink", Path(__file__).parents[3] / "benchmarks" / "sink.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_frame_of_another_form_stands_in_nobodys_way(loki: Make, sink: ScriptedSink, health: Ledger) -> None:
    def parses(request: Request) -> Answer:
        try:
            return Answer() if request.streams else Answer(400)
        except (AssertionError, DecodeError):
            return Answer(400, b"couldn't parse labels")

    sink.policy = parses
    exporter = loki()
    exporter.spool.append(f.Frame(NOW_NS, b'{"kind":"app"}', b'{\\"a\\":1}', b"", b'",{"agent":"x"}]').encode())
    exporter.consume(None, [record(n) for n in range(9)])
    exporter.tick()
    until(lambda: len(sink.record_ids) == 9)
    assert exporter.flush(5)
    assert {} == health.drops  # nobody of its kind was ever accepted, so that it may not be its own fault


def test_gzip_is_what_servers_unpack() -> None:
    assert b"abc" * 1000 == gzip.decompress(gzipped(b"abc" * 1000))


TEXT = st.text(max_size=300)
LINES = st.tuples(st.integers(0, 2**63 - 1), st.sampled_from(["a", "b"]), TEXT, TEXT, TEXT)


@given(st.lists(LINES, min_size=1, max_size=9))
def test_any_text_at_any_time_is_read_back_by_protobufs_own_library(
    sent: list[tuple[int, str, str, str, str]],
) -> None:
    data = b"".join(
        encode_line(line, json.dumps({"input": payload}), labels_text((stream, payload[:50], "app", "")),
                    metadata_fields({"session_id": metadata}), time_ns)
        for time_ns, stream, line, payload, metadata in sent
    )  # fmt: skip
    found = streams_of(unpacked(push_body(f.parse(data).frames)))
    names = v.LOKI_LABELS[:2]
    read = [(*(each.labels.get(name, "") for name in names), *entry) for each in found for entry in each.entries]
    expected = [
        (stream, payload[:50], time_ns, f"{line[:-1]},{json.dumps({'input': payload})[1:]}", {"session_id": metadata})
        for time_ns, stream, line, payload, metadata in sent
    ]
    assert sorted(expected, key=str) == sorted(read, key=str)

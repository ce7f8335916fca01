"""What happens to records when a destination misbehaves."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from email.utils import formatdate

import pytest
from exporter_samples import record
from scripted_sink import Answer, Ledger, Request, ScriptedSink, until

from syndarix_obs import vocabulary as v
from syndarix_obs.delivery.spooled import Post
from syndarix_obs.destinations.loki import LokiDestination
from syndarix_obs.records.model import Record

Make = Callable[[], LokiDestination]


def send(exporter: LokiDestination, records: Iterable[Record]) -> None:
    """What the worker does in one round."""
    exporter.consume(None, list(records))
    exporter.tick()


def once(count: int) -> dict[str, int]:
    """Each of so many records exactly once."""
    return {f"r{number}": 1 for number in range(count)}


def test_records_arrive_once_and_nothing_is_left_on_disk(loki: Make, sink: ScriptedSink, health: Ledger) -> None:
    exporter = loki()
    send(exporter, [record(n) for n in range(50)])
    assert exporter.flush(10)
    assert once(50) == sink.record_ids
    assert 0 == health.sizes["loki"]
    assert {} == health.drops


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_busy_or_failing_server_is_asked_again(loki: Make, sink: ScriptedSink, health: Ledger, status: int) -> None:
    sink.script.extend([Answer(status), Answer(status)])
    exporter = loki()
    send(exporter, [record(0)])
    until(lambda: once(1) == sink.record_ids)
    assert 2 == health.failures["loki"]
    assert {} == health.drops


def test_retry_after_is_waited_for_even_when_somebody_flushes(loki: Make, sink: ScriptedSink) -> None:
    sink.script.append(Answer(429, headers={"Retry-After": "1"}))
    exporter = loki()
    send(exporter, [record(0)])
    until(lambda: len(sink.requests) == 1)
    exporter.flush(0.1)
    until(lambda: len(sink.requests) == 2)
    assert sink.at[1] - sink.at[0] >= 1.0
    assert once(1) == sink.record_ids


def test_a_refused_connection_loses_nothing(loki: Make, sink: ScriptedSink, health: Ledger) -> None:
    sink.stop()
    exporter = loki()
    send(exporter, [record(n) for n in range(5)])
    until(lambda: health.failures["loki"] > 0)
    sink.start()
    until(lambda: once(5) == sink.record_ids)


def test_an_answer_that_breaks_off_counts_as_none(loki: Make, sink: ScriptedSink, health: Ledger) -> None:
    sink.script.append(Answer(200, b"half", declared=1000))
    exporter = loki()
    send(exporter, [record(0)])
    until(lambda: once(1) == sink.record_ids)
    assert 1 == health.failures["loki"]


def test_a_hanging_server_is_given_up_after_the_timeout(post: Post, sink: ScriptedSink, health: Ledger) -> None:
    sink.script.append(Answer(hang=True))
    exporter = LokiDestination(sink.url, replace(post, timeout=0.5))
    send(exporter, [record(0)])
    until(lambda: health.failures["loki"] == 1)
    until(lambda: len(sink.requests) == 2)
    exporter.close(2)


def test_one_poison_record_is_dropped_and_its_neighbours_arrive(loki: Make, sink: ScriptedSink, health: Ledger) -> None:
    sink.policy = lambda request: Answer(400, b"bad line") if b"poison" in request.body else Answer()
    exporter = loki()
    send(exporter, [record(n, text="poison" if n == 7 else "fine") for n in range(20)])
    until(lambda: len(sink.record_ids) == 19)
    expected = once(20)
    del expected["r7"]
    assert expected == sink.record_ids
    until(lambda: health.drops == {"rejected": 1})


def test_a_request_that_is_too_large_is_halved_until_it_fits(loki: Make, sink: ScriptedSink, health: Ledger) -> None:
    sink.policy = lambda request: Answer(413) if len(request.body) > 20_000 else Answer()
    exporter = loki()
    send(exporter, [record(n, text="x" * 2_000) for n in range(40)])
    until(lambda: once(40) == sink.record_ids)
    assert {} == health.drops
    assert {} == health.cuts


def test_a_record_that_is_really_too_large_is_shortened_and_says_so(
    loki: Make, sink: ScriptedSink, health: Ledger
) -> None:
    def loki_limit(request: Request) -> Answer:
        too_long = any(len(json.dumps(line)) > 262_144 for _, line, _ in request.lines)
        return Answer(400, b"max entry size '262144' bytes exceeded for stream") if too_long else Answer()

    sink.policy = loki_limit
    exporter = loki()
    large = record(1, text="y" * 2_000_000)
    send(exporter, [record(0), large, record(2)])
    until(lambda: once(3) == sink.record_ids)
    line = next(line for request in sink.taken for _, line, _ in request.lines if line["record_id"] == "r1")
    size = len(large.payload or "")
    assert line[v.LOG_TRUNCATED].endswith(f"{v.TRUNCATED_SUFFIX}{size}")
    assert line[v.LOG_TRUNCATED].startswith('{"input": [{"role": "user", "content": "yyy')
    until(lambda: health.cuts == {"destination": 1})  # counted when the answer has been read
    assert {} == health.drops


def test_a_record_that_cannot_be_shortened_enough_is_dropped(loki: Make, sink: ScriptedSink, health: Ledger) -> None:
    sink.policy = lambda request: Answer(413) if b'"r1"' in request.body else Answer()
    exporter = loki()
    send(exporter, [record(n, text="z" * 5_000) for n in range(3)])
    until(lambda: {"r0": 1, "r2": 1} == sink.record_ids)
    until(lambda: health.drops == {"rejected": 1})


@pytest.mark.parametrize("status", [401, 403, 404, 302])
def test_wrong_credentials_or_address_keep_everything(
    loki: Make, sink: ScriptedSink, health: Ledger, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    sink.script.append(Answer(status, b"no"))
    exporter = loki()
    send(exporter, [record(0)])
    until(lambda: health.failures["loki"] == 1)
    assert {} == health.drops
    assert "Check address and credentials" in caplog.text
    exporter.flush(5)  # a flush does not wait for the slow retry
    until(lambda: once(1) == sink.record_ids)


def test_a_large_prompt_does_not_take_its_neighbours_down(loki: Make, sink: ScriptedSink, health: Ledger) -> None:
    exporter = loki()
    text = "prompt " * 300_000
    send(exporter, [record(0), record(1, text=text), record(2)])
    until(lambda: once(3) == sink.record_ids)
    line = next(line for request in sink.taken for _, line, _ in request.lines if line["record_id"] == "r1")
    assert text == line["input"][0]["content"]
    assert {} == health.cuts


def test_requests_are_cut_by_bytes(loki: Make, sink: ScriptedSink) -> None:
    exporter = loki()
    send(exporter, [record(n, text="w" * 1_000_000) for n in range(12)])
    until(lambda: once(12) == sink.record_ids)
    assert max(len(request.body) for request in sink.requests) < 5 * 1024 * 1024


def test_a_line_too_old_for_loki_is_stored_under_lokis_time(loki: Make, sink: ScriptedSink, health: Ledger) -> None:
    now = 1_900_000_000

    def only_recent(request: Request) -> Answer:
        headers = {"Date": formatdate(now, usegmt=True)}
        if all(time_ns >= (now - 3600) * 10**9 for time_ns, _, _ in request.lines):
            return Answer(headers=headers)
        text = "entry too far behind, oldest acceptable timestamp is: 2030-03-17T16:46:40Z"
        return Answer(400, text.encode(), headers=headers)

    sink.policy = only_recent
    exporter = loki()
    ends = [now * 10**9, (now - 7200) * 10**9, (now - 60) * 10**9]
    send(exporter, [record(n, end_ns=end) for n, end in enumerate(ends)])
    until(lambda: once(3) == sink.record_ids)
    found = {line["record_id"]: (time_ns, line["end_ns"]) for r in sink.taken for time_ns, line, _ in r.lines}
    assert {"r0": (ends[0], ends[0]), "r1": (now * 10**9, ends[1]), "r2": (ends[2], ends[2])} == found
    assert {} == health.drops


def test_a_line_from_the_future_is_stored_under_lokis_time(loki: Make, sink: ScriptedSink, health: Ledger) -> None:
    now = 1_900_000_000

    def not_from_the_future(request: Request) -> Answer:
        headers = {"Date": formatdate(now, usegmt=True)}
        future = any(time_ns > (now + 60) * 10**9 for time_ns, _, _ in request.lines)
        return Answer(400, b"timestamp too new", headers=headers) if future else Answer(headers=headers)

    sink.policy = not_from_the_future
    exporter = loki()
    send(exporter, [record(0, end_ns=(now + 120) * 10**9), record(1, end_ns=(now + 9_000) * 10**9)])
    until(lambda: once(2) == sink.record_ids)
    assert {now * 10**9} == {time_ns for request in sink.taken for time_ns, _, _ in request.lines}
    assert {} == health.drops


def test_a_flush_reports_safety_while_the_server_hangs(loki: Make, sink: ScriptedSink) -> None:
    sink.policy = lambda _request: Answer(hang=True)
    exporter = loki()
    send(exporter, [record(0)])
    assert exporter.flush(0.2)
    assert exporter.spool.waiting_bytes > 0


def test_a_burst_while_the_server_is_down_arrives_exactly_once(post: Post, sink: ScriptedSink, health: Ledger) -> None:
    sink.stop()
    exporter = LokiDestination(sink.url, post)
    for start in range(0, 20_000, 1_000):
        send(exporter, [record(n, payload='{"input":"x"}') for n in range(start, start + 1_000)])
    until(lambda: health.failures["loki"] > 0)
    sink.start()
    until(lambda: sum(sink.record_ids.values()) >= 20_000)
    assert once(20_000) == sink.record_ids
    until(lambda: health.sizes["loki"] == 0)
    assert {} == health.drops
    exporter.close(2)

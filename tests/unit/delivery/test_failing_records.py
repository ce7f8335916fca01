"""A record that the destination refuses for ever, told from a destination that is down: 400, 413 and 500 alike."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from exporter_samples import record
from scripted_sink import Answer, Ledger, Policy, Request, ScriptedSink, until

from syndarix_obs import guard
from syndarix_obs.delivery.backoff import Backoff
from syndarix_obs.delivery.disk_budget import DiskBudget
from syndarix_obs.delivery.outbox import Outbox
from syndarix_obs.delivery.sender import Delivery
from syndarix_obs.delivery.spool import Spool
from syndarix_obs.delivery.spooled import Post
from syndarix_obs.destinations.loki import LokiDestination, LokiEmitter
from syndarix_obs.destinations.loki_push import encode_line
from syndarix_obs.records.model import Record

Send = Callable[..., None]


@pytest.fixture
def spool(post: Post, health: Ledger, sink: ScriptedSink) -> Iterator[Spool]:
    """The spool of a sender that waits milliseconds after a failure."""
    emitter = LokiEmitter(sink.url)
    made = Spool(post.folder / "loki", "loki", post.budget, health, emitter.shorten)
    delivery = Delivery(made, emitter, health, backoff=Backoff(longest=0.004))
    delivery.start()
    yield made
    delivery.close(5)


def send(spool: Spool, *records: Record, stream: bytes = b'{kind="app"}') -> None:
    """What the worker does in one round."""
    for each in records:
        spool.append(encode_line(each.line(), None, stream, b"", each.end_ns))
    spool.commit()


def numbers(first: int, last: int, *, ill: frozenset[int] = frozenset()) -> list[Record]:
    return [record(n, text="poison" if n in ill else "fine") for n in range(first, last)]


def refuses_poison(status: int = 500) -> Policy:
    return lambda request: Answer(status, b"no") if b"poison" in request.body else Answer()


def keep_sending(spool: Spool, sink: ScriptedSink, first: int, over: Callable[[], bool]) -> int:
    """One record after the other until `over`; returns the number behind the last."""
    for number in itertools.count(first):
        if over():
            return number
        send(spool, *numbers(number, number + 1))
        until(lambda n=number: f"r{n}" in sink.record_ids)
    raise AssertionError


def once(*found: int) -> dict[str, int]:
    return {f"r{number}": 1 for number in found}


def order(sink: ScriptedSink) -> list[int]:
    return [int(found[1:]) for request in sink.taken for found in request.record_ids]


@pytest.mark.parametrize("status", [400, 413, 500])
@pytest.mark.parametrize("ill", [{0}, {57}, {99}, {3, 4}, {40, 41, 42, 43, 44}, {0, 50, 99}, set(range(12))])
def test_records_that_are_always_refused_are_dropped_and_their_neighbours_arrive_once(
    spool: Spool, sink: ScriptedSink, health: Ledger, ill: set[int], status: int, caplog: pytest.LogCaptureFixture
) -> None:
    sink.policy = refuses_poison(status)
    send(spool, *numbers(0, 100, ill=frozenset(ill)))
    until(lambda: len(sink.record_ids) == 100 - len(ill))
    end = keep_sending(spool, sink, 100, lambda: health.drops == {"rejected": len(ill)})
    until(lambda: not spool.waiting_bytes)
    assert once(*(n for n in range(end) if n not in ill)) == sink.record_ids
    named = {n for n in ill if f"refuses app r{n} again and again while it takes others" in caplog.text}
    assert min(20, len(ill)) == len(named)
    assert {} == guard.failures()


@pytest.mark.parametrize("status", [400, 413])
def test_a_refused_record_is_dropped_though_nobody_comes_behind(
    spool: Spool, sink: ScriptedSink, health: Ledger, status: int
) -> None:
    sink.policy = refuses_poison(status)
    send(spool, *numbers(0, 10, ill=frozenset({9})))
    until(lambda: health.drops == {"rejected": 1})
    assert once(*range(9)) == sink.record_ids


def test_neighbours_of_a_failing_record_keep_their_order_but_for_those_that_prove_it(
    spool: Spool, sink: ScriptedSink, health: Ledger
) -> None:
    sink.policy = refuses_poison()
    send(spool, *numbers(0, 60, ill=frozenset({20})))
    until(lambda: len(sink.record_ids) == 59)
    assert [n for n in range(60) if n != 20] == order(sink)


@pytest.mark.parametrize("status", [400, 413, 422, 500])
def test_a_server_that_refuses_everything_is_down_and_it_costs_nothing(
    spool: Spool, sink: ScriptedSink, health: Ledger, status: int
) -> None:
    sink.policy = lambda _request: Answer(status)
    send(spool, *numbers(0, 50))
    until(lambda: len(sink.requests) > 100)
    send(spool, *numbers(50, 100))
    until(lambda: len(sink.requests) > 200)
    assert {} == health.cuts
    sink.policy = lambda _request: Answer()
    until(lambda: len(sink.record_ids) == 100)
    assert once(*range(100)) == sink.record_ids
    assert {} == health.drops


@pytest.mark.parametrize("waits", [1, 3])
def test_an_outage_with_few_records_that_wait_costs_nothing(
    spool: Spool, sink: ScriptedSink, health: Ledger, waits: int
) -> None:
    sink.policy = lambda _request: Answer(500)
    send(spool, *numbers(0, waits))
    until(lambda: len(sink.requests) > 60)
    sink.policy = lambda _request: Answer()
    until(lambda: len(sink.record_ids) == waits)
    assert once(*range(waits)) == sink.record_ids
    assert {} == health.drops


@pytest.mark.parametrize(
    ("pattern", "status"),
    [(pattern, 500) for pattern in ("01", "001", "0001", "00001", "0011", "10", "0000000001")]
    + [(pattern, 400) for pattern in ("01", "001", "0011", "10")],
)
def test_a_server_that_fails_now_and_then_gets_everything_once(
    spool: Spool, sink: ScriptedSink, health: Ledger, pattern: str, status: int
) -> None:
    turns = itertools.cycle(pattern)
    sink.policy = lambda _request: Answer(204 if next(turns) == "1" else status)
    for first in range(0, 60, 20):
        send(spool, *numbers(first, first + 20))
    until(lambda: len(sink.record_ids) == 60)
    until(lambda: not spool.waiting_bytes)
    assert once(*range(60)) == sink.record_ids
    assert {} == health.drops


def test_failures_of_other_kinds_are_no_proof_against_a_record(
    spool: Spool, sink: ScriptedSink, health: Ledger
) -> None:
    def busy_for_poison(request: Request) -> Answer:
        return Answer(503, headers={"Retry-After": "0"}) if b"poison" in request.body else Answer()

    sink.policy = busy_for_poison
    send(spool, *numbers(0, 3, ill=frozenset({0})))
    until(lambda: len(sink.requests) > 60)
    assert {} == health.drops
    sink.policy = lambda _request: Answer()
    until(lambda: len(sink.record_ids) == 3)


def test_a_record_that_fails_alone_stays_as_long_as_it_stands_in_nobodys_way(
    spool: Spool, sink: ScriptedSink, health: Ledger
) -> None:
    sink.policy = refuses_poison()
    send(spool, *numbers(0, 1, ill=frozenset({0})))
    until(lambda: len(sink.requests) > 30)
    assert {} == health.drops
    end = keep_sending(spool, sink, 1, lambda: health.drops == {"rejected": 1})
    until(lambda: not spool.waiting_bytes)
    assert once(*range(1, end)) == sink.record_ids


def test_a_failing_record_at_the_end_of_a_segment_lets_the_next_segments_pass(
    tmp_path: Path, sink: ScriptedSink, health: Ledger
) -> None:
    sink.policy = refuses_poison()
    emitter = LokiEmitter(sink.url)
    spool = Spool(tmp_path / "loki", "loki", DiskBudget(500_000), health, emitter.shorten)
    send(spool, record(0, text="poison" + "x" * 20_000))
    send(spool, *numbers(1, 50))
    delivery = Delivery(spool, emitter, health, backoff=Backoff(longest=0.004))
    delivery.start()
    until(lambda: len(sink.record_ids) == 49)
    assert {} == health.drops
    end = keep_sending(spool, sink, 50, lambda: health.drops == {"rejected": 1})
    until(lambda: not spool.waiting_bytes)
    assert once(*range(1, end)) == sink.record_ids
    delivery.close(5)


def test_records_of_the_same_stream_tell_more_than_others(spool: Spool, sink: ScriptedSink, health: Ledger) -> None:
    """A part of the destination may be down: that another stream is taken says nothing about this one."""
    sink.policy = lambda request: Answer(500) if request.streams[0].labels["kind"] == "down" else Answer()
    sink.script.append(Answer(429, headers={"Retry-After": "0.5"}))  # until both streams wait
    send(spool, *numbers(0, 20), stream=b'{kind="down"}')
    send(spool, *numbers(20, 40))
    until(lambda: len(sink.requests) > 60)
    assert {} == health.drops
    sink.policy = lambda _request: Answer()
    until(lambda: len(sink.record_ids) == 40)
    assert once(*range(40)) == sink.record_ids


def test_frames_whose_file_was_cut_under_them_are_let_go(post: Post, health: Ledger, sink: ScriptedSink) -> None:
    spool = Spool(post.folder / "loki", "loki", post.budget, health, LokiEmitter(sink.url).shorten)
    outbox = Outbox(spool, 1 << 20, lambda _frame: False)
    send(spool, record(0))
    outbox.fill()
    send(spool, record(1))
    (segment,) = post.folder.rglob("*.seg1")
    os.truncate(segment, 0)
    outbox.look_again()
    assert outbox.empty
    assert {"spool_damaged": 1} == guard.failures()


def test_what_was_delivered_behind_a_refused_record_is_not_sent_again_by_the_next_process(
    post: Post, sink: ScriptedSink, health: Ledger
) -> None:
    sink.policy = refuses_poison(500)
    first = LokiDestination(sink.url, post)
    first.consume(None, numbers(0, 20, ill=frozenset({0})))
    first.tick()
    until(lambda: len(sink.record_ids) == 19)
    first.close(2)
    sink.policy = lambda _request: Answer()
    heir = LokiDestination(sink.url, post)
    until(lambda: len(sink.record_ids) == 20)
    assert once(*range(20)) == sink.record_ids
    heir.close(2)

"""A busy store holds up the worker for a moment; one in trouble does not."""

from __future__ import annotations

import threading
import time

from syndarix_obs.records import model as r
from syndarix_obs.store.backlog import Backlog


def backlog(most: int = 8) -> Backlog:
    """One that counts as filling from three records on."""
    return Backlog(lambda _reason, _count: None, most, 1 << 30)


def record(number: int) -> r.ToolRecord:
    return r.ToolRecord(record_id=f"t:{number}", trace_id="t", span_id=f"{number}")


def test_with_room_nobody_waits() -> None:
    found = backlog()
    found.add([record(1)])
    began = time.monotonic()
    found.wait_for_room(30)
    assert time.monotonic() - began < 10


def test_who_brings_waits_until_there_is_room_again() -> None:
    found = backlog()
    found.add(map(record, range(5)))
    storing = threading.Timer(0.05, found.settle, [4])
    storing.start()
    found.wait_for_room(30)
    assert [record(4)] == found.batch(10)
    storing.join()


def test_the_wait_has_an_end() -> None:
    found = backlog()
    found.add(map(record, range(5)))
    found.wait_for_room(0.01)
    assert 5 == len(found.batch(10))


def test_a_store_in_trouble_holds_up_nobody() -> None:
    found = backlog()
    found.add(map(record, range(5)))
    found.pause(0.0)
    began = time.monotonic()
    found.wait_for_room(30)
    assert time.monotonic() - began < 10

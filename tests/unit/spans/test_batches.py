"""Spans go through the pipeline a few at a time; nobody can tell from what comes out."""

from __future__ import annotations

from syndarix_obs import guard
from syndarix_obs import vocabulary as v
from syndarix_obs.pipeline.destination import BaseDestination
from syndarix_obs.testing import recording


def test_records_come_out_in_the_order_in_which_the_spans_ended() -> None:
    with recording(flush_interval=1.0) as kit:
        for number in range(100):
            with kit.obs.tool(f"t{number}"):
                pass
        assert [f"t{number}" for number in range(100)] == [record.tool for record in kit.records("tool_call")]


def test_a_loop_is_seen_on_its_session_though_both_ended_in_one_round() -> None:
    with recording(flush_interval=1.0, loop_threshold=3) as kit:
        with kit.obs.session(agent="support"):
            for _ in range(3):
                with kit.obs.tool("track", arguments={"parcel": 1}):
                    pass
        assert [v.EVENT_LOOP] == [event.name for event in kit.record("session").events]
        assert [None, None, 3] == [record.loop_count for record in kit.records("tool_call")]


def test_steps_of_a_session_come_between_its_start_and_its_end() -> None:
    seen: list[str] = []

    class Order(BaseDestination):
        """Notes what it is told."""

        def consume(self, span: object, records: object) -> None:
            seen.extend(record.kind for record in records)  # type: ignore[attr-defined]

        def session_started(self, record: object) -> None:
            seen.append("started")

    with recording(consumers=[Order()], flush_interval=1.0) as kit:
        with kit.obs.session(agent="a"), kit.obs.tool("x"):
            pass
        with kit.obs.session(agent="b"), kit.obs.tool("y"):
            pass
    assert ["started", "tool_call", "session", "started", "tool_call", "session"] == seen


class Picky(BaseDestination):
    """A destination that fails on one tool."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    def consume(self, span: object, records: object) -> None:
        name = records[0].tool  # type: ignore[index]
        if name == "t3":
            raise OSError("not this one")
        self.taken.append(name)


def test_a_destination_that_fails_on_one_span_gets_its_neighbours() -> None:
    picky = Picky()
    with recording(consumers=[picky], flush_interval=1.0, reraise=False) as kit:
        for number in range(6):
            with kit.obs.tool(f"t{number}"):
                pass
        assert 6 == len(kit.records("tool_call"))
        assert ["t0", "t1", "t2", "t4", "t5"] == picky.taken
        assert 1 == guard.failures()["Picky"]


def test_a_span_that_cannot_be_read_does_not_take_its_neighbours_along() -> None:
    with recording(flush_interval=1.0, reraise=False) as kit:
        with kit.obs.tool("before"):
            pass
        with kit.obs.tool("broken") as tool:
            tool.finisher = lambda _span: 1 / 0
        with kit.obs.tool("behind"):
            pass
        assert ["before", "behind"] == [record.tool for record in kit.records("tool_call")]
        assert 1 == guard.failures()["process"]


def test_large_payloads_and_small_ones_all_arrive() -> None:
    with recording(flush_interval=1.0) as kit:
        for number in range(20):
            with kit.obs.tool("x") as tool:
                tool.result("a" * (100_000 if number % 3 == 0 else 10))
        assert 20 == len(kit.records("tool_call"))

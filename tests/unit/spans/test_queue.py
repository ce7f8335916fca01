"""The hand-over queue: bounded, and hardly ever a pause."""

from __future__ import annotations

from syndarix_obs.spans.queue import SpanQueue, weigh
from syndarix_obs.spans.span import LightSpan, SpanSource

SOURCE = SpanSource(lambda _span: None)


def _span(payload: dict[str, object] | None = None) -> LightSpan:
    span = LightSpan(SOURCE, "x")
    span.payload = payload
    return span


def test_items_come_out_in_order() -> None:
    queue = SpanQueue()
    first, second = _span(), _span()
    queue.put(first)
    queue.put(second)
    assert [first, second, None] == [queue.take(), queue.take(), queue.take()]


def test_too_many_bytes_cost_the_payload_before_the_record() -> None:
    queue = SpanQueue(max_bytes=10_000)
    spans = [_span({"input": "x" * 6_000}) for _ in range(3)]
    for span in spans:
        queue.put(span)
    assert [True, False, False] == [span.payload is not None for span in spans]
    assert 3 == len(queue)
    assert {"payload_queue_full": 2} == dict(queue.dropped)


def test_too_many_spans_are_dropped_and_counted() -> None:
    queue = SpanQueue(max_spans=2)
    for _ in range(5):
        queue.put(_span())
    assert 2 == len(queue)
    assert {"queue_full": 3} == dict(queue.dropped)


def test_room_comes_back_when_the_worker_takes() -> None:
    queue = SpanQueue(max_bytes=10_000)
    queue.put(_span({"input": "x" * 6_000}))
    queue.take()
    second = _span({"input": "x" * 6_000})
    queue.put(second)
    assert second.payload is not None


def test_the_worker_is_woken_when_much_waits() -> None:
    queue = SpanQueue(wake_at=3)
    for _ in range(3):
        queue.put(_span())
    assert not queue.wake.is_set()
    queue.put(_span())
    assert queue.wake.is_set()


def test_a_crowded_queue_lets_the_worker_have_the_interpreter_now_and_then() -> None:
    pauses: list[float] = []
    queue = SpanQueue(wake_at=1, crowded_at=3, pause=pauses.append)
    for _ in range(3):
        queue.put(_span())
    assert [] == pauses
    for _ in range(200):  # within the five milliseconds between two pauses, or a few of them
        queue.put(_span())
    assert 1 <= len(pauses) < 50
    assert sum(pauses) < 0.01


def test_sizes_are_rough_but_not_blind() -> None:
    messages = [{"role": "user", "content": "x" * 1000}] * 100
    assert 100_000 == weigh({"input": messages})
    assert 5 == weigh({"system": "hello"})
    assert weigh({"input": [{"content": [{"text": "…"}]}], "arguments": {"a": 1}}) > 0

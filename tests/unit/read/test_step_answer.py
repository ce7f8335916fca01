"""One step of a trace, by its name, with what belongs to it."""

from __future__ import annotations

from pathlib import Path

import pytest
import read_scene as scene

from syndarix_obs.records import model as r
from syndarix_obs.records.model import SpanEvent
from syndarix_obs.store.location import store_path
from syndarix_obs_read.answers.step import get_step, names_of
from syndarix_obs_read.answers.trace import get_trace
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.errors import NotFound


async def test_a_step_comes_with_its_payload_place_and_neighbours(backend: EmbeddedBackend) -> None:
    found = await get_step(backend, scene.REFUND[:6], "02")

    assert (scene.REFUND, "02", 2, 14) == (found.trace_id, found.step, found.position, found.total_steps)
    assert ("01", "03") == (found.previous, found.following)
    assert {"output": [{"role": "assistant", "content": "I will refund 50% of it."}]} == found.span.payload
    assert () == found.events


async def test_the_first_step_has_none_before_it_and_the_last_none_behind(backend: EmbeddedBackend) -> None:
    first = await get_step(backend, scene.REFUND, "01")
    last = await get_step(backend, scene.REFUND, "0c")

    assert (None, "02") == (first.previous, first.following)
    assert None is last.following


async def test_events_of_its_span_come_with_a_step(backend: EmbeddedBackend) -> None:
    found = await get_step(backend, scene.REFUND, "01")

    assert [("loop detected", "refund called 4 times with equal arguments")] == [
        (event.event, event.text) for event in found.events
    ]


async def test_log_lines_of_a_span_have_names_of_their_own(backend: EmbeddedBackend) -> None:
    found = await get_step(backend, scene.REFUND, "0b~2")

    assert ("app", {"message": "refund is slow"}) == (found.span.kind, found.span.payload)
    assert () == found.events


async def test_names_are_unique_in_a_trace(backend: EmbeddedBackend) -> None:
    names = names_of((await get_trace(backend, scene.REFUND)).spans)

    assert len(names) == len(set(names))
    assert "0b~2" in names


async def test_a_line_without_a_span_can_be_named_too(tmp_path: Path) -> None:
    event = SpanEvent("note", scene.T0, {})
    line = scene.make(r.LogRecord, scene.LIVE, "", None, 0, logger="desk", payload={"message": "x"}, events=(event,))
    scene.write(store_path(tmp_path), line)
    backend = EmbeddedBackend(store_path(tmp_path))
    try:
        found = await get_step(backend, scene.LIVE, "line")
    finally:
        await backend.close()

    assert {"message": "x"} == found.span.payload


@pytest.mark.parametrize(("trace", "step"), [(scene.REFUND, "zz"), (scene.REFUND, ""), ("dead", "01")])
async def test_what_is_not_there_is_not_found(backend: EmbeddedBackend, trace: str, step: str) -> None:
    with pytest.raises(NotFound):
        await get_step(backend, trace, step)

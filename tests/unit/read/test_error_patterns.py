"""Errors by their pattern: over time, by agent and by version, with when they were first seen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from syndarix_obs.records import model as r
from syndarix_obs.store.location import store_path
from syndarix_obs.store.writer import StoreWriter
from syndarix_obs_read.answers.errors import ErrorGroup, group_errors
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.timerange import TimeRange

HOUR = 3_600 * 10**9
START = 1_790_000_000 * 10**9
DAY = TimeRange(START, START + 24 * HOUR, "a day")


def failure(number: int, hour: float, agent: str, version: str) -> r.Record:
    """A tool call that fails with a number of its own in the message."""
    at = START + round(hour * HOUR)
    return r.ToolRecord(
        record_id=f"{number}", trace_id=f"{number:032x}", span_id=f"{number}", start_ns=at, end_ns=at + 1, tool="track",
        agent=agent, agent_version=version, service="desk", environment="test", status="error", error_type="Timeout",
        error_message=f"order {number} took too long",
    )  # fmt: skip


@pytest.fixture
async def group(tmp_path: Path) -> AsyncIterator[ErrorGroup]:
    """The one pattern of three failures."""
    writer = StoreWriter(store_path(tmp_path))
    writer.write([failure(1, 0.5, "desk", "v1"), failure(2, 23.5, "desk", "v2"), failure(3, 23.6, "night", "v2")])
    writer.close()
    backend = EmbeddedBackend(store_path(tmp_path))
    yield (await group_errors(backend, Filter(), DAY, 10)).groups[0]
    await backend.close()


def test_a_pattern_has_its_failures_over_time(group: ErrorGroup) -> None:
    assert "order <n> took too long" == group.pattern
    assert (1, *[0] * 22, 2) == group.over_time
    assert group.count == sum(group.over_time)


def test_a_pattern_is_counted_by_agent_and_by_version_the_most_frequent_first(group: ErrorGroup) -> None:
    assert [("desk", 2), ("night", 1)] == list(group.by_agent.items())
    assert [("v2", 2), ("v1", 1)] == list(group.by_version.items())

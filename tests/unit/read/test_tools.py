"""Tools by time, hour, agent and version: calls, failures, and the dollars of the model calls that asked for them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from syndarix_obs.records import model as r
from syndarix_obs.records.model import Record
from syndarix_obs.store.location import store_path
from syndarix_obs.store.writer import StoreWriter
from syndarix_obs_read.answers.tools import ToolUsage, tool_usage
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.cli.run import run
from syndarix_obs_read.errors import FilterError
from syndarix_obs_read.timerange import parse_range

S = 1_000_000_000
START = 1_790_000_400 * S  # 2026-09-21, 14:20 UTC
DAY = parse_range("2026-09-21", "2026-09-22")


def record(kind: type[Record], number: int, at_s: float, agent: str, **more: Any) -> Any:
    start = START + round(at_s * S)
    version = "v2" if at_s > 3_600 else "v1"
    return kind(
        record_id=f"{number}", trace_id=agent.ljust(32, "0"), span_id=f"{number}", start_ns=start,
        end_ns=start + S // 2, service="desk", environment="test", agent=agent, agent_version=version, **more,
    )  # fmt: skip


def records() -> Iterator[Record]:
    """A model call that asks for two tools, one of which fails; two hours later another agent's, without a price."""
    priced = {"model": "gpt-4o", "priced": True, "cost_usd": Decimal("0.03")}
    yield record(r.LLMRecord, 1, 0, "desk", **priced)
    yield record(r.ToolRecord, 2, 1, "desk", tool="search")
    yield record(r.ToolRecord, 3, 1.1, "desk", tool="refund", status="error", error_type="Timeout")
    yield record(r.LLMRecord, 4, 7_200, "triage", model="house-1")
    yield record(r.ToolRecord, 5, 7_201, "triage", tool="search")
    yield record(r.ToolRecord, 6, 7_202, "nobody", tool="search")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with them."""
    folder = tmp_path_factory.mktemp("tools")
    writer = StoreWriter(store_path(folder))
    writer.write(list(records()))
    writer.close()
    return folder


@pytest.fixture
async def backend(home: Path) -> AsyncIterator[EmbeddedBackend]:
    """The store's backend."""
    found = EmbeddedBackend(home / "store.sqlite3")
    yield found
    await found.close()


def cells(answer: ToolUsage) -> dict[tuple[str, str], tuple[int, int, Decimal | None]]:
    return {(c.tool, c.column): (c.calls, c.failed, c.cost_usd) for c in answer.cells}


async def test_a_tool_costs_what_the_model_call_that_asked_for_it_did_shared_evenly(backend: EmbeddedBackend) -> None:
    found = await tool_usage(backend, Filter(), DAY, "agent", UTC)
    assert {
        ("search", "desk"): (1, 0, Decimal("0.015")), ("refund", "desk"): (1, 1, Decimal("0.015")),
        ("search", "triage"): (1, 0, None), ("search", "nobody"): (1, 0, None),
    } == cells(found)  # fmt: skip
    assert (4, 1, Decimal("0.03")) == (found.calls, found.failed, found.cost_usd)


async def test_the_tool_that_fails_most_comes_first(backend: EmbeddedBackend) -> None:
    assert ("refund", "search") == (await tool_usage(backend, Filter(), DAY, "agent", UTC)).tools


@pytest.mark.parametrize(
    ("by", "expected"),
    [("hour", {"14": 2, "16": 2}), ("version", {"v1": 2, "v2": 2}), ("time", {"09-21 14:20": 2, "09-21 16:20": 2})],
)
async def test_columns_are_times_hours_of_the_day_or_versions(
    by: str, expected: dict[str, int], backend: EmbeddedBackend
) -> None:
    found = await tool_usage(backend, Filter(), DAY, by, UTC)
    counted: dict[str, int] = {}
    for cell in found.cells:
        counted[cell.column] = counted.get(cell.column, 0) + cell.calls
    assert set(expected.values()) == set(counted.values())
    assert len(expected) == len(counted)
    assert {cell.column for cell in found.cells} <= {column.name for column in found.columns}
    if by != "time":
        assert expected == counted


async def test_times_cover_every_call_in_at_most_36_steps(backend: EmbeddedBackend) -> None:
    columns = (await tool_usage(backend, Filter(), DAY, "time", UTC)).columns
    assert 36 >= len(columns)
    assert all(one.until_ns == other.since_ns for one, other in pairwise(columns))


async def test_an_empty_answer_says_why_and_another_column_which_there_are(backend: EmbeddedBackend) -> None:
    assert "no agent" in (await tool_usage(backend, Filter(agent="support"), DAY, "agent", UTC)).hints[0]
    with pytest.raises(FilterError, match="time, hour, agent, version"):
        await tool_usage(backend, Filter(), DAY, "moon", UTC)


def test_the_command_marks_what_fails(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == run(["tools", "--since", "2026-09-21", "--until", "2026-09-22", "--home", str(home)])
    assert ["refund", "desk", "1", "1", "100%", "$0.015"] == capsys.readouterr().out.splitlines()[1].split()

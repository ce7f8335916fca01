"""Two versions, models or times side by side: what differs beyond chance is said so, what does not is not."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from test_what_changed import session

from syndarix_obs.records.model import Record
from syndarix_obs.store.location import store_path
from syndarix_obs.store.writer import StoreWriter
from syndarix_obs_read.answers.compare import Comparison, compare, compare_groups
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.cli.run import run
from syndarix_obs_read.errors import Ambiguous, FilterError, NotFound
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.timerange import parse_range


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hours: first a quick model, then half of the sessions on a slow one, every second of which fails."""
    records: list[Record] = []
    for number in range(120):
        slow = number >= 60 and number % 2 == 1
        records += session(number, 120 - number, model="slow-1" if slow else "quick-1", fails=number % 4 == 1 and slow,
                           seconds=(6 if slow else 1) * (1 + number % 7 / 20))  # fmt: skip
    folder = tmp_path_factory.mktemp("groups")
    writer = StoreWriter(store_path(folder))
    writer.write(records)
    writer.close()
    return folder


@pytest.fixture
async def backend(home: Path) -> AsyncIterator[EmbeddedBackend]:
    """The store's backend."""
    found = EmbeddedBackend(store_path(home))
    yield found
    await found.close()


async def between(backend: EmbeddedBackend, of: str, before: str, after: str) -> Comparison:
    """Both groups of the last day."""
    return await compare_groups(backend, ReadSettings(), of, before, after, Filter(), parse_range("24h"))


async def test_what_differs_between_two_models_is_told_from_chance(backend: EmbeddedBackend) -> None:
    found = (await between(backend, "model", "quick-1", "slow-1")).groups
    assert found is not None
    assert (("quick-1", 90), ("slow-1", 30)) == tuple((s.name, s.sessions) for s in (found.before, found.after))
    differs = {pair.name: pair.differs for pair in found.figures}
    assert (True, True, True) == (differs["latency"], differs["errors"], differs["failures"])
    assert (False, False) == (differs["input_tokens"], differs["tool_latency"])


async def test_tools_and_errors_are_counted_on_both_sides(backend: EmbeddedBackend) -> None:
    found = (await between(backend, "model", "quick", "slow")).groups
    assert found is not None
    assert [("track", 90, 0, 30, 15)] == [
        (t.tool, t.calls_before, t.failed_before, t.calls_after, t.failed_after) for t in found.tools
    ]
    assert [("track", "Timeout: no answer after <n> s", 0, 15)] == [
        (e.where, e.pattern, e.before, e.after) for e in found.errors
    ]


async def test_two_times_need_no_other_value(backend: EmbeddedBackend) -> None:
    found = (await between(backend, "time", "150m..60m30s", "60m30s..now")).groups
    assert found is not None
    assert 60 == found.before.sessions == found.after.sessions
    latency = next(pair for pair in found.figures if pair.name == "latency")
    assert latency.differs


async def test_too_few_sessions_are_said_to_be_too_few(backend: EmbeddedBackend) -> None:
    found = (await between(backend, "time", "121m..119m30s", "60m30s..now")).groups
    assert found is not None
    assert {None} == {pair.chance for pair in found.figures}


async def test_a_value_that_is_not_there_is_answered_with_those_that_are(backend: EmbeddedBackend) -> None:
    with pytest.raises(NotFound, match="there are: quick-1, slow-1"):
        await between(backend, "model", "quick-1", "gpt-9")
    with pytest.raises(Ambiguous, match="quick-1, slow-1"):
        await between(backend, "model", "", "slow-1")
    with pytest.raises(FilterError, match="possible: run, version"):
        await between(backend, "mood", "good", "bad")


async def test_two_traces_are_compared_like_sessions_and_step_by_step(backend: EmbeddedBackend) -> None:
    found = await compare(backend, f"{0:032x}", f"{65:032x}")
    assert found.before is not None
    assert found.aligned is not None
    assert ("model",) == found.differs
    assert f"{0:032x}" == found.before.session_id
    assert 2 == found.aligned.changed


async def test_a_run_without_steps_is_compared_as_far_as_it_goes(backend: EmbeddedBackend) -> None:
    with pytest.raises(NotFound, match="nobody"):
        await compare(backend, "s-000", "nobody")


@pytest.mark.parametrize("of", ["model", "time"])
def test_the_command_draws_both(of: str, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sides = ["quick-1", "slow-1"] if of == "model" else ["150m..60m30s", "60m30s..now"]
    assert 0 == run(["compare", *sides, "--of", of, "--home", str(home)])
    shown = capsys.readouterr().out
    assert "yes, p " in shown
    assert "track" in shown
    assert 0 == run(["compare", *sides, "--of", of, "--json", "--home", str(home)])
    assert of == json.loads(capsys.readouterr().out)["of"]

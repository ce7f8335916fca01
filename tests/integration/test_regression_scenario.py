"""The demo's regression: what changed is named, its diff shows the new prompt, and the scores say that it is worse."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC
from pathlib import Path

import pytest

pytest.importorskip("openai", reason="the demo runs through the real openai client (extra `instrument`)")
pytest.importorskip("anthropic", reason="the demo runs through the real anthropic client (extra `instrument`)")

from syndarix_obs.store.location import store_path
from syndarix_obs_demo import Scenario, run
from syndarix_obs_demo.alarm import look
from syndarix_obs_demo.scenario import USUAL_SESSIONS
from syndarix_obs_read.answers.compare import compare
from syndarix_obs_read.answers.episode import figure_of, investigate_episode
from syndarix_obs_read.answers.investigate import Investigation, investigate
from syndarix_obs_read.answers.quality import get_quality
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.errors import NotFound, UsageError
from syndarix_obs_read.timerange import parse_range

pytestmark = pytest.mark.slow

SUPPORT = Filter(agent="support")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which a worse prompt was deployed three hours ago."""
    folder = tmp_path_factory.mktemp("regression")
    run(folder, USUAL_SESSIONS["regression"], 7, scenario=Scenario.REGRESSION)
    return folder


@pytest.fixture
async def backend(home: Path) -> AsyncIterator[EmbeddedBackend]:
    found = EmbeddedBackend(store_path(home))
    yield found
    await found.close()


async def investigated(backend: EmbeddedBackend) -> Investigation:
    return await investigate(backend, SUPPORT, parse_range("181m"))


async def test_the_new_prompt_is_named_first_and_listed_as_new(backend: EmbeddedBackend) -> None:
    found = await investigated(backend)
    moved = {each.figure: each for each in found.figures if each.changed}
    assert {"latency", "output_tokens"} <= set(moved)
    best = moved["latency"].explanations[0]
    assert ("prompt_hash", 0.0, 1.0) == (best.dimension, best.share_before, best.share_after)
    assert ("prompt_hash", best.value) in [(each.dimension, each.value) for each in found.new]


async def test_sessions_before_and_after_differ_in_the_prompt(backend: EmbeddedBackend) -> None:
    latency = next(each for each in (await investigated(backend)).figures if each.figure == "latency")
    best = latency.explanations[0]
    found = await compare(backend, best.sessions_before[0], best.sessions_after[0])
    assert "prompt_hash" in found.differs
    assert any(line.change == "new" and line.text.startswith("Be thorough.") for line in found.prompt)


async def test_what_customers_say_falls_with_the_new_prompt_beyond_the_intervals(backend: EmbeddedBackend) -> None:
    report = await get_quality(backend, SUPPORT, parse_range("2d"), ("prompt_hash",), UTC, "stars")
    worse, usual = sorted(report.groups, key=lambda group: group.mean or 0.0)
    assert worse.high is not None
    assert usual.low is not None
    assert worse.high < usual.low


async def test_an_episode_opens_its_alert_arrives_and_its_investigation_names_the_prompt(
    home: Path, backend: EmbeddedBackend
) -> None:
    alarm = await asyncio.to_thread(look, home)
    assert ["support"] == [alert["labels"]["agent"] for alert in alarm.alerts if alert["status"] == "firing"]
    assert alarm.episode is not None
    found = await investigate_episode(backend, alarm.episode.episode[:8])
    assert "prompt_hash" == found.figures[0].explanations[0].dimension


async def test_an_unknown_episode_is_answered_with_where_to_find_them(backend: EmbeddedBackend) -> None:
    with pytest.raises(NotFound, match="syndarix-obs anomalies"):
        await investigate_episode(backend, "zz")


@pytest.mark.parametrize(
    ("series", "figure"), [("tokens_output", "output_tokens"), ("latency_p95", "latency"), ("tool_share:x", None)]
)
def test_a_series_of_a_watch_is_made_of_a_figure_of_single_calls(series: str, figure: str | None) -> None:
    assert figure == figure_of(series)


def test_too_few_sessions_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at least 40 sessions"):
        run(tmp_path, 10, 7, scenario=Scenario.REGRESSION)

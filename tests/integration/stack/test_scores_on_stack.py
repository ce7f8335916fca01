"""Scores, quality, and what changed, over real Loki and Tempo: the same as over the embedded store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC
from pathlib import Path
from typing import TypeVar

import pytest
from alert_sinks import HOST
from needed_servers import require

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs_read.answers.compare import compare
from syndarix_obs_read.answers.investigate import investigate
from syndarix_obs_read.answers.quality import QualityReport, get_quality, scores_of_session
from syndarix_obs_read.backends.choose import open_backend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.scoring import Given, give
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.timerange import parse_range
from syndarix_obs_stack.launcher import running_stack
from syndarix_obs_stack.options import Options

pytestmark = [pytest.mark.real_servers, pytest.mark.slow]

NAMES = ("loki", "tempo")
T = TypeVar("T")


@pytest.fixture(scope="module")
def servers(
    make_options: Callable[[dict[str, str], dict[str, str]], Options], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, str, str, str]]:
    """Two sessions of an agent on two prompts, the first of which scores itself; home and addresses."""
    require(*NAMES)
    options = make_options({}, {})
    with running_stack(options, only=NAMES):
        home, ports = tmp_path_factory.mktemp("home"), options.ports
        loki, tempo, otlp = (f"http://{HOST}:{port}" for port in (ports.loki, ports.tempo, ports.otlp_http))
        settings = Settings(backend="stack", home=home, set_global=False, loki_url=loki, otlp_endpoint=otlp)
        with ObservabilityPlatform(settings) as obs:
            for number, prompt in enumerate(("Be kind.", "Be thorough."), 1):
                with obs.session(agent="support", session_id=f"s-{number}"):
                    asked = [{"role": "user", "content": "Where?"}]
                    with obs.llm(provider="openai", model="gpt-4o-mini", system=prompt, messages=asked) as call:
                        call.response("In Leeds.", usage={"input_tokens": 9, "output_tokens": 3})
                    if number == 1:
                        obs.outcome("resolved", True)
        yield home, loki, tempo, otlp


@pytest.fixture
def settings(servers: tuple[Path, str, str, str], monkeypatch: pytest.MonkeyPatch) -> ReadSettings:
    home, loki, tempo, otlp = servers
    monkeypatch.setenv("SYNDARIX_OBS_OTLP_ENDPOINT", otlp)
    return ReadSettings(backend="stack", home=home, loki_url=loki, tempo_url=tempo)


async def until(question: Callable[[], Awaitable[T]], arrived: Callable[[T], bool]) -> T:
    """The answer once it has arrived; lines take a moment."""
    for _ in range(100):
        answer = await question()
        if arrived(answer):
            return answer
        await asyncio.sleep(0.2)
    raise AssertionError(f"it did not arrive: {answer}")


async def report(backend: Backend) -> QualityReport:
    return await get_quality(backend, Filter(), parse_range("1h"), ("agent", "prompt_hash"), UTC)


async def test_scores_are_given_and_grouped_by_prompt_as_in_the_embedded_store(settings: ReadSettings) -> None:
    backend = open_backend(settings)
    try:
        await until(lambda: backend.sessions(Filter(), 10), lambda page: len(page.rows) == 2)
        late = await give(settings, backend, Given(session_id="s-2", name="resolved", value="false", comment="by mail"))
        lost = await give(settings, backend, Given(session_id="s-9", name="resolved", value="true"))
        found = await until(lambda: report(backend), lambda each: each.scores == 3)
        (score,) = await scores_of_session(backend, "s-2")
        traces = (await backend.search_traces(Filter(), 20)).rows
    finally:
        await backend.close()
    assert (False, True) == (late.orphaned, lost.orphaned)
    assert ["s-9"] == [each.session_id for each in found.orphans]
    assert [("support", 1, 0.0), ("support", 1, 1.0)] == sorted(
        (str(group.key["agent"]), group.scores, group.mean or 0.0) for group in found.groups
    )
    assert 2 == len({group.key["prompt_hash"] for group in found.groups})
    assert ("by mail", "s-2") == (score.explanation, score.session_id)
    assert {"s-1", "s-2"} == {each.session_id for each in traces}


async def test_two_sessions_are_compared_and_new_prompts_are_seen(settings: ReadSettings) -> None:
    backend = open_backend(settings)
    try:
        await until(lambda: backend.sessions(Filter(), 10), lambda page: len(page.rows) == 2)
        found = await compare(backend, "s-1", "s-2")
        changed = await investigate(backend, Filter(agent="support"), parse_range("1h"))
    finally:
        await backend.close()
    assert {"prompt_hash", "agent_version"} == set(found.differs)
    assert [("gone", "Be kind."), ("new", "Be thorough.")] == [(line.change, line.text) for line in found.prompt]
    assert 4 == changed.calls_after

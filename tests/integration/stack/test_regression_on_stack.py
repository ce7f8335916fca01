"""A worse prompt on real servers: an episode opens, its alert arrives, the prompt is named and the diff linked."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from alert_sinks import HOST, Receiver, poll
from needed_servers import require

from syndarix_obs_demo import Scenario, run
from syndarix_obs_demo.scenario import USUAL_SESSIONS
from syndarix_obs_read.answers.anomalies import Anomaly, list_anomalies
from syndarix_obs_read.answers.compare import compare
from syndarix_obs_read.answers.episode import investigate_episode
from syndarix_obs_read.backends.choose import open_backend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.cli.run import run as command
from syndarix_obs_read.serving.address import Address
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.timerange import parse_range
from syndarix_obs_read.web.app import build_app
from syndarix_obs_stack.launcher import running_stack
from syndarix_obs_stack.options import Options

pytest.importorskip("openai", reason="the demo runs through the real openai client (extra `instrument`)")
pytest.importorskip("anthropic", reason="the demo runs through the real anthropic client (extra `instrument`)")
pytestmark = [pytest.mark.real_servers, pytest.mark.slow]

NAMES = ("prometheus", "alertmanager", "loki", "tempo")
SUPPORT = Filter(agent="support")


@dataclass(frozen=True)
class Scene:
    """The servers in which a worse prompt was deployed three hours ago, after one look of the watch."""

    settings: ReadSettings
    receiver: Receiver


@pytest.fixture(scope="module")
def scene(
    make_options: Callable[[dict[str, str], dict[str, str]], Options], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    """The demo as a person runs it with the stack, then `syndarix-obs watch --once`."""
    require(*NAMES)
    receiver, home = Receiver(), tmp_path_factory.mktemp("home")
    options = make_options({"ALERT_WEBHOOK_URL": f"http://{receiver.address}/alerts"}, {})
    with running_stack(options, only=NAMES), pytest.MonkeyPatch.context() as patched:
        for name, value in _variables(options, home).items():
            patched.setenv(name, value)
        assert run(home, USUAL_SESSIONS["regression"], 7, scenario=Scenario.REGRESSION).saved
        settings = ReadSettings()
        poll(lambda: asyncio.run(_sessions(settings)) >= USUAL_SESSIONS["regression"] or None, 60)
        assert 0 == command(["watch", "--once"])
        yield Scene(settings, receiver)
    receiver.close()


def _variables(options: Options, home: Path) -> dict[str, str]:
    ports = options.ports
    read = {f"READ_{name.upper()}_URL": f"http://{HOST}:{getattr(ports, name)}" for name in NAMES}
    wrote = {"LOKI_URL": read["READ_LOKI_URL"], "OTLP_ENDPOINT": f"http://{HOST}:{ports.otlp_http}"}
    return {f"SYNDARIX_OBS_{name}": value for name, value in
            {"BACKEND": "stack", "HOME": os.fspath(home), **read, **wrote}.items()}  # fmt: skip


async def _sessions(settings: ReadSettings) -> int:
    backend = open_backend(settings)
    try:
        return len((await backend.sessions(Filter(), 1_000)).rows)
    finally:
        await backend.close()


async def _episode(settings: ReadSettings) -> Anomaly:
    """The heaviest one of the support agent."""
    backend = open_backend(settings)
    try:
        for _ in range(50):
            found = (await list_anomalies(backend, SUPPORT, parse_range("2d"), 100)).anomalies
            if found:
                return max(found, key=lambda each: each.score)
            await asyncio.sleep(0.2)
    finally:
        await backend.close()
    raise AssertionError("no episode opened")


def test_the_alert_of_the_episode_arrives_at_the_receiver_by_alertmanager(scene: Scene) -> None:
    found: Any = poll(lambda: scene.receiver.alert(alertname="AgentAnomaly", agent="support"), 30)
    assert found is not None
    arrival, alert = found
    assert ("webhook", "support is unusual") == (arrival.body["receiver"], alert["annotations"]["summary"])
    assert "was expected" in alert["annotations"]["description"]


async def test_the_investigation_of_the_episode_names_the_new_prompt_first(scene: Scene) -> None:
    episode = await _episode(scene.settings)
    backend = open_backend(scene.settings)
    try:
        found = await investigate_episode(backend, episode.episode[:8])
        best = found.figures[0].explanations[0]
        diff = await compare(backend, best.sessions_before[0], best.sessions_after[0])
    finally:
        await backend.close()
    assert ("prompt_hash", 0.0, 1.0) == (best.dimension, best.share_before, best.share_after)
    assert ("prompt_hash", best.value) in [(each.dimension, each.value) for each in found.new]
    assert any(line.change == "new" and line.text.startswith("Be thorough.") for line in diff.prompt)


async def test_the_page_links_to_the_difference_of_a_session_before_and_one_after(scene: Scene) -> None:
    episode = await _episode(scene.settings)
    backend = open_backend(scene.settings)
    transport = httpx.ASGITransport(build_app(scene.settings, Address(), backend=backend), client=(HOST, 1))
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}", timeout=60) as browser:
        page = (await browser.get("/investigate", params={"episode": episode.episode})).text
        link = re.search(r'href="(/compare\?[^"]+)"', page)
        assert link is not None
        shown = (await browser.get(link[1].replace("&amp;", "&"))).text
    await backend.close()
    assert "Be thorough." in shown

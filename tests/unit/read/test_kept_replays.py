"""Replays as sessions of their own: kept in either backend, read again, and never counted as work or cost."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

import httpx
import pytest

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs.replaying.keeping import keep
from syndarix_obs.replaying.tape import ModelStep, Tape, ToolStep, from_json
from syndarix_obs.store.database import open_for_write
from syndarix_obs.store.erase import erase_person
from syndarix_obs.testing import Capture, recording
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.stack.backend import StackBackend, StackOptions
from syndarix_obs_read.errors import Ambiguous, NotFound
from syndarix_obs_read.replay.keep import kept, replays_of

RUN = Tape(
    session_id="replay-0a1b2c3d4e5f", agent="support", replay_of="s-1", forked_at=2, changed={"model": "small"},
    user="u_0123456789abcdef", project="acme", output="done",
    steps=[
        ModelStep(number=1, agent="support", model="gpt-4o", request={"input": [{"role": "user", "content": "Why?"}]},
                  output=[{"role": "assistant", "content": "one"}], input_tokens=9, output_tokens=1, cost_usd="0.5"),
        ToolStep(number=2, agent="support", tool="look", arguments={"q": 1}, result=[]),
    ],
)  # fmt: skip


class HeldLines:
    """A Loki that holds the lines of what was recorded, and gives those of the kinds that are asked for."""

    def __init__(self, capture: Capture) -> None:
        self._records = [r for r in capture.records if r.kind != "span"]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        kinds = re.search(r'kind=~?"([^"]*)"', request.url.params.get("query", ""))
        fit = [r for r in self._records if kinds is not None and r.kind in kinds[1].split("|")]
        values = [[str(r.end_ns), r.line()] for r in sorted(fit, key=lambda each: -each.end_ns)]
        result = [{"stream": {"level": "info"}, "values": values}] if values else []
        return httpx.Response(200, json={"status": "success", "data": {"resultType": "streams", "result": result}})


@pytest.fixture(params=["embedded", "stack"])
async def backend(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Backend]:
    """Either backend with a session and two replays of it."""
    settings = Settings(home=tmp_path, backend="embedded", set_global=False)
    with recording() as kit, ObservabilityPlatform(settings) as obs:
        for platform in (kit.obs, obs):
            with platform.session("support", session_id="s-1", user="ann"):
                platform.call_tool("look", lambda q: q, {"q": 1})
            keep(platform.runtime.source, RUN, "fork", "finished")
            keep(platform.runtime.source, replace(RUN, session_id="replay-ffff00000000"), "verify", "identical")
            assert platform.flush(10)
        if request.param == "embedded":
            found: Backend = EmbeddedBackend(tmp_path / "store.sqlite3")
        else:
            urls = {name: f"http://{name}" for name in ("prometheus", "loki", "tempo", "alertmanager")}
            found = StackBackend(StackOptions(**urls, transport=httpx.MockTransport(HeldLines(kit.capture))))
    yield found
    await found.close()


async def test_a_replay_is_read_again_as_it_was(backend: Backend) -> None:
    found = await kept(backend, RUN.session_id)
    assert found is not None
    assert replace(RUN, user=None, project=None) == found
    assert found == await kept(backend, "replay-0a")


async def test_several_replays_that_begin_alike_are_named(backend: Backend) -> None:
    with pytest.raises(Ambiguous, match="several replays begin with 'replay-': replay-0a1b2c3d4e5f, replay-ffff"):
        await kept(backend, "replay-")
    assert None is await kept(backend, "replay-77")


async def test_the_replays_of_a_session_are_listed_newest_first(backend: Backend) -> None:
    found = [(row.text("session_id"), row.text("mode"), row.text("result")) for row in await replays_of(backend, "s-1")]
    assert [("replay-ffff00000000", "verify", "identical"), (RUN.session_id, "fork", "finished")] == found
    assert [] == await replays_of(backend, "s-2")


async def test_a_replay_is_no_work_and_no_cost(backend: Backend) -> None:
    assert ["s-1"] == [row.session_id for row in (await backend.sessions(Filter(), 10)).rows]
    assert 1 == len((await backend.search_traces(Filter(), 10)).rows)
    if backend.name == "embedded":  # of the stack these are sums of Loki's own: see tests/integration/stack
        (agent,) = await backend.agents(Filter())
        assert (0, 1, 0) == (agent.requests, sum(tool.calls for tool in agent.tools), agent.cost.calls)
    assert [] == await backend.costs(Filter(), (), UTC)
    listed = (await backend.records(Filter(), limit=50, payloads=False)).rows
    assert {"session", "tool_call"} == {row.kind for row in listed}


def test_a_replay_moves_no_metric_leaves_no_span_and_belongs_to_the_same_person() -> None:
    with recording() as kit:
        before = [(s.name, s.value) for metric in kit.obs.registry.collect() for s in metric.samples]
        keep(kit.obs.runtime.source, RUN, "fork", "finished")
        found = kit.records("replay")
        after = [(s.name, s.value) for metric in kit.obs.registry.collect() for s in metric.samples]
    assert ([0, 1, 2], {"u_0123456789abcdef"}) == ([each.step for each in found], {each.user for each in found})
    assert [] == kit.capture.spans
    assert _calls(before) == _calls(after)


def _calls(samples: list[tuple[str, float]]) -> list[tuple[str, float]]:
    return [each for each in samples if not each[0].startswith("syndarix_obs_")]


async def test_a_replay_without_its_content_says_so(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, backend="embedded", set_global=False, capture="metadata")
    with ObservabilityPlatform(settings) as obs:
        keep(obs.runtime.source, RUN, "fork", "finished")
        assert obs.flush(10)
    backend = EmbeddedBackend(tmp_path / "store.sqlite3")
    try:
        with pytest.raises(NotFound, match="was cut or kept without content"):
            await kept(backend, RUN.session_id)
    finally:
        await backend.close()


@pytest.mark.parametrize("result", [[], {}, "", 0, False, None])
def test_an_empty_result_is_the_same_through_a_file(result: Any) -> None:
    tape = Tape("s-1", [ToolStep(number=1, tool="look", result=result)])
    (step,) = from_json(tape.to_json()).tools()
    assert (type(result), result) == (type(step.result), step.result)


async def test_a_replay_goes_with_its_person(tmp_path: Path) -> None:
    store = tmp_path / "store.sqlite3"
    with ObservabilityPlatform(Settings(home=tmp_path, backend="embedded", set_global=False)) as obs:
        keep(obs.runtime.source, RUN, "fork", "finished")
    connection = open_for_write(store)
    erased = erase_person(connection, str(RUN.user))
    connection.close()
    backend = EmbeddedBackend(store)
    try:
        assert 3 == erased.records
        assert None is await kept(backend, RUN.session_id)
        assert [] == await replays_of(backend, "s-1")
    finally:
        await backend.close()

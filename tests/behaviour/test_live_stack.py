"""The same against the real servers: every question, hostile arguments, alerts, raw queries, following."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import live_scene
import pytest
import recorded_servers as recorded
from behaviour_questions import QUESTIONS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syndarix_obs.identity import Identity
from syndarix_obs.store.location import store_path
from syndarix_obs.vocabulary import LLM_REQUESTS
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.rows import RawLine
from syndarix_obs_read.backends.stack import StackBackend, StackOptions
from syndarix_obs_read.errors import QueryError
from syndarix_obs_read.queries import promql
from syndarix_obs_read.stack.servers import SERVERS, find

pytestmark = [pytest.mark.real_servers, pytest.mark.slow]

MINUTE = 60 * 10**9
HOSTILE = st.text(alphabet="\"\\`{}[]()|.*+?^$\n\t\r %'=~,aé“", min_size=1, max_size=12)
SLOWLY = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[live_scene.World]:
    """The scene in real servers; skips, naming what is missing, where they are not on the PATH."""
    found, _ = find([server for server in SERVERS if server.name in live_scene.NEEDED])
    missing = sorted(set(live_scene.NEEDED) - {each.server.name for each in found})
    if missing:
        pytest.skip(f"not on the PATH: {', '.join(missing)}")
    with live_scene.told(tmp_path_factory.mktemp("live")) as world:
        yield world


@pytest.fixture
async def live(world: live_scene.World) -> AsyncIterator[StackBackend]:
    """The scene in the servers, at the scene's now."""
    recorder = recorded.Recorder()
    found = StackBackend(recorded.options(recorder, world.now_ns, **world.urls))
    yield found
    await found.close()


@pytest.fixture
async def now(world: live_scene.World) -> AsyncIterator[StackBackend]:
    """The servers as they are now."""
    found = StackBackend(StackOptions(**world.urls))
    yield found
    await found.close()


@pytest.fixture
async def store(world: live_scene.World) -> AsyncIterator[EmbeddedBackend]:
    """The scene in SQLite."""
    found = EmbeddedBackend(store_path(world.home))
    yield found
    await found.close()


@pytest.fixture
def pseudonym_of(world: live_scene.World) -> Callable[[str], str]:
    """From a user's name to the pseudonym in the records."""
    return Identity(world.home, (world.home / "key").read_bytes()).pseudonym


@pytest.mark.parametrize("question", QUESTIONS)
async def test_servers_and_store_give_the_same_answer(
    question: str, world: live_scene.World, store: EmbeddedBackend, live: StackBackend,
    pseudonym_of: Callable[[str], str],
) -> None:  # fmt: skip
    ask = QUESTIONS[question]
    assert await ask(store, world.now_ns, pseudonym_of) == await ask(live, world.now_ns, pseudonym_of)


@pytest.mark.parametrize("name", ["agent", "tool", "session_id", "trace_id", "service", "text", "decision_type"])
@SLOWLY
@given(text=HOSTILE)
def test_loki_takes_every_argument_as_data(world: live_scene.World, name: str, text: str) -> None:
    async def ask() -> None:
        servers = StackBackend(recorded.options(recorded.Recorder(), world.now_ns, **world.urls))
        files = EmbeddedBackend(store_path(world.home))
        try:
            where = Filter(**{name: text})
            both = [await each.records(where, limit=300, payloads=False) for each in (files, servers)]
            assert [r.data for r in both[0].rows] == [r.data for r in both[1].rows]
        finally:
            await servers.close()
            await files.close()

    asyncio.run(ask())


@SLOWLY
@given(text=HOSTILE)
def test_prometheus_takes_every_argument_as_data(world: live_scene.World, text: str) -> None:
    async def ask() -> None:
        servers = StackBackend(StackOptions(**world.urls))
        query = promql.total(LLM_REQUESTS, agent=text)
        assert () == (await servers.query_metrics(query, world.now_ns - MINUTE, world.now_ns, None, 5)).rows
        await servers.close()

    asyncio.run(ask())


@SLOWLY
@given(text=HOSTILE)
def test_alertmanager_takes_every_argument_as_data(world: live_scene.World, text: str) -> None:
    async def ask() -> None:
        servers = StackBackend(StackOptions(**world.urls))
        assert [] == await servers.alerts({"alertname": text})
        await servers.close()

    asyncio.run(ask())


async def test_an_alert_is_raised_silenced_and_resolved(now: StackBackend) -> None:
    moment = time.time_ns()
    labels = {"alertname": "Behaviour", "agent": 'sup"port}'}
    await now.trigger(labels, {"summary": "a test"}, moment, moment + 5 * MINUTE)
    await _until(lambda: now.alerts(labels), lambda found: ["active"] == [each.state for each in found])
    with pytest.raises(QueryError):
        await now.silence(labels, moment, moment + MINUTE, "ann", "")
    silence = await now.silence(labels, moment, moment + MINUTE, "ann", "known")
    assert [silence] == [each.silence_id for each in await now.silences()]
    await _until(lambda: now.alerts(labels), lambda found: [(silence,)] == [each.silenced_by for each in found])
    await now.expire(silence)
    assert [] == await now.silences()
    await now.trigger(labels, {}, moment, moment + 1_000_000)
    await _until(lambda: now.alerts(labels), lambda found: not found)


async def test_raw_queries_reach_the_servers_and_their_complaints_come_back(
    now: StackBackend, world: live_scene.World
) -> None:
    since, until = world.now_ns - 10 * MINUTE, world.now_ns + MINUTE
    logs = await now.query_logs('{kind="tool_call"}', since, until, 5)
    assert (5, True) == (len(logs.rows), logs.more)
    assert all(isinstance(each, RawLine) for each in logs.rows)
    assert 1 <= len((await now.query_logs('sum(count_over_time({kind="cost"}[5m]))', since, until, 5)).rows)
    assert 1 <= len((await now.query_traces('{ span.gen_ai.agent.name = "support" }', since, until, 2)).rows)
    assert 1 <= len((await now.query_metrics("up", since, time.time_ns(), None, 50)).rows)
    for question in (now.query_logs("{", since, until, 5), now.query_traces("{ =", since, until, 5),
                     now.query_metrics("sum(", since, until, 60, 5)):  # fmt: skip
        with pytest.raises(QueryError, match="cannot be answered"):
            await question


async def test_a_line_that_arrives_is_followed(now: StackBackend, world: live_scene.World) -> None:
    feed = aiter(now.follow(Filter(agent="followed")))
    first = asyncio.ensure_future(anext(feed))
    moment = time.time_ns()
    record = {"kind": "app", "record_id": "log:followed", "start_ns": moment, "end_ns": moment, "status": "ok",
              "agent": "followed", "duration_ms": 0.0, "message": "here"}  # fmt: skip

    async def arrive() -> None:
        for number in range(60):  # the feed has to have looked once before
            values = [[str(moment + number), json.dumps({**record, "record_id": f"log:{number}"},
                                                        separators=(",", ":")), {"agent": "followed"}]]  # fmt: skip
            body = {"streams": [{"stream": {"kind": "app", "level": "info"}, "values": values}]}
            push = urllib.request.Request(
                f"{world.urls['loki']}/loki/api/v1/push",
                json.dumps(body).encode(),
                {"Content-Type": "application/json"},
            )
            await asyncio.to_thread(urllib.request.urlopen, push)
            await asyncio.wait([first], timeout=0.25)

    arriving = asyncio.ensure_future(arrive())
    found = await asyncio.wait_for(first, 15)
    arriving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await arriving
    assert {"message": "here"} == found.payload


async def test_the_servers_are_healthy(now: StackBackend) -> None:
    states = {each.name: each.state for each in await now.health()}
    assert {"ok"} == {states[name] for name in ("Loki", "Tempo", "Prometheus", "Alertmanager", "records")}


async def _until(ask: Callable[[], Awaitable[list[Any]]], fits: Callable[[list[Any]], bool]) -> None:
    deadline = time.monotonic() + 15
    while not fits(found := await ask()):
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.1)

"""The same against the real servers: every question, alerts, raw queries, following."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import live_scene
import pytest
import recorded_servers as recorded
from behaviour_questions import LEDGER_SUMS, QUESTIONS

from syndarix_obs.identity import Identity
from syndarix_obs.store.location import store_path
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.rows import RawLine
from syndarix_obs_read.backends.stack.backend import StackBackend, StackOptions
from syndarix_obs_read.errors import QueryError

pytestmark = [pytest.mark.real_servers, pytest.mark.slow]

MINUTE = 60 * 10**9


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


@pytest.mark.parametrize("question", {**QUESTIONS, **LEDGER_SUMS})
async def test_servers_and_store_give_the_same_answer(
    question: str, world: live_scene.World, store: EmbeddedBackend, live: StackBackend,
    pseudonym_of: Callable[[str], str],
) -> None:  # fmt: skip
    ask = {**QUESTIONS, **LEDGER_SUMS}[question]
    assert await ask(store, world.now_ns, pseudonym_of) == await ask(live, world.now_ns, pseudonym_of)


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

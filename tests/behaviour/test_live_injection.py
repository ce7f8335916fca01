"""Whatever an argument holds, it reaches the real servers as data: quotes, operators, line breaks, SQL, regular
expressions and the ends of every query language.

Random texts are bounded in number, and the same at every run where `CI` is set.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any

import live_scene
import pytest
import recorded_servers as recorded
from behaviour_scene import HOSTILE
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from syndarix_obs.store.location import store_path
from syndarix_obs.vocabulary import LLM_REQUESTS
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.backends.filters import EQUAL, Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import Rows
from syndarix_obs_read.backends.stack.backend import StackBackend, StackOptions
from syndarix_obs_read.backends.stack.queries import promql
from syndarix_obs_read.backends.stack.queries.quoting import sendable

pytestmark = [pytest.mark.real_servers, pytest.mark.slow]

MINUTE = 60 * 10**9
PHRASES = (
    '" | json | line_format "', '"} or {kind=~".+', "` | drop kind", '" } || { name != "', '") or vector(1) or up{a="',
    "'; DROP TABLE records; --", "' OR '1'='1", "%", "_", ".*", "(?i)x", "\\", "\\n", "$1", "{{ .kind }}", "\x00",
    "\ud83d", "\u2028", "nil", "-1", "a" * 300,
)  # fmt: skip
TEXTS = (
    st.text(alphabet="\"\\`{}[]()|.*+?^$\n\t\r %'=~,;<>#&aé“", min_size=1, max_size=12)
    | st.sampled_from(PHRASES)
    | st.sampled_from(sorted(HOSTILE.values()))
)
FILTERS = [*sorted(set(EQUAL) - {"status"}), "text"]
SLOWLY = settings(
    max_examples=25, deadline=None, derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
Ask = Callable[[Backend], Awaitable[Any]]


def both(world: live_scene.World, ask: Ask) -> tuple[Any, Any]:
    """What the store and the servers say."""

    async def asked() -> tuple[Any, Any]:
        servers = StackBackend(recorded.options(recorded.Recorder(), world.now_ns, **world.urls))
        files = EmbeddedBackend(store_path(world.home))
        try:
            return await ask(files), await ask(servers)
        finally:
            await servers.close()
            await files.close()

    return asyncio.run(asked())


def servers(world: live_scene.World, ask: Callable[[StackBackend], Awaitable[Any]]) -> Any:
    """What the servers say now."""

    async def asked() -> Any:
        found = StackBackend(StackOptions(**world.urls))
        try:
            return await ask(found)
        finally:
            await found.close()

    return asyncio.run(asked())


@pytest.mark.parametrize("name", FILTERS)
@SLOWLY
@given(text=TEXTS)
@example(text="\n")
@example(text="\ud83d")
def test_loki_takes_every_argument_as_data(world: live_scene.World, name: str, text: str) -> None:
    async def ask(backend: Backend) -> Any:
        page: Rows[Any] = await backend.records(Filter(**{name: text}), limit=300, payloads=False)
        return [each.data for each in page.rows]

    in_store, in_servers = both(world, ask)
    assert in_store == in_servers


@pytest.mark.parametrize("name", FILTERS)
@SLOWLY
@given(text=TEXTS)
def test_tempo_and_loki_together_take_every_argument_as_data(world: live_scene.World, name: str, text: str) -> None:
    in_store, in_servers = both(world, lambda backend: backend.search_traces(Filter(**{name: text}), 50))
    assert in_store.rows == in_servers.rows


@SLOWLY
@given(text=TEXTS | st.sampled_from(["0" * 31 + "1", "0" * 30, "../api/search", "%2e%2e", "0" * 31 + "/", "f" * 32]))
def test_a_trace_id_is_data_in_tempos_paths_and_queries(world: live_scene.World, text: str) -> None:
    async def ask(backend: Backend) -> Any:
        found = await backend.trace(text, limit=100, payloads=False)
        return [each.data for each in found.rows], await backend.trace_ids(text, 5)

    in_store, in_servers = both(world, ask)
    assert in_store == in_servers


@SLOWLY
@given(least=st.integers(-(2**70), 2**70) | st.integers(0, 10**10))
@example(least=2**63)
@example(least=-1)
def test_any_number_is_a_duration_in_tempos_language(world: live_scene.World, least: int) -> None:
    in_store, in_servers = both(world, lambda backend: backend.search_traces(Filter(min_duration_ns=least), 50))
    assert in_store.rows == in_servers.rows


@SLOWLY
@given(text=TEXTS)
@example(text="\t")
def test_prometheus_reads_a_label_value_as_it_was_meant(world: live_scene.World, text: str) -> None:
    # Of a series that is not there, Prometheus tells back the labels that it was asked for.
    query = f"absent({promql.series(LLM_REQUESTS, agent=text)})"
    page = servers(world, lambda backend: backend.query_metrics(query, world.now_ns, time.time_ns(), None, 5))
    assert [{"agent": sendable(text)}] == [dict(series.labels) for series in page.rows]


@SLOWLY
@given(text=TEXTS)
@example(text="\t")
@example(text="\r\n")
def test_alertmanager_takes_every_label_as_data(world: live_scene.World, text: str) -> None:
    labels = {"alertname": "Injection", "agent": text}

    async def ask(backend: StackBackend) -> None:
        moment = time.time_ns()
        await backend.trigger(labels, {"summary": text}, moment, moment + MINUTE)
        [alert] = await backend.alerts(labels)
        assert ({"alertname": "Injection", "agent": sendable(text)}, {"summary": sendable(text)}) == (
            alert.labels, alert.annotations,
        )  # fmt: skip
        silence = await backend.silence(labels, moment, moment + MINUTE, text.strip() or "ann", text.strip() or "known")
        [found] = [each for each in await backend.silences() if each.silence_id == silence]
        assert alert.labels == found.labels
        await backend.expire(silence)
        await backend.trigger(labels, {}, moment, moment + 1_000_000)

    servers(world, ask)

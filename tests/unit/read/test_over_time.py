"""What happened over time, and what a list previews."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs.store.location import store_path
from syndarix_obs_read.answers.over_time import get_over_time, step_of
from syndarix_obs_read.answers.previews import preview_of, previewed_sessions, previewed_traces
from syndarix_obs_read.answers.sessions import list_sessions
from syndarix_obs_read.answers.traces import search_traces
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import EdgeSource
from syndarix_obs_read.errors import BackendUnavailable
from syndarix_obs_read.timerange import SECOND_NS, TimeRange, parse_range


@pytest.mark.parametrize(("text", "step"), [("5m", 10), ("1h", 60), ("24h", 1_800), ("7d", 7_200), ("30d", 43_200)])
def test_a_step_is_a_round_length_of_which_about_ninety_fit(text: str, step: int) -> None:
    assert step == step_of(parse_range(text))


def test_a_century_has_few_steps() -> None:
    assert 604_800 == step_of(TimeRange(0, 10**10 * SECOND_NS, "ever"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sessions of two calls each, a call that failed, an embedding and a tool."""
    folder = tmp_path_factory.mktemp("home")
    settings = Settings(backend="embedded", home=folder, redaction="off", set_global=False)
    with ObservabilityPlatform(settings) as obs:
        for name in ("one", "two"):
            with obs.session(agent="desk", session_id=name):
                talk(obs, f"first of {name}", "hm")
                talk(obs, "more", f"last of {name}")
                with obs.tool("find", arguments={}) as tool:
                    tool.result("x")
        try:
            with obs.llm(provider="p", model="m", messages=[{"role": "user", "content": "x"}]):
                raise ValueError("no")
        except ValueError:
            pass
    return folder


def talk(obs: ObservabilityPlatform, question: str, answer: str) -> None:
    """One call of a model."""
    with obs.llm(provider="p", model="m", messages=[{"role": "user", "content": question}]) as call:
        call.response([{"role": "assistant", "content": answer}], usage={"input_tokens": 3, "output_tokens": 1})


async def test_every_call_is_in_one_point_and_the_points_have_no_gaps(home: Path) -> None:
    backend = EmbeddedBackend(store_path(home))
    found = await get_over_time(backend, backend.name, Filter(), parse_range("1h"))
    await backend.close()
    moments = [point.since.timestamp() for point in found.points]

    assert (5, 1, 2) == tuple(sum(getattr(p, n) for p in found.points) for n in ("calls", "errors", "tool_calls"))
    assert {float(found.step_s)} == {b - a for a, b in pairwise(moments)}
    assert 5 == sum(point.latency.count for point in found.points)


class WithoutEdges:
    """A backend that cannot give first and last calls at once, as the servers cannot."""

    def __init__(self, inner: EmbeddedBackend, *, down: bool = False) -> None:
        self._inner = inner
        self._down = down

    async def records(self, where: Filter, *, limit: int, payloads: bool) -> Any:
        if self._down:
            raise BackendUnavailable("cannot reach it")
        return await self._inner.records(where, limit=limit, payloads=payloads)


@pytest.mark.parametrize("edges", [True, False])
async def test_a_row_previews_the_first_question_and_the_last_answer(edges: bool, home: Path) -> None:
    inner = EmbeddedBackend(store_path(home))
    backend: Any = inner if edges else WithoutEdges(inner)
    period = parse_range("1h")
    sessions = await previewed_sessions(backend, await list_sessions(inner, Filter(), period, 10))
    traces = await previewed_traces(backend, await search_traces(inner, Filter(agent="desk"), period, 10))
    await inner.close()
    wanted = {("first of one", "last of one"), ("first of two", "last of two")}

    assert edges == isinstance(backend, EdgeSource)
    assert wanted == {(each.input, each.output) for each in sessions.sessions}
    assert wanted == {(each.input, each.output) for each in traces.traces}


async def test_a_list_is_worth_showing_without_previews(home: Path) -> None:
    inner = EmbeddedBackend(store_path(home))
    down: Any = WithoutEdges(inner, down=True)
    found = await previewed_sessions(down, await list_sessions(inner, Filter(), parse_range("1h"), 10))
    alone = await preview_of(down, "session_id", "one", 0.0, 0.0)
    await inner.close()

    assert [(None, None)] * 2 == [(each.input, each.output) for each in found.sessions]
    assert (None, None) == (alone.input, alone.output)

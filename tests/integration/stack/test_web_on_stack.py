"""The explorer over real Prometheus, Loki, Tempo and Alertmanager: every page, live lines, a server that is away."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from alert_sinks import HOST, free_ports
from needed_servers import require

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs_read.answers.alerts import trigger_alert
from syndarix_obs_read.backends.choose import open_backend
from syndarix_obs_read.serving.address import Address
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.web.app import PAGES, build_app
from syndarix_obs_read.web.asked import Asked
from syndarix_obs_read.web.follow import stream
from syndarix_obs_stack.launcher import running_stack
from syndarix_obs_stack.options import Options, Ports

pytestmark = [pytest.mark.real_servers, pytest.mark.slow]

NAMES = ("prometheus", "alertmanager", "loki", "tempo")


@dataclass(frozen=True)
class World:
    """Where the servers are, and the home of the agent that told them."""

    home: Path
    ports: Ports

    def settings(self, **more: Any) -> ReadSettings:
        """Settings that read the servers."""
        urls = {f"{name}_url": f"http://{HOST}:{getattr(self.ports, name)}" for name in NAMES}
        return ReadSettings(backend="stack", home=self.home, rate_limit=0, **{**urls, **more})


@pytest.fixture(scope="module")
def world(
    make_options: Callable[[dict[str, str], dict[str, str]], Options], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """The stack with one run of an agent, whose tool fails."""
    require(*NAMES)
    options = make_options({}, {})
    with running_stack(options, only=NAMES):
        found = World(tmp_path_factory.mktemp("home"), options.ports)
        record(found, "s-real")
        yield found


def record(world: World, session: str) -> None:
    """One session in the servers."""
    settings = Settings(
        backend="stack", home=world.home, service_name="desk", set_global=False,
        loki_url=f"http://{HOST}:{world.ports.loki}",
        otlp_endpoint=f"http://{HOST}:{world.ports.otlp_http}",
    )  # fmt: skip
    asked = [{"role": "user", "content": "Where is my order?"}]
    with (
        ObservabilityPlatform(settings) as obs,
        obs.session(agent="support", project="acme", user="u-42", session_id=session),
    ):
        obs.decision("tool_selection", options=["search", "ask"], selected="search", reasoning="it is about an order")
        with obs.llm(provider="anthropic", model="claude-sonnet-4-5", messages=asked) as call:
            call.response([{"role": "assistant", "content": "Let me look."}], usage={"input_tokens": 9})
        with contextlib.suppress(TimeoutError), obs.tool("search", arguments={"order": 4711}):
            raise TimeoutError("no answer")


@contextlib.asynccontextmanager
async def looking(settings: ReadSettings) -> AsyncIterator[httpx.AsyncClient]:
    """A browser without a network between it and the explorer."""
    backend = open_backend(settings)
    transport = httpx.ASGITransport(build_app(settings, Address(), backend=backend), client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=60) as client:
        yield client
    await backend.close()


async def found_trace(client: httpx.AsyncClient) -> str:
    """Id of the run's trace, once the servers can tell of all of it."""
    for _ in range(200):
        traces = (await client.get("/traces.json")).json().get("traces")
        if traces:
            trace = (await client.get("/trace.json", params={"id": traces[0]["trace_id"]})).json().get("trace", {})
            if trace.get("total_spans", 0) >= 4:
                return str(traces[0]["trace_id"])
    raise AssertionError("the trace was not found")


async def test_every_page_answers_from_the_servers(world: World) -> None:
    settings = world.settings()
    backend = open_backend(settings)
    await trigger_alert(backend, "Harm", "refunds go wrong", labels={"agent": "support"})
    await backend.close()
    async with looking(settings) as client:
        trace_id = await found_trace(client)
        steps = (await client.get("/trace.json", params={"id": trace_id})).json()["trace"]["spans"]
        call = next(each["span_id"] for each in steps if each["kind"] == "llm_call")
        words = {"/trace": {"id": trace_id}, "/step": {"trace": trace_id, "step": call}, "/session": {"id": "s-real"},
                 "/compare": {"before": "s-real", "after": "s-real"}, "/diff": {"a": trace_id, "b": trace_id},
                 "/walk": {"run": trace_id}, "/interactions": {"run": trace_id},
                 "/annotate": {"run": trace_id}}  # fmt: skip
        texts = {}
        for page in (each for each in PAGES if each.path != "/reconcile"):  # that one needs a provider's admin key
            answer = await client.get(page.path, params=words.get(page.path))
            assert 200 == answer.status_code, (page.path, answer.text)
            assert 'class="trouble" role="alert"' not in answer.text, (page.path, answer.text)
            texts[page.path] = answer.text

    said = {
        "/": "refunds go wrong", "/traces": "Where is my order?", "/trace": "no answer",
        "/step": "Where is my order?", "/sessions": "s-real", "/session": "it is about an order",
        "/agents": "search", "/costs": "all exact", "/errors": "no answer", "/decisions": "it is about an order",
        "/loops": "No loops", "/logs": "Let me look.", "/health": "Harm",
    }  # fmt: skip
    assert [] == [path for path, text in said.items() if text not in texts[path]]


async def test_a_server_that_is_away_is_named_with_the_next_step_and_the_rest_goes_on(world: World) -> None:
    [port] = free_ports(1)
    async with looking(world.settings(alertmanager_url=f"http://{HOST}:{port}")) as client:
        await found_trace(client)
        text = (await client.get("/")).text
        health = await client.get("/health")

    assert f"http://{HOST}:{port}" in text
    assert "SYNDARIX_OBS_READ_ALERTMANAGER_URL" in text
    assert "claude-sonnet-4-5" in text
    assert 200 == health.status_code
    assert "Tempo" in health.text


async def test_lines_of_the_servers_are_followed(world: World) -> None:
    settings = world.settings()
    backend = open_backend(settings)
    ending: list[bool] = []
    asked = Asked(backend, settings, "/logs/follow", {"session": "s-late"}, "24h")
    answer: Any = await stream(asked, lambda: bool(ending))
    task: asyncio.Task[None] | None = None
    async with asyncio.timeout(60):
        async for event in answer.body_iterator:
            if "event: begin" in event:
                task = asyncio.create_task(asyncio.to_thread(record, world, "s-late"))
            elif "event: line" in event:
                ending.append(True)
    assert task is not None
    await task
    await backend.close()

    assert ending

"""The MCP server and the doctor over real Prometheus, Loki, Tempo and Alertmanager."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from alert_sinks import HOST
from mcp import Client
from needed_servers import require
from opentelemetry import trace

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs_read.doctor.examine import examine
from syndarix_obs_read.mcp.server import build_server
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_stack.launcher import running_stack
from syndarix_obs_stack.options import Options

pytestmark = [pytest.mark.real_servers, pytest.mark.slow]

NAMES = ("prometheus", "alertmanager", "loki", "tempo")
LABELS = {"agent": "support"}


@dataclass(frozen=True)
class World:
    """What to read, and the ids of the one run that is there."""

    settings: ReadSettings
    trace_id: str
    session_id: str


@pytest.fixture(scope="module")
def world(
    make_options: Callable[[dict[str, str], dict[str, str]], Options], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """The stack with one run of an agent, whose tool fails."""
    require(*NAMES)
    options = make_options({}, {})
    home = tmp_path_factory.mktemp("home")
    ports = options.ports
    with running_stack(options, only=NAMES):
        trace_id, session_id = _run(home, ports)
        urls = {f"{name}_url": f"http://{HOST}:{getattr(ports, name)}" for name in NAMES}
        yield World(ReadSettings(backend="stack", home=home, **urls), trace_id, session_id)  # type: ignore[arg-type]  # all of these are URLs


def _run(home: Path, ports: Any) -> tuple[str, str]:
    settings = Settings(
        backend="stack", home=home, service_name="desk", set_global=False, loki_url=f"http://{HOST}:{ports.loki}",
        otlp_endpoint=f"http://{HOST}:{ports.otlp_http}",
    )  # fmt: skip
    asked = [{"role": "user", "content": "refund"}]
    said = [{"role": "assistant", "content": "done"}]
    with (
        ObservabilityPlatform(settings) as obs,
        obs.session(agent="support", project="acme", user="u-42", session_id="s-real"),
    ):
        trace_id = f"{trace.get_current_span().get_span_context().trace_id:032x}"
        obs.decision("tool_selection", options=["search", "ask"], selected="search", reasoning="it is about an order")
        with obs.llm(provider="anthropic", model="claude-sonnet-4-5", messages=asked) as call:
            call.response(messages=said, usage={"input_tokens": 9, "output_tokens": 4}, finish_reason="stop")
        with contextlib.suppress(TimeoutError), obs.tool("search", arguments={"order": 4711}):
            raise TimeoutError("no answer")
    return trace_id, "s-real"


@contextlib.asynccontextmanager
async def asking(world: World) -> AsyncIterator[Client]:
    """A client of the server over the stack. No fixture: it must end in the task that it began in."""
    async with Client(build_server(world.settings)) as found:
        await _until_found(found, world.trace_id)
        yield found


async def _until_found(client: Client, trace_id: str) -> None:
    for _ in range(200):
        result = await client.call_tool("get_trace", {"trace_id": trace_id})
        if not result.is_error and result.structured_content and result.structured_content["total_spans"] >= 4:
            return
    raise AssertionError("the trace was not found")


async def confirmed(client: Any, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The answer to a call that is confirmed."""
    asked = (await client.call_tool(tool, arguments)).structured_content or {}
    done = await client.call_tool(tool, {**arguments, "confirm": asked["confirm"]})
    return done.structured_content or {}


async def test_every_tool_answers_from_the_servers(world: World) -> None:
    calls: dict[str, dict[str, Any]] = {
        "get_trace": {"trace_id": world.trace_id, "payloads": True}, "explain_trace": {"trace_id": world.trace_id},
        "get_timeline": {"trace_or_session": world.session_id}, "get_session": {"session_id": world.session_id},
        "get_step": {"run": world.trace_id}, "get_interactions": {"run": world.trace_id},
        "add_annotation": {"run": world.session_id, "note": "looked at"},
        "find_fault": {"session_id": world.session_id},
        "diff_runs": {"before": world.trace_id, "after": world.trace_id},
        "compare": {"before": world.session_id, "after": world.session_id},
        "give_score": {"session_id": world.session_id, "name": "tone", "value": "1"},
        "trigger_alert": {"name": "Harm", "summary": "a test", "labels": LABELS},
        "silence_alert": {"labels": {"alertname": "Harm"}, "comment": "a test"},
        "query_metrics": {"promql": "up", "step": "30s"}, "query_logs": {"logql": '{kind="tool_call"}'},
        "query_traces": {"traceql": '{ resource.service.name = "desk" }'},
    }  # fmt: skip
    answers: dict[str, Any] = {}
    async with asking(world) as client:
        for tool in (await client.list_tools()).tools:
            if tool.name == "reconcile_bill":
                continue  # it needs an admin key of a provider
            result = await client.call_tool(tool.name, calls.get(tool.name, {}))
            assert not result.is_error, (tool.name, result.content)
            jsonschema.Draft202012Validator(tool.output_schema or {}).validate(result.structured_content)
            answers[tool.name] = result.structured_content

    assert 1 == len(answers["get_errors"]["groups"])
    assert "no answer" == answers["get_errors"]["groups"][0]["message"]
    assert 1 == len(answers["query_logs"]["lines"])
    assert world.trace_id == answers["query_traces"]["traces"][0]["traceID"]
    assert {"support"} == {agent["agent"] for agent in answers["get_agent_stats"]["agents"]}


async def test_a_raised_alert_is_listed_silenced_and_ended(world: World) -> None:
    raised = {"name": "Ended", "summary": "a test", "labels": LABELS}
    only = {"labels": {"alertname": "Ended"}}
    async with asking(world) as client:
        await confirmed(client, "trigger_alert", raised)
        silenced = await confirmed(client, "silence_alert", {**only, "comment": "x"})
        listed = (await client.call_tool("list_alerts", only)).structured_content or {}
        ended = await client.call_tool("silence_alert", {"end": silenced["silence_id"]})
        await confirmed(client, "trigger_alert", {**raised, "resolve": True})
        after = (await client.call_tool("list_alerts", only)).structured_content or {}

    assert ["Ended"] == silenced["matching"]
    assert ["Ended"] == [alert["name"] for alert in listed["alerts"]]
    assert not ended.is_error
    assert [] == after["alerts"]


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("query_metrics", {"promql": "sum(("}, "unclosed left parenthesis"),
        ("query_logs", {"logql": "{"}, "syntax error"),
        ("query_traces", {"traceql": "{ nonsense"}, "TraceQL"),
        ("query_metrics", {"promql": "up", "since": "60d"}, "31 days at most"),
    ],
)
async def test_a_query_that_a_server_refuses_comes_back_with_its_words(
    tool: str, arguments: dict[str, str], words: str, world: World
) -> None:
    async with asking(world) as client:
        result = await client.call_tool(tool, arguments)

    assert result.is_error
    assert words in str(result.content)


async def test_the_doctor_finds_servers_versions_and_the_last_trace(world: World) -> None:
    async with asking(world):  # the trace has been found once
        checks = {check.name: check for check in (await examine(world.settings)).checks}

    assert "ok" == checks["last trace"].state == checks["Loki"].state == checks["Tempo"].state
    assert {"ok"} == {checks[f"{name} version"].state for name in ("Prometheus", "Loki", "Tempo", "Alertmanager")}

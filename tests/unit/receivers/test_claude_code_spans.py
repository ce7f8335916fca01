"""Spans of Claude Code: counted once beside its events, and part of our session where the SDK was called in one."""

from __future__ import annotations

import asyncio
import json
import sys
import types
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from test_coding_agents import NOW, logs
from test_receiver import TRACE, platform, post, receiver, rows  # noqa: F401 - fixtures

from syndarix_obs.integrations import claude_agent
from syndarix_obs.receivers.receiver import Receiver
from syndarix_obs.testing import Kit, recording

SCOPE = "com.anthropic.claude_code.tracing"
NUMBERS = {"model": "claude-sonnet-4-5", "input_tokens": 751, "output_tokens": 101, "cache_read_tokens": 200,
           "cache_creation_tokens": 50}  # fmt: skip


def traces(trace_id: str, parent: str = "", **more: Any) -> bytes:
    """An OTLP/JSON request with a request to a model and a tool, as Claude Code sends them."""
    call = {
        **NUMBERS, "session.id": "s", "gen_ai.conversation.id": "s", "user.id": "account",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.operation.name": "chat", "gen_ai.request.model": "claude-sonnet-4-5", "gen_ai.usage.input_tokens": 1001,
        "gen_ai.usage.output_tokens": 101, "gen_ai.usage.cache_read.input_tokens": 200,
        "gen_ai.usage.cache_write.input_tokens": 50, **more,
    }  # fmt: skip
    spans = [("claude_code.llm_request", "a" * 16, call), ("claude_code.tool", "b" * 16, {"tool_name": "Read"})]
    made = [
        {
            "traceId": trace_id, "spanId": span_id, "parentSpanId": parent, "name": name,
            "startTimeUnixNano": str(NOW - 500_000_000), "endTimeUnixNano": str(NOW),
            "attributes": [
                {"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}
                for key, value in attributes.items()
            ],
        }
        for name, span_id, attributes in spans
    ]  # fmt: skip
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"scope": {"name": SCOPE}, "spans": made}]}]}).encode()


@pytest.mark.parametrize("spans_first", [True, False])
@pytest.mark.parametrize("request_id", [None, "req_1"])
def test_a_call_that_a_span_and_an_event_tell_counts_once(
    receiver: Receiver,  # noqa: F811
    tmp_path: Path,
    spans_first: bool,
    request_id: str | None,
) -> None:
    told = {} if request_id is None else {"request_id": request_id}
    event = ("claude_code.api_request", {"session.id": "s", **NUMBERS, "duration_ms": 400, **told})
    sent = [(traces(TRACE, **told), "/v1/traces"), (logs(event), "/v1/logs")]
    for body, path in sent if spans_first else reversed(sent):
        assert 200 == post(receiver, body, path).status
    signs = [-1 if row["record_id"].endswith(":void") else 1 for row in rows(tmp_path, "ledger")]
    assert 1 == sum(signs)


def test_a_tool_is_a_tool_call(receiver: Receiver, tmp_path: Path) -> None:  # noqa: F811
    post(receiver, traces(TRACE), "/v1/traces")
    assert ["Read"] == [row["tool"] for row in rows(tmp_path) if row["kind"] == "tool_call"]


@dataclass
class Options:
    """As the SDK has them, as far as is needed here."""

    env: dict[str, str] = field(default_factory=dict)


@pytest.fixture
def sdk(monkeypatch: pytest.MonkeyPatch) -> Iterator[type]:
    """A stand-in for the SDK, whose transport sends what the program would send."""

    class SubprocessCLITransport:
        def __init__(self, **env: str) -> None:
            self._options = Options(env)

        async def connect(self) -> None:
            pass

    for name in (claude_agent.MODULE, "claude_agent_sdk._internal", "claude_agent_sdk._internal.transport"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    module = types.ModuleType(claude_agent._TRANSPORT)
    module.SubprocessCLITransport = SubprocessCLITransport  # type: ignore[attr-defined]  # a stand-in
    monkeypatch.setitem(sys.modules, claude_agent._TRANSPORT, module)
    return SubprocessCLITransport


def send(url: str, body: bytes) -> None:
    request = urllib.request.Request(f"{url}/v1/traces", body, {"Content-Type": "application/json"})
    assert 200 == urllib.request.urlopen(request, timeout=5).status


def test_what_the_sdk_starts_reports_into_the_session_that_started_it(sdk: type) -> None:
    with recording() as kit:
        undo = claude_agent.watch(kit.obs.runtime)
        with kit.obs.session(agent="support", session_id="s-1", project="acme") as session:
            transport = sdk()
            asyncio.run(transport.connect())
            send(transport._options.env["OTEL_EXPORTER_OTLP_ENDPOINT"], _inside(session))
        assert ("support", "s-1", "acme") == _whose(kit)
        undo()
        again = sdk()
        asyncio.run(again.connect())
        assert {} == again._options.env


def _inside(session: Any) -> bytes:
    context = session.get_span_context()
    return traces(f"{context.trace_id:032x}", f"{context.span_id:016x}")


def _whose(kit: Kit) -> tuple[str, str, str]:
    call = kit.record("llm_call")
    return call.agent, call.session_id, call.project


def test_telemetry_that_a_program_has_already_stays(sdk: type) -> None:
    with recording() as kit:
        undo = claude_agent.watch(kit.obs.runtime)
        transport = sdk(CLAUDE_CODE_ENABLE_TELEMETRY="0")
        asyncio.run(transport.connect())
        assert {"CLAUDE_CODE_ENABLE_TELEMETRY": "0"} == transport._options.env
        undo()

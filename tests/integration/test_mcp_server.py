"""The MCP server as users run it: a process of its own, asked by the SDK's client over stdio and over HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

pytestmark = pytest.mark.slow

TOKEN = "a-token-for-the-tests-0123456789"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that the demo filled."""
    folder = tmp_path_factory.mktemp("home")
    command = [sys.executable, "-m", "syndarix_obs_read.cli", "demo", "--sessions", "6", "--home", str(folder)]
    subprocess.run(command, check=True, capture_output=True, timeout=120, env=environment(folder))
    return folder


def environment(home: Path, **more: str) -> dict[str, str]:
    """The environment of a server over this home."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("SYNDARIX_OBS_", "OTEL_"))}
    return {**own, "SYNDARIX_OBS_HOME": str(home), "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **more}


async def call_everything(client: Client) -> dict[str, Any]:
    """Call every tool that is listed; check each answer against its schema; return results by name."""
    tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    found = await client.call_tool("search_traces", {"since": "30d", "limit": 1})
    first = found.structured_content["traces"][0]
    needed: dict[str, dict[str, Any]] = {
        "get_trace": {"trace_id": first["trace_id"], "payloads": True},
        "explain_trace": {"trace_id": first["trace_id"]},
        "get_timeline": {"trace_or_session": first["session_id"]},
        "get_session": {"session_id": first["session_id"]},
        "get_step": {"run": first["trace_id"]},
        "get_interactions": {"run": first["trace_id"]},
        "diff_runs": {"before": first["trace_id"], "after": first["trace_id"]},
        "compare": {"before": first["session_id"], "after": first["session_id"]},
        "find_fault": {"session_id": first["session_id"]},
        "add_annotation": {"run": first["session_id"], "note": "looked at"},
        "give_score": {"session_id": first["session_id"], "name": "tone", "value": "1"},
    }
    results = {}
    bill = await client.call_tool("reconcile_bill", {"provider": "openai"})
    assert "admin key" in bill.content[0].text  # of the provider: there is none here
    del tools["reconcile_bill"]
    for name, tool in tools.items():
        results[name] = result = await client.call_tool(name, needed.get(name, {}))
        assert not result.is_error, (name, result.content)
        jsonschema.Draft202012Validator(tool.output_schema).validate(result.structured_content)
    return results


async def test_a_client_that_starts_the_server_calls_every_tool(home: Path) -> None:
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "syndarix_obs_read.cli", "mcp"], env=environment(home)
    )
    async with Client(server) as client:
        results = await call_everything(client)
        resource = await client.read_resource(f"trace://{results['get_trace'].structured_content['trace_id']}")

    assert len(results) >= 14
    assert results["get_trace"].structured_content["trace_id"] == json.loads(resource.contents[0].text)["trace_id"]


@dataclass
class Serving:
    """A server over HTTP."""

    url: str
    process: subprocess.Popen[str]


@pytest.fixture(scope="module")
def serving(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """The server over HTTP, with a token."""
    token = tmp_path_factory.mktemp("secrets") / "token"
    token.write_text(TOKEN + "\n")
    token.chmod(0o600)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "syndarix_obs_read.cli", "mcp", "--transport", "http", "--host", "127.0.0.1"]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--token-file", str(token)],
        env=environment(home),
        stderr=subprocess.PIPE,
        text=True,
    )
    url = f"http://127.0.0.1:{port}"
    _until_healthy(url, process)
    yield Serving(url, process)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)


def _until_healthy(url: str, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()[1]
        try:
            if httpx.get(f"{url}/healthz", trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            continue
    raise AssertionError("the server did not come up within 30 s")


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_over_http_calls_every_tool(mode: str, serving: Serving) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        create_mcp_http_client(headers=headers) as http,
        Client(streamable_http_client(f"{serving.url}/mcp", http_client=http), mode=mode) as client,
    ):
        results = await call_everything(client)

    assert len(results) >= 14


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer a-wrong-token-0123456789"}, 401),
        ({"Authorization": f"Bearer {TOKEN}", "Host": "evil.example"}, 421),
        ({"Authorization": f"Bearer {TOKEN}", "Origin": "https://evil.example"}, 403),
    ],
)
def test_strangers_are_refused(headers: dict[str, str], status: int, serving: Serving) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    answer = httpx.post(f"{serving.url}/mcp", json=body, headers=headers, trust_env=False)

    assert status == answer.status_code


def test_prometheus_reads_its_metrics_without_a_token(serving: Serving) -> None:
    httpx.post(f"{serving.url}/mcp", json={}, headers={"Authorization": "Bearer nobody-knows-this"}, trust_env=False)
    text = httpx.get(f"{serving.url}/metrics", headers={"Host": "10.0.0.7:8765"}, trust_env=False).text

    refused = next(
        line for line in text.splitlines() if line.startswith('syndarix_obs_mcp_refused_total{reason="token"}')
    )
    assert 1 <= float(refused.split()[-1])


async def test_spans_of_the_server_go_where_the_environment_says(home: Path) -> None:
    received: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    collector = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=collector.serve_forever, daemon=True).start()
    env = environment(
        home, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{collector.server_port}", OTEL_BSP_SCHEDULE_DELAY="50"
    )
    server = StdioServerParameters(command=sys.executable, args=["-m", "syndarix_obs_read.cli", "mcp"], env=env)
    async with Client(server) as client:
        await client.call_tool("list_names", {}, meta={"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"})
        deadline = time.monotonic() + 20
        while not any(b"tools/call list_names" in body for body in received) and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
    collector.shutdown()
    collector.server_close()

    span = next(body for body in received if b"tools/call list_names" in body)
    assert bytes.fromhex("ab" * 16) in span
    assert bytes.fromhex("cd" * 8) in span


def test_the_server_ends_when_it_is_told_to(home: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "syndarix_obs_read.cli", "mcp", "--transport", "http", "--port", str(port)]
    process = subprocess.Popen(command, env=environment(home), stderr=subprocess.PIPE, text=True)
    _until_healthy(f"http://127.0.0.1:{port}", process)
    process.send_signal(signal.SIGTERM)
    _out, errors = process.communicate(timeout=20)

    assert "Traceback" not in errors
    assert "MCP server at" in errors

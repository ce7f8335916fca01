"""`syndarix-obs up` as a process: OTLP over HTTP and gRPC in one store, the explorer, an orderly end."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as OverGrpc
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as OverHttp
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter
from tests.integration.test_launcher import free_port

pytestmark = pytest.mark.slow

CALL = {
    "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 100,
}  # fmt: skip


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """The process, and where it listens."""
    ports = ("--port", "0", "--web-port", "0", "--grpc-port", "0", "--mcp-port", str(free_port()))
    command = [sys.executable, "-m", "syndarix_obs_read.cli", "up", *ports, "--home", str(tmp_path), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield process, json.loads(process.stdout.readline())
    if process.poll() is None:
        process.kill()
        process.communicate()


def send(exporter: SpanExporter, service: str) -> None:
    """One model call of a service."""
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("a program").start_as_current_span("chat", attributes=CALL):
        pass
    provider.shutdown()


def rows(home: Path, statement: str) -> list[Any]:
    """What the store answers."""
    connection = sqlite3.connect(home / "store.sqlite3")
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def test_both_receivers_feed_one_store_and_it_ends_in_order(
    running: tuple[subprocess.Popen[str], dict[str, str]], tmp_path: Path
) -> None:
    process, urls = running
    send(OverGrpc(urls["grpc"], insecure=True), "over-grpc")
    send(OverHttp(f"{urls['receiver']}/v1/traces"), "over-http")
    with urllib.request.urlopen(urls["web"], timeout=30) as page:
        assert 200 == page.status
    found = rows(tmp_path, "SELECT service, kind FROM records WHERE kind = 'llm_call' ORDER BY service")
    assert [("over-grpc", "llm_call"), ("over-http", "llm_call")] == found
    process.send_signal(signal.SIGINT)
    assert ("", "") == process.communicate(timeout=30)
    assert 130 == process.returncode

"""A module that is being imported is seen half loaded by other threads: only the program's own thread imports."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
import pytest
from scripted_sink import Answer, ScriptedSink

PROGRAM = Path(__file__).with_name("late_imports.py")


def late(*arguments: str, **settings: Any) -> dict[str, str]:
    """Module → thread of everything that was imported late by a platform with these settings."""
    command = [sys.executable, str(PROGRAM), json.dumps(settings), *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert 0 == ended.returncode, ended.stderr
    found: dict[str, str] = json.loads(ended.stdout.splitlines()[-1])
    return found


@pytest.fixture
def moody(sink: ScriptedSink) -> ScriptedSink:
    """A server that fails in several ways before it is well."""
    sink.script.extend(
        [Answer(500, b"down"), Answer(429, headers={"Retry-After": "0"}), Answer(413), Answer(400, b"no")]
    )
    return sink


@pytest.fixture
def grpc_port() -> Iterator[int]:
    """An OTLP server over gRPC that fails once."""
    failures = [grpc.StatusCode.RESOURCE_EXHAUSTED]

    def export(_body: bytes, context: Any) -> bytes:
        if failures:
            context.abort(failures.pop(), "later")
        return b""

    server = grpc.server(futures.ThreadPoolExecutor(2))
    handlers = {"Export": grpc.unary_unary_rpc_method_handler(export)}
    service = "opentelemetry.proto.collector.trace.v1.TraceService"
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port
    server.stop(0)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def test_a_platform_with_a_store_imports_nothing_on_its_threads(tmp_path: Path) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text("[]")
    assert {} == late(backend="embedded", home=str(tmp_path), prices_file=str(prices))


def test_watched_clients_make_no_thread_import_anything(tmp_path: Path) -> None:
    assert {} == late("clients", backend="embedded", home=str(tmp_path))


def test_official_instrumentors_make_no_thread_import_anything(tmp_path: Path) -> None:
    assert {} == late("clients", backend="embedded", home=str(tmp_path), official_instrumentors=True)


def test_senders_over_http_the_scrape_endpoint_and_the_log_handler_import_nothing(
    moody: ScriptedSink, tmp_path: Path
) -> None:
    url = moody.url.replace("127.0.0.1", "localhost")  # a name to look up
    places = dict.fromkeys(("otlp_endpoint", "loki_url", "zipkin_url", "extra_otlp_endpoint"), url)
    found = late(
        "loki_handler", backend="both", home=str(tmp_path), pushgateway_url=url, metrics_port=free_port(), **places
    )
    assert {} == found
    assert len(moody.taken) > 2


def test_senders_over_grpc_import_nothing(grpc_port: int, sink: ScriptedSink, tmp_path: Path) -> None:
    places = {"otlp_endpoint": f"http://127.0.0.1:{grpc_port}", "loki_url": sink.url}
    assert {} == late(backend="stack", home=str(tmp_path), otlp_protocol="grpc", **places)


def test_senders_that_find_no_server_import_nothing(tmp_path: Path) -> None:
    url = f"https://localhost:{free_port()}"
    assert {} == late(backend="stack", home=str(tmp_path), otlp_protocol="grpc", otlp_endpoint=url, loki_url=url)

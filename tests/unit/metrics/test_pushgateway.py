"""Short-lived processes push at the end; a gateway that is down or hangs costs a bounded time."""

from __future__ import annotations

import base64
import logging
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from syndarix_obs.metrics.pushgateway import PushgatewayDestination
from syndarix_obs.metrics.registry import Metrics

Push = tuple[str, str, str | None, str]


class Gateway:
    """A loopback gateway that keeps what it is sent."""

    def __init__(self) -> None:
        self.pushes: list[Push] = []
        self.status = 202
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                outer.pushes.append((self.command, self.path, self.headers.get("Authorization"), body))
                self.send_response(outer.status)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    gateway = Gateway()
    yield gateway
    gateway.server.shutdown()
    gateway.server.server_close()


@pytest.fixture
def metrics() -> Metrics:
    metrics = Metrics()
    metrics.unpriced("openai", "m")
    return metrics


def failures(metrics: Metrics) -> float | None:
    return metrics.registry.get_sample_value("syndarix_obs_export_failures_total", {"destination": "pushgateway"})


def test_closing_pushes_all_metrics_under_job_and_instance(gateway: Gateway, metrics: Metrics) -> None:
    exporter = PushgatewayDestination(metrics, f"http://{gateway.address}", "nightly", grouping={"instance": "i1"})
    exporter.consume(None, ())
    exporter.close(5)
    [(method, path, login, body)] = gateway.pushes
    assert (method, path, login) == ("PUT", "/metrics/job/nightly/instance/i1", None)
    assert 'llm_unpriced_requests_total{model="m",provider="openai"} 1.0' in body


def test_the_instance_is_this_host_by_default(gateway: Gateway, metrics: Metrics) -> None:
    assert PushgatewayDestination(metrics, f"http://{gateway.address}", "nightly").flush(5) is True
    assert gateway.pushes[0][1].endswith(f"/instance/{socket.gethostname()}")


def test_a_login_in_the_url_is_sent_as_basic_authentication(gateway: Gateway, metrics: Metrics) -> None:
    exporter = PushgatewayDestination(metrics, f"http://me:p%40ss@{gateway.address}", "nightly")
    assert exporter.flush(5) is True
    assert "Basic " + base64.b64encode(b"me:p@ss").decode() == gateway.pushes[0][2]


def test_a_refusal_is_counted_and_warned_about_once(
    gateway: Gateway, metrics: Metrics, caplog: pytest.LogCaptureFixture
) -> None:
    gateway.status = 500
    exporter = PushgatewayDestination(metrics, f"http://me:secret@{gateway.address}", "nightly")
    with caplog.at_level(logging.WARNING):
        assert exporter.flush(5) is False
        assert exporter.flush(5) is False
    assert failures(metrics) == 2
    assert len(caplog.records) == 1
    assert "secret" not in caplog.text


def test_a_gateway_that_is_down_is_a_counted_failure(gateway: Gateway, metrics: Metrics) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        assert PushgatewayDestination(metrics, url, "nightly").flush(5) is False
    assert failures(metrics) == 1


def test_a_gateway_that_hangs_is_given_up_after_the_timeout(metrics: Metrics) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        PushgatewayDestination(metrics, url, "nightly", timeout=0.2).close(60)
    assert failures(metrics) == 1

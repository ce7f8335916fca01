"""The scrape endpoint serves both formats, fails softly and frees its port."""

from __future__ import annotations

import logging
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from syndarix_obs import guard
from syndarix_obs import vocabulary as v
from syndarix_obs.metrics.registry import Metrics
from syndarix_obs.metrics.scrape_endpoint import MetricsServer, docker_bridge, exposed_registry


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def server(metrics: Metrics) -> Iterator[MetricsServer]:
    server = MetricsServer(metrics, ports=[0])
    assert server.start()
    yield server
    server.close()


def scrape(server: MetricsServer, path: str = "/metrics", accept: str = "") -> tuple[str, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=10) as response:
        return response.headers["Content-Type"], response.read().decode()


def test_metrics_are_served_as_text(metrics: Metrics, server: MetricsServer) -> None:
    metrics.unpriced("openai", "m")
    content_type, body = scrape(server)
    assert content_type.startswith("text/plain")
    assert 'llm_unpriced_requests_total{model="m",provider="openai"} 1.0' in body


def test_metrics_are_served_as_openmetrics_with_exemplars_when_asked(metrics: Metrics, server: MetricsServer) -> None:
    metrics.counter_child(v.TOOL_INVOCATIONS, ("t", "a", "ok")).inc(1, {"trace_id": "ab" * 16})
    content_type, body = scrape(server, accept="application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    assert '# {trace_id="' + "ab" * 16 + '"}' in body
    assert body.endswith("# EOF\n")


def test_other_paths_are_not_found(server: MetricsServer) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        scrape(server, "/secrets")
    assert caught.value.code == 404


def test_a_port_in_use_is_warned_about_counted_and_not_raised(
    metrics: Metrics, server: MetricsServer, caplog: pytest.LogCaptureFixture
) -> None:
    assert server.port is not None
    second = MetricsServer(metrics, ports=[server.port])
    with caplog.at_level(logging.WARNING):
        assert second.start() is False
    assert second.port is None
    assert f"127.0.0.1:{server.port}" in caplog.text
    assert "SYNDARIX_OBS_METRICS_PORT" in caplog.text
    failures = metrics.registry.get_sample_value("syndarix_obs_export_failures_total", {"destination": "metrics_http"})
    assert failures == 1
    second.close()


def test_the_next_port_is_taken_when_the_first_is_in_use(metrics: Metrics, server: MetricsServer) -> None:
    assert server.port is not None
    second = MetricsServer(metrics, ports=[server.port, 0])
    assert second.start()
    assert second.port not in {server.port, 0, None}
    assert "llm_requests" in scrape(second)[1]
    second.close()


def test_the_same_port_is_served_on_a_second_address_too(metrics: Metrics) -> None:
    server = MetricsServer(metrics, ports=[0], also="127.0.0.2")
    assert server.start()
    with urllib.request.urlopen(f"http://127.0.0.2:{server.port}/metrics", timeout=10) as response:
        assert b"llm_requests" in response.read()
    server.close()


def test_a_second_address_that_this_machine_does_not_have_does_no_harm(metrics: Metrics) -> None:
    server = MetricsServer(metrics, ports=[0], also="192.0.2.1")
    assert server.start()
    assert "llm_requests" in scrape(server)[1]
    server.close()


def test_the_address_of_an_interface_is_known_and_a_missing_one_has_none() -> None:
    assert "127.0.0.1" == docker_bridge("lo")
    assert docker_bridge("no-such-bridge") is None


def test_closing_frees_the_port(metrics: Metrics, server: MetricsServer) -> None:
    port = server.port
    assert port is not None
    server.close()
    server.close()
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", port))


def test_starting_twice_keeps_the_first_port(server: MetricsServer) -> None:
    port = server.port
    assert server.start() is True
    assert port == server.port


def test_metrics_that_cannot_be_shown_answer_500_and_are_counted(metrics: Metrics, server: MetricsServer) -> None:
    class Broken:
        def collect(self) -> Iterator[object]:
            raise RuntimeError("broken collector")

        def describe(self) -> list[object]:
            return []

    metrics.registry.register(Broken())  # type: ignore[arg-type]  # a collector of somebody else's
    guard.reset()
    with pytest.raises(urllib.error.HTTPError) as caught:
        scrape(server)
    assert caught.value.code == 500
    assert {"metrics_http": 1} == guard.failures()
    guard.reset()


def test_a_registry_shared_by_processes_is_shown_as_their_sum(
    metrics: Metrics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert metrics.registry is exposed_registry(metrics.registry)
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    assert [] == list(exposed_registry(metrics.registry).collect())


@pytest.mark.parametrize(
    ("listens_on", "host", "status"),
    [("127.0.0.1", "localhost:1", 200), ("127.0.0.1", "evil.example", 421), ("127.0.0.1", "", 421),
     ("0.0.0.0", "agent:9464", 200)],
)  # fmt: skip
def test_a_page_that_made_its_name_point_here_is_refused(
    metrics: Metrics, listens_on: str, host: str, status: int
) -> None:
    server = MetricsServer(metrics, host=listens_on, ports=(0,))
    assert server.start()
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}/metrics", headers={"Host": host})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            found = response.status
    except urllib.error.HTTPError as error:
        found = error.code
    server.close()
    assert status == found

"""A platform with a metrics port serves its metrics from the start until it is shut down."""

from __future__ import annotations

import os
import socket
import urllib.request
from pathlib import Path
from typing import Literal

import pytest
import yaml

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs import vocabulary as v

ROOT = Path(__file__).parents[3]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def platform(home: Path, port: int, **settings: object) -> ObservabilityPlatform:
    return ObservabilityPlatform(
        Settings(home=home, backend="none", set_global=False, metrics_port=port, **settings), consumers=[]
    )


def scrape(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as response:
        text: str = response.read().decode()
        return text


@pytest.mark.parametrize(
    ("backend", "given", "expected"),
    [
        ("stack", None, v.SCRAPE_PORTS), ("both", None, v.SCRAPE_PORTS), ("embedded", None, ()), ("stack", 0, ()),
        ("embedded", 9999, (9999,)),
    ],
)  # fmt: skip
def test_the_stack_alone_serves_metrics_without_a_setting(
    tmp_path: Path, backend: Literal["stack", "both", "embedded"], given: int | None, expected: tuple[int, ...]
) -> None:
    assert expected == Settings(home=tmp_path, backend=backend, metrics_port=given).scrape_ports


def test_prometheus_asks_every_port_that_agents_take_without_a_setting() -> None:
    targets = yaml.safe_load((ROOT / "prometheus" / "targets" / "agents.yml").read_text("utf-8"))
    assert [f"host.docker.internal:{port}" for port in v.SCRAPE_PORTS] == targets[0]["targets"]


def test_counters_are_there_at_zero_before_anything_happens(tmp_path: Path) -> None:
    port = free_port()
    obs = platform(tmp_path, port)
    assert 'syndarix_obs_records_dropped_total{reason="queue_full"} 0.0' in scrape(port)
    obs.shutdown()


def test_a_call_is_seen_by_the_next_scrape(tmp_path: Path) -> None:
    port = free_port()
    obs = platform(tmp_path, port)
    with obs.session(agent="support"), obs.tool("search"):
        pass
    obs.flush(10)
    assert 'tool_invocations_total{agent="support",status="ok",tool="search"} 1.0' in scrape(port)
    obs.shutdown()


def test_shutdown_frees_the_port(tmp_path: Path) -> None:
    port = free_port()
    platform(tmp_path, port).shutdown()
    with pytest.raises(OSError, match="refused"):
        scrape(port)


def test_a_platform_that_is_switched_off_serves_nothing(tmp_path: Path) -> None:
    port = free_port()
    obs = platform(tmp_path, port, enabled=False)
    with pytest.raises(OSError, match="refused"):
        scrape(port)
    obs.shutdown()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_does_not_keep_the_port(tmp_path: Path) -> None:
    port = free_port()
    obs = platform(tmp_path, port)
    read, write = os.pipe()
    child = os.fork()
    if not child:  # the child waits until the parent has looked, then leaves without cleaning up
        os.close(write)
        os.read(read, 1)
        os._exit(0)
    obs.shutdown()
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", port))
        again.listen()
    os.close(write)
    os.close(read)
    os.waitpid(child, 0)

"""docker-compose.yml in a real Docker engine, as on a fresh machine. Nothing is pulled: skipped without its images."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from alert_sinks import free_ports

from syndarix_obs_stack.__main__ import main
from syndarix_obs_stack.options import read_env_file, variable

pytestmark = [pytest.mark.real_servers, pytest.mark.slow]

ROOT = Path(__file__).parents[3]
HEALTHY_WITHIN_S = 120
PORTS = ("grafana", "prometheus", "alertmanager", "loki", "tempo", "otlp_grpc", "otlp_http", "pushgateway", "mcp")


@dataclass(frozen=True, slots=True)
class Compose:
    """A copy of the repository's files with ports and a project name of its own."""

    folder: Path
    ports: dict[str, int]

    def run(self, *arguments: str) -> str:
        """The output of a compose command."""
        command = ["docker", "compose", "-p", self.folder.name, *arguments]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    def states(self) -> dict[str, str]:
        """Health, or else the state, of each service's container."""
        lines = self.run("ps", "-a", "--format", "json").splitlines()
        found = [json.loads(line) for line in lines]
        return {each["Service"]: each["Health"] or each["State"] for each in found}

    def up(self) -> None:
        """Start everything and wait until all are healthy."""
        self.run("up", "-d", "--no-build", "--pull", "never")
        deadline = time.monotonic() + HEALTHY_WITHIN_S
        while set((states := self.states()).values()) - {"healthy", "exited"}:
            assert time.monotonic() < deadline, states
            time.sleep(1)

    def asked(self, query: str) -> float:
        """A number from Prometheus; 0 when there is none."""
        address = f"http://127.0.0.1:{self.ports['prometheus']}/api/v1/query?query={urllib.parse.quote(query)}"
        with urllib.request.urlopen(address, timeout=10) as answer:
            found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        return float(found[0]["value"][1]) if found else 0.0


def _fails(*command: str) -> bool:
    return shutil.which(command[0]) is None or subprocess.run(command, capture_output=True, check=False).returncode != 0


def _require_images() -> None:
    if _fails("docker", "info"):
        pytest.skip("no Docker engine answers")
    if _fails("docker", "compose", "version"):
        pytest.skip("docker compose is not installed")
    command = ["docker", "compose", "--env-file", ".env.example", "--profile", "demo", "config", "--images"]
    environment = {**os.environ, "SECRETS_DIR": "./secrets"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    missing = [name for name in sorted(set(done.stdout.split())) if _fails("docker", "image", "inspect", name)]
    if missing:
        pytest.skip(f"images that are not here: {', '.join(missing)}")


@pytest.fixture(scope="module")
def compose(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compose]:
    """The stack after `make secrets && docker compose up`, from the committed files alone."""
    _require_images()
    folder = tmp_path_factory.mktemp("compose")
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x"], cwd=folder, input=archive, check=True)
    assert main(["--root", str(folder), "init"]) == 0
    ports = dict(zip(PORTS, map(int, free_ports(len(PORTS))), strict=True))
    with (folder / ".env").open("a", encoding="utf-8") as env:
        env.writelines(f"{variable(name)}={port}\n" for name, port in ports.items())
        env.write("RETENTION_DAYS=7\n")
    compose = Compose(folder, ports)
    try:
        compose.up()
        yield compose
    finally:
        compose.run("--profile", "demo", "down", "--volumes", "--timeout", "10")


def test_all_servers_are_healthy_and_the_checks_have_passed(compose: Compose) -> None:
    states = compose.states()
    assert "exited" == states.pop("config")
    assert {"healthy"} == set(states.values())
    assert {"prometheus", "alertmanager", "loki", "tempo", "pushgateway", "grafana", "mcp"} == set(states)


def test_nothing_is_published_beyond_loopback(compose: Compose) -> None:
    lines = [json.loads(line) for line in compose.run("ps", "--format", "json").splitlines()]
    published = [each["URL"] for line in lines for each in line["Publishers"] or [] if each["PublishedPort"]]
    assert len(PORTS) == len(published)
    assert {"127.0.0.1"} == set(published)


def test_the_demo_fills_the_stack_and_down_and_up_again_loses_nothing(compose: Compose) -> None:
    compose.run("--profile", "demo", "up", "--no-build", "--pull", "never", "demo")
    calls = 'sum(last_over_time(llm_requests_total{job!="agents"}[1h]))'  # agents of this machine are scraped too
    deadline = time.monotonic() + 30
    while not (before := compose.asked(calls)) and time.monotonic() < deadline:
        time.sleep(1)
    assert before > 100
    compose.run("--profile", "demo", "down", "--timeout", "10")
    compose.up()
    assert before == compose.asked(calls)


def test_one_setting_is_the_retention_of_all_three_stores(compose: Compose) -> None:
    assert "7" == read_env_file(compose.folder / ".env")["RETENTION_DAYS"]
    for name, path, expected in (
        ("prometheus", "/api/v1/status/flags", '"storage.tsdb.retention.time":"1w"'),
        ("loki", "/config", "retention_period: 1w"),
        ("tempo", "/status/config", "block_retention: 1w"),
    ):
        with urllib.request.urlopen(f"http://127.0.0.1:{compose.ports[name]}{path}", timeout=10) as answer:
            assert expected in answer.read().decode(), name


def test_containers_read_their_secrets_and_other_users_of_the_machine_do_not(compose: Compose) -> None:
    size = compose.run("exec", "-T", "mcp", "python", "-c", "print(len(open('/run/secrets/mcp_token').read()))")
    assert int(size) >= 24
    assert 0o700 == (compose.folder / "secrets").stat().st_mode & 0o777

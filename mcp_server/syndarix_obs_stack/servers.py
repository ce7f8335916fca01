"""The servers: how each is recognised, started and asked whether it is ready."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from syndarix_obs_stack import grafana
from syndarix_obs_stack.options import HOST, Options

Version = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Server:
    """One kind of server.

    `programs` are its names on the PATH. A program counts only when its `--version` names `product`: Debian has
    an unrelated program called loki. Versions from `oldest` up to, but not, `before` read our configuration.
    """

    name: str
    programs: tuple[str, ...]
    product: str
    oldest: Version
    before: Version
    ports: tuple[str, ...]
    ready_path: str
    arguments: Callable[[Options], list[str]]
    environment: Callable[[Options], dict[str, str]]
    stop_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Found:
    """A server's program on this machine."""

    server: Server
    path: Path
    version: str


@dataclass(frozen=True, slots=True)
class Stranger:
    """A program with a server's name that is something else, or a version that cannot read our files."""

    server: Server
    path: Path
    said: str


def _prometheus(options: Options) -> list[str]:
    return [
        f"--config.file={options.etc / 'prometheus' / 'prometheus.yml'}",
        f"--storage.tsdb.path={options.data / 'prometheus'}",
        f"--storage.tsdb.retention.time={options.retention_days}d",
        f"--web.listen-address={HOST}:{options.ports.prometheus}",
        "--web.enable-lifecycle",  # POST /-/reload after a change of rules
        "--web.enable-admin-api",  # erasing one user's or agent's series
        "--web.enable-remote-write-receiver",  # Tempo's metrics generator writes here
        "--enable-feature=exemplar-storage",
        "--log.level=warn",
    ]


def _alertmanager(options: Options) -> list[str]:
    return [
        f"--config.file={options.etc / 'alertmanager' / 'alertmanager.yml'}",
        f"--storage.path={options.data / 'alertmanager'}",
        f"--web.listen-address={HOST}:{options.ports.alertmanager}",
        "--cluster.listen-address=",  # one process: without this it opens port 9094 to the world
        "--log.level=warn",
    ]


def _expanding(name: str) -> Callable[[Options], list[str]]:
    return lambda options: [f"-config.file={options.root / name / f'{name}.yml'}", "-config.expand-env=true"]


def _pushgateway(options: Options) -> list[str]:
    return [
        f"--web.listen-address={HOST}:{options.ports.pushgateway}",
        f"--persistence.file={options.data / 'pushgateway'}",
        "--log.level=warn",
    ]


def _loki_environment(options: Options) -> dict[str, str]:
    return {
        "LISTEN_ADDRESS": HOST,
        "LOKI_PORT": str(options.ports.loki),
        "LOKI_GRPC_PORT": str(options.ports.loki_grpc),
        "LOKI_DATA": str(options.data / "loki"),
        "LOKI_RULES": str(options.root / "loki" / "rules"),
        "ALERTMANAGER_URL": f"http://{HOST}:{options.ports.alertmanager}",
        "RETENTION_DAYS": str(options.retention_days),
    }


def _tempo_environment(options: Options) -> dict[str, str]:
    return {
        "LISTEN_ADDRESS": HOST,
        "TEMPO_PORT": str(options.ports.tempo),
        "TEMPO_GRPC_PORT": str(options.ports.tempo_grpc),
        "OTLP_GRPC_PORT": str(options.ports.otlp_grpc),
        "OTLP_HTTP_PORT": str(options.ports.otlp_http),
        "TEMPO_DATA": str(options.data / "tempo"),
        "PROMETHEUS_URL": f"http://{HOST}:{options.ports.prometheus}",
        "RETENTION_DAYS": str(options.retention_days),
    }


def _nothing(_: Options) -> dict[str, str]:
    return {}


SERVERS = (
    Server("prometheus", ("prometheus",), "prometheus", (2, 42), (4,), ("prometheus",), "/-/ready",
           _prometheus, _nothing),
    Server("alertmanager", ("alertmanager", "prometheus-alertmanager"), "alertmanager", (0, 25), (1,),
           ("alertmanager",), "/-/ready", _alertmanager, _nothing),
    Server("loki", ("loki",), "loki", (3, 4), (4,), ("loki", "loki_grpc"), "/ready",
           _expanding("loki"), _loki_environment),
    # Once queried, Tempo 3.0 hangs on SIGTERM after it has written its data: SIGKILL after 5 s loses nothing.
    Server("tempo", ("tempo",), "tempo", (3, 0), (4,), ("tempo", "tempo_grpc", "otlp_grpc", "otlp_http"),
           "/ready", _expanding("tempo"), _tempo_environment, stop_seconds=5.0),
    Server("pushgateway", ("pushgateway", "prometheus-pushgateway"), "pushgateway", (1, 4), (2,),
           ("pushgateway",), "/-/ready", _pushgateway, _nothing),
    Server("grafana", ("grafana",), "grafana", (11, 6), (14,), ("grafana",), "/api/health",
           grafana.arguments, grafana.environment),
)  # fmt: skip
"""Every server that the launcher knows, in starting order."""


def find(servers: Sequence[Server] = SERVERS, search_path: str | None = None) -> tuple[list[Found], list[Stranger]]:
    """Look for each server on the PATH (or `search_path`); the second list is what only looked like one."""
    found: list[Found] = []
    strangers: list[Stranger] = []
    for server in servers:
        for program in server.programs:
            if path := shutil.which(program, path=search_path):
                result = _identify(server, Path(path))
                if isinstance(result, Found):
                    found.append(result)
                    break
                strangers.append(result)
    return found, strangers


def _identify(server: Server, path: Path) -> Found | Stranger:
    said = _version_text(path)
    match = re.search(rf"^{server.product},? version (\d+)\.(\d+)(\S*)", said, re.MULTILINE)
    if match is None:
        return Stranger(server, path, said.partition("\n")[0][:80] or "nothing")
    number = (int(match[1]), int(match[2]))
    if not server.oldest <= number < server.before:
        return Stranger(server, path, f"version {match[1]}.{match[2]}")
    return Found(server, path, f"{match[1]}.{match[2]}{match[3]}")


def _version_text(path: Path) -> str:
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return done.stdout + done.stderr

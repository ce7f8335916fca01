"""Everything that varies between two starts of the stack: folders, ports, retention, channels."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from syndarix_obs_stack.problems import Problem, StackError

HOST = "127.0.0.1"
"""Native servers listen here and nowhere else."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Loopback ports; the variable of each is its name in capitals with `_PORT`, as in `.env.example`."""

    prometheus: int = 9090
    alertmanager: int = 9093
    loki: int = 3100
    loki_grpc: int = 9096
    tempo: int = 3200
    tempo_grpc: int = 9095
    otlp_grpc: int = 4317
    otlp_http: int = 4318
    pushgateway: int = 9091
    grafana: int = 3000
    mcp: int = 8765

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Ports:
        """Read `<NAME>_PORT` variables. Raises StackError for a value that is no port."""
        values: dict[str, int] = {}
        for each in fields(cls):
            name = variable(each.name)
            if text := environment.get(name, ""):
                values[each.name] = _port(name, text)
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Options:
    """Where the files lie, where data goes, and the environment that the configuration reads."""

    root: Path
    data: Path
    secrets: Path
    ports: Ports = field(default_factory=Ports)
    environment: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_root(cls, root: Path, environment: Mapping[str, str] | None = None) -> Options:
        """Options for a repository: its `.env`, over which the process's environment wins."""
        given = {**read_env_file(root / ".env"), **(os.environ if environment is None else environment)}
        return cls(
            root=root,
            data=root / ".native",
            secrets=root / (given.get("SECRETS_DIR") or "secrets"),
            ports=Ports.from_environment(given),
            environment=given,
        )

    @property
    def retention_days(self) -> int:
        """Days that all three stores keep data. Raises StackError unless it is a whole number from 1 on."""
        text = self.environment.get("RETENTION_DAYS") or "30"
        if not text.isdecimal() or int(text) < 1:
            raise StackError([Problem(f"RETENTION_DAYS={text!r} is no number of days.", "Set e.g. 30.")])
        return int(text)

    @property
    def etc(self) -> Path:
        """Rendered configuration."""
        return self.data / "etc"


def variable(port: str) -> str:
    """Environment name of a port."""
    return f"{port.upper()}_PORT"


def read_env_file(path: Path) -> dict[str, str]:
    """`NAME=value` lines of a compose `.env` file; nothing when there is none."""
    if not path.is_file():
        return {}
    values: dict[str, str] = {}
    for line in path.read_text("utf-8").splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith("#"):
            values[name.strip()] = _value(value)
    return values


def _value(text: str) -> str:
    text = text.strip()
    if text[:1] in {'"', "'"}:
        return text[1:].split(text[0], 1)[0]
    return text.split(" #", 1)[0].strip()


def _port(name: str, text: str) -> int:
    if text.isdecimal() and 1 <= int(text) <= 65_535:
        return int(text)
    raise StackError([Problem(f"{name}={text!r} is no port.", "Set a number from 1 to 65535, e.g. 19090.")])

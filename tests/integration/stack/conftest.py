"""A stack on free loopback ports, from the repository's own files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest
from alert_sinks import free_ports

from syndarix_obs_stack.options import Options, Ports

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def make_options(tmp_path_factory: pytest.TempPathFactory) -> Callable[[dict[str, str], dict[str, str]], Options]:
    """Options for the repository's files with data, secrets and ports of their own."""

    def make(environment: dict[str, str], secrets: dict[str, str]) -> Options:
        folder = tmp_path_factory.mktemp("stack")
        (folder / "secrets").mkdir()
        for name, text in secrets.items():
            (folder / "secrets" / name).write_text(text)
        names = [each.name for each in fields(Ports)]
        ports = Ports(**dict(zip(names, free_ports(len(names)), strict=True)))
        return Options(ROOT, folder / "data", folder / "secrets", ports, environment)

    return make

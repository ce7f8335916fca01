"""The image builds from what its build context holds, and what it runs is an unprivileged program that answers.

No engine is needed: the steps of `mcp_server/Dockerfile` are done here, in a folder that holds what they copy.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = ROOT / "mcp_server" / "Dockerfile"
LONGEST_S = 60


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions, without comments and with continued lines joined."""
    text = re.sub(r"(?m)^\s*#.*\n", "", DOCKERFILE.read_text(encoding="utf-8")).replace("\\\n", " ")
    return [(line.split()[0], line.partition(" ")[2].strip()) for line in text.splitlines() if line.strip()]


def values(name: str) -> list[str]:
    return [value for found, value in instructions() if found == name]


def sent(path: Path) -> bool:
    """Whether this file is in the build context: the last line of the ignore file that fits wins, as in Docker."""
    kept = True
    for line in DOCKERFILE.with_name("Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.removeprefix("!")
        if pattern and not line.startswith("#") and _fits(path.relative_to(ROOT).as_posix(), pattern):
            kept = line.startswith("!")
    return kept


def _fits(path: str, pattern: str) -> bool:
    parts = re.split(r"(\*\*/|\*)", pattern)
    found = "".join({"**/": "(?:.*/)?", "*": "[^/]*"}.get(part, re.escape(part)) for part in parts)
    return re.match(rf"{found}(?:/|$)", path) is not None


def copied() -> Iterator[Path]:
    """The files that the build stage gets from the context."""
    for value in values("COPY"):
        if value.startswith("--from"):
            continue
        *sources, _to = value.split()
        for source in sources:
            found = ROOT / source
            assert found.exists(), f"COPY {value}: {source} does not exist"
            files = [found] if found.is_file() else [path for path in found.rglob("*") if path.is_file()]
            chosen = [path for path in files if sent(path)]
            assert chosen, f"COPY {value}: Dockerfile.dockerignore keeps {source} out of the context"
            yield from chosen


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the build stage sees it after its COPY instructions."""
    folder = tmp_path_factory.mktemp("src")
    for path in copied():
        to = folder / path.relative_to(ROOT)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, to)
    return folder


def test_what_the_image_copies_is_enough_to_build_the_same_wheel(context: Path, tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="hatchling, the build back end, is not installed")
    build = "import os, sys, hatchling.build as b; os.chdir(sys.argv[1]); print(b.build_wheel(sys.argv[2]))"
    names = []
    for source in (ROOT, context):
        folder = tmp_path / source.name
        done = subprocess.run(
            [sys.executable, "-c", build, str(source), str(folder)], capture_output=True, text=True, check=False
        )
        assert 0 == done.returncode, done.stderr[-1_000:]
        names.append(sorted(zipfile.ZipFile(next(folder.glob("*.whl"))).namelist()))
    assert names[0] == names[1]


def test_no_secret_data_or_history_is_sent_to_the_engine() -> None:
    kept_out = [".env", "secrets/mcp_token", ".git/config", "store.sqlite3", ".venv/bin/python", "tests/conftest.py"]
    assert [] == [name for name in kept_out if sent(ROOT / name)]


def test_the_image_runs_as_a_user_without_a_name_and_says_whether_it_is_well() -> None:
    assert ["10001:10001"] == values("USER")
    assert 1 == len(values("HEALTHCHECK"))
    last_stage = [name for name, _ in instructions()][-6:]
    assert last_stage.index("USER") < last_stage.index("CMD")


def test_the_image_holds_what_the_commands_of_the_compose_file_need() -> None:
    install = next(value for value in values("RUN") if "pip install" in value)
    extras = re.search(r'"\.\[([\w,]+)\]"', install)
    assert extras is not None
    assert {"server", "instrument"} <= set(extras[1].split(","))  # the demo calls the clients of `instrument`


@pytest.mark.slow
def test_the_images_command_serves_and_its_health_check_agrees(context: Path, tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="hatchling, the build back end, is not installed")
    bin_folder = _installed(context, tmp_path / "opt")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command, check = (_words(name, port) for name in ("CMD", "HEALTHCHECK"))
    environment = {"PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}", "SYNDARIX_OBS_HOME": str(tmp_path / "home")}

    def healthy() -> bool:
        return subprocess.run(check, env=environment, capture_output=True, check=False).returncode == 0

    assert not healthy()
    server = subprocess.Popen(command, cwd="/", env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + LONGEST_S
        while not healthy():
            assert server.poll() is None, f"it ended with {server.returncode}"
            assert time.monotonic() < until, "it never became healthy"
    finally:
        server.terminate()
        server.wait(LONGEST_S)


def _words(name: str, port: str) -> list[str]:
    """The command of CMD or HEALTHCHECK, at a port that is free here."""
    [value] = values(name)
    words: list[str] = json.loads(value[value.index("[") :].replace("8765", port))
    return words


def _installed(context: Path, to: Path) -> Path:
    """The RUN instruction of the build stage with packages that are here already; the folder of its commands."""
    install = next(value for value in values("RUN") if "pip install" in value).replace("/opt/syndarix-obs", str(to))
    here = install.replace("pip install", "pip install --quiet --no-deps --no-build-isolation")
    make, _, rest = here.partition(" && ")
    subprocess.run(make.replace("python ", f"{sys.executable} ", 1), shell=True, check=True, cwd=context)
    packages = next(to.glob("lib/python*/site-packages"))
    (packages / "here.pth").write_text(sysconfig.get_path("purelib") + "\n")
    subprocess.run(rest, shell=True, check=True, cwd=context)
    return to / "bin"

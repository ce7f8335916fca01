"""The distribution: both packages, their types, their data, and what is pinned for an install."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    """The project table of pyproject.toml."""
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built with the back end that is installed."""
    pytest.importorskip("hatchling", reason="hatchling, the build back end, is not installed")
    folder = tmp_path_factory.mktemp("wheel")
    build = "import os, sys, hatchling.build as b; os.chdir(sys.argv[1]); print(b.build_wheel(sys.argv[2]))"
    subprocess.run([sys.executable, "-c", build, str(ROOT), str(folder)], check=True, capture_output=True)
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def in_tree(folder: str, package: str) -> set[str]:
    """Files of a package that git would keep, as paths inside the wheel."""
    root = ROOT / folder
    paths = [path.relative_to(root) for path in (root / package).rglob("*") if path.is_file()]
    return {path.as_posix() for path in paths if not any(part.startswith((".", "__pycache__")) for part in path.parts)}


@pytest.mark.parametrize(
    ("folder", "package"), [("instrumentation", "syndarix_obs"), ("mcp_server", "syndarix_obs_read")]
)
def test_the_wheel_holds_every_file_of_a_package(wheel: zipfile.ZipFile, folder: str, package: str) -> None:
    held = {name for name in wheel.namelist() if name.startswith(f"{package}/")}
    held = {name for name in held if not name.startswith("syndarix_obs_read/documentation/")}
    assert in_tree(folder, package) == held


def test_the_wheel_carries_the_pages_that_assistants_read(wheel: zipfile.ZipFile) -> None:
    from syndarix_obs_read.mcp.documentation import pages

    held = {name.split("documentation/")[1] for name in wheel.namelist() if "documentation/" in name}
    guides = {f"guides/{path.name}" for path in (ROOT / "docs" / "guides").glob("*.md")}
    assert guides | {"settings.md", "cli.md", "reference/api.md", "concepts/README.md"} <= held
    assert {"docs://guides/first-trace", "docs://settings", "docs://concepts/ledger"} <= {page.uri for page in pages()}


def test_the_wheel_is_the_four_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {"syndarix_obs", "syndarix_obs_read", "syndarix_obs_stack", "syndarix_obs_demo"} == {
        name for name in tops if not name.endswith(".dist-info")
    }
    assert [] == [name for name in wheel.namelist() if name.endswith((".pyc", ".sqlite3", ".env", ".key"))]


def test_what_the_wheel_holds_runs_without_the_clone(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path / "installed")
    environment = {
        **os.environ, "PYTHONPATH": str(tmp_path / "installed"), "SYNDARIX_OBS_HOME": str(tmp_path / "home"),
        "SYNDARIX_OBS_BACKEND": "embedded",
    }  # fmt: skip

    def syndarix_obs(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "syndarix_obs_read.cli", *arguments],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert 0 == done.returncode, done.stderr
        return done.stdout

    where = "import syndarix_obs, syndarix_obs_read.mcp.documentation as d; print(syndarix_obs.__file__, d.PACKAGED)"
    shown = subprocess.run([sys.executable, "-c", where], env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert 2 == shown.stdout.count(str(tmp_path / "installed"))
    assert "Why did it fail?" in syndarix_obs("demo", "--sessions", "2")
    assert "mcpServers" in syndarix_obs("mcp", "--print-config")
    assert "OTLP" in syndarix_obs("up", "--help")


@pytest.mark.parametrize("package", ["syndarix_obs", "syndarix_obs_read"])
def test_the_wheel_says_that_it_is_typed(wheel: zipfile.ZipFile, package: str) -> None:
    assert f"{package}/py.typed" in wheel.namelist()


def test_the_wheel_carries_the_explorers_style_script_and_mark(wheel: zipfile.ZipFile) -> None:
    static = {name for name in wheel.namelist() if name.startswith("syndarix_obs_read/web/static/")}
    needed = {"explorer.js", "icon.svg", "style.css", "uPlot.iife.min.js", "uPlot-LICENSE.txt"}
    assert needed <= {name.rpartition("/")[2] for name in static}
    assert all(wheel.read(name) for name in static)


def test_the_wheel_carries_the_licence_and_the_command(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    scripts = next(name for name in names if name.endswith("entry_points.txt"))
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert "syndarix-obs" in wheel.read(scripts).decode()


def test_the_constraints_pin_every_requirement_of_every_extra(project: dict[str, Any]) -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {canonical(line.split("==")[0]) for line in lines if "==" in line}
    wanted = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    names = {canonical(re.split(r"[<>=\[ ;]", requirement)[0]) for requirement in wanted}
    assert set() == names - pinned


def test_the_constraints_fulfil_the_requirements(project: dict[str, Any]) -> None:
    from packaging.requirements import Requirement

    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {canonical(name): version for name, _, version in (line.partition("==") for line in lines) if version}
    wanted = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    broken = [
        requirement
        for requirement in wanted
        if not Requirement(requirement).specifier.contains(pinned[canonical(Requirement(requirement).name)], True)
    ]
    assert [] == broken


def canonical(name: str) -> str:
    """A package's name as the packaging standards compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()

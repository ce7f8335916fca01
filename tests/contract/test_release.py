"""A release: one version, a changelog that can be read, packages that an index takes, and a list of what they bring."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import audit
import pytest
import sbom

import syndarix_obs

ROOT = Path(__file__).resolve().parents[2]
BUILD = """
import os, sys, hatchling.build as b
os.chdir(sys.argv[1])
b.build_sdist(sys.argv[2])
b.build_wheel(sys.argv[2])
"""


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist."""
    pytest.importorskip("hatchling", reason="hatchling, the build back end, is not installed")
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-c", BUILD, str(ROOT), str(folder)], check=True, capture_output=True)
    return folder


def changelog() -> str:
    return (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_version_stands_in_one_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert ["version"] == project["project"]["dynamic"]
    assert "instrumentation/syndarix_obs/__init__.py" == project["tool"]["hatch"]["version"]["path"]
    assert re.fullmatch(r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?", syndarix_obs.__version__)


def test_wheel_sdist_and_installed_package_have_that_version(dist: Path) -> None:
    version = syndarix_obs.__version__
    names = {f"syndarix_obs-{version}-py3-none-any.whl", f"syndarix_obs-{version}.tar.gz"}
    assert names == {path.name for path in dist.iterdir()}
    assert version == importlib.metadata.version("syndarix-obs"), "install it again: `make clean`, or pip install -e ."


def test_the_sdist_builds_the_same_wheel(dist: Path, tmp_path: Path) -> None:
    [source], [wheel] = dist.glob("*.tar.gz"), dist.glob("*.whl")
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path, filter="data")
    [unpacked] = tmp_path.iterdir()
    subprocess.run([sys.executable, "-c", BUILD, str(unpacked), str(tmp_path)], check=True, capture_output=True)
    again = next(tmp_path.glob("*.whl"))
    assert sorted(zipfile.ZipFile(wheel).namelist()) == sorted(zipfile.ZipFile(again).namelist())


def test_the_sdist_holds_no_data_no_secret_and_no_test(dist: Path) -> None:
    with tarfile.open(next(dist.glob("*.tar.gz"))) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    tops = {name.split("/")[0] for name in names}
    assert set() == tops & {"tests", "benchmarks", "secrets", ".env", ".venv", "dist"}
    assert [] == [name for name in names if name.endswith((".pyc", ".sqlite3", ".key", ".webp"))]


def test_an_index_understands_the_metadata_of_both(dist: Path) -> None:
    from packaging.metadata import Metadata

    wheel = zipfile.ZipFile(next(dist.glob("*.whl")))
    written = wheel.read(next(name for name in wheel.namelist() if name.endswith("dist-info/METADATA")))
    with tarfile.open(next(dist.glob("*.tar.gz"))) as archive:
        member = next(each for each in archive.getmembers() if each.name.count("/") == 1 and "PKG-INFO" in each.name)
        file = archive.extractfile(member)
        assert file is not None
        also = file.read()
    for found in (Metadata.from_email(written, validate=True), Metadata.from_email(also, validate=True)):
        assert "text/markdown" == found.description_content_type
        assert "Apache-2.0" == found.license_expression


def test_twine_has_no_complaint(dist: Path) -> None:
    pytest.importorskip("twine", reason="twine is not installed; `make dist` runs it")
    done = subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", *map(str, dist.iterdir())],
        env={**os.environ, "NO_COLOR": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert 0 == done.returncode, done.stdout


def test_what_others_wrote_comes_with_its_licence_and_is_on_the_list(dist: Path) -> None:
    held = zipfile.ZipFile(next(dist.glob("*.whl"))).namelist()
    listed = {name for each in sbom.VENDORED for name in (*each.files, each.licence_file)}
    assert {path.name for path in sbom.VENDOR.iterdir()} == listed
    for each in sbom.VENDORED:
        assert 1 == sum("dist-info/licenses/" in name and name.endswith(each.licence_file) for name in held)
        assert f"(v{each.version})" in (sbom.VENDOR / each.files[0]).read_text(encoding="utf-8")[:200]


def test_the_list_of_software_has_us_as_its_subject_and_what_is_vendored_as_a_part() -> None:
    others: list[dict[str, Any]] = [{"name": "pip"}, {"name": "syndarix-obs"}, {"name": "pydantic"}]
    bom = sbom.complete({"metadata": {"component": {"name": "syndarix-obs"}}, "components": others}, "1.2.3")
    assert "pkg:pypi/syndarix-obs@1.2.3" == bom["metadata"]["component"]["purl"]
    assert ["pydantic", "uplot"] == [each["name"] for each in bom["components"]]
    assert all(len(file["hashes"][0]["content"]) == 64 for file in bom["components"][1]["components"])


def test_an_advisory_service_that_cannot_be_reached_fails_nothing() -> None:
    unknown = {"dependencies": [{"name": "anyio", "skip_reason": "not found"}]}
    assert (0, [audit.UNREACHED]) == audit.verdict(None)
    assert (0, [audit.UNREACHED]) == audit.verdict(unknown)


def test_a_known_weakness_is_named_with_the_version_that_repairs_it() -> None:
    weak = {"name": "a", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}]}
    sound = {"name": "b", "version": "2.0", "vulns": []}
    lines = ["a 1.0: PYSEC-1, fixed in 1.1", "2 packages audited, 0 unknown to the service, 1 known weaknesses."]
    assert (1, lines) == audit.verdict({"dependencies": [weak, sound]})
    assert (0, ["1 packages audited, 0 unknown to the service, 0 known weaknesses."]) == audit.verdict(
        {"dependencies": [sound]}
    )


def test_no_heading_of_the_changelog_comes_twice() -> None:
    releases = re.split(r"(?m)^## ", changelog())[1:]
    assert {} == {name: n for name, n in Counter(part.splitlines()[0] for part in releases).items() if n > 1}
    for part in releases:
        kinds = re.findall(r"(?m)^### (.+)$", part)
        assert sorted(set(kinds)) == sorted(kinds), part.splitlines()[0]
        assert set(kinds) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_a_version_in_the_changelog_has_its_date_and_the_next_comes_first() -> None:
    first, *released = re.findall(r"(?m)^## (.+)$", changelog())
    assert "Unreleased" == first
    assert [] == [line for line in released if not re.fullmatch(r"\d+\.\d+\.\d+ - \d{4}-\d\d-\d\d", line)]


def test_every_make_target_of_the_check_list_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"`make ([a-z][a-z-]*)", (ROOT / "docs" / "releasing.md").read_text(encoding="utf-8")))
    assert {"dist", "audit", "test-python", "test-bounds"} <= named
    assert [] == [name for name in named if not re.search(rf"(?m)^{name}:", makefile)]

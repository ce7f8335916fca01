from __future__ import annotations

import logging
from pathlib import Path

import pytest

from syndarix_obs.integrations.coverage import LIBRARIES, coverage
from syndarix_obs.testing import recording
from syndarix_obs_read.doctor import libraries


def install(folder: Path, name: str, version: str, *requires: str, entry: str = "") -> None:
    """Put a distribution's metadata where this process looks for installed packages."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    (info / "METADATA").write_text("\n".join([*lines, *(f"Requires-Dist: {r}" for r in requires), ""]))
    if entry:
        (info / "entry_points.txt").write_text(f"[opentelemetry_instrumentor]\n{entry} = no.such.module:Instrumentor\n")


def test_a_client_of_ours_is_watched_without_any_package() -> None:
    found = {each.library: each for each in coverage()}
    assert ("watched", "by syndarix-obs itself") == (found["openai"].state, found["openai"].by)


def test_a_library_that_nobody_watches_comes_with_the_package_that_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    install(tmp_path, "mistralai", "9.1.0")
    found = {each.library: each for each in coverage()}["mistralai"]
    assert ("not watched", LIBRARIES["mistralai"].package) == (found.state, found.install)
    warning = {check.name: check for check in libraries.checks()}["library mistralai"]
    assert ("warning", "pip install openinference-instrumentation-mistralai") == (warning.state, warning.mend)
    with caplog.at_level(logging.INFO, logger="syndarix_obs"), recording() as kit:
        kit.obs.auto_instrument()
    assert "mistralai 9.1.0: not watched (pip install openinference-instrumentation-mistralai)" in caplog.text


def test_an_instrumentor_that_wants_another_version_is_a_conflict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    install(tmp_path, "cohere", "9.0.0")
    install(tmp_path, "some-cohere-instrumentor", "1.0", 'cohere<6; extra == "instruments"', entry="cohere")
    found = {each.library: each for each in coverage()}["cohere"]
    assert ("conflict", "some-cohere-instrumentor wants cohere <6") == (found.state, found.by)


def test_an_instrumentor_that_keeps_to_old_versions_in_its_code_is_a_conflict_and_the_better_one_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    install(tmp_path, "cohere", "7.3.1")
    install(tmp_path, "opentelemetry-instrumentation-cohere", "0.62.4", "cohere", entry="cohere")
    found = {each.library: each for each in coverage()}["cohere"]
    assert ("conflict", "openinference-instrumentation-cohere") == (found.state, found.install)
    install(tmp_path, "openinference-instrumentation-cohere", "0.1.15", "cohere>=5.13.0", entry="cohere")
    found = {each.library: each for each in coverage()}["cohere"]
    assert ("watched", "by openinference-instrumentation-cohere") == (found.state, found.by)

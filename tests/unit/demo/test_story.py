"""How commands are called from the terminal that the demo ran in."""

from __future__ import annotations

from pathlib import Path

import pytest

from syndarix_obs_demo.story import Shell, shell


def test_a_terminal_that_finds_the_program_and_its_store_needs_nothing(tmp_path: Path) -> None:
    program = tmp_path / "syndarix-obs"
    assert shell(None, {}, str(program), str(program)).line() is None


def test_the_data_folder_and_the_backend_are_set(tmp_path: Path) -> None:
    program = str(tmp_path / "syndarix-obs")
    found = shell(Path("my demo"), {"SYNDARIX_OBS_BACKEND": "stack"}, program, program)
    assert "export SYNDARIX_OBS_BACKEND=stack SYNDARIX_OBS_HOME='my demo'" == found.line()


def test_a_program_that_the_shell_would_not_find_is_put_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    inside = shell(None, {}, str(tmp_path / ".venv" / "bin" / "syndarix-obs"), None)
    assert Shell({}, "$PWD/.venv/bin") == inside
    assert 'export PATH="$PWD/.venv/bin:$PATH"' == inside.line()


def test_a_folder_elsewhere_is_named_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    assert f'export PATH="{tmp_path}/bin:$PATH"' == shell(None, {}, str(tmp_path / "bin" / "syndarix-obs"), None).line()


def test_another_program_that_runs_the_demo_is_not_put_on_the_path(tmp_path: Path) -> None:
    assert shell(None, {}, str(tmp_path / "pytest"), None).line() is None

"""What the shell offers after Tab."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import read_scene as scene

from syndarix_obs_read.cli.run import run

Offers = Callable[[str], list[str]]


@pytest.fixture
def offers(world: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Offers:
    """What is offered for a line whose last word is being written, as bash asks for it."""

    def asked(line: str) -> list[str]:
        words = line.split(" ")
        monkeypatch.setenv("_SYNDARIX_OBS_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
        monkeypatch.setenv("SYNDARIX_OBS_HOME", str(world))
        assert 0 == run([])
        return capsys.readouterr().out.split()

    return asked


def test_commands_are_offered(offers: Offers) -> None:
    assert {"traces", "trace", "trigger"} == set(offers("syndarix-obs tr"))


def test_names_that_occur_are_offered_for_an_agent_and_a_model(offers: Offers) -> None:
    assert "support" in offers("syndarix-obs traces --agent ")
    assert all(name.startswith("claude") for name in offers("syndarix-obs costs --model claude"))
    assert offers("syndarix-obs costs --model claude")


def test_only_names_that_begin_so_are_offered(offers: Offers) -> None:
    assert [] == offers("syndarix-obs traces --agent zzz")


def test_words_of_a_status_are_offered(offers: Offers) -> None:
    assert ["ok", "error", "running"] == offers("syndarix-obs traces --status ")


@pytest.mark.parametrize("command", ["session", "blame", "compare", "replay", "timeline", "step", "diff"])
def test_sessions_are_offered_where_a_command_takes_one(offers: Offers, command: str) -> None:
    assert {"s-refund", "s-loop", "s-live"} <= set(offers(f"syndarix-obs {command} "))


@pytest.mark.parametrize("command", ["explain", "trace", "timeline"])
def test_traces_are_offered_where_a_command_takes_one(offers: Offers, command: str) -> None:
    assert {scene.REFUND, scene.LOOP} <= set(offers(f"syndarix-obs {command} a"))


def test_files_are_offered_beside_sessions_where_a_recording_can_be_named(offers: Offers, tmp_path: Path) -> None:
    (tmp_path / "refund.json").write_text("{}")
    assert [f"{tmp_path}/refund.json"] == offers(f"syndarix-obs replay {tmp_path}/r")


def test_without_a_store_nothing_is_offered_and_nothing_fails(
    offers: Offers, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert [] == offers(f"syndarix-obs traces --home {tmp_path}/nowhere --agent ")
    assert not (tmp_path / "nowhere").exists()

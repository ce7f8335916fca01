"""The tour after the demo: the right commands, in order, each with its answer under it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from syndarix_obs_demo.run import DemoReport
from syndarix_obs_demo.tour import called, elsewhere, further, needed, show, stops

REPORT = DemoReport(
    sessions=3,
    seconds=1.25,
    requests=20,
    instrumented=("openai", "anthropic"),
    incidents={"loop": 1},
    outcomes={"resolved": 3},
    store=Path("home/store.sqlite3"),
    trace_id="ab" * 16,
    session_id="cd" * 16,
    masked={"email": 4},
    lowest_limits={"openai": 0.036},
    warnings=("no price is known for model 'x'",),
    saved=True,
)


@pytest.fixture
def printed() -> list[str]:
    return []


def tour(report: DemoReport, printed: list[str], status: int = 0) -> int:
    def answer(arguments: list[str]) -> int:
        printed.append(f"answer to {arguments[0]}")
        return status

    return show(report, answer, printed.append, "syndarix-obs")


def test_every_answer_stands_under_the_command_that_gives_it(printed: list[str]) -> None:
    assert 0 == tour(REPORT, printed)

    commands = [line.split()[2] for line in printed if line.startswith("$") and "#" not in line]
    answers = [line.split()[-1] for line in printed if line.startswith("answer")]
    assert ["trace", "decisions", "decisions", *["costs"] * 6, "errors"] == commands
    assert commands == answers


def test_costs_are_shown_by_agent_project_user_task_type_and_model() -> None:
    by = [stop.arguments[2] for stop in stops(REPORT) if stop.arguments[0] == "costs"]
    assert {"agent", "project", "user", "task_type", "model"} <= set(by)


def test_the_trace_and_session_of_the_report_are_the_ones_shown(printed: list[str]) -> None:
    tour(REPORT, printed)

    assert f"$ syndarix-obs trace {'ab' * 16}" in printed
    assert any(f"--session {'cd' * 16}" in line for line in printed)


def test_the_summary_says_what_ran_what_was_masked_and_what_was_warned_about(printed: list[str]) -> None:
    tour(REPORT, printed)

    text = "\n".join(printed)
    assert "3 sessions, 20 requests to the fake provider, 1.2 s" in text
    assert "latencies are simulated" in text
    assert "the clients of anthropic and openai" in text
    assert "Masked before anything was stored: email 4." in text
    assert "openai 3.6%" in text
    assert "It warned: no price is known for model 'x'" in text


def test_an_answer_that_fails_is_the_status_of_the_tour(printed: list[str]) -> None:
    assert 3 == tour(REPORT, printed, status=3)


def test_what_could_not_be_saved_is_said(printed: list[str]) -> None:
    import dataclasses

    tour(dataclasses.replace(REPORT, saved=False, store=None, masked={}), printed)

    text = "\n".join(printed)
    assert "Not everything could be saved" in text
    assert "Masked before anything was stored: nothing." in text
    assert "store.sqlite3" not in text


def test_it_ends_with_commands_to_look_further(printed: list[str]) -> None:
    tour(REPORT, printed)

    assert [stop.question for stop in further()] == [line.split("# ")[1] for line in printed[-len(further()) :]]


def test_the_command_is_named_as_the_shell_would_find_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "syndarix-obs"
    script.touch(mode=0o755)
    monkeypatch.setattr(sys, "argv", [str(script)])
    monkeypatch.chdir(tmp_path)

    assert "bin/syndarix-obs" == called(None)
    assert "SYNDARIX_OBS_HOME='my data' bin/syndarix-obs" == called(Path("my data"))
    monkeypatch.setenv("PATH", str(folder))
    assert "syndarix-obs" == called(None)


def test_a_later_command_is_told_to_ask_the_stack_and_at_which_addresses() -> None:
    found = {"SYNDARIX_OBS_BACKEND": "stack", "SYNDARIX_OBS_READ_LOKI_URL": "http://127.0.0.1:1"}
    assert found == needed("stack", {**found, "HOME": "/x"})
    assert {} == needed("embedded", found)
    assert called(None, found).startswith("SYNDARIX_OBS_BACKEND=stack SYNDARIX_OBS_READ_LOKI_URL=http://127.0.0.1:1 ")


def test_a_demo_whose_answers_would_come_from_another_server_is_told_what_to_set() -> None:
    written = {"SYNDARIX_OBS_LOKI_URL": "http://127.0.0.1:13100"}
    assert "SYNDARIX_OBS_READ_LOKI_URL=http://127.0.0.1:13100" in (elsewhere("stack", written) or "")
    assert elsewhere("stack", {**written, "SYNDARIX_OBS_READ_LOKI_URL": "http://127.0.0.1:13100/"}) is None
    assert elsewhere("stack", {}) is None
    assert elsewhere("embedded", written) is None

"""The boards are in the form that current Grafana writes, and the check that says so can fail."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from grafana_shape import problems

import queries

ROOT = Path(__file__).parents[2]
BOARDS = queries.boards()


def _broken(uid: str, panel_type: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A copy of a board, and its first panel of a type."""
    board = copy.deepcopy(BOARDS[uid])
    return board, next(panel for panel in board["panels"] if panel["type"] == panel_type)


@pytest.mark.parametrize("uid", BOARDS)
def test_grafanas_schema_knows_every_key_and_allows_every_value(uid: str) -> None:
    assert [] == problems(BOARDS[uid])


def test_a_key_of_the_year_2020_is_found() -> None:
    board, panel = _broken("overview", "timeseries")
    panel["nullPointMode"] = "connected"
    assert ["board.panels[0].nullPointMode: Grafana knows no such key"] == problems(board)


def test_an_option_with_an_unknown_word_is_found() -> None:
    board, panel = _broken("overview", "bargauge")
    panel["options"]["orientation"] = "sideways"
    assert any("sideways" in problem for problem in problems(board))


def test_a_data_source_given_by_name_only_is_found() -> None:
    board, panel = _broken("overview", "timeseries")
    panel["targets"][0]["datasource"] = {"name": "Prometheus"}
    assert any("no such query" in problem for problem in problems(board))


def test_an_override_of_an_unknown_property_is_found() -> None:
    board, panel = _broken("overview", "table")
    panel["fieldConfig"]["overrides"].append(
        {"matcher": {"id": "byName", "options": "Status"}, "properties": [{"id": "custom.displayMode", "value": 7}]}
    )
    assert any("displayMode" in problem or "display_mode" in problem for problem in problems(board))


@pytest.mark.parametrize("uid", BOARDS)
def test_a_board_claims_a_version_that_grafana_11_to_13_open_without_rewriting(uid: str) -> None:
    assert 41 == BOARDS[uid]["schemaVersion"]
    assert BOARDS[uid]["editable"] is False


def test_the_committed_files_are_what_the_code_builds() -> None:
    done = subprocess.run(
        [sys.executable, "grafana/build.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (0, "") == (done.returncode, done.stdout), done.stderr

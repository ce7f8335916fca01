"""Tables on a narrow terminal: columns are left out and named, digits are never cut."""

from __future__ import annotations

import re
from datetime import UTC

import pytest
from rich.console import Console

from syndarix_obs_read.cli.screen import Screen, headers

COLUMNS = headers("agent*", ">runs", ">p50", ">p95", ">loops", ">tokens", "model*", ">cost")
ROW = ("support", "1,234", "12.45s", "99.99s", "–", "1,234,567", "claude-sonnet-4-5-20250929", "~$1,234.56 +12?")


def drawn(width: int, capsys: pytest.CaptureFixture[str]) -> str:
    screen = Screen(UTC, piped=False)
    screen.console = Console(width=width, highlight=False, color_system=None)
    screen.table(COLUMNS, [(ROW, "")])
    return capsys.readouterr().out


@pytest.mark.parametrize("width", [200, 100, 80, 60, 40, 30])
def test_no_number_is_cut_at_any_width(width: int, capsys: pytest.CaptureFixture[str]) -> None:
    text = drawn(width, capsys)
    assert None is re.search(r"[\d,.$]…", text)
    assert "~$1,234.56 +12?" in text
    assert "support" in text


def test_what_is_left_out_is_named_and_empty_columns_go_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert "left out" not in drawn(200, capsys)
    text = " ".join(drawn(72, capsys).split())
    assert "left out for want of width: loops; --json has them" in text

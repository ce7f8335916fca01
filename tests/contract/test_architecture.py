"""The walks that `docs/architecture.md` tells of: a thing passes no more files than the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import walks

PAGE = Path(__file__).resolve().parents[2] / "docs" / "architecture.md"
PROMISED = {
    name: int(files) for name, files in re.findall(r"^\| ([a-z-]+) \| \d+ \| (\d+) \|$", PAGE.read_text("utf-8"), re.M)
}


@pytest.mark.parametrize("name", ["call-to-row", "call-to-line", "question", "trace"])
def test_a_walk_passes_no_more_files_than_the_page_says(name: str) -> None:
    found = walks.taken(name)["files"]
    assert len(found) <= PROMISED[name], found
    assert len(found) > PROMISED[name] - 8, "the page says more than there are: write the new count"


def test_the_files_that_the_page_names_on_the_walks_are_passed() -> None:
    text = PAGE.read_text("utf-8")
    walk = text[text.index("*A finished model call") : text.index("*The same call")]
    passed = walks.taken("call-to-row")["files"]
    for named in re.findall(r"`([a-z_]+/[a-z_]+\.py)`", walk):
        assert any(file.endswith(named) for file in passed), named

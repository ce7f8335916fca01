"""What the README and the other pages tell people to run exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    path
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))
    if path.exists()
]
_LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)")


def targets() -> set[str]:
    """Targets of the Makefile and of what it includes."""
    files = [ROOT / "Makefile"]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    return set(re.findall(r"(?m)^([a-z][a-z-]*):", text))


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_make_command_on_a_page_is_a_target(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"`make ([a-z][a-z-]*)", text)) | set(re.findall(r"(?m)^\s*\$? ?make ([a-z][a-z-]*)", text))
    assert set() == named - targets()


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    links = _LINK.findall(page.read_text(encoding="utf-8"))
    assert [] == [link for link in links if not (page.parent / link).exists()]


def test_the_readme_begins_with_the_two_commands() -> None:
    first_screen = "\n".join((ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:45])
    assert "make demo" in first_screen
    assert "make test" in first_screen


def test_every_target_explains_itself() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    silent = [
        line for line in text.splitlines() if re.match(r"^[a-z][a-z-]*:(?!=)", line) and "## " not in line
    ]
    assert [] == silent

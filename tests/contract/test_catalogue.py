"""A question has one name in every room, and a face that it lacks is missing for a stated reason."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from syndarix_obs_read import catalogue
from syndarix_obs_read.catalogue import GROUPS, MOST_IN_A_GROUP, PAGES_ONLY, QUESTIONS, Question
from syndarix_obs_read.mcp.server import TOOLS
from syndarix_obs_read.web.app import PAGES

READ = Path(__file__).resolve().parents[2] / "mcp_server" / "syndarix_obs_read"

by_name = pytest.mark.parametrize("question", QUESTIONS, ids=lambda each: each.name)


@by_name
def test_every_question_has_a_command_with_a_text(question: Question) -> None:
    assert question.name == question.command().__name__
    assert inspect.getdoc(question.command())


@by_name
def test_a_face_is_there_or_missing_for_a_reason(question: Question) -> None:
    files = {"mcp": READ / "mcp" / f"{question.name}.py", "web": READ / "web" / "pages" / f"{question.name}.py"}
    for face, file in files.items():
        if face in question.without:
            assert len(question.without[face]) > 10, f"{face}: say why"
        else:
            assert file.is_file(), f"{file.name} is missing in {face}, and no reason is stated"


def test_no_page_is_outside_the_catalogue() -> None:
    files = {path.stem for path in (READ / "web" / "pages").glob("*.py")} - {"__init__"}
    known = {each.name for each in catalogue.with_face("web")} | set(PAGES_ONLY)
    assert set() == files - known
    assert len(PAGES) == len(known)


def test_every_tool_is_reached_through_the_catalogue() -> None:
    declared = {
        path.stem for path in (READ / "mcp").glob("*.py") if "\nTOOLS: Final = (" in path.read_text(encoding="utf-8")
    }
    assert declared == {each.name for each in catalogue.with_face("mcp")}
    assert len({tool.name for tool in TOOLS}) == len(TOOLS)


def test_names_and_groups_are_known_and_no_group_is_too_long_to_read() -> None:
    assert len({each.name for each in QUESTIONS}) == len(QUESTIONS)
    counts = Counter(each.group for each in QUESTIONS)
    assert set(GROUPS) == set(counts)
    assert {} == {group: count for group, count in counts.items() if count > MOST_IN_A_GROUP}


@by_name
def test_the_line_in_the_help_is_one_sentence_that_fits(question: Question) -> None:
    assert question.about.endswith(".")
    assert len(question.about) <= 78


def test_help_imports_no_command_and_no_platform() -> None:
    program = (
        "import sys\nfrom syndarix_obs_read.cli.run import run\nrun(['--help'])\n"
        "print(sorted(m for m in sys.modules if m.startswith('syndarix_obs')), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = done.stderr
    assert "syndarix_obs_read.cli.costs" not in loaded
    assert "syndarix_obs.platform" not in loaded
    assert "syndarix_obs_read.settings" not in loaded
    assert all(f"  {each.name} " in done.stdout for each in QUESTIONS)


def test_help_does_without_rich_whose_import_is_slow() -> None:
    program = (
        "import sys\nfrom syndarix_obs_read.cli.run import run\nrun(['--help'])\n"
        "print(sorted(m for m in sys.modules if m.startswith('rich')), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "[]" == done.stderr.strip()


def test_an_answer_imports_no_platform(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom syndarix_obs_read.cli.run import run\n"
        f"run(['costs', '--home', {str(tmp_path)!r}])\n"
        "print(sorted(m for m in sys.modules if m.startswith('syndarix_obs')), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "syndarix_obs_read.cli.costs" in done.stderr
    assert "syndarix_obs.platform" not in done.stderr
    assert "syndarix_obs_read.cli.traces" not in done.stderr

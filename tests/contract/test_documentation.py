"""The pages that people read first: simple English, settings that exist, links that lead somewhere, also as a site."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest
import readability
import yaml
from api_reference import GROUPS
from page_blocks import blocks

import syndarix_obs
from syndarix_obs import settings as write_settings
from syndarix_obs_read import settings as read_settings

ROOT = Path(__file__).resolve().parents[2]
PAGES = readability.PAGES
GUIDES = sorted((ROOT / "docs" / "guides").glob("*.md"))
SAID_ELSEWHERE = {
    "CallRefused": "raised by a replay; a guide would have to fail on purpose",
    "StoreError": "raised for a file that cannot be used",
    "SyndarixObsError": "the root of the errors",
    "auto_uninstrument": "`shutdown` does it",
    "httpx_async_hooks": "named beside its twin, `httpx_hooks`",
    "registry": "for an endpoint of one's own, which is no first step",
    "replaying": "its example needs an agent of the reader's own; tests/unit/read/test_replay.py runs it",
}
"""Public names without an example that runs, each with the reason."""
PUBLIC = {name for names in GROUPS.values() for name in names} | set(syndarix_obs.__all__)
by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


@by_page
def test_a_page_is_simple_english(page: Path) -> None:
    assert [] == list(readability.wrong(page.read_text(encoding="utf-8")))


def test_a_long_sentence_and_a_word_of_our_own_are_noticed() -> None:
    long = " ".join(["word"] * (readability.MOST_WORDS + 1))
    found = list(readability.wrong(f"# Title\n\n{long}. Short one.\n\nA dear model.\n"))
    assert f"{readability.MOST_WORDS + 1} words" in found[0]
    assert any("'dear' → expensive" in each for each in found)


def test_a_page_that_begins_with_a_table_is_noticed() -> None:
    assert [] != list(readability.wrong("# Title\n\n| a | table |\n\nOne sentence here. Another one.\n"))
    assert [] == list(readability.wrong("# Title\n\nWhat you get. And how.\n"))


def test_code_tables_and_headings_are_no_sentences() -> None:
    page = "# A heading\n\n| a | table |\n\n```text\ncode without an end\n```\n\nOne sentence here. Another one.\n"
    assert ["One sentence here.", "Another one."] == readability.sentences(page)


@pytest.fixture(scope="module")
def examples() -> str:
    """Every program of the README and the guides that a test runs."""
    found = (block for page in (ROOT / "README.md", *GUIDES) for block in blocks(page))
    return "\n".join(block.text for block in found if block.language == "python" and block.not_run is None)


@pytest.mark.parametrize("name", sorted(PUBLIC - set(SAID_ELSEWHERE)))
def test_every_public_name_is_used_in_an_example_that_runs(name: str, examples: str) -> None:
    assert re.search(rf"\b{name}\b", examples), f"no program of README or guides uses {name}"


@by_page
def test_every_setting_on_a_page_exists(page: Path) -> None:
    known = {write_settings.variable(name) for name in write_settings.Settings.model_fields}
    known |= {read_settings.variable(name) for name in read_settings.ReadSettings.model_fields}
    named = set(re.findall(r"SYNDARIX_OBS_[A-Z_]+", page.read_text(encoding="utf-8")))
    assert set() == named - known


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 150


def test_the_unit_file_sets_what_exists_and_starts_what_exists() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # systemd's names have capitals
    unit.read(ROOT / "deploy" / "syndarix-obs.service", encoding="utf-8")
    service = unit["Service"]
    assert "SYNDARIX_OBS_HOME=/var/lib/syndarix-obs" == service["Environment"]
    assert service["ExecStart"].endswith("/syndarix-obs up")
    assert service["StateDirectory"] == Path(service["Environment"].split("=")[1]).name
    assert {"yes", "strict"} == {service[name] for name in ("NoNewPrivileges", "ProtectHome", "ProtectSystem")}


@pytest.mark.parametrize("form", ["bug.yml", "idea.yml"])
def test_an_issue_form_asks_something_and_says_what_for(form: str) -> None:
    found = yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / form).read_text(encoding="utf-8"))
    assert {"name", "description", "body"} <= set(found)
    assert all(field["attributes"]["label"] for field in found["body"])


def test_assistants_find_every_page_in_llms_txt() -> None:
    listed = set(re.findall(r"\]\(([^)]+)\)", (ROOT / "llms.txt").read_text(encoding="utf-8")))
    pages = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert set() == {page for page in pages if "decisions/0" not in page} - listed


@pytest.mark.slow
def test_the_site_builds_and_every_link_leads_somewhere(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="mkdocs is not installed (extra `docs`)")
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "site.py"), "--to", str(tmp_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert 0 == done.returncode, done.stderr[-2_000:]
    [home] = tmp_path.glob("*/index.html")
    assert "syndarix-obs" in home.read_text(encoding="utf-8")
    assert (tmp_path / "index.html").exists()

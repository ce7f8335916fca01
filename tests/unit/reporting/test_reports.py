"""Reports: one file that holds everything, asks nobody for anything, and stays small."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from syndarix_obs.records import model as r
from syndarix_obs.records.model import Record
from syndarix_obs.store.location import store_path
from syndarix_obs.store.writer import StoreWriter
from syndarix_obs_read.cli.run import run
from syndarix_obs_read.export.register import files_with
from syndarix_obs_read.reporting.markdown import plain
from syndarix_obs_read.reporting.pdf import as_pdf
from syndarix_obs_read.reporting.write import check

S = 1_000_000_000
START = 1_790_000_000 * S
SPANS = 1_000
EVIL = '"><script>alert(1)</script>|`[x](javascript:1)'
WHO: dict[str, Any] = {"agent": "desk", "session_id": "s-1", "user": "u_0123456789abcdef", "project": "acme"}


def record(kind: type[Record], number: int, parent: int | None, took_s: float, payload: Any = None, **more: Any) -> Any:
    """One record of the long session."""
    start = START + number * S
    return kind(
        record_id=f"r{number}", trace_id="ab" * 16, span_id=f"{number:016x}", start_ns=start,
        parent_id=None if parent is None else f"{parent:016x}", end_ns=start + round(took_s * S), service="desk",
        environment="test", payload=None if payload is None else json.dumps(payload), **{**WHO, **more},
    )  # fmt: skip


def records() -> Iterator[Record]:
    """A session of 1,000 spans, each with ten kilobytes of text; every seventh tool fails."""
    yield record(r.SessionRecord, 0, None, SPANS, outcome="resolved", name="invoke_agent desk")
    for number in range(1, SPANS):
        if number % 2:
            told = [{"role": "user", "content": f"{EVIL} {number} " + "words " * 1_500}]
            yield record(r.LLMRecord, number, 0, 0.9, {"input": told, "output": told}, model="gpt-4o", input_tokens=9,
                         output_tokens=3)  # fmt: skip
        else:
            more = {"status": "error", "error_type": "Timeout", "error_message": EVIL} if number % 7 == 0 else {}
            yield record(r.ToolRecord, number, 0, 0.5, {"arguments": {"n": number}, "result": "x" * 10_000},
                         tool=f"tool-{number % 5}", **more)  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the session."""
    folder = tmp_path_factory.mktemp("report")
    writer = StoreWriter(store_path(folder))
    writer.write(list(records()))
    writer.close()
    return folder


@pytest.fixture(scope="module")
def page(home: Path) -> str:
    """The session's report as HTML."""
    target = home / "session.html"
    assert 0 == run(["report", "--session", "s-1", "-o", str(target), "--home", str(home)])
    return target.read_text("utf-8")


@pytest.fixture(scope="module")
def text(home: Path) -> str:
    """The same as Markdown."""
    target = home / "session.md"
    assert 0 == run(["report", "--session", "s-1", "-o", str(target), "--home", str(home)])
    return target.read_text("utf-8")


def test_a_report_of_a_thousand_spans_takes_a_megabyte_at_most(page: str) -> None:
    assert len(page.encode()) <= 1_000_000
    assert SPANS == page.count('<tr class="k-')


def test_its_policy_lets_it_load_nothing_and_its_only_style_is_the_one_named(page: str) -> None:
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    styles = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert policy is not None
    digest = base64.b64encode(hashlib.sha256(styles[0].encode()).digest()).decode()
    assert f"default-src &#39;none&#39;; style-src &#39;sha256-{digest}&#39;" in policy[1]
    assert 1 == len(styles)


def test_it_names_nothing_outside_of_itself_and_runs_nothing(page: str) -> None:
    outside = re.compile(r"<(?:script|link|img|iframe|object|embed)\b|\s(?:src|href|style|on\w+)=|url\(|@import")
    assert [] == outside.findall(re.sub(r"<pre>.*?</pre>", "", page, flags=re.DOTALL))


@pytest.mark.parametrize(
    "heading", ["In short", "Why it ended so", "Who spoke to whom", "Flow", "Steps of trace", "What was said"]
)
def test_everything_that_is_known_of_a_session_is_in_it(heading: str, page: str, text: str) -> None:
    assert f"<h2>{heading}" in page
    assert f"## {heading}" in text


def test_long_texts_are_cut_and_say_how_long_they_were(page: str) -> None:
    assert "… (9,0" in page


def test_markdown_has_drawings_as_text_and_recorded_signs_mean_nothing(text: str) -> None:
    assert ["sequenceDiagram", "flowchart TD"] == re.findall(r"```mermaid\n(\w+(?: TD)?)", text)
    assert "<script>" not in text.replace("\\<", "")
    assert "\\[x\\](javascript:1)" in text


def test_signs_of_markdown_are_escaped_on_one_line() -> None:
    assert r"a \| b \`c\` \# \<i\>" == plain("a | b\n`c` # <i>")


@pytest.mark.parametrize("about", [["--agent", "desk"], ["--week"]])
def test_an_agent_and_a_week_have_a_report(about: list[str], home: Path) -> None:
    target = home / f"{about[0].strip('-')}.html"
    time = ["--since", "2026-09-21", "--until", "2026-09-22"]
    assert 0 == run(["report", *about, *time, "-o", str(target), "--home", str(home)])
    found = target.read_text("utf-8")
    assert all(f"<h2>{each}</h2>" in found for each in ("In short", "Errors", "Dearest sessions"))
    assert "s-1" in found


def test_an_erasure_finds_a_report_by_the_traces_it_shows(home: Path, page: str) -> None:
    assert page
    assert home / "session.html" in files_with(home, ["ab" * 16])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-o", "x.html"], "give one of --session"),
        (["--session", "s-1", "--week", "-o", "x.html"], "give one of --session"),
        (["--session", "s-1", "-o", "x.docx"], ".html, .md, .pdf"),
        (["--agent", "nobody", "-o", "x.html"], "did nothing"),
    ],
)
def test_what_cannot_be_written_says_what_can(
    arguments: list[str], words: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == run(["report", *arguments, "--home", str(home)])
    assert words in capsys.readouterr().err


def test_without_a_browser_a_pdf_is_refused_with_the_way_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Exception, match=r"install Chromium, or write report\.html"):
        as_pdf("<p>x</p>")


def test_a_browser_that_prints_nothing_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\necho no display >&2\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(Exception, match="printed no PDF: no display"):
        as_pdf("<p>x</p>", str(broken))


def test_the_end_of_a_name_says_the_form_in_upper_and_lower_case() -> None:
    assert ".pdf" == check(Path("Weekly.PDF"))

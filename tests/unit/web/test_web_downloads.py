"""Files to take along from the explorer: reports, and runs in the form of other programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
import web_scene as scene
from web_browser import Browser


@pytest.mark.parametrize(
    ("address", "name", "media"),
    [
        ("/report/file?run=s-1&form=html", "Session-s-1.html", "text/html; charset=utf-8"),
        ("/report/file?run=s-1&form=md", "Session-s-1.md", "text/markdown; charset=utf-8"),
        ("/convert/file?run=s-1&to=perfetto", "s-1.perfetto.json", "application/json"),
        ("/convert/file?run=s-1&to=speedscope", "s-1.speedscope.json", "application/json"),
        ("/convert/file?run=s-1&to=otlp", "s-1.otlp.json", "application/json"),
        ("/convert/file?run=s-1&to=mermaid", "s-1.mmd", "text/plain; charset=utf-8"),
    ],
)
async def test_a_file_has_a_name_and_is_never_opened_as_a_page_of_ours(
    address: str, name: str, media: str, browser: Browser
) -> None:
    found = await browser.get(address)

    assert f'attachment; filename="{name}"' == found.headers["Content-Disposition"]
    assert media == found.headers["Content-Type"]
    if media == "application/json":
        assert json.loads(found.text)


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("/report/file?run=s-1&form=doc", 400, "html, md, pdf"),
        ("/report/file", 400, "what is the report about"),
        ("/report/file?run=nowhere", 404, "nowhere"),
        ("/convert/file?run=s-1&to=svg", 400, "perfetto, speedscope"),
        ("/convert/file", 400, "lacks `run`"),
    ],
)
async def test_what_cannot_be_made_says_why(address: str, status: int, words: str, browser: Browser) -> None:
    assert words in (await browser.get(address, status)).text


async def test_the_page_of_a_report_leads_to_every_file(browser: Browser) -> None:
    found = await browser.page("/report?run=s-1")
    files = {each["href"].partition("?")[0] for each in found.all("a") if "download" in each}

    assert {"/report/file", "/convert/file"} == files
    assert "What was said" in found.text


@pytest.mark.parametrize("form", ["html", "md"])
async def test_code_in_records_stays_text_in_a_report(
    form: str, hostile_home: Path, browser_over: Callable[..., Browser]
) -> None:
    evil = browser_over(hostile_home)
    found = await evil.get(f"/report/file?run={quote(scene.STORED)}&form={form}")

    assert "<script" not in found.text.replace("\\<", "")
    assert "<img" not in found.text.replace("\\<", "")
    name = found.headers["Content-Disposition"]
    assert name.isascii()
    assert 2 == name.count('"')

"""A report as it is read: in a real browser that reaches nothing, and printed by one."""

from __future__ import annotations

import contextlib
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import browser_pilot
import pytest
from browser_pilot import Pilot

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs_read.cli.run import run


@pytest.fixture(scope="module")
def browser() -> str:
    """Path of a browser."""
    found = browser_pilot.installed()
    if found is None:
        pytest.skip(f"none of {', '.join(browser_pilot.NAMES)} is on the PATH")
    return found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a session that searches three times and fails once."""
    folder = tmp_path_factory.mktemp("report")
    with (
        ObservabilityPlatform(Settings(home=folder, backend="embedded", set_global=False)) as obs,
        obs.session(agent="desk", session_id="s-1"),
    ):
        with obs.llm(provider="openai", model="gpt-4o", messages=[{"role": "user", "content": "Where is it?"}]) as call:
            call.response([{"role": "assistant", "content": "<img src=https://evil.example/x onerror=alert(1)>"}])
        for _ in range(3):
            with contextlib.suppress(ValueError), obs.tool("search"):
                raise ValueError("gone")
    return folder


@pytest.fixture(scope="module")
def pilot(browser: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pilot]:
    """A browser without a network."""
    with browser_pilot.flying(browser, tmp_path_factory.mktemp("profile") / "p") as found:
        found.call(
            "Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0
        )
        yield found


@pytest.mark.slow
@pytest.mark.parametrize("width", [1_280, 390])
def test_everything_is_there_without_a_network(pilot: Pilot, home: Path, tmp_path: Path, width: int) -> None:
    target = tmp_path / "report.html"
    assert 0 == run(["report", "--session", "s-1", "-o", str(target), "--home", str(home)])
    pilot.asked.clear()
    pilot.width(width)
    pilot.go(target.as_uri())

    heads = pilot.js("[...document.querySelectorAll('h2')].map(each => each.textContent)")
    assert {"In short", "Who spoke to whom", "Flow", "What was said"} <= set(heads)
    assert [1, 1] == pilot.js("['sequence', 'graph'].map(name => document.querySelectorAll('svg.' + name).length)")
    assert "3" == pilot.js("document.querySelector('svg.sequence .is-called').dataset.count")
    assert "none" != pilot.js("getComputedStyle(document.querySelector('svg.sequence .lane')).stroke")
    assert "flex" == pilot.js("getComputedStyle(document.querySelector('dl')).display")
    assert pilot.js("document.documentElement.scrollWidth <= innerWidth")
    assert 0 == pilot.js("document.images.length + document.scripts.length")
    assert [] == pilot.complaints
    assert [target.as_uri()] == pilot.asked


@pytest.mark.slow
def test_a_pdf_is_printed_with_its_pages(browser: str, home: Path, tmp_path: Path) -> None:
    assert browser
    target = tmp_path / "report.pdf"
    assert 0 == run(["report", "--session", "s-1", "-o", str(target), "--home", str(home)])
    data = target.read_bytes()
    assert b"%PDF-" == data[:5]
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", data))
    assert any(b"Tj" in stream or b"TJ" in stream for stream in streams(data))


def streams(data: bytes) -> Iterator[bytes]:
    """What the pages draw."""
    for found in re.finditer(rb"stream\r?\n(.*?)endstream", data, re.DOTALL):
        with contextlib.suppress(zlib.error):
            yield zlib.decompress(found[1])

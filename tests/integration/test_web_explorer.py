"""The explorer as people use it: a process of its own, real records, a real browser."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import browser_pilot
import pytest
from browser_pilot import Pilot

from syndarix_obs import ObservabilityPlatform, Settings

pytestmark = pytest.mark.slow

EVIL = "\"'><script>alert(1)</script><img src=x onerror=alert(2)></pre></title>"
PATHS = (
    "/", "/traces", "/sessions", "/agents", "/costs", "/costs?by=day", "/errors", "/decisions", "/loops", "/logs",
    "/health", f"/traces?text={quote(EVIL)}", "/session?id=s-1",
)  # fmt: skip


@dataclass
class Serving:
    """An explorer that runs."""

    url: str
    process: subprocess.Popen[str]
    home: Path


def record(home: Path, session: str, text: str, name: str) -> None:
    """One session whose tool fails, with this text and name wherever there is room."""
    settings = Settings(backend="embedded", home=home, redaction="off", service_name=name, set_global=False)
    with ObservabilityPlatform(settings) as obs, obs.session(agent=name, project=name, user=name, session_id=session):
        with obs.task(name), obs.llm(provider=name, model=name, messages=[{"role": "user", "content": text}]) as call:
            call.response([{"role": "assistant", "content": text}], usage={"input_tokens": 9, "output_tokens": 4})
        obs.decision("tool_selection", options=[name, "ask"], selected=name, reasoning=text, confidence=0.7)
        for _ in range(4):
            with contextlib.suppress(ValueError), obs.tool(name, arguments={name: text}):
                raise ValueError(text)
        obs.safety_check(name, passed=False, detail=text)


@contextlib.contextmanager
def serving(home: Path) -> Iterator[Serving]:
    """The explorer over a home, for the length of a `with` block."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("SYNDARIX_OBS_", "OTEL_"))}
    environment = {**own, "SYNDARIX_OBS_HOME": str(home), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-m", "syndarix_obs_read.cli", "web", "--port", "0"]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    assert first.startswith("Explorer at http://127.0.0.1:"), process.communicate()
    try:
        yield Serving(first.split()[-1].rstrip("/"), process, home)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """The explorer over one plain and one hostile session."""
    home = tmp_path_factory.mktemp("home")
    record(home, "s-1", "Where is my order?", "support")
    record(home, "s-2", EVIL, EVIL)
    with serving(home) as found:
        yield found


@pytest.fixture
def pilot(tmp_path: Path) -> Iterator[Pilot]:
    """A browser."""
    browser = browser_pilot.installed()
    if browser is None:
        pytest.skip(f"none of {', '.join(browser_pilot.NAMES)} is on the PATH")
    with browser_pilot.flying(browser, tmp_path / "profile") as found:
        yield found


def test_pages_run_no_foreign_code_ask_nobody_else_and_never_scroll_sideways(pilot: Pilot, server: Serving) -> None:
    pilot.go(f"{server.url}/traces")
    traces = pilot.js("[...document.querySelectorAll('a.row')].map(a => a.getAttribute('href'))")
    chosen = steps(pilot, server)
    paths = [*PATHS, *traces, *(f"{trace}&step={step}" for trace, step in zip(traces, chosen, strict=True))]
    wide: list[tuple[int, str]] = []
    for width in (1280, 390):
        pilot.width(width)
        for path in paths:
            pilot.go(server.url + path)
            assert pilot.js("document.querySelectorAll('main h1').length") == 1
            if not pilot.js("document.documentElement.scrollWidth <= innerWidth"):
                wide.append((width, path))

    assert 2 == len(traces)
    assert [] == pilot.complaints
    assert [] == wide
    assert [] == [each for each in pilot.asked if not each.startswith((server.url, "about:"))]


def steps(pilot: Pilot, server: Serving) -> list[str]:
    """The tool call of each trace."""
    found = []
    for path in pilot.js("[...document.querySelectorAll('a.row')].map(a => a.getAttribute('href'))"):
        pilot.go(server.url + path)
        found.append(pilot.js("document.querySelector('.chip.k-tool_call').closest('a').dataset.step"))
    return found


def test_a_step_opens_beside_its_trace_and_arrow_keys_go_on(pilot: Pilot, server: Serving) -> None:
    pilot.go(f"{server.url}/traces?agent=support")
    pilot.js("document.querySelector('a.row').click()")
    pilot.until("document.querySelectorAll('#tree li').length > 5 && document.readyState == 'complete'")
    assert pilot.js("document.getElementById('step').hidden")
    pilot.js("document.querySelector('.chip.k-llm_call').closest('a').click()")
    pilot.until("document.querySelector('#step .message') !== null")
    assert "Where is my order?" in pilot.js("document.getElementById('step').innerText")
    first = pilot.js("new URLSearchParams(location.search).get('step')")
    pilot.js("document.querySelector('#tree [aria-current]').focus()")
    pilot.key("ArrowDown")
    pilot.until(f"new URLSearchParams(location.search).get('step') != '{first}'")
    pilot.go(pilot.js("location.href"))
    assert not pilot.js("document.getElementById('step').hidden")
    pilot.key("Escape")

    assert pilot.js("document.getElementById('step').hidden")
    assert pilot.js("!new URLSearchParams(location.search).has('step')")
    assert [] == pilot.complaints


def test_a_key_held_down_asks_only_for_the_step_it_stops_at(pilot: Pilot, server: Serving) -> None:
    pilot.go(f"{server.url}/traces?agent=support")
    pilot.go(server.url + pilot.js("document.querySelector('a.row').getAttribute('href')"))
    pilot.js("document.querySelector('#tree a').click()")
    pilot.until("document.querySelector('#step .facts') !== null")
    pilot.js("document.querySelector('#tree [aria-current]').focus()")
    pilot.asked.clear()
    pilot.js(
        "for (let i = 0; i < 5; i++)"
        " document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowDown', bubbles: true}))"
    )
    pilot.until("document.querySelector('#step .dim.num').innerText.startsWith('6 of')")

    assert 1 == len([each for each in pilot.asked if "/step/part" in each])


def test_a_form_leaves_out_what_nobody_filled_in(pilot: Pilot, server: Serving) -> None:
    pilot.go(f"{server.url}/traces")
    pilot.js("document.querySelector('[name=agent]').value = 'support'")
    pilot.js("document.querySelector('form.filters').requestSubmit()")
    pilot.until("location.search == '?agent=support'")
    pilot.until("document.querySelectorAll('a.row').length == 1")


def test_lines_appear_as_they_arrive(pilot: Pilot, server: Serving) -> None:
    pilot.go(f"{server.url}/logs?agent=late")
    assert 0 == pilot.js("document.querySelectorAll('#lines li').length")
    pilot.js("document.getElementById('follow').click()")
    pilot.until("document.getElementById('follow-state').innerText == 'waiting for lines'")
    record(server.home, "s-3", EVIL, "late")
    state = "document.getElementById('follow-state').innerText"
    pilot.until("document.querySelectorAll('#lines li').length > 5", state)
    pilot.js("document.getElementById('follow').click()")

    assert "Follow live" == pilot.js("document.getElementById('follow').innerText")
    assert [] == pilot.complaints


def test_a_dark_scheme_makes_dark_pages(pilot: Pilot, server: Serving) -> None:
    shades = []
    for scheme in ("light", "dark"):
        pilot.scheme(scheme)
        pilot.go(server.url)
        shades.append(pilot.js("getComputedStyle(document.body).backgroundColor"))

    assert ["rgb(246, 247, 248)", "rgb(18, 22, 27)"] == shades


def test_without_a_script_everything_is_a_link(pilot: Pilot, server: Serving) -> None:
    pilot.call("Emulation.setScriptExecutionDisabled", value=True)
    pilot.go(f"{server.url}/traces?agent=support")
    pilot.go(server.url + pilot.js("document.querySelector('a.row').getAttribute('href')"))
    pilot.go(server.url + pilot.js("document.querySelector('.chip.k-tool_call').closest('a').getAttribute('href')"))

    assert "arguments" in pilot.js("document.getElementById('step').innerText")


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly_even_while_somebody_follows(ending: signal.Signals, server: Serving) -> None:
    with serving(server.home) as found, urllib.request.urlopen(f"{found.url}/logs/follow", timeout=20) as stream:
        assert b": hello\n" == stream.readline()
        found.process.send_signal(ending)
        out, errors = found.process.communicate(timeout=10)

    assert ("", "") == (out, errors)
    assert {signal.SIGINT: 130, signal.SIGTERM: -signal.SIGTERM}[ending] == found.process.returncode

"""The explorer under a hand: keys, lanes, charts, live pages, and what axe says, in a real Chromium."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import browser_pilot
import long_trace
import pytest
from browser_pilot import Pilot
from test_web_explorer import Serving, record, serving

STEPS: Final = 10_000
AXE: Final = Path(__file__).parents[1] / "browser" / "node_modules" / "axe-core" / "axe.min.js"
AXE_SHA256: Final = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
"""Of version 4.14.1, which `tests/browser/package.json` names."""
PAGES: Final = (
    "/", "/traces", "/sessions", "/agents", "/costs", "/errors", "/decisions", "/loops", "/logs", "/health",
    "/quality", "/session?id=s-1", "/walk?run=s-1", "/diff", "/interactions?run=s-1", "/tools", "/day?day=today",
    "/compare", "/compare?a=s-1&b=s-2", "/report", "/annotate?runs=s-1,s-2", "/investigate", "/anomalies", "/spending",
    "/forecast", "/budgets", "/services", "/audit",
)  # fmt: skip
VIOLATIONS: Final = """axe.run(document, {resultTypes: ['violations']}).then((found) => JSON.stringify(
    found.violations.map((each) => [each.id, each.nodes.slice(0, 2).map((node) => node.html.slice(0, 160))])))"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """The explorer over two short sessions and one trace of 10,000 steps."""
    home = tmp_path_factory.mktemp("home")
    record(home, "s-1", "Where is **my** order?", "support")
    record(home, "s-2", '{"order": 7}', "billing")
    long_trace.write(home, STEPS)
    with serving(home) as found:
        yield found


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pilot]:
    """One browser for all tests; starting one takes longer than most of them."""
    name = browser_pilot.installed()
    if name is None:
        pytest.skip(f"none of {', '.join(browser_pilot.NAMES)} is on the PATH")
    with browser_pilot.flying(name, tmp_path_factory.mktemp("profile") / "p") as found:
        yield found


@pytest.fixture
def pilot(browser: Pilot) -> Pilot:
    """The browser as it was at first; a test ends without a complaint of the page."""
    browser.width(1440)
    browser.scheme("light")
    browser.complaints.clear()
    browser.asked.clear()
    return browser


@pytest.fixture
def trace(pilot: Pilot, server: Serving) -> str:
    """Address of a short trace."""
    pilot.go(f"{server.url}/traces?agent=support&session=s-1")
    return str(server.url + pilot.js("document.querySelector('a.row').getAttribute('href')"))


SHIFT: Final = (
    "new Promise((done) => { let sum = 0; new PerformanceObserver((list) => { for (const each of list.getEntries())"
    " if (!each.hadRecentInput) sum += each.value; }).observe({type: 'layout-shift', buffered: true});"
    " setTimeout(() => done(sum), 400); })"
)
"""How far the page has moved by itself, as the Cumulative Layout Shift counts it."""


def press(pilot: Pilot, text: str) -> None:
    """Press the key of one character."""
    for kind in ("keyDown", "keyUp"):
        pilot.call("Input.dispatchKeyEvent", type=kind, key=text, text=text if kind == "keyDown" else "")


def chosen(pilot: Pilot) -> Any:
    """The step that the address names."""
    return pilot.js("new URLSearchParams(location.search).get('step')")


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_every_page_is_quiet_asks_nobody_else_fits_and_breaks_no_rule_of_axe(
    width: int, scheme: str, pilot: Pilot, server: Serving, trace: str
) -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is missing: `make axe` fetches it")
    axe = AXE.read_text(encoding="utf-8")
    assert AXE_SHA256 == hashlib.sha256(axe.encode()).hexdigest()
    pilot.width(width)
    pilot.scheme(scheme)
    pilot.asked.clear()
    pilot.call("Page.setBypassCSP", enabled=True)  # for the reader of the page, not for the page
    found: dict[str, Any] = {}
    short = trace.removeprefix(server.url)
    for path in (*PAGES, short, f"{short}&view=flame"):
        pilot.go(server.url + path)
        pilot.js(f"{axe};1")
        found[path] = json.loads(pilot.js(VIOLATIONS))
        if not pilot.js("document.documentElement.scrollWidth <= innerWidth"):
            found[path].append("wider than the window")
    pilot.call("Page.setBypassCSP", enabled=False)

    assert {} == {path: broken for path, broken in found.items() if broken}
    assert [] == pilot.complaints
    assert [] == [each for each in pilot.asked if not each.startswith((server.url, "about:"))]


def test_keys_walk_through_a_trace(pilot: Pilot, trace: str) -> None:
    pilot.go(trace)
    press(pilot, "j")
    pilot.until("document.activeElement.closest('#tree') !== null")
    press(pilot, "e")
    pilot.until("document.querySelector('#step .trouble') !== null")
    first = chosen(pilot)
    press(pilot, "e")
    pilot.until(f"new URLSearchParams(location.search).get('step') != '{first}'")
    assert "2 of 4" == pilot.js("document.getElementById('tree-found').textContent")
    press(pilot, "E")
    pilot.until(f"new URLSearchParams(location.search).get('step') == '{first}'")
    pilot.key("Escape")
    assert pilot.js("document.getElementById('step').hidden")
    shown = "[...document.querySelectorAll('#tree > li')].filter((row) => !row.hidden).length"
    every = pilot.js(shown)
    press(pilot, "z")
    assert pilot.js(shown) < every
    press(pilot, "z")
    assert every == pilot.js(shown)
    press(pilot, "/")
    assert "tree-search" == pilot.js("document.activeElement.id")
    for letter in "order":
        press(pilot, letter)
    pilot.until(f"{shown} < {every}")
    pilot.key("Escape")
    press(pilot, "?")
    assert pilot.js("document.getElementById('keys').open")
    pilot.key("Escape")
    pilot.until("!document.getElementById('keys').open")

    assert [] == pilot.complaints


def test_kinds_are_hidden_by_a_click(pilot: Pilot, trace: str) -> None:
    pilot.go(trace)
    pilot.js("document.querySelector('#tree-tools [data-kind=tool_call]').click()")

    tools = "[...document.querySelectorAll('#tree > li[data-kind=tool_call]')].every((row) => row.hidden)"
    assert pilot.js(tools)
    assert not pilot.js("document.querySelector('#tree > li').hidden")


def test_a_step_is_read_not_deciphered(pilot: Pilot, trace: str) -> None:
    pilot.go(trace)
    pilot.js("document.querySelector('.chip.k-llm_call').closest('a').click()")
    pilot.until("document.querySelector('#step .message strong') !== null")

    assert "my" == pilot.js("document.querySelector('#step .message strong').textContent")
    words = pilot.js("[...document.querySelectorAll('#step .copies button')].map((each) => each.textContent)")
    assert ["copy JSON", "copy curl", "copy pytest", "copy link"] == words


def test_ten_thousand_steps_paint_within_a_second_and_stay_quick(pilot: Pilot, server: Serving) -> None:
    paints = []
    for _ in range(3):
        pilot.go(f"{server.url}/trace?id={long_trace.TRACE}&limit=249")  # the first paint alone, three times
        pilot.until("performance.getEntriesByName('first-contentful-paint').length == 1")
        paints.append(pilot.js("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
        if paints[-1] <= 1_000:
            break
    pilot.until("document.getElementById('tree').dataset.whole == 'true'")
    rows = pilot.js("document.querySelectorAll('#tree > li').length")
    search = pilot.js(
        "new Promise((done) => { const box = document.getElementById('tree-search'); box.value = 'tool-3';"
        " const begun = performance.now(); box.dispatchEvent(new Event('input'));"
        " setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(() =>"
        " done(performance.now() - begun - 130))), 130); })"
    )
    found = pilot.js("document.getElementById('tree-found').textContent")
    press(pilot, "c")
    pilot.until("document.querySelector('#step .facts') !== null")

    assert STEPS == rows
    busy = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))  # other work on the machine stretches every time
    assert min(paints) <= 1_000 * busy, paints
    assert search <= 500 * busy
    assert found.endswith("of 10,000")
    assert "$0.0096" in pilot.js("document.getElementById('step').innerText")
    assert [] == pilot.complaints


def test_lanes_show_each_agent_open_a_step_and_are_looked_at_closer(pilot: Pilot, server: Serving) -> None:
    pilot.go(f"{server.url}/trace?id={long_trace.TRACE}&view=flame&by=cost")
    names = pilot.js("[...document.querySelectorAll('.lane-name')].map((each) => each.textContent)")
    bars = pilot.js("document.querySelectorAll('#flame .bar').length")
    pilot.js("document.querySelector('#flame .bar[data-step]').dispatchEvent(new MouseEvent('click', {bubbles: true}))")
    pilot.until("document.querySelector('#step .facts') !== null")
    before = pilot.js("document.getElementById('flame').getBoundingClientRect().width")
    press(pilot, "+")
    after = pilot.js("document.getElementById('flame').getBoundingClientRect().width")
    pilot.go(server.url + pilot.js("document.querySelector('#flame .bar.many').getAttribute('href')"))

    assert ["planner", "researcher", "writer"] == names
    assert 100 < bars < 5_000
    assert after > before * 1.4
    assert 0 == pilot.js("document.querySelectorAll('#flame .bar.many').length")
    assert pilot.js("document.querySelectorAll('#flame .bar').length") > 2
    assert [] == pilot.complaints


def test_a_search_is_completed_and_narrows_the_list(pilot: Pilot, server: Serving) -> None:
    pilot.go(f"{server.url}/traces")
    press(pilot, "/")
    for letter in "agent:b":
        press(pilot, letter)
    pilot.until("[...document.querySelectorAll('#q-offers li')].map((each) => each.textContent) == 'agent:billing'")
    pilot.key("ArrowDown")
    pilot.key("Enter")
    assert "agent:billing " == pilot.js("document.getElementById('q').value")
    pilot.js("document.querySelector('form.filters').requestSubmit()")
    pilot.until("location.search.includes('agent%3Abilling')")
    pilot.until("document.querySelectorAll('a.row').length == 1")


def test_two_rows_are_chosen_and_compared(pilot: Pilot, server: Serving) -> None:
    pilot.go(f"{server.url}/sessions")
    disabled = "document.querySelector('#bulk [value=compare]').disabled"
    pilot.until("location.pathname == '/sessions' && document.getElementById('bulk-chosen')?.textContent != ''")
    assert pilot.js(disabled)
    pilot.js("[...document.querySelectorAll('td.pick input')].slice(0, 2).forEach((each) => each.click())")
    assert not pilot.js(disabled)
    pilot.js("document.querySelector('#bulk [value=compare]').click()")
    pilot.until("location.pathname == '/compare' && location.search.includes('a=')")


def test_a_chart_leads_to_what_is_behind_it(pilot: Pilot, server: Serving) -> None:
    pilot.go(f"{server.url}/?since=1h")
    pilot.until("document.querySelectorAll('.uplot').length == 4")
    place = pilot.js("(() => { const box = document.querySelector('.u-over').getBoundingClientRect();"
                     " return [box.right - 2, box.top + box.height / 2]; })()")  # fmt: skip
    for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
        pilot.call("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)
    pilot.until("location.pathname == '/traces' && location.search.includes('until=')")


def test_without_a_script_the_drawing_leads_there_too(pilot: Pilot, server: Serving) -> None:
    pilot.call("Emulation.setScriptExecutionDisabled", value=True)
    pilot.go(f"{server.url}/")
    path = pilot.js("document.querySelector('.chart svg a')?.getAttribute('href') ?? ''")
    tools = pilot.js("getComputedStyle(document.getElementById('live')).display")
    pilot.call("Emulation.setScriptExecutionDisabled", value=False)

    assert path.startswith("/traces?since=")
    assert "none" == tools


def test_a_page_shows_within_a_second_what_is_recorded(pilot: Pilot, server: Serving) -> None:
    pilot.go(f"{server.url}/traces?agent=live")
    pilot.until("document.getElementById('live-state').textContent == 'connected'")
    took = []
    for number in range(1, 4):
        record(server.home, f"live-{number}", "news", "live")
        begun = time.monotonic()
        pilot.until(f"document.querySelectorAll('a.row').length == {number}")
        took.append(time.monotonic() - begun)
    pilot.js("document.querySelector('td.pick input').click()")
    record(server.home, "live-4", "news", "live")
    pilot.until("document.getElementById('live-state').textContent.startsWith('behind by')")
    pilot.js("document.querySelector('#live button').click()")

    assert "paused" == pilot.js("document.getElementById('live-state').textContent")
    assert min(took) < max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1)), took
    assert [] == pilot.complaints


def test_times_are_those_of_the_reader_and_nothing_moves(pilot: Pilot, server: Serving) -> None:
    pilot.go(f"{server.url}/traces")
    first = "document.querySelector('td.num time').textContent"
    utc = pilot.js(first)
    pilot.call("Emulation.setTimezoneOverride", timezoneId="Asia/Kolkata")
    pilot.go(f"{server.url}/traces")
    there = pilot.js(first)
    said = pilot.js("document.getElementById('zone').textContent")
    moved = pilot.js(SHIFT)
    pilot.call("Emulation.setTimezoneOverride", timezoneId="")

    assert utc != there
    assert len(utc) == len(there)
    assert said.startswith("times in Asia/")
    assert moved < 0.05


def test_nothing_moves_while_the_script_begins(pilot: Pilot, server: Serving, trace: str) -> None:
    moved = {}
    for address in (f"{server.url}/", trace, f"{trace}&view=flame", f"{server.url}/session?id=s-1"):
        pilot.go(address)
        moved[address] = pilot.js(SHIFT)

    assert {} == {address: shift for address, shift in moved.items() if shift > 0.05}


def test_a_printed_page_is_what_it_says_without_its_tools(pilot: Pilot, server: Serving) -> None:
    pilot.go(f"{server.url}/session?id=s-1")
    pilot.call("Emulation.setEmulatedMedia", media="print")
    shown = pilot.js("['.side', 'footer', '.conversation'].map((each) =>"
                     " getComputedStyle(document.querySelector(each)).display != 'none')")  # fmt: skip
    pilot.call("Emulation.setEmulatedMedia", media="")

    assert [False, False, True] == shown

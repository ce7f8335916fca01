"""The boards in a real Grafana and a real browser: what a person would see of each panel."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from browser_pilot import Pilot

TALL = 9_000
"""Pixels: as high as this, a window shows every panel of a board, and Grafana loads them all."""
_PATIENCE_S = 60.0
_PANELS = """
JSON.stringify([...document.querySelectorAll('[data-testid^="data-testid Panel header "]')]
  .filter(panel => panel.dataset.testid !== "data-testid Panel header ")
  .map(panel => {
    const title = panel.querySelector('h2, h6, [class*="panel-title"]');
    const content = panel.querySelector('[data-testid="data-testid panel content"]') || panel;
    const inner = [...content.querySelectorAll('[role="table"], [role="grid"]')];
    return {
      title: panel.dataset.testid.replace("data-testid Panel header ", ""),
      cut: !!title && title.scrollWidth > title.clientWidth + 1,
      failed: !!panel.querySelector('[data-testid="data-testid Panel status error"]') ||
        content.innerText.includes("An unexpected error"),
      loading: !!panel.querySelector('[aria-label="Panel loading bar"]'),
      text: content.innerText,
      cells: [...content.querySelectorAll('[role="gridcell"], [role="cell"]')].map(cell => cell.innerText.trim()),
      wide: inner.some(table => table.scrollWidth > table.clientWidth + 2),
      clipped: [...content.querySelectorAll('[role="gridcell"], [role="columnheader"]')]
        .filter(cell => cell.scrollWidth > cell.clientWidth + 1).map(cell => cell.innerText.trim()),
      drawn: content.querySelectorAll("canvas, [role='gridcell'], [class*='log-row'], svg circle").length,
      bottom: panel.getBoundingClientRect().bottom,
      links: [...content.querySelectorAll("a")].map(link => link.getAttribute("href") || ""),
    };
  }))
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the browser shows of a panel."""

    title: str
    cut: bool
    failed: bool
    loading: bool
    text: str
    cells: list[str]
    wide: bool
    clipped: list[str]
    drawn: int
    bottom: float
    links: list[str]

    @property
    def waits(self) -> bool:
        """It loads, or has not even begun: a browser asks six things at a time, and the others show no bar."""
        return self.loading or not (self.text.strip() or self.drawn or self.failed)


class Grafana:
    """A Grafana on loopback, with its administrator's password."""

    def __init__(self, port: int, password: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._login = base64.b64encode(f"admin:{password}".encode()).decode()
        self._password = password

    def ask(self, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, Any]:
        """Status and JSON answer of an API call."""
        headers = {"Authorization": f"Basic {self._login}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"{}")

    def enter(self, pilot: Pilot) -> None:
        """Log the browser in."""
        pilot.go(f"{self.url}/login")
        words = json.dumps({"user": "admin", "password": self._password})
        sent = f"fetch('/login', {{method: 'POST', headers: {{'Content-Type': 'application/json'}}, body: {words!r}}})"
        assert pilot.js(f"{sent}.then(answer => answer.status)") == 200

    def open(self, pilot: Pilot, uid: str, theme: str = "light", *, frame: bool = True, **words: str) -> float:
        """Open a board and wait until every panel that is in sight has loaded; seconds that it took.

        Args:
            pilot: a browser that is logged in.
            uid: the board's.
            theme: `light` or `dark`.
            frame: with Grafana's own menu around the board.
            words: further words of the address, such as `from` or `var-agent` (with `_` for `-`).
        """
        given = {"theme": theme, **{name.replace("_", "-"): value for name, value in words.items()}}
        began = time.monotonic()
        pilot.go(f"{self.url}/d/{uid}?{urllib.parse.urlencode(given)}{'' if frame else '&kiosk'}")
        return self.settle(pilot) - began

    def settle(self, pilot: Pilot) -> float:
        """Wait until no panel loads any more; the moment at which the last one had."""
        deadline = time.monotonic() + _PATIENCE_S
        done = None
        while True:
            found = panels(pilot)
            if found and not any(each.waits for each in found):
                done = done or time.monotonic()
                if time.monotonic() - done > 0.6:  # panels that come into sight begin to load a moment later
                    return done
            else:
                done = None
            assert time.monotonic() < deadline, [each.title for each in found if each.waits] or "no panel appears"
            pilot.js("new Promise(resolve => setTimeout(resolve, 50))")


def panels(pilot: Pilot) -> list[Seen]:
    """Every panel that the page has at this moment."""
    return [Seen(**each) for each in json.loads(pilot.js(_PANELS) or "[]")]


def size(pilot: Pilot, width: int, height: int) -> None:
    """Make the window this large, in pixels."""
    pilot.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)


def picture(pilot: Pilot, file: Path, height: float, top: float = 0) -> None:
    """Save what the page shows, from `top` on, `height` pixels of it."""
    width = pilot.js("window.innerWidth")
    clip = {"x": 0, "y": top, "width": width, "height": height, "scale": 1}
    kind = file.suffix.removeprefix(".")
    options = {} if kind == "png" else {"quality": 82}
    data = pilot.call("Page.captureScreenshot", format=kind, clip=clip, **options)["data"]
    file.write_bytes(base64.b64decode(data))

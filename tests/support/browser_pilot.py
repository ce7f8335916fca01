"""A real Chromium, driven over its DevTools protocol: what a page shows, does, asks for and complains about."""

from __future__ import annotations

import contextlib
import itertools
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
    "--remote-debugging-port=0",
)  # fmt: skip
_PATIENCE_S = 20.0


def installed() -> str | None:
    """Path of a browser on this machine."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Moved(Exception):
    """The page went away while it was asked something."""


class Pilot:
    """One tab."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._ids = itertools.count(1)
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self._loaded: set[str] = set()
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Page.setLifecycleEventsEnabled", enabled=True)

    def call(self, method: str, **parameters: Any) -> Any:
        """One command, and its result."""
        number = next(self._ids)
        self._connection.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._connection.recv(timeout=_PATIENCE_S))
            if message.get("id") == number:
                if "navigated" in message.get("error", {}).get("message", ""):
                    raise Moved(method)
                assert "error" not in message, message["error"]
                return message["result"]
            self._note(message)

    def go(self, url: str) -> None:
        """Open an address, and wait until it is loaded."""
        loader = self.call("Page.navigate", url=url).get("loaderId")  # none for another place of the same page
        while loader is not None and loader not in self._loaded:
            self._note(json.loads(self._connection.recv(timeout=_PATIENCE_S)))

    def js(self, code: str) -> Any:
        """The value of an expression in the page."""
        result = self.call("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def until(self, code: str, otherwise: str = "location.href") -> None:
        """Wait until an expression is true; else tell the value of another one."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            with contextlib.suppress(Moved):
                if self.js(code):
                    return
            assert time.monotonic() < deadline, f"never true: {code}; {otherwise} is {self.js(otherwise)!r}"

    def key(self, name: str) -> None:
        """Press a key."""
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name)

    def width(self, pixels: int) -> None:
        """Make the window this wide."""
        self.call("Emulation.setDeviceMetricsOverride", width=pixels, height=900, deviceScaleFactor=1, mobile=False)

    def scheme(self, name: str) -> None:
        """Prefer `light` or `dark`."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def _note(self, message: dict[str, Any]) -> None:
        method, parameters = message.get("method"), message.get("params", {})
        if method == "Page.lifecycleEvent" and parameters["name"] == "load":
            self._loaded.add(parameters["loaderId"])
        elif method == "Network.requestWillBeSent":
            self.asked.append(parameters["request"]["url"])
        elif method == "Page.javascriptDialogOpening":
            self.complaints.append(f"dialog: {parameters['message']}")
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(str(parameters["exceptionDetails"]))
        elif method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            self.complaints.append(f"{parameters['entry']['text']} {parameters['entry'].get('url', '')}")


@contextmanager
def flying(browser: str, folder: Path) -> Iterator[Pilot]:
    """A browser with one tab, for the length of a `with` block."""
    command = [browser, *_FLAGS, f"--user-data-dir={folder}", "about:blank"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with connect(_tab(folder / "DevToolsActivePort", process), max_size=None, proxy=None) as connection:
            yield Pilot(connection)
    finally:
        process.terminate()
        process.wait(_PATIENCE_S)


def _tab(port_file: Path, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        assert process.poll() is None, "the browser ended"
        if not port_file.exists() or not (lines := port_file.read_text().split()):
            continue
        with urllib.request.urlopen(f"http://127.0.0.1:{lines[0]}/json/list", timeout=_PATIENCE_S) as answer:
            for target in json.load(answer):
                if target["type"] == "page":
                    return str(target["webSocketDebuggerUrl"])
    raise AssertionError("the browser has no tab")

"""Starts and stops `sink.py`, again on the same port, and asks what it was sent."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_SINK = Path(__file__).resolve().parent / "sink.py"
_START_S = 10.0
_ASK_S = 60.0


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class LocalSink:
    """A sink with a fixed address.

    Args:
        mode: `""` takes everything, `keep` remembers it too, `hang` never answers, `down` listens not at all.
    """

    def __init__(self, mode: str = "") -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        self.become(mode)

    def become(self, mode: str) -> None:
        """End what listens and go on in another mode; what was kept is forgotten."""
        self.stop()
        if mode == "down":
            return
        self._process = subprocess.Popen([sys.executable, str(_SINK), str(self.port), *([mode] if mode else [])])
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise SystemExit("the sink did not start")

    def kept(self) -> dict[str, dict[str, int]]:
        """How often each record was delivered, by kind; `calls` are the response ids of LLM calls."""
        with urllib.request.urlopen(self.url + "/kept", timeout=_ASK_S) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

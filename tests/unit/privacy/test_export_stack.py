"""An export of the stack: Loki's lines, six hours a file, each record once, by processes that can be killed."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from syndarix_obs_read.errors import BackendError
from syndarix_obs_read.export.rows import Choice
from syndarix_obs_read.export.run import run
from syndarix_obs_read.settings import ReadSettings

HOUR = 3_600 * 10**9
NOW = time.time_ns() // HOUR * HOUR
Held = list[tuple[int, str]]


def line(number: int, start_ns: int, **fields: Any) -> tuple[int, str]:
    """A model call that took a second, as Loki keeps it: under the time of its end."""
    own = {
        "kind": "llm_call", "record_id": f"r{number}", "start_ns": start_ns, "end_ns": start_ns + 10**9, "status": "ok",
        "agent": "support", **fields, "duration_ms": 1000.0, "input": f"question {number}",
    }  # fmt: skip
    return start_ns + 10**9, json.dumps(own, separators=(",", ":"))


@pytest.fixture
def loki() -> Iterator[tuple[str, Held]]:
    """A server that answers range queries from lines; without any it fails."""
    held: Held = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            fit = sorted(each for each in held if int(asked["start"]) <= each[0] < int(asked["end"]))
            some = [[str(ts), text] for ts, text in reversed(fit)][: int(asked["limit"])]
            data = {"resultType": "streams", "result": [{"stream": {"level": "info"}, "values": some}] if some else []}
            body = json.dumps({"status": "success", "data": data}).encode()
            self.send_response(200 if held else 500)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", held
    server.shutdown()
    server.server_close()


def exported(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(each) for path in sorted(folder.glob("*.jsonl")) for each in path.read_text().splitlines()]


def test_every_record_of_the_time_comes_once_with_its_payload(loki: tuple[str, Held], tmp_path: Path) -> None:
    url, held = loki
    starts = {number: NOW - (30 - number) * HOUR for number in range(30)}
    held += [line(number, start) for number, start in starts.items()]
    held += [line(3, starts[3]), line(99, NOW - 20 * HOUR, status="running"), line(98, NOW - 50 * HOUR)]
    settings = ReadSettings(backend="stack", loki_url=url, home=tmp_path / "home", retention_days=3)
    choice = Choice("records", starts[2], starts[28])
    manifest = run(settings, choice, tmp_path / "out")
    found = exported(tmp_path / "out")
    assert {f"r{number}" for number in range(2, 28)} == {each["record_id"] for each in found}
    assert 26 == len(found) == manifest["rows"]
    assert 4 < len(manifest["files"]) < 8
    assert {"input": "question 7"} == next(each["payload"] for each in found if each["record_id"] == "r7")


def test_when_loki_fails_the_same_command_goes_on_later(loki: tuple[str, Held], tmp_path: Path) -> None:
    url, held = loki
    settings = ReadSettings(backend="stack", loki_url=url, home=tmp_path / "home", retention_days=1, timeout=2)
    choice = Choice("records", NOW - 10 * HOUR, NOW)
    with pytest.raises(BackendError, match="Loki"):
        run(settings, choice, tmp_path / "out")
    held.append(line(1, NOW - 5 * HOUR))
    assert 1 == run(settings, choice, tmp_path / "out")["rows"]

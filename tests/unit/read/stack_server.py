"""One loopback server in the place of Alertmanager, Prometheus, Loki and Tempo, which notes what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

AT = 1_767_225_600
"""2026-01-01 00:00 UTC, in seconds."""

ALERT = {
    "fingerprint": "f1", "labels": {"alertname": "LoopDetected", "severity": "warning", "agent": "support"},
    "annotations": {"summary": "support goes round"}, "receivers": [{"name": "desk"}],
    "status": {"state": "active", "silencedBy": [], "inhibitedBy": []},
    "startsAt": "2026-01-01T00:00:00Z", "endsAt": "2026-01-01T01:00:00Z",
}  # fmt: skip
SILENCE = {
    "id": "11112222-3333-4444-5555-666677778888", "status": {"state": "active"}, "createdBy": "desk",
    "comment": "known", "startsAt": "2026-01-01T00:00:00Z", "endsAt": "2026-01-01T01:00:00Z",
    "matchers": [{"name": "agent", "value": "support", "isRegex": False, "isEqual": True}],
}  # fmt: skip
_METRIC = {"metric": {"agent": "support"}, "value": [AT, "2.5"]}
_STREAM = {"stream": {"kind": "app"}, "values": [[str(AT * 10**9), "refund paid"]]}
_TRACE = {
    "traceID": "9f6f27aa", "rootServiceName": "desk", "rootTraceName": "answer", "durationMs": 1500,
    "startTimeUnixNano": str(AT * 10**9),
}  # fmt: skip
ANSWERS: Mapping[tuple[str, str], Any] = {
    ("GET", "/api/v2/alerts"): [ALERT],
    ("GET", "/api/v2/silences"): [SILENCE],
    ("POST", "/api/v2/alerts"): None,
    ("POST", "/api/v2/silences"): {"silenceID": "new-silence"},
    ("DELETE", f"/api/v2/silence/{SILENCE['id']}"): None,
    ("GET", "/api/v1/query"): {"status": "success", "data": {"resultType": "vector", "result": [_METRIC]}},
    ("GET", "/loki/api/v1/query_range"): {"status": "success", "data": {"resultType": "streams", "result": [_STREAM]}},
    ("GET", "/api/search"): {"traces": [_TRACE]},
}


class Asked:
    """What came in: (method, path, parameters or body)."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[tuple[str, str, Any]] = []

    def changes(self) -> list[tuple[str, str, Any]]:
        """The requests that change something."""
        return [each for each in self.requests if each[0] != "GET"]


@contextmanager
def serving() -> Iterator[Asked]:
    """The server, for as long as the block lasts."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    asked = _Handler.asked = Asked(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    asked: Asked

    def _answer(self) -> None:
        split = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.asked.requests.append((self.command, split.path, json.loads(body) if body else parse_qs(split.query)))
        known = (self.command, split.path) in ANSWERS
        found = ANSWERS.get((self.command, split.path))
        said = b"" if found is None else json.dumps(found).encode()
        self.send_response(200 if known else 404)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    do_GET = do_POST = do_DELETE = _answer

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

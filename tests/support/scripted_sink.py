"""A server on loopback that answers as it is told, and remembers what it was sent."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from loki_wire import Stream, streams_of, unpacked

DEADLINE_S = 20.0


@dataclass
class Request:
    """One request, its body unpacked."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    client: tuple[str, int] = ("", 0)

    @cached_property
    def lines(self) -> list[tuple[int, dict[str, Any], dict[str, str]]]:
        """Time, line and metadata of a Loki push."""
        return [
            (time_ns, json.loads(text), metadata)
            for stream in self.streams
            for time_ns, text, metadata in stream.entries
        ]

    @cached_property
    def streams(self) -> list[Stream]:
        """Streams of a Loki push."""
        return streams_of(self.body)

    @property
    def record_ids(self) -> list[str]:
        """Record ids of a Loki push."""
        return [line["record_id"] for _, line, _ in self.lines]


@dataclass
class Answer:
    """One answer. `declared` is a Content-Length that is not true; `hang` waits for the sink's release first."""

    status: int = 204
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    declared: int | None = None
    hang: bool = False


Policy = Callable[[Request], Answer]


class ScriptedSink:
    """Answers by the script while it lasts, then by the policy."""

    def __init__(self, *script: Answer, policy: Policy | None = None) -> None:
        self.script = deque(script)
        self.policy: Policy = policy or (lambda _request: Answer())
        self.requests: list[Request] = []
        self.taken: list[Request] = []
        self.at: list[float] = []
        self.release = threading.Event()
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None
        self.start()
        assert self._server is not None
        self.port = self._server.server_port

    @property
    def url(self) -> str:
        """Base URL."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listen, again on the same port after `stop`."""
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                sink._answer(self)

            do_PUT = do_POST

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass

        self._server = Server(("127.0.0.1", getattr(self, "port", 0)), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Refuse connections from now on."""
        self.release.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        if handler.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        if handler.path.endswith("/push"):
            body = unpacked(body)
        request = Request(handler.path, dict(handler.headers), body, handler.client_address)
        with self._lock:
            self.requests.append(request)
            self.at.append(time.monotonic())
            answer = self.script.popleft() if self.script else self.policy(request)
        if answer.hang:
            self.release.wait(DEADLINE_S)
        if 200 <= answer.status < 300 and answer.declared is None:
            with self._lock:
                self.taken.append(request)
        handler.send_response_only(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(answer.body) if answer.declared is None else answer.declared))
        handler.end_headers()
        handler.wfile.write(answer.body)
        if answer.declared is not None:
            handler.close_connection = True

    @property
    def record_ids(self) -> Counter[str]:
        """How often each record id was taken."""
        with self._lock:
            taken = list(self.taken)
        return Counter(found for request in taken for found in request.record_ids)


class Ledger:
    """A `Health` that counts."""

    def __init__(self) -> None:
        self.drops: Counter[str] = Counter()
        self.cuts: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.sizes: dict[str, int] = {}

    def dropped(self, reason: str, count: int = 1) -> None:
        self.drops[reason] += count

    def truncated(self, site: str, count: int = 1) -> None:
        self.cuts[site] += count

    def export_failed(self, destination: str) -> None:
        self.failures[destination] += 1

    def spool_bytes(self, destination: str, size: int) -> None:
        self.sizes[destination] = size


def until(condition: Callable[[], Any], seconds: float = DEADLINE_S) -> None:
    """Wait for something that another thread or process does."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("it did not happen in time")
        pause.wait(0.01)

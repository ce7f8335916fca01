"""The two ends of the alert path: a metrics page that breaks on schedule, and receivers that note what arrives."""

from __future__ import annotations

import email
import json
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

HOST = "127.0.0.1"


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago, all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind((HOST, 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


Found = TypeVar("Found")


def poll(find: Callable[[], Found | None], seconds: float) -> Found | None:
    """The first thing that `find` returns, or None when the deadline passes first."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while (found := find()) is None and time.monotonic() < deadline:
        pause.wait(0.05)
    return found


@dataclass
class Arrival:
    """One message at a receiver: when, where, with which headers, and what."""

    at: float
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


class HttpServer:
    """A loopback HTTP server whose answer is a function of the request's path and body."""

    def __init__(self, answer: Callable[[str, dict[str, str], bytes], tuple[int, str]]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._reply(b"")

            def do_POST(self) -> None:
                self._reply(self.rfile.read(int(self.headers.get("Content-Length", 0))))

            def _reply(self, body: bytes) -> None:
                status, text = answer(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                self.send_response(status)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self.address = f"{HOST}:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


class Receiver(HttpServer):
    """A webhook and a Slack that remember every message."""

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        super().__init__(self._take)

    def _take(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, str]:
        self.arrivals.append(Arrival(time.time(), path, headers, json.loads(body)))
        return 200, "ok"

    def on(self, path: str) -> Iterable[Arrival]:
        """What arrived on a path, oldest first."""
        return [each for each in list(self.arrivals) if each.path == path]

    def alert(self, status: str = "firing", **labels: str) -> tuple[Arrival, dict[str, Any]] | None:
        """The first alert on the plain webhook with this status and these labels."""
        for arrival in self.on("/alerts"):
            for alert in arrival.body["alerts"]:
                if alert["status"] == status and labels.items() <= alert["labels"].items():
                    return arrival, alert
        return None


@dataclass
class Mailbox:
    """An SMTP server that asks for a password and keeps what it is given."""

    user: str
    password: str
    messages: list[tuple[float, Message]] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.port,) = free_ports(1)
        # LOGIN is left out: Alertmanager wants other prompts than this server gives; PLAIN sends the same password.
        self._controller = Controller(
            self,
            hostname=HOST,
            port=self.port,
            authenticator=self._login,
            auth_required=True,
            auth_require_tls=False,
            auth_exclude_mechanism=["LOGIN"],
        )
        self._controller.start()

    def _login(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        right = isinstance(data, LoginPassword) and (data.login, data.password) == (
            self.user.encode(),
            self.password.encode(),
        )
        return AuthResult(success=right)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.messages.append((time.time(), email.message_from_bytes(envelope.original_content or b"")))
        return "250 OK"

    def close(self) -> None:
        """Stop listening."""
        self._controller.stop()

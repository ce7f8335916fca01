"""The receiver's HTTP server: threads, limits, and who may send."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from syndarix_obs.receivers.body import MOST_BYTES, Reply, refused
from syndarix_obs.receivers.receiver import Receiver

PORT: Final = 4318
"""Port of OTLP over HTTP."""
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1", "[::1]"})
_READ_TIMEOUT_S: Final = 30
_LONGEST_LINE: Final = 1024
_TICK_S: Final = 60.0
_REFUSED_WITHOUT: Final = (
    "a bearer token of the token file is needed: OTEL_EXPORTER_OTLP_HEADERS='Authorization=Bearer <token>'"
)


def check_address(host: str, knows: Callable[[str], bool] | None) -> None:
    """Whether a receiver may listen there, over HTTP or gRPC.

    Raises:
        ValueError: others can reach the address, and nothing asks them for a token.
    """
    if host not in LOOPBACK and knows is None:
        raise ValueError(f"{host} can be reached from other machines: give a token file, or listen on 127.0.0.1")


class ReceiverServer:
    """Serves a receiver. On a loopback address no token is asked for; elsewhere every request needs one.

    Args:
        receiver: who takes the requests.
        host: address to listen on.
        port: port; 0 takes a free one, see `port` afterwards.
        knows: whether a bearer token is known; needed when `host` is not a loopback address.

    Raises:
        OSError: the address cannot be bound.
        ValueError: a public address without `knows`.
    """

    def __init__(
        self, receiver: Receiver, host: str = "127.0.0.1", port: int = PORT, knows: Callable[[str], bool] | None = None
    ) -> None:
        check_address(host, knows)
        self._receiver = receiver
        self._ending = threading.Event()
        self._server = _Server((host.strip("[]"), port), _handler(receiver, knows, local=host in LOOPBACK))
        self.port: int = self._server.server_address[1]
        self._threads = (
            threading.Thread(target=self._server.serve_forever, name="syndarix-obs-receiver", daemon=True),
            threading.Thread(target=self._watch, name="syndarix-obs-receiver-sessions", daemon=True),
        )

    def start(self) -> None:
        """Serve in threads of its own."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop taking requests, and end open sessions."""
        self._ending.set()
        self._server.shutdown()
        self._server.server_close()
        self._receiver.close()

    def _watch(self) -> None:
        while not self._ending.wait(_TICK_S):
            self._receiver.end_sessions()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def _handler(receiver: Receiver, knows: Callable[[str], bool] | None, *, local: bool) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """One connection."""

        protocol_version = "HTTP/1.1"
        timeout = _READ_TIMEOUT_S

        def do_POST(self) -> None:
            """Take one request."""
            headers = {name.lower(): value for name, value in self.headers.items()}
            refusal = refusal_of(headers, knows, local=local)
            body = self._body(headers) if refusal is None else None
            if refusal is None and body is None:
                refusal = refused("application/json", 413, f"send at most {MOST_BYTES:,} bytes, with Content-Length")
            if refusal is not None or body is None:
                self.close_connection = True  # the body was not read
                self._answer(refusal or refused("application/json", 400, "no body"))
                return
            self._answer(receiver.receive(self.path, headers, body))

        def do_GET(self) -> None:
            """Say that it lives, or how to use it."""
            if self.path == "/healthz":
                self._answer(Reply(200, "application/json", b'{"status": "ok"}'))
            else:
                self._answer(refused("application/json", 405, "POST OTLP to /v1/traces, /v1/logs or /v1/metrics"))

        def _body(self, headers: dict[str, str]) -> bytes | None:
            """The body; None when it is too long or its length is unknown."""
            if headers.get("transfer-encoding", "").lower() == "chunked":
                return self._chunks()
            length = headers.get("content-length", "")
            if not length.isdigit() or int(length) > MOST_BYTES:
                return None
            return self.rfile.read(int(length))

        def _chunks(self) -> bytes | None:
            parts: list[bytes] = []
            total = 0
            while True:
                try:
                    size = int(self.rfile.readline(_LONGEST_LINE).partition(b";")[0], 16)
                except ValueError:
                    return None
                total += size
                if size < 0 or total > MOST_BYTES:
                    return None
                if size == 0:
                    self.rfile.readline(_LONGEST_LINE)
                    return b"".join(parts)
                parts.append(self.rfile.read(size))
                self.rfile.readline(_LONGEST_LINE)

        def _answer(self, reply: Reply) -> None:
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(len(reply.body)))
            if reply.retry_after_s is not None:
                self.send_header("Retry-After", str(reply.retry_after_s))
            if self.close_connection:
                self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing: a line per request would bury the program's own output."""

    return Handler


def refusal_of(headers: dict[str, str], knows: Callable[[str], bool] | None, *, local: bool) -> Reply | None:
    """Why a request may not come in: a foreign Host or Origin on this machine, no token elsewhere."""
    if knows is not None:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not knows(token.strip()):
            return refused("application/json", 401, _REFUSED_WITHOUT)
    elif local and not _is_local(headers.get("host", "localhost")):
        return refused("application/json", 403, "this receiver answers to localhost and 127.0.0.1 only")
    if "origin" in headers:
        return refused("application/json", 403, "browsers may not send here")
    return None


def _is_local(host: str) -> bool:
    name = host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]
    return name.lower() in LOOPBACK

"""A destination on loopback that takes everything: one process of its own, so that its time is nobody's overhead.

`python sink.py PORT [hang]`: answers 200 to every request, or accepts and never answers.
"""

from __future__ import annotations

import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Sink(BaseHTTPRequestHandler):
    """Reads the body and says yes; GET tells how many bytes came."""

    protocol_version = "HTTP/1.1"
    received = 0
    requests = 0

    def do_POST(self) -> None:
        """Take anything."""
        Sink.received += len(self._body())
        Sink.requests += 1
        # 200 with an empty body is what OTLP and Loki clients accept; JSON clients get an empty object.
        body = b"{}" if "json" in self.headers.get("content-type", "") else b""
        self._answer(body)

    do_PUT = do_POST

    def do_GET(self) -> None:
        """Say what came so far."""
        self._answer(f'{{"bytes": {Sink.received}, "requests": {Sink.requests}}}'.encode())

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("transfer-encoding", ""):
            return self._chunked()
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def _chunked(self) -> bytes:
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Stay quiet."""


def hang(port: int) -> None:
    """Accept connections and never answer."""
    held = []
    with socket.create_server(("127.0.0.1", port)) as server:
        while True:
            held.append(server.accept())


def main() -> None:
    """See the module's text."""
    port = int(sys.argv[1])
    if "hang" in sys.argv[2:]:
        hang(port)
    server = ThreadingHTTPServer(("127.0.0.1", port), Sink)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=False).start()


if __name__ == "__main__":
    main()

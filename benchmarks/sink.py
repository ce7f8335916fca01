"""A destination on loopback that takes everything: one process of its own, so that its time is nobody's overhead.

`python sink.py PORT [hang|keep]`: takes every request; `hang` accepts and never answers; `keep` keeps the
bodies, so that `GET /kept` can tell how often each record was delivered.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import zlib
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

_ENTRIES: Final = 2
_LINE: Final = 2
"""Fields of `logproto.Stream` and `logproto.Entry`."""


class Sink(BaseHTTPRequestHandler):
    """Reads the body and says yes; GET tells how many bytes came."""

    protocol_version = "HTTP/1.1"
    received = 0
    requests = 0
    keep = False
    bodies: list[tuple[str, str, bytes]]

    def do_POST(self) -> None:
        """Take anything."""
        data = self._body()
        Sink.received += len(data)
        Sink.requests += 1
        if Sink.keep:
            Sink.bodies.append((self.path, self.headers.get("content-encoding", ""), data))
        # OTLP servers say a 200 with an empty message when they took it, Loki a 204; JSON clients get an empty object.
        body = b"{}" if "json" in self.headers.get("content-type", "") else b""
        self._answer(body, 204 if self.path.endswith("/push") and not body else 200)

    do_PUT = do_POST

    def do_GET(self) -> None:
        """Say what came so far: bytes and requests, or at `/kept` the deliveries of each record."""
        found: Any = {"bytes": Sink.received, "requests": Sink.requests}
        if self.path == "/kept":
            found = deliveries(list(Sink.bodies))
        self._answer(json.dumps(found).encode())

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

    def _answer(self, body: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Stay quiet."""


def deliveries(bodies: list[tuple[str, str, bytes]]) -> dict[str, dict[str, int]]:
    """How often each record came, by kind of record: span ids of OTLP, record ids of Loki, and the response ids of
    Loki's LLM calls (`calls`), by which a benchmark numbers what it sent."""
    counts: dict[str, Counter[str]] = {}
    for path, encoding, data in bodies:
        body = zlib.decompress(data, 47) if encoding else data  # 47: gzip or zlib, as the header says
        pairs = _spans(body) if path.endswith("/v1/traces") else _lines(body) if path.endswith("/push") else ()
        for kind, found in pairs:
            counts.setdefault(kind, Counter())[found] += 1
    return {kind: dict(counter) for kind, counter in counts.items()}


def _spans(body: bytes) -> list[tuple[str, str]]:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest.FromString(body)
    spans = (s for resource in request.resource_spans for scope in resource.scope_spans for s in scope.spans)
    return [("span", f"{span.trace_id.hex()}:{span.span_id.hex()}") for span in spans]


def _lines(body: bytes) -> list[tuple[str, str]]:
    found = []
    for _, stream in fields(unpacked(body)):
        for entry in (data for number, data in fields(stream) if number == _ENTRIES):
            line = json.loads(dict(fields(entry))[_LINE])
            found.append((line["kind"], line["record_id"]))
            if line["kind"] == "llm_call":
                found.append(("calls", line.get("response_id") or ""))
    return found


def unpacked(block: bytes) -> bytes:
    """The content of a snappy block, which as we send it is one literal behind its size."""
    _, at = _varint(block, 0)
    return block[at + 1 + max(0, (block[at] >> 2) - 59) :]


def fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and data of the fields of a protobuf message that holds only such with a length."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        size, at = _varint(message, at)
        yield tag >> 3, message[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    found = shift = 0
    while data[at] & 128:
        found |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
    return found | data[at] << shift, at + 1


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
    Sink.keep, Sink.bodies = "keep" in sys.argv[2:], []
    server = ThreadingHTTPServer(("127.0.0.1", port), Sink)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=False).start()


if __name__ == "__main__":
    main()

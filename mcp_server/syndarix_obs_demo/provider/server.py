"""The HTTP server of the fake provider, in a thread of its own, on a free port of the loopback interface."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from syndarix_obs_demo.provider import anthropic_shapes, openai_shapes
from syndarix_obs_demo.provider.model import Model, Reply, tokens

_FIRST_TOKEN_SHARE = 0.3
"""Part of a streamed answer's time that passes before its first words."""
_LONGEST_READ_SECONDS = 5.0
"""How long the server waits for the client to read the first words before simulated time moves on."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is nothing to report; everything else is a fault of this server."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class FakeProvider:
    """Serves while the block runs; `url` is its base address."""

    def __init__(self, model: Model) -> None:
        handler = type("Handler", (_Handler,), {"model": model})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    """One request. `model` is set by the class that `FakeProvider` derives."""

    model: Model
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave in one packet

    def do_POST(self) -> None:
        """Route by path; unknown paths are 404 as with the real ones."""
        request = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
        route = {
            "/v1/chat/completions": self._chat,
            "/v1/embeddings": self._embeddings,
            "/v1/messages": self._messages,
            "/gateway/generate": self._gateway,
        }.get(self.path)
        if route is None:
            self._json(404, {"error": {"message": f"Unknown path {self.path}", "type": "invalid_request_error"}}, {})
        else:
            route(request)

    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet: the demo's own output is what matters."""

    def _chat(self, request: Mapping[str, Any]) -> None:
        reply = self.model.answer(openai_shapes.prompt_tokens(request))
        headers = openai_shapes.headers(self.model)
        if reply.status != 200:
            self._refuse(reply, openai_shapes.error(reply), headers)
        elif request.get("stream"):
            parts = [f"data: {json.dumps(chunk)}\n\n" for chunk in openai_shapes.chunks(request, reply, self.model)]
            self._stream([*parts, "data: [DONE]\n\n"], openai_shapes.FRAMING, reply, headers)
        else:
            self.model.skip(reply.seconds)
            self._json(200, openai_shapes.completion(request, reply, self.model), headers)

    def _embeddings(self, request: Mapping[str, Any]) -> None:
        self.model.served += 1
        self.model.skip(0.06)
        self._json(200, openai_shapes.embeddings(request), openai_shapes.headers(self.model))

    def _messages(self, request: Mapping[str, Any]) -> None:
        reply = self.model.answer(anthropic_shapes.prompt_tokens(request))
        headers = anthropic_shapes.headers(self.model)
        if reply.status != 200:
            self._refuse(reply, anthropic_shapes.error(reply, self.model), headers)
        elif request.get("stream"):
            events = anthropic_shapes.events(request, reply, self.model)
            parts = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events]
            self._stream(parts, anthropic_shapes.FRAMING, reply, headers)
        else:
            self.model.skip(reply.seconds)
            self._json(200, anthropic_shapes.message(request, reply, self.model), headers)

    def _gateway(self, request: Mapping[str, Any]) -> None:
        """A company's own gateway, for which no instrumentor exists."""
        used = tokens(str(request.get("prompt")))
        reply = self.model.answer(used)
        self.model.skip(reply.seconds)
        usage = {"input_tokens": used, "output_tokens": reply.output_tokens}
        self._json(200, {"text": reply.text, "model": request.get("model"), "usage": usage}, {})

    def _refuse(self, reply: Reply, body: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        self.model.skip(0.15)
        self._json(reply.status, body, {**headers, "retry-after": f"{reply.wait_seconds:g}"})

    def _json(self, status: int, body: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        raw = json.dumps(body).encode()
        self._head(status, {"content-type": "application/json", "content-length": str(len(raw)), **headers})
        self.wfile.write(raw)

    def _stream(self, parts: list[str], framing: int, reply: Reply, headers: Mapping[str, str]) -> None:
        """Framing, a wait, the first words, a wait, the rest: as with a real model, framing is no token yet."""
        self._head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked", **headers})
        self._chunk("".join(parts[:framing]))
        self.model.skip(reply.seconds * _FIRST_TOKEN_SHARE)
        self.model.first_words_read.clear()
        self._chunk(parts[framing])
        self.model.first_words_read.wait(_LONGEST_READ_SECONDS)
        self.model.skip(reply.seconds * (1 - _FIRST_TOKEN_SHARE))
        for part in parts[framing + 1 :]:
            self._chunk(part)
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, text: str) -> None:
        raw = text.encode()
        self.wfile.write(f"{len(raw):x}\r\n".encode() + raw + b"\r\n")
        self.wfile.flush()

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

"""Servers that answer what a test wants, behind the real clients."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx

from syndarix_obs_read.backends.stack.backend import StackBackend, StackOptions
from syndarix_obs_read.backends.stack.clients.http_client import HttpClient, Server

NOW = 1_767_225_600 * 10**9
SECOND = 10**9
Answer = Callable[[httpx.Request], Any]


def client(name: str, answer: Answer, **options: Any) -> HttpClient:
    """A client of one server; an answer is JSON, a whole response, or an exception to raise."""
    return HttpClient(Server(name, f"http://{name}", f"{name}_URL"), transport=_transport(answer), **options)


def backend(*, timeout_s: float = 5.0, **answers: Answer) -> StackBackend:
    """A stack backend whose servers answer like this; those not named are down."""

    def route(request: httpx.Request) -> Any:
        if request.url.host not in answers:
            return httpx.ConnectError("connection refused")
        return answers[request.url.host](request)

    urls = {name: f"http://{name}" for name in ("prometheus", "loki", "tempo", "alertmanager")}
    return StackBackend(
        StackOptions(**urls, transport=_transport(route), clock=lambda: NOW, retention_days=2, timeout_s=timeout_s)
    )


def _transport(answer: Answer) -> httpx.MockTransport:
    def handle(request: httpx.Request) -> httpx.Response:
        found = answer(request)
        if isinstance(found, Exception):
            raise found
        return found if isinstance(found, httpx.Response) else httpx.Response(200, json=found)

    return httpx.MockTransport(handle)


class Lines:
    """A Loki that holds lines and serves them by time and limit, whatever the query."""

    def __init__(self, *lines: tuple[int, str], most: int = 5_000, level: str = "info") -> None:
        self.lines = list(lines)
        self.most = most
        self.level = level
        self.asked: list[dict[str, str]] = []

    def __call__(self, request: httpx.Request) -> Any:
        asked = dict(request.url.params)
        self.asked.append(asked)
        if request.url.path != "/loki/api/v1/query_range":
            return httpx.Response(200, text="ready") if request.url.path == "/ready" else vector()
        limit = int(asked["limit"])
        if limit > self.most:
            return httpx.Response(500, text="rpc error: received message larger than max (9 vs. 8)")
        forward = asked["direction"] == "forward"
        fit = sorted(
            ((ts, text) for ts, text in self.lines if int(asked["start"]) <= ts < int(asked["end"])),
            reverse=not forward,
        )
        return streams([(str(ts), text) for ts, text in fit[:limit]], level=self.level)


def streams(values: list[tuple[str, str]], **labels: str) -> dict[str, Any]:
    """A Loki answer of lines."""
    result = [{"stream": labels, "values": [list(value) for value in values]}] if values else []
    return {"status": "success", "data": {"resultType": "streams", "result": result}}


def vector(*values: tuple[dict[str, str], float]) -> dict[str, Any]:
    """An instant answer of Loki or Prometheus."""
    result = [{"metric": metric, "value": [NOW / SECOND, str(value)]} for metric, value in values]
    return {"status": "success", "data": {"resultType": "vector", "result": result}}


def line(record_id: str, start_ns: int, kind: str = "app", **fields: Any) -> str:
    """A line as the exporter writes it; `payload` goes behind the fields."""
    payload = fields.pop("payload", {})
    behind = {name: fields.pop(name) for name in ("attributes", "events") if name in fields}
    own = {
        "kind": kind, "record_id": record_id, "start_ns": start_ns, "end_ns": start_ns, "status": "ok", **fields,
        "duration_ms": 0.0, **behind, **payload,
    }  # fmt: skip
    return json.dumps(own, ensure_ascii=False, separators=(",", ":"))

"""Real answers of real servers, recorded once and played back where there are no servers."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx

from syndarix_obs_read.backends.stack.backend import StackOptions

SERVERS = ("prometheus", "loki", "tempo", "alertmanager")


def _key(request: httpx.Request) -> str:
    query = sorted(parse_qsl(request.url.query.decode(), keep_blank_values=True))
    return json.dumps([request.method, request.url.path, query], ensure_ascii=False)


def sanitised(body: bytes) -> Any:
    """An answer without timings, sizes and versions of the machine that it was recorded on."""
    answer = json.loads(body)
    if isinstance(answer, dict):
        answer.pop("metrics", None)
        for found in answer.get("traces") or ():
            found.pop("serviceStats", None)
            found.pop("spanSet", None)  # the same as the first of `spanSets`
        if isinstance(answer.get("data"), dict):
            answer["data"].pop("stats", None)
    return answer


class Recorder(httpx.AsyncBaseTransport):
    """Passes requests on and keeps the answers."""

    def __init__(self) -> None:
        self._real = httpx.AsyncHTTPTransport()
        self.answers: dict[str, Any] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._real.handle_async_request(request)
        body = await response.aread()  # decompressed, so the header that says otherwise stays behind
        await response.aclose()
        if response.status_code == httpx.codes.OK:
            self.answers[_key(request)] = sanitised(body)
        return httpx.Response(response.status_code, content=body, request=request)

    async def aclose(self) -> None:
        await self._real.aclose()


def save(path: Path, now_ns: int, answers: dict[str, Any]) -> None:
    """Write a recording; the same answers give the same file."""
    text = json.dumps({"now_ns": now_ns, "answers": answers}, ensure_ascii=False, sort_keys=True)
    path.write_bytes(gzip.compress(text.encode(), mtime=0))


def load(path: Path) -> tuple[int, dict[str, Any]]:
    """When a recording was made, and its answers."""
    found = json.loads(gzip.decompress(path.read_bytes()))
    return found["now_ns"], found["answers"]


def player(answers: dict[str, Any]) -> httpx.MockTransport:
    """Answers each request as the real server did; a request that was never recorded is an error of the test."""

    def answer(request: httpx.Request) -> httpx.Response:
        key = _key(request)
        if key not in answers:
            raise AssertionError(f"not recorded, run `python tests/behaviour/record.py`: {key}")
        return httpx.Response(200, json=answers[key])

    return httpx.MockTransport(answer)


def options(transport: httpx.AsyncBaseTransport, now_ns: int, **urls: str) -> StackOptions:
    """A backend at the scene's now."""
    given = {name: f"http://{name}" for name in SERVERS} | urls
    return StackOptions(**given, transport=transport, clock=lambda: now_ns, retention_days=2)

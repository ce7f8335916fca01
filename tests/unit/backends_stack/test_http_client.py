"""The way to a server: retries, limits, credentials, and what each failure tells."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from syndarix_obs_read.backends.stack.clients.http_client import ATTEMPTS, Access, HttpClient, Server
from syndarix_obs_read.errors import (
    BackendAnswer,
    BackendTimeout,
    BackendUnavailable,
    Refused,
    SettingsError,
    TooLarge,
)

URL = "http://127.0.0.1:3100"
SERVER = Server("Loki", URL, "SYNDARIX_OBS_READ_LOKI_URL")
Answer = Callable[[httpx.Request], httpx.Response]


class Pauses:
    """Notes how long somebody wanted to wait, and does not."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)


def client(answer: Answer, **options: Any) -> HttpClient:
    return HttpClient(SERVER, transport=httpx.MockTransport(answer), sleep=Pauses(), **options)


def failing_first(times: int, failure: httpx.Response | Exception, seen: list[httpx.Request]) -> Answer:
    """Fails so often, then answers."""

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if len(seen) > times:
            return httpx.Response(200, json={"ok": True})
        if isinstance(failure, Exception):
            raise failure
        return failure

    return answer


async def test_a_get_gives_the_json_at_the_path() -> None:
    seen: list[httpx.Request] = []
    assert {"ok": True} == await client(failing_first(0, httpx.Response(200), seen)).get("/a", {"query": "x y&z"})
    assert f"{URL}/a?query=x+y%26z" == str(seen[0].url).replace("%20", "+")


@pytest.mark.parametrize(
    "failure", [httpx.Response(429), httpx.Response(503), httpx.ConnectError("refused"), httpx.ReadError("lost")]
)
async def test_a_get_is_tried_again_after_what_may_pass(failure: httpx.Response | Exception) -> None:
    seen: list[httpx.Request] = []
    assert {"ok": True} == await client(failing_first(ATTEMPTS - 1, failure, seen)).get("/a")
    assert ATTEMPTS == len(seen)


async def test_pauses_grow_and_differ() -> None:
    pauses = Pauses()
    transport = httpx.MockTransport(failing_first(9, httpx.Response(503), []))
    with pytest.raises(BackendUnavailable):
        await HttpClient(SERVER, transport=transport, sleep=pauses).get("/a")
    first, second = pauses.asked
    assert 0.05 <= first <= 0.2
    assert 0.1 <= second <= 0.4


async def test_a_pause_is_as_long_as_the_server_asks_within_reason() -> None:
    pauses = Pauses()
    busy = httpx.Response(429, headers={"Retry-After": "1"})
    await HttpClient(SERVER, transport=httpx.MockTransport(failing_first(1, busy, [])), sleep=pauses).get("/a")
    assert [1.0] == pauses.asked


@pytest.mark.parametrize("status", [400, 401, 404, 422, 500])
async def test_what_will_not_pass_is_not_tried_again(status: int) -> None:
    seen: list[httpx.Request] = []
    with pytest.raises(Refused) as caught:
        await client(failing_first(9, httpx.Response(status, text="parse error at line 1"), seen)).get("/a")
    assert (1, status, "parse error at line 1") == (len(seen), caught.value.status, caught.value.said)
    assert f"{URL}/a" in str(caught.value)


async def test_a_call_that_changes_something_is_tried_once() -> None:
    seen: list[httpx.Request] = []
    with pytest.raises(BackendUnavailable):
        await client(failing_first(1, httpx.Response(503), seen)).send("POST", "/a", [1])
    assert 1 == len(seen)


async def test_a_change_may_have_an_empty_answer() -> None:
    assert await client(lambda _: httpx.Response(200)).send("DELETE", "/a") is None


@pytest.mark.parametrize(
    ("failure", "error", "words"),
    [
        (httpx.ConnectError("refused"), BackendUnavailable, ["refused", "SYNDARIX_OBS_READ_LOKI_URL"]),
        (httpx.ReadTimeout("slow"), BackendTimeout, ["30 s", "--since"]),
        (httpx.Response(401, text="no token"), Refused, ["no token", "TOKEN_FILE"]),
        (httpx.Response(302, headers={"Location": "/login"}), Refused, ["/login", "SYNDARIX_OBS_READ_LOKI_URL"]),
        (httpx.Response(500, text="kaput"), Refused, ["kaput", "log"]),
        (httpx.Response(200, text="<html>"), BackendAnswer, ["<html>", "SYNDARIX_OBS_READ_LOKI_URL"]),
        (httpx.DecodingError("no gzip"), BackendAnswer, ["broken HTTP", "no gzip"]),
    ],
)  # fmt: skip
async def test_every_failure_names_the_url_the_cause_and_the_next_step(
    failure: httpx.Response | Exception, error: type[Exception], words: list[str]
) -> None:
    with pytest.raises(error) as caught:
        await client(failing_first(9, failure, [])).get("/loki/api")
    for word in [f"Loki at {URL}", *words]:
        assert word in str(caught.value)


async def test_a_server_that_hangs_is_given_up_in_time() -> None:
    async def hang(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(BackendTimeout):
        await client(hang, timeout_s=0.01).get("/a")  # type: ignore[arg-type]  # MockTransport takes both kinds


async def test_an_answer_beyond_the_cap_is_not_read_to_its_end() -> None:
    read = 0

    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self) -> Any:
            nonlocal read
            while True:
                read += 1
                yield b"x" * 1_000

    with pytest.raises(TooLarge, match=r"more than 10,000 bytes.*MAX_RESPONSE_BYTES"):
        await client(lambda _: httpx.Response(200, stream=Endless()), max_bytes=10_000).get("/a")
    assert 11 == read


async def test_tenant_and_token_go_with_every_request(tmp_path: Path) -> None:
    seen: list[httpx.Request] = []
    token = tmp_path / "token"
    token.write_text("first\n")
    found = client(failing_first(0, httpx.Response(200), seen), access=Access("team-a", token))
    await found.get("/a")
    token.write_text("second")
    await found.send("POST", "/a")
    assert [("team-a", "Bearer first"), ("team-a", "Bearer second")] == [
        (request.headers["X-Scope-OrgID"], request.headers["Authorization"]) for request in seen
    ]


async def test_a_login_comes_from_a_file(tmp_path: Path) -> None:
    seen: list[httpx.Request] = []
    (tmp_path / "login").write_text("ann:se:cret")
    await client(failing_first(0, httpx.Response(200), seen), access=Access(None, None, tmp_path / "login")).get("/a")
    assert "Basic " + base64.b64encode(b"ann:se:cret").decode() == seen[0].headers["Authorization"]


async def test_credentials_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nowhere"):
        await client(lambda _: httpx.Response(200), access=Access(None, tmp_path / "nowhere")).get("/a")


@pytest.mark.parametrize("url", ["loki:3100/x y", "http://a:b:c", "no-scheme"])
async def test_an_url_that_is_none_names_its_setting(url: str) -> None:
    with pytest.raises(SettingsError, match="SYNDARIX_OBS_READ_LOKI_URL"):
        await HttpClient(Server("Loki", url, "SYNDARIX_OBS_READ_LOKI_URL")).get("/a")


async def test_a_lone_surrogate_in_an_argument_does_not_break_the_request() -> None:
    seen: list[httpx.Request] = []
    await client(failing_first(0, httpx.Response(200), seen)).get("/a", {"query": "\ud83d", "filter": ["\ud83d"]})
    assert "?" == seen[0].url.params["query"]


async def test_connections_are_given_back() -> None:
    found = client(lambda _: httpx.Response(200, json={}))
    await found.close()
    with pytest.raises(RuntimeError, match="closed"):
        await found.get("/a")

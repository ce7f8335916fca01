"""Over HTTP: who is let in, who is refused and why, and what is open to machines that watch."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from syndarix_obs import vocabulary as v
from syndarix_obs_read.errors import SettingsError
from syndarix_obs_read.mcp.http import build_app
from syndarix_obs_read.mcp.meters import Meters
from syndarix_obs_read.mcp.server import build_server
from syndarix_obs_read.mcp.token_verifier import TokenFile
from syndarix_obs_read.mcp.tracing import export_spans
from syndarix_obs_read.serving.access_rules import AccessControl, Buckets, Rules
from syndarix_obs_read.serving.address import Address
from syndarix_obs_read.settings import ReadSettings

TOKEN = "0123456789abcdef" * 2


async def inside(scope: Scope, receive: Receive, send: Send) -> None:
    """The application behind the gate."""
    await PlainTextResponse(f"inside {Request(scope).url.path}")(scope, receive, send)


async def ask(app: Any, path: str = "/mcp", method: str = "POST", **headers: str) -> httpx.Response:
    """One request from this machine."""
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8765") as client:
        return await client.request(
            method, path, headers={name.replace("_", "-"): each for name, each in headers.items()}
        )


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    """A file with one token."""
    path = tmp_path / "token"
    path.write_text(f"# for tests\n{TOKEN}\n")
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost", "LOCALHOST:1", "[::1]:8765", "mcp:8765"])
async def test_a_name_of_the_server_is_let_in(host: str) -> None:
    gate = AccessControl(inside, Rules(hosts=frozenset({"mcp"})), Meters())

    assert "inside /mcp" == (await ask(gate, host=host)).text


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:8765", "localhost@evil.example", "mcp.evil.example", "[::1", ""]
)
async def test_a_foreign_host_is_refused(host: str) -> None:
    meters = Meters()
    answer = await ask(AccessControl(inside, Rules(hosts=frozenset({"mcp"})), meters), host=host)

    assert (421, "host") == (answer.status_code, answer.json()["error"])
    assert 1 == meters.value(v.MCP_REFUSED, reason="host")


@pytest.mark.parametrize("path", ["/mcp", "/metrics", "/healthz"])
@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost.evil.example", "null", "http://[::1"])
async def test_a_foreign_web_page_is_refused_everywhere(path: str, origin: str) -> None:
    meters = Meters()
    answer = await ask(AccessControl(inside, Rules(), meters), path, origin=origin)

    assert (403, "origin") == (answer.status_code, answer.json()["error"])
    assert 1 == meters.value(v.MCP_REFUSED, reason="origin")


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://127.0.0.1", "https://obs.example"])
async def test_a_web_page_of_this_machine_or_of_the_setting_is_let_in(origin: str) -> None:
    gate = AccessControl(inside, Rules(origins=frozenset({"https://obs.example"})), Meters())

    assert 200 == (await ask(gate, origin=origin)).status_code


async def test_more_requests_than_allowed_must_wait() -> None:
    now = [0.0]
    meters = Meters()
    gate = AccessControl(inside, Rules(per_minute=2), meters, clock=lambda: now[0])

    assert [200, 200, 429] == [(await ask(gate)).status_code for _ in range(3)]
    assert "31" == (await ask(gate)).headers["Retry-After"]
    assert 200 == (await ask(gate, "/healthz", "GET")).status_code
    now[0] = 30.0
    assert 200 == (await ask(gate)).status_code
    assert 2 == meters.value(v.MCP_REFUSED, reason="rate")


def test_every_client_has_requests_of_its_own() -> None:
    buckets = Buckets(1, clock=lambda: 0.0)

    assert [0.0, 0.0, 60.0] == [buckets.wait(client) for client in ("a", "b", "a")]


def test_zero_is_no_limit() -> None:
    buckets = Buckets(0)

    assert {0.0} == {buckets.wait("a") for _ in range(1_000)}


def test_many_clients_take_bounded_memory() -> None:
    buckets = Buckets(5, clock=lambda: 0.0)
    for number in range(10_100):
        buckets.wait(str(number))

    assert 10_000 == len(buckets._left)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "obs.example", ""])
def test_a_public_address_without_a_token_is_refused_at_the_start(host: str, settings: ReadSettings) -> None:
    with pytest.raises(SettingsError, match="--token-file"):
        build_app(settings, Address(host))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.2"])
def test_loopback_needs_no_token(host: str, settings: ReadSettings) -> None:
    assert build_app(settings, Address(host)) is not None


@pytest.mark.parametrize("header", [{}, {"authorization": "Bearer wrong"}, {"authorization": f"Basic {TOKEN}"},
                                    {"authorization": f"Bearer {TOKEN}x"}, {"authorization": "Bearer "}])  # fmt: skip
async def test_without_the_right_token_nobody_gets_in(
    header: dict[str, str], settings: ReadSettings, token_file: Path
) -> None:
    app = build_app(settings, Address("0.0.0.0", token_file=token_file))
    answer = await ask(app, **header)

    assert 401 == answer.status_code
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", ["/metrics", "/healthz"])
async def test_metrics_and_health_refuse_a_foreign_name(path: str, settings: ReadSettings) -> None:
    app = build_app(settings, Address())

    assert 421 == (await ask(app, path, "GET", host="evil.example:8765")).status_code
    assert 200 == (await ask(app, path, "GET", host="10.1.2.3:8765")).status_code
    assert 200 == (await ask(app, path, "GET", host="localhost:8765")).status_code


async def test_metrics_and_health_need_no_token(settings: ReadSettings, token_file: Path) -> None:
    settings = settings.model_copy(update={"allowed_hosts": "mcp"})
    app = build_app(settings, Address("0.0.0.0", token_file=token_file))
    metrics = await ask(app, "/metrics", "GET", host="mcp:8765")
    health = await ask(app, "/healthz", "GET", host="mcp:8765")

    assert 'syndarix_obs_mcp_refused_total{reason="token"} 0.0' in metrics.text
    assert {"status": "ok", "backend": "embedded"} == health.json()


async def test_metrics_speak_openmetrics_to_who_asks_for_it(settings: ReadSettings) -> None:
    answer = await ask(build_app(settings, Address()), "/metrics", "GET", accept="application/openmetrics-text")

    assert answer.text.endswith("# EOF\n")


async def test_hosts_of_the_setting_reach_the_server(small: Path, token_file: Path) -> None:
    settings = ReadSettings(home=small, allowed_hosts=" mcp , OBS.example ", allowed_origins="https://obs.example/")
    app = build_app(settings, Address("0.0.0.0", token_file=token_file))

    assert 401 == (await ask(app, host="mcp:8765")).status_code
    assert 401 == (await ask(app, host="obs.example", origin="https://obs.example")).status_code
    assert 421 == (await ask(app, host="other")).status_code


async def test_a_wrong_token_counts(settings: ReadSettings, token_file: Path) -> None:
    meters = Meters()
    app = build_app(settings, Address(token_file=token_file), meters=meters)
    await ask(app, authorization="Bearer wrong-wrong-wrong-wrong")

    assert 1 == meters.value(v.MCP_REFUSED, reason="token")


async def test_a_new_token_in_the_file_holds_at_once(token_file: Path) -> None:
    tokens = TokenFile(token_file, Meters())
    assert await tokens.verify_token(TOKEN) is not None

    token_file.write_text("another-token-of-some-length\n")

    assert await tokens.verify_token(TOKEN) is None
    assert await tokens.verify_token("another-token-of-some-length") is not None


async def test_any_of_several_tokens_fits_and_each_is_a_client_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    path.write_text("first-token-of-some-length\n\nsecond-token-of-some-length\n")
    path.chmod(0o600)
    tokens = TokenFile(path, Meters())
    first = await tokens.verify_token("first-token-of-some-length")
    second = await tokens.verify_token("second-token-of-some-length")

    assert first is not None
    assert second is not None
    assert first.client_id != second.client_id


async def test_a_file_that_vanishes_lets_nobody_in(token_file: Path) -> None:
    tokens = TokenFile(token_file, Meters())
    token_file.unlink()

    assert await tokens.verify_token(TOKEN) is None


@pytest.mark.parametrize(
    ("content", "words"), [("", "holds no token"), ("# none\n\n", "holds no token"), ("short\n", "fewer than 16")]
)
def test_a_useless_token_file_is_refused_at_the_start(content: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(content)
    path.chmod(0o600)

    with pytest.raises(SettingsError, match=words):
        TokenFile(path, Meters())


def test_a_token_file_that_every_user_can_read_is_refused_at_the_start(token_file: Path) -> None:
    token_file.chmod(0o644)

    with pytest.raises(SettingsError, match="chmod 600"):
        TokenFile(token_file, Meters())


def test_a_missing_token_file_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=re.escape(str(tmp_path / "none"))):
        TokenFile(tmp_path / "none", Meters())


@pytest.mark.parametrize(
    "variables", [{}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"}]
)
def test_spans_go_nowhere_unless_the_environment_says_where(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert not export_spans()


@pytest.mark.parametrize(("writes", "there"), [(None, False), (False, False), (True, True)])
async def test_tools_that_write_are_there_over_the_network_only_when_asked_for(
    writes: bool | None, there: bool, settings: ReadSettings
) -> None:
    server = build_server(settings.model_copy(update={"writes": writes, "backend": "stack"}), network=True)

    assert there is ("silence_alert" in {tool.name for tool in await server.list_tools()})

"""The one way to a server: pooled, with time limits, retries of safe calls, a cap on size, errors that say what to do.

Only GET is repeated, because only GET changes nothing. Every failure becomes one of `errors.py` and names the URL, the
cause and the next step.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from syndarix_obs_read.errors import (
    BackendAnswer,
    BackendError,
    BackendTimeout,
    BackendUnavailable,
    Refused,
    SettingsError,
    TooLarge,
)
from syndarix_obs_read.next_steps import NARROW

TENANT_HEADER: Final = "X-Scope-OrgID"
ATTEMPTS: Final = 3
"""How often a GET is tried in all."""
_RETRIED: Final = frozenset({429, 502, 503, 504})
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 2.0
_CONNECT_S: Final = 5.0
_SAID: Final = 400
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_CONNECTION_LOST: Final = (httpx.ConnectError, httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)

Params = Mapping[str, str | int | float | list[str]]


@dataclass(frozen=True, slots=True)
class Access:
    """What a server wants to see. Files are read at every request, so that a token may change while we run.

    Args:
        tenant: value of the tenant header.
        token_file: file with a bearer token.
        basic_auth_file: file with `user:password`; used when there is no token file.
    """

    tenant: str | None = None
    token_file: Path | None = None
    basic_auth_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Server:
    """One server: what people call it, where it is, and which setting says so."""

    name: str
    url: str
    variable: str


class _FileAuth(httpx.Auth):
    def __init__(self, access: Access) -> None:
        self._access = access

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if self._access.token_file is not None:
            request.headers["Authorization"] = f"Bearer {_secret(self._access.token_file)}"
        elif self._access.basic_auth_file is not None:
            user, _, password = _secret(self._access.basic_auth_file).partition(":")
            request = next(httpx.BasicAuth(user, password).auth_flow(request))
        yield request


def _secret(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read the credentials in {path}: {error}; mend the file or unset it") from None


class HttpClient:
    """Asks one server for JSON.

    Args:
        server: which.
        access: tenant and credentials.
        timeout_s: seconds that one request may take.
        max_bytes: largest answer that is taken, in bytes.
        transport: for tests.
        sleep: for tests.
    """

    def __init__(
        self,
        server: Server,
        access: Access | None = None,
        *,
        timeout_s: float = 30.0,
        max_bytes: int = 64 * 1024 * 1024,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.server = server
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s
        self._sleep = sleep
        self._client = _client(server, access or Access(), timeout_s, transport)

    async def get(self, path: str, params: Params | None = None, headers: Mapping[str, str] | None = None) -> Any:
        """The JSON at a path; tried up to `ATTEMPTS` times.

        Raises:
            BackendError: see `errors.py`.
        """
        return self._json(await self.get_bytes(path, params, headers), path)

    async def get_bytes(
        self, path: str, params: Params | None = None, headers: Mapping[str, str] | None = None
    ) -> bytes:
        """What stands at a path; tried up to `ATTEMPTS` times."""
        request = self._client.build_request("GET", path, params=_given(params), headers=headers)
        for attempt in range(1, ATTEMPTS):
            try:
                return await self._once(request)
            except _Again as again:
                await self._sleep(again.pause(attempt))
        return await self._last(request)

    async def send(self, method: str, path: str, body: Any = None) -> Any:
        """A call that changes something: tried once. Returns its JSON, None for an empty answer."""
        # Escaped by us: httpx writes text as it is, and a lone surrogate would be no UTF-8.
        content = None if body is None else json.dumps(body)
        request = self._client.build_request(
            method, path, content=content, headers={"Content-Type": "application/json"} if content else None
        )
        answer = await self._last(request)
        return self._json(answer, path) if answer.strip() else None

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.aclose()

    async def _last(self, request: httpx.Request) -> bytes:
        try:
            return await self._once(request)
        except _Again as again:
            raise again.error from again.__cause__

    async def _once(self, request: httpx.Request) -> bytes:
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._client.send(request, stream=True)
                try:
                    return await self._body(response)
                finally:
                    await response.aclose()
        except (TimeoutError, httpx.TimeoutException) as error:
            raise self._too_slow(request) from error
        except _CONNECTION_LOST as error:
            raise _Again(self._unreachable(error)) from error
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise SettingsError(
                f"{self.server.variable}={self.server.url!r} is not allowed: {error}. Example: http://127.0.0.1:3100"
            ) from None
        except httpx.HTTPError as error:
            raise BackendAnswer(f"{self._at(request)} answered with broken HTTP: {_cause(error)}") from error

    async def _body(self, response: httpx.Response) -> bytes:
        found = bytearray()
        async for piece in response.aiter_bytes():
            found += piece
            if len(found) > self._max_bytes:
                raise TooLarge(
                    f"{self._at(response.request)} answered with more than {self._max_bytes:,} bytes: ask for less "
                    "(a shorter time, a filter, a lower limit), or raise SYNDARIX_OBS_READ_MAX_RESPONSE_BYTES"
                )
        if response.status_code != httpx.codes.OK and not response.is_success:
            raise self._refusal(response, bytes(found))
        return bytes(found)

    def _refusal(self, response: httpx.Response, body: bytes) -> Exception:
        status, where = response.status_code, self._at(response.request)
        said = " ".join(body[: 4 * _SAID].decode("utf-8", "replace").split())[:_SAID]
        if status in _RETRIED:
            error = BackendUnavailable(f"{where} is too busy or not ready ({status}: {said}); try again in a moment")
            return _Again(error, response.headers.get("Retry-After"))
        if status in (401, 403):
            return Refused(
                f"{where} refused our credentials ({status}: {said}): check SYNDARIX_OBS_READ_TOKEN_FILE, "
                "SYNDARIX_OBS_READ_BASIC_AUTH_FILE and SYNDARIX_OBS_READ_TENANT",
                status, said,
            )  # fmt: skip
        if response.is_redirect:
            target = response.headers.get("Location", "elsewhere")
            meant = f"{self.server.variable} must name {self.server.name} itself"
            return Refused(f"{where} sends us to {target}: {meant}", status, said)
        if status >= 500:
            return Refused(f"{where} failed ({status}: {said}); its log says more", status, said)
        return Refused(f"{where} refused the question ({status}: {said})", status, said)

    def _unreachable(self, error: Exception) -> BackendError:
        return BackendUnavailable(
            f"{self.server.name} at {self.server.url} cannot be reached ({_cause(error)})",
            next=(f"start it (`docker compose up` or `make native-up`), or set {self.server.variable}",),
        )

    def _too_slow(self, request: httpx.Request) -> BackendError:
        return BackendTimeout(
            f"{self._at(request)} did not answer within {self._timeout_s:g} s",
            next=(*NARROW, ", or raise SYNDARIX_OBS_READ_TIMEOUT"),
        )

    def _json(self, body: bytes, path: str) -> Any:
        try:
            return json.loads(body)
        except ValueError:
            began = body[:80].decode("utf-8", "replace")
            raise BackendAnswer(
                f"{self.server.name} at {self.server.url}{path} answered no JSON but {began!r}: does "
                f"{self.server.variable} name {self.server.name}?"
            ) from None

    def _at(self, request: httpx.Request) -> str:
        return f"{self.server.name} at {self.server.url.rstrip('/')}{request.url.path}"


class _Again(Exception):
    """This attempt failed in a way that another one may not."""

    def __init__(self, error: BackendError, retry_after: str | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self._retry_after = retry_after

    def pause(self, attempt: int) -> float:
        """Seconds to wait: what the server asks for, else a random share of a growing pause."""
        if self._retry_after and self._retry_after.isdecimal():
            return min(float(self._retry_after), _LONGEST_PAUSE_S)
        longest = min(_FIRST_PAUSE_S * 2.0**attempt, _LONGEST_PAUSE_S)
        return random.uniform(longest / 4, longest)  # noqa: S311 - spreads clients; nothing secret


def _client(
    server: Server, access: Access, timeout_s: float, transport: httpx.AsyncBaseTransport | None
) -> httpx.AsyncClient:
    try:
        url = httpx.URL(server.url)
    except httpx.InvalidURL as error:
        raise SettingsError(f"{server.variable}={server.url!r} is not allowed: {error}") from None
    return httpx.AsyncClient(
        base_url=url,
        transport=transport,
        auth=_FileAuth(access),
        headers={TENANT_HEADER: access.tenant} if access.tenant else None,
        timeout=httpx.Timeout(timeout_s, connect=min(_CONNECT_S, timeout_s)),
        limits=httpx.Limits(max_connections=16, max_keepalive_connections=8),
        follow_redirects=False,
        # A proxy of the environment cannot bounds this machine's own ports.
        trust_env=url.host not in _LOOPBACK,
    )


def _given(params: Params | None) -> dict[str, Any]:
    """Parameters as text that any server can read: a lone surrogate cannot be sent."""
    return {name: _sendable(value) for name, value in (params or {}).items()}


def _sendable(value: Any) -> Any:
    if isinstance(value, list):
        return [_sendable(each) for each in value]
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _cause(error: Exception) -> str:
    return str(error) or type(error).__name__

"""Each server of the stack: its version, whether ours can read it, and how its clock stands to this machine's."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx

from syndarix_obs_read.backends.rows import Check, broken
from syndarix_obs_read.backends.stack.clients.http_client import Access, HttpClient, Server
from syndarix_obs_read.errors import ReadError
from syndarix_obs_read.settings import ReadSettings

_SKEW_S: Final = 5.0
_VERSION: Final = re.compile(r"v?(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class Known:
    """A server: where it says its version, and which versions our files and queries hold for."""

    name: str
    path: str
    at: tuple[str, ...]
    first: tuple[int, int]
    last: tuple[int, int]


_SERVERS: Final = (
    Known("Prometheus", "/api/v1/status/buildinfo", ("data", "version"), (2, 42), (3, 999)),
    Known("Loki", "/loki/api/v1/status/buildinfo", ("version",), (3, 4), (3, 7)),
    Known("Tempo", "/api/status/buildinfo", ("version",), (3, 0), (3, 0)),
    Known("Alertmanager", "/api/v2/status", ("versionInfo", "version"), (0, 25), (0, 33)),
)


@dataclass(slots=True)
class _Clock(httpx.AsyncBaseTransport):
    """Notes how far a server's clock stands from ours, by the header `Date` of its answers."""

    inner: httpx.AsyncBaseTransport
    skew_s: float | None = field(default=None)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        before = time.time()
        response = await self.inner.handle_async_request(request)
        if date := response.headers.get("Date"):
            # The header has whole seconds: half of one is the best guess.
            self.skew_s = parsedate_to_datetime(date).timestamp() + 0.5 - (before + time.time()) / 2
        return response

    async def aclose(self) -> None:
        await self.inner.aclose()


async def checks(settings: ReadSettings, transport: httpx.AsyncBaseTransport | None = None) -> list[Check]:
    """A line for each server.

    Args:
        transport: for tests, instead of the network.
    """
    looks = (_look(settings, known, transport or httpx.AsyncHTTPTransport()) for known in _SERVERS)
    return list(await asyncio.gather(*looks))


async def _look(settings: ReadSettings, known: Known, transport: httpx.AsyncBaseTransport) -> Check:
    name = f"{known.name} version"
    setting = f"{known.name.lower()}_url"
    server = Server(known.name, getattr(settings, setting), f"SYNDARIX_OBS_READ_{setting.upper()}")
    access = Access(settings.tenant, settings.token_file, settings.basic_auth_file)
    clock = _Clock(transport)
    try:
        client = HttpClient(server, access, timeout_s=min(settings.timeout, 5.0), transport=clock)
        try:
            found = _version(await client.get(known.path), known)
        finally:
            await client.close()
    except ReadError as error:
        return broken(name, error)
    return _judged(name, known, found, clock.skew_s)


def _version(answer: Any, known: Known) -> str:
    for step in known.at:
        answer = answer.get(step) if isinstance(answer, dict) else None
    return str(answer or "unknown")


def _judged(name: str, known: Known, found: str, skew_s: float | None) -> Check:
    numbers = _VERSION.match(found)
    fits = numbers is None or known.first <= (int(numbers[1]), int(numbers[2])) <= known.last
    if not fits:
        first, last = (".".join(map(str, each)) for each in (known.first, known.last))
        return Check(
            name=name, state="warning", finding=f"{found}; the stack's files are written for {first} to {last}",
            mend="docs/stack.md says what differs; .env.example pins a version that fits",
        )  # fmt: skip
    if skew_s is not None and abs(skew_s) > _SKEW_S:
        return Check(
            name=name, state="warning", finding=f"{found}; its clock is {skew_s:+.0f} s from this machine's",
            mend="synchronise the clocks (NTP): records land in the wrong time, alerts come late",
        )  # fmt: skip
    return Check(name=name, state="ok", finding=found)

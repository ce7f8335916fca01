"""Who may talk to the server over HTTP: names it is reached by, web pages that may ask, requests a minute.

A web page that made its own name point to this machine (DNS rebinding) sends its own name as Host or Origin, and is
refused. `/healthz` and `/metrics` answer without a token, and to a bare address, which no page has for its name, but
never to a foreign web page or name.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, Protocol
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
"""Names of this machine for itself."""
ANYWHERE: Final = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, not bound to
"""Addresses that mean every network of this machine."""
OPEN_PATHS: Final = frozenset({"/healthz", "/metrics"})
"""Paths for machines that watch, without a token."""
_CLIENTS: Final = 10_000


class Refusals(Protocol):
    """Who counts what was refused."""

    def refused(self, reason: str) -> None:
        """A request was refused: `token`, `host`, `origin` or `rate`."""
        ...


@dataclass(frozen=True, slots=True)
class Rules:
    """Names and pages that are let in, beside loopback, and requests a minute (0 is no limit)."""

    hosts: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()
    per_minute: int = 600

    def host_fits(self, host: str | None) -> bool:
        """Whether the server is reached by this `Host`, whatever the port."""
        return _name(f"//{host}") in {*LOOPBACK, *self.hosts} if host else False

    def origin_fits(self, origin: str | None) -> bool:
        """Whether a web page of this `Origin` may ask; what is no web page sends none."""
        return not origin or origin in self.origins or _name(origin) in LOOPBACK


class Buckets:
    """A minute's requests for each client, refilled steadily.

    Args:
        per_minute: how many.
        clock: seconds, for tests.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = float(per_minute)
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}

    def wait(self, client: str) -> float:
        """Seconds the client must wait; 0 lets it pass and counts."""
        if not self._most:
            return 0.0
        now = self._clock()
        left, then = self._left.pop(client, (self._most, now))
        left = min(self._most, left + (now - then) * self._most / 60)
        passes = left >= 1
        self._left[client] = (left - passes, now)
        if len(self._left) > _CLIENTS:  # the one that has been quiet for longest is full again, or nearly
            self._left.pop(next(iter(self._left)))
        return 0.0 if passes else (1 - left) * 60 / self._most


class AccessControl:
    """ASGI middleware around the whole server."""

    def __init__(
        self, app: ASGIApp, rules: Rules, refusals: Refusals, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
        self._rules = rules
        self._refusals = refusals
        self._buckets = Buckets(rules.per_minute, clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through or refuse."""
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        if not self._rules.origin_fits(headers.get("origin")):
            return self._refused(
                "origin", 403, "this web page may not ask; SYNDARIX_OBS_READ_ALLOWED_ORIGINS lists who may"
            )
        is_open = scope["path"] in OPEN_PATHS
        if is_open and _is_address(headers.get("host")):
            return None
        if not self._rules.host_fits(headers.get("host")):
            return self._refused("host", 421, "not a name of this server; SYNDARIX_OBS_READ_ALLOWED_HOSTS lists them")
        if is_open:
            return None
        wait = self._buckets.wait((scope.get("client") or ("unknown",))[0])
        if wait:
            text = f"more than {self._rules.per_minute} requests a minute; SYNDARIX_OBS_READ_RATE_LIMIT sets the limit"
            return self._refused("rate", 429, text, {"Retry-After": str(int(wait) + 1)})
        return None

    def _refused(self, reason: str, status: int, text: str, headers: dict[str, str] | None = None) -> JSONResponse:
        self._refusals.refused(reason)
        return JSONResponse({"error": reason, "error_description": text}, status, headers)


def _is_address(host: str | None) -> bool:
    try:
        return bool(host) and bool(ip_address(_name(f"//{host}") or ""))
    except ValueError:
        return False


def _name(address: str) -> str | None:
    """The host name of an address, without port and brackets; None when it cannot be read."""
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None

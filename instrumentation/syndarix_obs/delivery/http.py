"""POST over one pooled connection, and what the answer means."""

from __future__ import annotations

import math
import re
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from syndarix_obs.delivery.outcome import TEXT_KEPT, Kind, Outcome

if TYPE_CHECKING:
    from requests import Session

    from syndarix_obs.delivery.http_route import Route

CONNECT_TIMEOUT_S: Final = 3.0
_BODY_READ: Final = 64 * 1024
_TOO_LARGE = re.compile(rb"larger than (the )?max|too large|max entry size", re.I)
_CONTENT = frozenset({400, 422})


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. `status` 0 means that there was none, and `body` then says why."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def server_ns(self) -> int:
        """The server's clock by its `Date` header, in nanoseconds since the epoch; 0 when it sent none."""
        try:
            return int(parsedate_to_datetime(self.headers.get("Date", "")).timestamp()) * 1_000_000_000
        except (TypeError, ValueError):
            return 0


class HttpPost:
    """Posts bodies to one URL.

    Args:
        url: where to.
        headers: sent with every request.
        compress: gzip the bodies; by default unless the server is on this machine, where it costs more than it saves.
        session: brings credentials and further settings; an own one by default.
    """

    def __init__(
        self, url: str, headers: Mapping[str, str], *, compress: bool | None = None, session: Session | None = None
    ) -> None:
        self.url = url
        self._compress = not on_this_machine(url) if compress is None else compress
        self._session = session
        self._headers = {**headers, **({"Content-Encoding": "gzip"} if self._compress else {})}
        self._route: Route | None = None

    def __call__(self, body: bytes, timeout: float) -> Reply:
        """Send one body within about `timeout` seconds; never raises for what the network does."""
        from requests import RequestException
        from urllib3 import Timeout
        from urllib3.exceptions import HTTPError

        data = gzipped(body) if self._compress else body
        try:
            route = self._route = self._route or _route(self.url, self._headers, self._session)
            response = route.post(data, Timeout(connect=min(CONNECT_TIMEOUT_S, timeout), read=timeout))
            try:
                return Reply(response.status, response.read(_BODY_READ, decode_content=True), response.headers)
            finally:
                response.close()  # to be used again if all was read
        except (RequestException, HTTPError, OSError, ValueError) as error:
            return Reply(0, type(error).__name__.encode())

    def reset(self) -> None:
        """Forget the connections."""
        self._session = self._route = None


def _route(url: str, headers: Mapping[str, str], session: Session | None) -> Route:
    from syndarix_obs.delivery.http_route import find_route

    return find_route(url, headers, session)


def on_this_machine(url: str) -> bool:
    """Whether the URL's host is a loopback address."""
    host = urlsplit(url).hostname or ""
    return host in {"localhost", "::1"} or host.startswith("127.")


def gzipped(body: bytes) -> bytes:
    """gzip, at the level that costs least."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    return packer.compress(body) + packer.flush()


def outcome(reply: Reply) -> Outcome:
    """What an HTTP answer means for what was sent."""
    status, reason = reply.status, describe(reply)
    if 200 <= status < 300:
        return Outcome(Kind.DELIVERED, server_ns=reply.server_ns)
    # A 429 is about the rate, whatever words it uses for its limit.
    if status == 413 or (status >= 400 and status != 429 and _TOO_LARGE.search(reply.body)):
        return Outcome(Kind.TOO_LARGE, reason)
    if status in _CONTENT:
        return Outcome(Kind.REJECTED, reason, server_ns=reply.server_ns)
    if status in {0, 408, 425, 429} or status >= 500:
        wait = retry_after(reply.headers.get("Retry-After"))
        return Outcome(Kind.LATER, reason, retry_after_s=wait, failing=status >= 500 and wait is None)
    return Outcome(Kind.REFUSED, reason)


def describe(reply: Reply) -> str:
    """Status and the start of the text, for the log."""
    text = reply.body[:TEXT_KEPT].decode("utf-8", "replace").strip()
    return f"HTTP {reply.status}: {text}" if reply.status else text


def retry_after(value: str | None) -> float | None:
    """Seconds in a `Retry-After` header, which may also be a date; None when it cannot be read."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except (TypeError, ValueError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None

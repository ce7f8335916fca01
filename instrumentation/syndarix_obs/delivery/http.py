"""POST over one kept connection, and what the answer means."""

from __future__ import annotations

import math
import re
import time
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from syndarix_obs.delivery.outcome import TEXT_KEPT, Kind, Outcome

if TYPE_CHECKING:
    from syndarix_obs.delivery.http_route import Route

CONNECT_TIMEOUT_S: Final = 3.0
_BODY_READ: Final = 64 * 1024
_TOO_LARGE = re.compile(rb"larger than (the )?max|too large|max entry size", re.I)
_CONTENT = frozenset({400, 422})
_PAGES = frozenset({"text/html", "application/xhtml+xml"})
_PAGE_STARTS = (b"<!doctype html", b"<html")


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

    @property
    def content_type(self) -> str:
        """The content type without its parameters, in lower case; empty when it is not said."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    @property
    def is_page(self) -> bool:
        """Whether it is a web page, which no destination answers with."""
        return self.content_type in _PAGES or self.body[:256].lstrip().lower().startswith(_PAGE_STARTS)


class HttpPost:
    """Posts bodies to one URL.

    Args:
        url: where to.
        headers: sent with every request.
        compress: gzip the bodies; by default unless the server is on this machine, where it costs more than it saves.
        auth: user and password.
    """

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        *,
        compress: bool | None = None,
        auth: tuple[str, str] | None = None,
    ) -> None:
        self.url = url
        self._compress = compress
        self._auth = auth
        self._headers = dict(headers)
        self._route: Route | None = None

    def __call__(self, body: bytes, timeout: float) -> Reply:
        """Send one body within `timeout` seconds; never raises for what the network does."""
        from http.client import HTTPException

        try:
            route = self._route = self._route or self._find_route()
            answer = route.post(
                gzipped(body) if self._compress else body,
                timeout=timeout,
                connect_timeout=CONNECT_TIMEOUT_S,
                limit=_BODY_READ,
            )
        except (HTTPException, OSError, ValueError) as error:
            return Reply(0, _reason(error).encode())
        return Reply(answer.status, answer.body, answer.headers)

    def _find_route(self) -> Route:
        from syndarix_obs.delivery.http_route import Route, on_this_machine

        if self._compress is None:
            self._compress = not on_this_machine(self.url)
        if self._compress:
            self._headers["Content-Encoding"] = "gzip"
        return Route(self.url, self._headers, self._auth)

    def reset(self) -> None:
        """Forget the connection."""
        self._route = None


def _reason(error: Exception) -> str:
    """What went wrong, without anything of what was sent or received."""
    text = getattr(error, "strerror", None) if isinstance(error, OSError) else None
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def gzipped(body: bytes) -> bytes:
    """gzip, at the level that costs least."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    return packer.compress(body) + packer.flush()


def outcome(reply: Reply, accepted: Collection[int]) -> Outcome:
    """What an HTTP answer means for what was sent.

    Args:
        reply: the answer.
        accepted: the statuses by which this kind of destination says that it took everything.
    """
    status, reason = reply.status, describe(reply)
    if status in accepted and not reply.is_page:
        return Outcome(Kind.DELIVERED, server_ns=reply.server_ns)
    if 200 <= status < 300:
        return Outcome(Kind.LATER, not_an_answer(reply))
    # A 429 is about the rate, whatever words it uses for its limit.
    if status == 413 or (status >= 400 and status != 429 and _TOO_LARGE.search(reply.body)):
        return Outcome(Kind.TOO_LARGE, reason)
    if status in _CONTENT:
        return Outcome(Kind.REJECTED, reason, server_ns=reply.server_ns)
    if status in {0, 408, 425, 429} or status >= 500:
        wait = retry_after(reply.headers.get("Retry-After"))
        return Outcome(Kind.LATER, reason, retry_after_s=wait, failing=status >= 500 and wait is None)
    return Outcome(Kind.REFUSED, reason)


def not_an_answer(reply: Reply) -> str:
    """Says that something in between answered, such as a login page or a proxy."""
    kind = reply.content_type or "no content type"
    what = "a web page" if reply.is_page else f"an answer ({kind})"
    return f"HTTP {reply.status} with {what} that is not this server's: is a login page or a proxy in between?"


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

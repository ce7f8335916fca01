"""How to reach one URL, worked out once, and one connection to it that is kept: on the standard library's HTTP client.

As users of other clients expect: credentials in the URL or in `.netrc`, proxies and certificates named in the
environment. What others lack: a request has one time limit for all of it, so that a server that sends a byte now and
then cannot hold us.
"""

from __future__ import annotations

import base64
import contextlib
import os
import select
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection, IncompleteRead
from io import BufferedReader, RawIOBase
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import SplitResult, unquote, urlsplit

if TYPE_CHECKING:
    from socket import socket
    from ssl import SSLContext

_BUNDLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
_AUTHORIZATION: Final = "Authorization"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: status, the start of the body, headers (their names in any case)."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class Deadline:
    """When a request is over."""

    def __init__(self) -> None:
        self.at = 0.0

    def left(self) -> float:
        """Seconds that are left.

        Raises:
            TimeoutError: none is.
        """
        left = self.at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class _Timed(RawIOBase):
    """Reads from a socket, each time with what is left of the request's time."""

    def __init__(self, sock: socket, deadline: Deadline) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)  # keeps the socket open until the answer has been read
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._deadline.left())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class Route:
    """The way to one URL. For one thread.

    Args:
        url: where to post.
        headers: sent with every request.
        auth: user and password; else those of the URL or of `.netrc`.

    Raises:
        ValueError: the URL is none, or is of another scheme.
        OSError: the certificates that the environment names cannot be read.
    """

    def __init__(self, url: str, headers: Mapping[str, str], auth: tuple[str, str] | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("not an http:// or https:// URL")
        self._host, self._port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
        self._context = _certificates() if parts.scheme == "https" else None
        self._proxy = _proxy_for(parts)
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._headers = dict(headers)
        known = auth or _credentials(parts)
        if known and not any(name.lower() == "authorization" for name in headers):
            self._headers[_AUTHORIZATION] = _basic(*known)
        if self._proxy is not None and self._context is None:
            shown = f"[{self._host}]" if ":" in self._host else self._host
            self._target = f"http://{shown}:{self._port}{self._target}" if parts.port else f"http://{shown}{self._target}"
            self._headers.update(_proxy_headers(self._proxy))
        self._deadline = Deadline()
        self._connection: HTTPConnection | None = None

    def post(self, body: bytes, *, timeout: float, connect_timeout: float, limit: int) -> Answer:
        """Send one body; follows no redirect and tries once.

        Args:
            body: what to send.
            timeout: seconds for everything together.
            connect_timeout: seconds until the connection is there.
            limit: bytes of the answer's body that are read.

        Raises:
            http.client.HTTPException, OSError: there was no answer, or not all of it in time.
        """
        self._deadline.at = time.monotonic() + timeout
        connection = self._connection
        if connection is None or _was_closed(connection.sock):
            self.close()
            connection = self._connection = self._connect(min(timeout, connect_timeout))
        whole = False
        try:
            if connection.sock is not None:
                connection.sock.settimeout(self._deadline.left())
            connection.request("POST", self._target, body, self._headers)
            response = connection.getresponse()
            answer = Answer(response.status, _read(response, limit), cast(Mapping[str, str], response.headers))
            whole = response.isclosed()
        finally:
            if not whole:
                self.close()
        return answer

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.close()

    def _connect(self, timeout: float) -> HTTPConnection:
        host, port = self._host, self._port
        if self._proxy is not None:
            host, port = self._proxy.hostname or "", self._proxy.port or 80
        connection: HTTPConnection
        if self._context is None:
            connection = HTTPConnection(host, port, timeout=timeout)
        else:
            connection = HTTPSConnection(host, port, timeout=timeout, context=self._context)
            if self._proxy is not None:
                connection.set_tunnel(self._host, self._port, _proxy_headers(self._proxy))
        connection.response_class = _response_class(self._deadline)
        connection.connect()
        return connection


def _response_class(deadline: Deadline) -> type[HTTPResponse]:
    class TimedResponse(HTTPResponse):
        def __init__(self, sock: socket, *args: Any, **options: Any) -> None:
            super().__init__(sock, *args, **options)
            timed: Any = BufferedReader(_Timed(sock, deadline))
            self.fp.close()
            self.fp = timed

    return TimedResponse


def _read(response: HTTPResponse, limit: int) -> bytes:
    parts, size = [], 0
    while size < limit and (part := response.read(limit - size)):
        parts.append(part)
        size += len(part)
    if size < limit and response.length:
        raise IncompleteRead(b"", response.length)
    return b"".join(parts)


def _was_closed(sock: socket | None) -> bool:
    """Whether the other side closed a connection that we keep: it is readable then, though nobody was asked."""
    if sock is None:
        return True
    if not hasattr(select, "poll"):
        return bool(select.select([sock], [], [], 0)[0])
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


def on_this_machine(url: str) -> bool:
    """Whether the URL's host is a loopback address."""
    host = urlsplit(url).hostname or ""
    return host in {"localhost", "::1"} or host.startswith("127.")


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _credentials(parts: SplitResult) -> tuple[str, str] | None:
    if parts.username is not None:
        return unquote(parts.username), unquote(parts.password or "")
    from netrc import NetrcParseError, netrc

    places = [os.environ["NETRC"]] if "NETRC" in os.environ else ["~/.netrc", "~/_netrc"]
    for place in map(os.path.expanduser, places):
        with contextlib.suppress(OSError, NetrcParseError):
            found = netrc(place).authenticators(parts.hostname or "")
            if found:
                return found[0], found[2] or ""
    return None


def _proxy_for(parts: SplitResult) -> SplitResult | None:
    if on_this_machine(parts.geturl()):
        return None
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    found = proxies.get(parts.scheme) or proxies.get("all")
    if not found or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    proxy = urlsplit(found if "://" in found else f"http://{found}")
    if proxy.scheme != "http" or not proxy.hostname:
        raise ValueError("only http:// proxies are known")
    return proxy


def _proxy_headers(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    return {"Proxy-Authorization": _basic(unquote(proxy.username), unquote(proxy.password or ""))}


def _certificates() -> SSLContext:
    import ssl

    for name in _BUNDLES:
        place = os.environ.get(name)
        if place:
            named = {"capath": place} if os.path.isdir(place) else {"cafile": place}
            return ssl.create_default_context(**named)  # type: ignore[arg-type]  # one of the two
    context = ssl.create_default_context()
    with contextlib.suppress(ImportError, OSError):  # a slim container has no certificates of its own
        import certifi

        context.load_verify_locations(certifi.where())
    return context

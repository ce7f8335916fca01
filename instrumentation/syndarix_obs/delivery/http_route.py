"""How to reach one URL, worked out once: `requests` does so for every request anew, at several times the cost of the
request itself.

Everything is asked of `requests` that it would do: credentials (also those in the URL and in `.netrc`), proxies and
certificates named in the environment, the connection pool. Only sending goes past it. Imported when the first request
is sent, as that takes a while.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from requests import Request, Session
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, Timeout


@dataclass(frozen=True, slots=True)
class Route:
    """Where posts to one URL go.

    Args:
        pool: keeps the connections.
        target: what the request line asks for.
        headers: sent with every request.
    """

    pool: HTTPConnectionPool
    target: str
    headers: Mapping[str, str]

    def post(self, body: bytes, timeout: Timeout) -> BaseHTTPResponse:
        """Send one body; follows no redirect and tries once.

        Raises:
            urllib3.exceptions.HTTPError, OSError: there was no answer.
        """
        return self.pool.urlopen(
            "POST", self.target, body=body, headers=self.headers, timeout=timeout,
            redirect=False, retries=False, assert_same_host=False, preload_content=False,
        )  # fmt: skip


class _Adapter(HTTPAdapter):
    """Gives away where it would send a request."""

    def route(self, session: Session, request: Request) -> Route:
        prepared = session.prepare_request(request)
        url = prepared.url or ""
        used = session.merge_environment_settings(url, {}, False, None, None)
        verify, cert, proxies = used["verify"], used["cert"], used["proxies"]
        pool = self.get_connection_with_tls_context(prepared, verify, proxies=proxies, cert=cert)
        set_certificates: Callable[..., None] = self.cert_verify
        set_certificates(pool, url, verify, cert)
        headers = {name: str(value) for name, value in prepared.headers.items() if name.lower() != "content-length"}
        return Route(cast(HTTPConnectionPool, pool), self.request_url(prepared, proxies), headers)


def find_route(url: str, headers: Mapping[str, str], session: Session | None) -> Route:
    """The way to a URL.

    Raises:
        requests.RequestException, ValueError: the URL is none, or the environment names a proxy or certificates that
            cannot be used.
    """
    return _Adapter().route(session or Session(), Request("POST", url, headers=dict(headers)))

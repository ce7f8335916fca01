"""Scrape endpoint: the metrics over HTTP, on loopback unless told otherwise, from a thread of its own."""

from __future__ import annotations

import logging
import os
import socketserver
import threading
import weakref
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from syndarix_obs.guard import guarded, record_failure
from syndarix_obs.metrics.registry import Metrics

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

_log = logging.getLogger("syndarix_obs")
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
DESTINATION: Final = "metrics_http"
"""Label value of this endpoint's failures."""


def exposed_registry(registry: CollectorRegistry) -> CollectorRegistry:
    """What to show for a registry: itself, or the sum over all processes that share PROMETHEUS_MULTIPROC_DIR."""
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return registry
    from prometheus_client import CollectorRegistry
    from prometheus_client.multiprocess import MultiProcessCollector

    shared = CollectorRegistry()
    MultiProcessCollector(shared)  # type: ignore[no-untyped-call]  # the library leaves its __init__ untyped
    return shared


class MetricsServer:
    """Serves `/metrics` in the text format or, when the scraper asks for it, as OpenMetrics with exemplars.

    Args:
        metrics: what to serve; failures are counted there too.
        host: address to listen on.
        port: port to listen on; 0 takes a free one, see `port`.
    """

    def __init__(self, metrics: Metrics, host: str = "127.0.0.1", port: int = 9464) -> None:
        self._metrics = metrics
        self._host = host
        self._wanted_port = port
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int | None:
        """The port it listens on, None while it does not."""
        return None if self._server is None else self._server.server_port

    def start(self) -> bool:
        """Begin to listen. A port in use is warned about and counted, never raised; True when it listens."""
        if self._server is not None:
            return True
        try:
            self._server = _Server((self._host, self._wanted_port), _handler(self._render, _names(self._host)))
        except (OSError, OverflowError) as error:
            self._metrics.export_failed(DESTINATION)
            _log.warning(
                "syndarix-obs: cannot serve metrics on %s:%s (%s). Set SYNDARIX_OBS_METRICS_PORT to a free port, "
                "or to 0 to serve none.",
                self._host, self._wanted_port, getattr(error, "strerror", None) or error,
            )  # fmt: skip
            return False
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="syndarix-obs-metrics", daemon=True
        )
        self._thread.start()
        _servers.add(self)
        return True

    def close(self, timeout: float = 1.0) -> None:
        """Stop and free the port."""
        server, thread = self._server, self._thread
        self._server = self._thread = None
        if server is None:
            return
        with guarded("metrics_http"):
            # In a forked child there is no such thread, and `shutdown` would wait for it for ever.
            if thread is not None and thread.is_alive():
                server.shutdown()
                thread.join(timeout)
            server.server_close()

    def _render(self, accept: str) -> tuple[str, bytes]:
        from prometheus_client.exposition import choose_encoder

        encode, content_type = choose_encoder(accept)
        return content_type, encode(exposed_registry(self._metrics.registry))


def _close_in_child() -> None:
    """A forked child holds a copy of the socket that nobody serves, and would keep the port when the parent ends."""
    for server in list(_servers):
        server.close()


_servers: weakref.WeakSet[MetricsServer] = weakref.WeakSet()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_in_child)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def server_bind(self) -> None:
        """Bind without asking DNS for the host's full name, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])


def _names(listens_on: str) -> Callable[[str], bool]:
    """Whether a request means this server by its `Host`.

    On loopback a foreign name is that of a web page which made it point here. Elsewhere names are given by whoever runs
    the network.
    """
    own = {*_LOOPBACK, listens_on.strip("[]").lower()}
    return lambda host: listens_on not in _LOOPBACK or (urlsplit(f"//{host}").hostname or "") in own


def _handler(
    render: Callable[[str], tuple[str, bytes]], knows: Callable[[str], bool]
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10  # seconds; a scraper that sends nothing must not hold a thread for ever

        def do_GET(self) -> None:
            if not knows(self.headers.get("Host", "")):
                self.send_error(421, "not a name of this server")
                return
            if self.path.partition("?")[0] not in ("/", "/metrics"):
                self.send_error(404, "metrics are at /metrics")
                return
            try:
                content_type, body = render(self.headers.get("Accept", ""))
            except Exception as error:  # noqa: BLE001 - collectors of the program's own may raise anything
                record_failure(DESTINATION, error)
                self.send_error(500, "metrics cannot be shown")
                return
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the agent's stderr is not ours."""

    return Handler

"""Scrape endpoint: the metrics over HTTP, on loopback unless told otherwise, from a thread of its own."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import socketserver
import struct
import sys
import threading
import weakref
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import zip_longest
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
_ADDRESS_OF_INTERFACE: Final = 0x8915  # SIOCGIFADDR


def docker_bridge(interface: str = "docker0") -> str | None:
    """The address at which containers reach this machine (`host-gateway`), None where there is no such bridge."""
    if not sys.platform.startswith("linux"):
        return None  # Docker Desktop forwards to loopback
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            answer = fcntl.ioctl(probe, _ADDRESS_OF_INTERFACE, struct.pack("256s", interface.encode()[:15]))
        except OSError:
            return None
    return socket.inet_ntoa(answer[20:24])


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
        ports: ports to try, the first free one is taken; 0 takes any free one, see `port`.
        also: a second address for the same port; where it cannot be had, the first one has to do.
    """

    def __init__(
        self, metrics: Metrics, host: str = "127.0.0.1", ports: Sequence[int] = (9464,), *, also: str | None = None
    ) -> None:
        self._metrics = metrics
        self._host = host
        self._wanted_ports = ports
        self._also = also
        self._servers: list[_Server] = []
        self._threads: list[threading.Thread] = []

    @property
    def port(self) -> int | None:
        """The port it listens on, None while it does not."""
        return self._servers[0].server_port if self._servers else None

    def start(self) -> bool:
        """Begin to listen. Ports in use are warned about and counted, never raised; True when it listens."""
        if self._servers:
            return True
        failure: Exception | None = None
        for port in self._wanted_ports:
            try:
                self._servers = [_Server((self._host, port), _handler(self._render, _names(self._host)))]
                break
            except (OSError, OverflowError) as error:
                failure = error
        else:
            self._cannot(failure)
            return False
        if self._also is not None:
            with contextlib.suppress(OSError):
                handler = _handler(self._render, _names(self._also))
                self._servers.append(_Server((self._also, self._servers[0].server_port), handler))
        for server in self._servers:
            thread = threading.Thread(
                target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="syndarix-obs-metrics", daemon=True
            )
            thread.start()
            self._threads.append(thread)
        _servers.add(self)
        return True

    def _cannot(self, failure: Exception | None) -> None:
        self._metrics.export_failed(DESTINATION)
        _log.warning(
            "syndarix-obs: cannot serve metrics on %s:%s (%s). Set SYNDARIX_OBS_METRICS_PORT to a free port, "
            "or to 0 to serve none.",
            self._host, ", ".join(map(str, self._wanted_ports)), getattr(failure, "strerror", None) or failure,
        )  # fmt: skip

    def close(self, timeout: float = 1.0) -> None:
        """Stop and free the port."""
        servers, threads = self._servers, self._threads
        self._servers, self._threads = [], []
        with guarded("metrics_http"):
            # In a forked child there is no such thread, and `shutdown` would wait for it for ever.
            for server, thread in zip_longest(servers, threads):
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
    the network. Docker Desktop brings its containers' requests to loopback, under its own name for this machine.
    """
    own = {*_LOOPBACK, listens_on.strip("[]").lower(), "host.docker.internal"}
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

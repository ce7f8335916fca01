"""Serving the explorer: a port that is taken says so before anything starts, and Ctrl-C ends what is followed live."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Callable
from typing import Final

import uvicorn

from syndarix_obs_read.errors import SettingsError
from syndarix_obs_read.serving.access_rules import ANYWHERE, LOOPBACK
from syndarix_obs_read.serving.address import Address
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.web.app import build_app

PORT: Final = 8766
"""Port of the explorer; the MCP server has the one before."""
_GRACE_S: Final = 3


class Serving:
    """The explorer at an address. Binds at once, so that `url` is true before it runs.

    Raises:
        SettingsError: the address cannot be bound, or is public without a token file.
    """

    def __init__(self, settings: ReadSettings, address: Address) -> None:
        app = build_app(settings, address, ending=lambda: self._server.should_exit)
        self._socket = _bound(address)
        self._server = uvicorn.Server(
            uvicorn.Config(
                app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=_GRACE_S
            )
        )
        host = LOOPBACK[0] if address.host in ANYWHERE else address.host.strip("[]")
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self._socket.getsockname()[1]}/"

    def run(self, opened: Callable[[str], object] | None = None) -> None:
        """Serve until interrupted; `opened` is told the address, and may take its time."""
        if opened is not None:
            threading.Thread(target=opened, args=(self.url,), daemon=True).start()
        with self._socket:
            self._server.run(sockets=[self._socket])

    def close(self) -> None:
        """Give the port back without having run."""
        self._socket.close()


def _bound(address: Address) -> socket.socket:
    host = address.host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, address.port))
        found.listen(128)
    except OSError as error:
        found.close()
        raise SettingsError(_why(address, error)) from None
    return found


def _why(address: Address, error: OSError) -> str:
    where = f"port {address.port} of {address.host}"
    if error.errno == errno.EADDRINUSE:
        return f"{where} is taken, perhaps by another explorer: give --port {_next(address.port)}, or 0 for a free one"
    return f"cannot listen on {where}: {error.strerror or error}; give another --host or --port"


def _next(port: int) -> int:
    return port + 1 if port < 65_535 else port - 1

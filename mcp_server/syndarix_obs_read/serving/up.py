"""Everything in one process over one store: receiver, explorer and MCP server."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syndarix_obs_read.errors import SettingsError
from syndarix_obs_read.serving.address import Address
from syndarix_obs_read.serving.tokens import Tokens
from syndarix_obs_read.settings import ReadSettings


@dataclass(frozen=True, slots=True)
class Ports:
    """Where each server listens; 0 takes a free port."""

    receiver: int = 4318
    web: int = 8766
    mcp: int = 8765


class _Uncounted:
    def refused(self, reason: str) -> None:
        """Nothing to do: no metrics here."""


class Up:
    """Receiver, explorer, MCP server and, if wanted, the watch. Binds everything at once, so that the addresses are
    true before it runs.

    Args:
        settings: the store, and what readers may do.
        host: address to listen on.
        ports: where each server listens.
        token_file: tokens of those who may send and read; needed for an address that others can reach.
        watch: look for what is unusual every five minutes, in a thread beside the servers.

    Raises:
        SettingsError: an address cannot be bound, or is public without a token file.
    """

    def __init__(
        self, settings: ReadSettings, host: str, ports: Ports, token_file: Path | None, *, watch: bool = False
    ) -> None:
        from syndarix_obs import ObservabilityPlatform, Settings
        from syndarix_obs.receivers.receiver import Receiver
        from syndarix_obs.receivers.server import ReceiverServer
        from syndarix_obs_read.web.server import Serving

        address = Address(host, ports.web, token_file)
        address.check()
        self._web = Serving(settings, address)
        self._watched = settings if watch else None
        self.platform = ObservabilityPlatform(
            Settings(home=settings.home, backend=settings.backend, set_global=False, service_name="syndarix-obs-up")
        )
        knows = None if token_file is None else Tokens(token_file, _Uncounted()).may_send
        self._receiver = self._bound(Receiver(self.platform.runtime), ReceiverServer, host, ports.receiver, knows)
        self._mcp = _mcp_server(settings, Address(host, ports.mcp, token_file))
        shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared with, not bound to
        self.receiver_url = f"http://{shown}:{self._receiver.port}"
        self.web_url = self._web.url
        self.mcp_url = f"http://{shown}:{ports.mcp}/mcp"

    def _bound(self, receiver: Any, server: Any, host: str, port: int, knows: Any) -> Any:
        try:
            return server(receiver, host, port, knows)
        except OSError as error:
            self._web.close()
            self.platform.shutdown()
            raise SettingsError(
                f"port {port} of {host} cannot be bound ({error.strerror or error}); perhaps a collector has it: "
                f"give --port {port + 1}, or 0 for a free one"
            ) from None

    def run(self) -> None:
        """Serve until interrupted."""
        self._receiver.start()
        mcp = threading.Thread(target=self._mcp.run, name="syndarix-obs-mcp", daemon=True)
        mcp.start()
        if self._watched is not None:
            from syndarix_obs_read.watching.run import beside

            beside(self._watched)
        try:
            self._web.run()
        finally:
            self._mcp.should_exit = True
            self._receiver.close()
            self.platform.shutdown()
            mcp.join(5)


def _mcp_server(settings: ReadSettings, address: Address) -> Any:
    import uvicorn

    from syndarix_obs_read.mcp.http import build_app

    return uvicorn.Server(
        uvicorn.Config(
            build_app(settings, address), host=address.host, port=address.port, log_level="warning", access_log=False,
            server_header=False, timeout_graceful_shutdown=2,
        )
    )  # fmt: skip

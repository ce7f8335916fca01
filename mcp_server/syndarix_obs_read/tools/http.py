"""The server over HTTP: `/mcp` behind token and gate, `/metrics` and `/healthz` for machines that watch."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from mcp.server.transport_security import TransportSecuritySettings
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.errors import SettingsError
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.tools.gate import ANYWHERE, LOOPBACK, Gate, Rules
from syndarix_obs_read.tools.meters import Meters
from syndarix_obs_read.tools.server import build_server
from syndarix_obs_read.tools.token_file import TokenFile

PORT: Final = 8765
"""Port of the server over HTTP."""
_LONGEST_BODY: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen, and the file with the tokens that open the door."""

    host: str = "127.0.0.1"
    port: int = PORT
    token_file: Path | None = None

    @property
    def is_public(self) -> bool:
        """Whether other machines can reach it."""
        try:
            return not ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return self.host not in LOOPBACK


def build_app(
    settings: ReadSettings, address: Address, *, backend: Backend | None = None, meters: Meters | None = None
) -> ASGIApp:
    """The ASGI application.

    Raises:
        SettingsError: a public address without a token file, or a token file that cannot be used.
    """
    if address.is_public and address.token_file is None:
        raise SettingsError(
            f"{address.host} can be reached from other machines: give --token-file, a file with a bearer token "
            "(`openssl rand -hex 32`), or listen on 127.0.0.1"
        )
    found = meters or Meters()
    verifier = None if address.token_file is None else TokenFile(address.token_file, found)
    server = build_server(settings, backend=backend, meters=found, verifier=verifier)

    async def metrics(request: Request) -> Response:
        encode, kind = choose_encoder(request.headers.get("accept") or "")
        return Response(encode(found.registry), media_type=None, headers={"Content-Type": kind})

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "ok", "backend": settings.backend})

    server.custom_route("/metrics", methods=["GET"])(metrics)
    server.custom_route("/healthz", methods=["GET"])(healthz)
    app = server.streamable_http_app(
        host=address.host,
        max_request_body_size=_LONGEST_BODY,
        # The gate has checked Host and Origin, for every path.
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    return Gate(app, _rules(settings, address), found)


def _rules(settings: ReadSettings, address: Address) -> Rules:
    own = () if address.host in ANYWHERE else (address.host.strip("[]").lower(),)
    return Rules(
        hosts=frozenset((*own, *(name.lower() for name in _names(settings.allowed_hosts)))),
        origins=frozenset(_names(settings.allowed_origins)),
        per_minute=settings.rate_limit,
    )


def _names(text: str) -> list[str]:
    return [name.strip().rstrip("/") for name in text.split(",") if name.strip()]


def serve(settings: ReadSettings, address: Address) -> None:
    """Serve until interrupted."""
    import uvicorn

    app = build_app(settings, address)
    uvicorn.run(app, host=address.host, port=address.port, log_level="warning", access_log=False)

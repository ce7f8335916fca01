"""The server over HTTP: `/mcp` behind token and gate, `/metrics` and `/healthz` for machines that watch."""

from __future__ import annotations

from typing import Final

from mcp.server.transport_security import TransportSecuritySettings
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.mcp.meters import Meters
from syndarix_obs_read.mcp.server import build_server
from syndarix_obs_read.mcp.token_verifier import TokenFile
from syndarix_obs_read.serving.access_rules import AccessControl
from syndarix_obs_read.serving.address import Address, rules
from syndarix_obs_read.settings import ReadSettings

_LONGEST_BODY: Final = 1024 * 1024


def build_app(
    settings: ReadSettings, address: Address, *, backend: Backend | None = None, meters: Meters | None = None
) -> ASGIApp:
    """The ASGI application.

    Raises:
        SettingsError: a public address without a token file, or a token file that cannot be used.
    """
    address.check()
    found = meters or Meters()
    verifier = None if address.token_file is None else TokenFile(address.token_file, found)
    server = build_server(settings, backend=backend, meters=found, verifier=verifier, network=True)

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
    return AccessControl(app, rules(settings, address), found)


def serve(settings: ReadSettings, address: Address) -> None:
    """Serve until interrupted."""
    import uvicorn

    app = build_app(settings, address)
    uvicorn.run(app, host=address.host, port=address.port, log_level="warning", access_log=False)

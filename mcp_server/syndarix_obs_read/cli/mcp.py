"""`syndarix-obs mcp`: the MCP server over standard input and output, or over HTTP."""

from __future__ import annotations

import json
import os
import shutil
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from syndarix_obs_read.cli.asking import settings_of
from syndarix_obs_read.cli.options import Common
from syndarix_obs_read.errors import ReadError
from syndarix_obs_read.settings import ReadSettings, variable


class Transport(StrEnum):
    """How clients reach the server."""

    STDIO = "stdio"
    HTTP = "http"


def mcp(
    common: Common,
    transport: Annotated[Transport, typer.Option(help="stdio (the client starts it) or http.")] = Transport.STDIO,
    host: Annotated[str, typer.Option(help="Address to listen on; a public one needs a token file.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on.")] = 8765,
    token_file: Annotated[
        Path | None, typer.Option(help="File with bearer tokens, one a line, that clients must send.")
    ] = None,
    print_config: Annotated[
        bool, typer.Option("--print-config", help="Print what a client's configuration needs, and end.")
    ] = False,
) -> None:
    """Serve every answer to AI assistants over MCP."""
    settings = settings_of(common)
    if print_config:
        print(json.dumps(client_config(settings, transport, host, port, token_file), indent=2))
        return
    try:
        from syndarix_obs_read.mcp import http, server, tracing
        from syndarix_obs_read.serving.address import Address
    except ImportError as error:
        raise ReadError(
            f"the MCP server needs more packages ({error.name}): pip install 'syndarix-obs[server]'"
        ) from error
    tracing.export_spans()
    if transport is Transport.STDIO:
        server.build_server(settings).run("stdio")
        return
    print(f"syndarix-obs: MCP server at http://{host}:{port}/mcp", file=sys.stderr)
    http.serve(settings, Address(host, port, token_file))


def client_config(
    settings: ReadSettings, transport: Transport, host: str, port: int, token_file: Path | None
) -> dict[str, Any]:
    """The entry for the `mcpServers` of a client's configuration."""
    if transport is Transport.HTTP:
        name = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared with, not bound to
        entry: dict[str, Any] = {"type": "http", "url": f"http://{name}:{port}/mcp"}
        if token_file is not None:
            # The client fills it in from its environment: a secret does not belong on a screen.
            entry["headers"] = {"Authorization": "Bearer ${SYNDARIX_OBS_MCP_TOKEN}"}
    else:
        entry = {"command": _command(), "args": ["mcp"], "env": _environment(settings)}
    return {"mcpServers": {"syndarix-obs": entry}}


def _command() -> str:
    beside = Path(sys.executable).with_name("syndarix-obs")
    return str(beside) if beside.exists() else shutil.which("syndarix-obs") or "syndarix-obs"


def _environment(settings: ReadSettings) -> dict[str, str]:
    """What the client must pass on: it starts the server without our environment."""
    found = {variable("backend"): settings.backend, variable("home"): str(settings.home)}
    own = (variable(name) for name in ReadSettings.model_fields)
    return found | {name: os.environ[name] for name in own if name in os.environ}

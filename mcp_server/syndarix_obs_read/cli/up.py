"""`syndarix-obs up`: receiver, explorer and MCP server in one process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from syndarix_obs_read.cli.asking import settings_of
from syndarix_obs_read.cli.confirming import confirm
from syndarix_obs_read.cli.options import Common
from syndarix_obs_read.errors import ReadError
from syndarix_obs_read.serving import senders

if TYPE_CHECKING:
    from syndarix_obs_read.serving.up import Up


def up(
    common: Common,
    host: Annotated[str, typer.Option(help="Address to listen on; a public one needs a token file.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port of the receiver (OTLP over HTTP).")] = 4318,
    web_port: Annotated[int, typer.Option(min=0, max=65_535, help="Port of the explorer.")] = 8766,
    mcp_port: Annotated[int, typer.Option(min=1, max=65_535, help="Port of the MCP server.")] = 8765,
    token_file: Annotated[Path | None, typer.Option(help="File with tokens, one a line.")] = None,
    install: Annotated[
        senders.CodingAgent | None,
        typer.Option(help="Write the settings of that coding agent, so that it sends here, and end."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before writing.")] = False,
    watch: Annotated[bool, typer.Option(help="Look for what is unusual every five minutes.")] = True,
) -> None:
    """Take telemetry of any program, show it and watch it: receiver, explorer, MCP server in one process."""
    if install is not None:
        _install(install, f"http://{host}:{port}", yes, as_json=common.as_json)
        return
    settings = settings_of(common)
    try:
        from syndarix_obs_read.serving.up import Ports, Up
    except ImportError as error:
        raise ReadError(f"this needs more packages ({error.name}): pip install 'syndarix-obs[server]'") from error
    found = Up(settings, host, Ports(port, web_port, mcp_port), token_file, watch=watch)
    _announce(found, as_json=common.as_json)
    found.run()


def _announce(found: Up, *, as_json: bool) -> None:
    if as_json:
        urls = {"receiver": found.receiver_url, "web": found.web_url, "mcp": found.mcp_url}
        print(json.dumps(urls), flush=True)
        return
    print(f"Explorer  {found.web_url}")
    print(f"MCP       {found.mcp_url}")
    print(f"Receiver  {found.receiver_url}  (OTLP over HTTP: traces, logs)\n")
    print("Send here from")
    shown = senders.instructions(found.receiver_url)
    width = max(len(name) for name, _ in shown)
    for name, setting in shown:
        print(f"  {name:<{width}}  {setting}")
    print("\nCtrl-C ends it.", flush=True)


def _install(agent: senders.CodingAgent, url: str, yes: bool, *, as_json: bool) -> None:
    change = senders.change_for(agent, url)
    if change.before == change.after:
        _written(change, "sends here already", as_json=as_json)
        return
    if not as_json:
        print(f"{change.path} gets:\n\n{change.added}\n", flush=True)
    confirm(yes, f"Write {change.path}?")
    change.write()
    _written(change, f"is written; start {agent} anew", as_json=as_json)


def _written(change: senders.Change, words: str, *, as_json: bool) -> None:
    found = {"path": str(change.path), "changed": change.before != change.after}
    print(json.dumps(found) if as_json else f"{change.path} {words}")

"""`syndarix-obs web`: the local explorer, in a browser."""

from __future__ import annotations

import json
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from syndarix_obs_read.cli.asking import settings_of
from syndarix_obs_read.cli.options import Common
from syndarix_obs_read.errors import ReadError


def web(
    common: Common,
    host: Annotated[str, typer.Option(help="Address to listen on; a public one needs a token file.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on; 0 takes a free one.")] = 8766,
    watch: Annotated[bool, typer.Option("--watch", help="Look for what is unusual, too, as `watch` does.")] = False,
    open_browser: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    token_file: Annotated[
        Path | None, typer.Option(help="File with tokens, one a line; a browser asks for one as password.")
    ] = None,
) -> None:
    """Look at everything in a browser: traces, sessions, costs, errors, decisions, logs. Ends with Ctrl-C."""
    settings = settings_of(common)
    try:
        from syndarix_obs_read.serving.address import Address
        from syndarix_obs_read.web.server import Serving
    except ImportError as error:
        raise ReadError(
            f"the web explorer needs more packages ({error.name}): pip install 'syndarix-obs[server]'"
        ) from error
    serving = Serving(settings, Address(host, port, token_file))
    if watch:
        from syndarix_obs_read.watching.run import beside

        beside(settings)
    print(json.dumps({"url": serving.url}) if common.as_json else f"Explorer at {serving.url}", flush=True)
    serving.run(webbrowser.open if open_browser else None)

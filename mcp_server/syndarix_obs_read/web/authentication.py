"""Who has a token may come in: as `Authorization: Bearer`, or as the password that a browser asks for."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from syndarix_obs_read.serving.access_rules import OPEN_PATHS
from syndarix_obs_read.serving.roles import visit
from syndarix_obs_read.serving.tokens import Tokens

_ASK: Final = {"WWW-Authenticate": 'Basic realm="syndarix-obs: any name, a token as password", charset="UTF-8"'}


class Authentication:
    """ASGI middleware around the pages.

    Args:
        app: the pages.
        tokens: who may come in; None lets in whoever reaches the address, for one that only this machine reaches.
    """

    def __init__(self, app: ASGIApp, tokens: Tokens | None) -> None:
        self._app = app
        self._tokens = tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through or ask for a token."""
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        reader = None
        if self._tokens is not None:
            token = given_token(Headers(scope=scope).get("authorization") or "")
            reader = None if token is None else self._tokens.owner(token)
            if reader is None:
                refusal = PlainTextResponse("a token of the server's token file is needed, as password\n", 401, _ASK)
                await refusal(scope, receive, send)
                return
        with visit(reader, f"page {scope['path']}"):
            await self._app(scope, receive, send)


def given_name(authorization: str) -> str | None:
    """The name that a browser's user gave beside the token, None for a bearer and for nobody."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(value.strip(), validate=True).decode("utf-8").partition(":")[0] or None
    except (binascii.Error, UnicodeDecodeError):
        return None


def given_token(authorization: str) -> str | None:
    """The token of an `Authorization` header: the bearer, or the password of any name."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip() or None
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(value.strip(), validate=True).decode("utf-8").partition(":")[2] or None
    except (binascii.Error, UnicodeDecodeError):
        return None

"""Tokens from a file, as the MCP SDK asks for them."""

from __future__ import annotations

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken

from syndarix_obs_read.mcp.state import Ctx
from syndarix_obs_read.serving.roles import ROLES, Reader
from syndarix_obs_read.serving.tokens import Tokens


class TokenFile(Tokens):
    """Fulfils the SDK's `TokenVerifier`."""

    async def verify_token(self, token: str) -> AccessToken | None:
        """Who the token belongs to, None when nobody."""
        found = self.owner(token)
        return None if found is None else AccessToken(token=token, client_id=found.name, scopes=[found.role])


def reader_of(ctx: Ctx) -> Reader | None:
    """Who sent the request that is answered; None over stdio, and on this machine without tokens.

    The SDK's own variable is that of the request that opened the session, which may have come with another token.
    """
    request = ctx.request_context.request
    user = None if request is None else request.scope.get("user")
    if not isinstance(user, AuthenticatedUser):
        return None
    role = next(each for each in ROLES if each in user.access_token.scopes)
    return Reader(user.access_token.client_id, role)

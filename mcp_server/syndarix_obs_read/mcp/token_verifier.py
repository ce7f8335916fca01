"""Tokens from a file, as the MCP SDK asks for them."""

from __future__ import annotations

from mcp.server.auth.provider import AccessToken

from syndarix_obs_read.serving.tokens import Tokens, digest


class TokenFile(Tokens):
    """Fulfils the SDK's `TokenVerifier`."""

    async def verify_token(self, token: str) -> AccessToken | None:
        """Who the token belongs to, None when nobody."""
        if not self.knows(token):
            return None
        return AccessToken(token=token, client_id=digest(token).hex()[:12], scopes=[])

"""What every request must bring that changes something: the operator's token from the network, and a form token."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request

from syndarix_obs_read.errors import FilterError, Forbidden
from syndarix_obs_read.serving.access_rules import LOOPBACK
from syndarix_obs_read.serving.roles import need
from syndarix_obs_read.web.form_token import FIELD, HEADER, FormTokens

_MOST_BYTES: Final = 20_000
_JSON: Final = "application/json"
_FORM: Final = "application/x-www-form-urlencoded"
_OWN: Final = ("same-origin", "none")


class Writes:
    """Reads requests that change something, and refuses those that may not.

    Args:
        tokens: of forms.
        guarded: whether every request had to bring a token of the token file already.
    """

    def __init__(self, tokens: FormTokens, *, guarded: bool) -> None:
        self._tokens = tokens
        self._guarded = guarded

    async def read(self, request: Request, action: str) -> tuple[Any, bool]:
        """The fields of a form or of JSON, and whether it was a form.

        A program that sends `Authorization: Bearer` needs no form token: no browser adds that by itself.

        Args:
            request: that wants to change something.
            action: what, for who may not.

        Raises:
            Forbidden: it comes from the network without a token, with one of another role, from another site, or
                without a form token.
            FilterError: it cannot be read.
        """
        need("may_change", action)
        self._check_sender(request)
        media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media not in (_JSON, _FORM):
            raise FilterError(f"send a form or JSON: the content type is {media or 'missing'}, not {_FORM} or {_JSON}")
        fields = _fields(await _body(request), is_form=media == _FORM)
        given = request.headers.get(HEADER, "")
        if isinstance(fields, dict):
            given = str(fields.pop(FIELD, "")) or given
        bearer = self._guarded and request.headers.get("authorization", "").lower().startswith("bearer ")
        if not bearer and not self._tokens.fits(given):
            raise Forbidden(
                f"the form token is missing or too old: load the page again; programs take one from GET /form-token "
                f"and send it as {HEADER.title()}"
            )
        return fields, media == _FORM

    def _check_sender(self, request: Request) -> None:
        site = request.headers.get("sec-fetch-site")
        if site is not None and site not in _OWN:
            raise Forbidden("another web page sent this: notes and scores are given on the explorer's own pages")
        client = request.client.host if request.client else ""
        if not self._guarded and (client not in LOOPBACK or not _is_loopback(request.headers)):
            raise Forbidden(
                "from the network only who has the operator's token may change something: start the explorer with "
                "--token-file"
            )


def _is_loopback(headers: Mapping[str, str]) -> bool:
    """Whether the server was called by a name of this machine for itself, and no proxy says that it is not so."""
    name = urlsplit(f"//{headers.get('host', '')}").hostname
    return name in LOOPBACK and "x-forwarded-for" not in headers and "forwarded" not in headers


async def _body(request: Request) -> bytes:
    found = b""
    async for part in request.stream():
        found += part
        if len(found) > _MOST_BYTES:
            raise FilterError(f"what is sent may have {_MOST_BYTES:,} bytes")
    return found


def _fields(body: bytes, *, is_form: bool) -> Any:
    try:
        return dict(parse_qsl(body.decode())) if is_form else json.loads(body)
    except ValueError:
        raise FilterError(
            'this is no JSON; send an object such as {"session_id": "s-42", "name": "resolved"}'
        ) from None

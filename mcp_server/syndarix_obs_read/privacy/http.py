"""Short requests to the stack's servers, with the settings' tenant and credentials."""

from __future__ import annotations

from typing import Any

import httpx

from syndarix_obs_read.backends.stack.clients.http_client import TENANT_HEADER
from syndarix_obs_read.errors import BackendUnavailable, Refused
from syndarix_obs_read.settings import ReadSettings


def ask(settings: ReadSettings, method: str, url: str, **more: Any) -> httpx.Response:
    """One request.

    Raises:
        BackendUnavailable: the server cannot be reached.
        Refused: it answered with an error.
    """
    headers = {TENANT_HEADER: settings.tenant} if settings.tenant else {}
    auth = None
    if settings.token_file is not None:
        headers["Authorization"] = f"Bearer {settings.token_file.read_text('utf-8').strip()}"
    elif settings.basic_auth_file is not None:
        name, _, password = settings.basic_auth_file.read_text("utf-8").strip().partition(":")
        auth = (name, password)
    try:
        answer = httpx.request(method, url, headers=headers, auth=auth, timeout=settings.timeout, **more)
    except httpx.HTTPError as error:
        raise BackendUnavailable(f"{url} cannot be reached: {error}; it is asked again at `forget --resume`") from error
    if answer.status_code >= httpx.codes.BAD_REQUEST:
        said = answer.text[:300]
        raise Refused(f"{url} answered {answer.status_code}: {said}", answer.status_code, said)
    return answer

"""The style, the script and the mark: files of the package, read once."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

_TYPES: Final = {
    "style.css": "text/css; charset=utf-8",
    "drawings.css": "text/css; charset=utf-8",
    "explorer.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_A_YEAR: Final = "public, max-age=31536000, immutable"


def _read(name: str) -> bytes:
    return files(__package__).joinpath("static", name).read_bytes()


_FILES: Final = {name: _read(name) for name in _TYPES}

STAMP: Final = hashlib.sha256(b"".join(_FILES.values())).hexdigest()[:12]
"""Changes with the files: an address with it never changes what it gives."""


async def serve(request: Request) -> Response:
    """One of the files."""
    name = request.path_params["name"]
    if name not in _FILES:
        raise HTTPException(404)
    headers = {"Cache-Control": _A_YEAR if request.url.query == STAMP else "no-cache"}
    return Response(_FILES[name], media_type=_TYPES[name], headers=headers)

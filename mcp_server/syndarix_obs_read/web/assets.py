"""Style, script and marks: files of the package, read once."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
_A_YEAR: Final = "public, max-age=31536000, immutable"


def _read(folder: Traversable, within: str = "") -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for each in folder.iterdir():
        if each.is_dir():
            found |= _read(each, f"{within}{each.name}/")
        elif _type(each.name):
            found[within + each.name] = each.read_bytes()
    return found


def _type(name: str) -> str | None:
    return _TYPES.get(name[name.rfind(".") :])


_FILES: Final = dict(sorted(_read(files(__package__).joinpath("static")).items()))

STAMP: Final = hashlib.sha256(b"".join(_FILES.values())).hexdigest()[:12]
"""Changes with the files: an address with it never changes what it gives."""


def address(name: str) -> str:
    """Address of a file. The stamp is a folder: modules that name their neighbours find those of their own age."""
    return f"/static/{STAMP}/{name}"


async def serve(request: Request) -> Response:
    """One of the files."""
    name = request.path_params["name"]
    if name not in _FILES:
        raise HTTPException(404)
    headers = {"Cache-Control": _A_YEAR if request.path_params.get("stamp") == STAMP else "no-cache"}
    return Response(_FILES[name], media_type=_type(name), headers=headers)

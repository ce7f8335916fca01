"""The documentation as resources, so that an assistant can look up how something is done instead of guessing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mcp.server.mcpserver import MCPServer

from syndarix_obs_read.mcp.state import State

_HERE: Final = Path(__file__).resolve()
PACKAGED: Final = _HERE.parents[1] / "documentation"
"""Where a wheel has the pages; in a clone of the repository they are in `docs`."""
FOLDERS: Final = ("guides", "concepts", "reference", ".")
"""Folders whose pages are offered, in the order of the list."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page.

    Args:
        uri: its address, `docs://guides/first-trace`.
        title: its heading.
        file: where it is.
    """

    uri: str
    title: str
    file: Path


def pages(folder: Path | None = None) -> Iterator[Page]:
    """Every page that is offered.

    Args:
        folder: of the documentation; the installed one, or the clone's, when omitted.
    """
    root = folder or (PACKAGED if PACKAGED.is_dir() else _HERE.parents[3] / "docs")
    for part in FOLDERS:
        for file in sorted((root / part).glob("*.md")):
            name = file.relative_to(root).with_suffix("").as_posix()
            yield Page(f"docs://{name}", _heading(file), file)


def _heading(file: Path) -> str:
    with file.open(encoding="utf-8") as lines:
        return next(lines, "").removeprefix("# ").strip() or file.stem


def add_documentation(server: MCPServer[State]) -> None:
    """Register each page."""
    for page in pages():
        _add(server, page)


def _add(server: MCPServer[Any], page: Page) -> None:
    @server.resource(
        page.uri, name=page.uri.removeprefix("docs://"), title=page.title, mime_type="text/markdown",
        description="A page of the documentation of syndarix-obs.",
    )  # fmt: skip
    def read() -> str:
        return page.file.read_text(encoding="utf-8")

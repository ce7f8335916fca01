"""What the site needs beside docs/: README as its first page, and the files of the repository that pages link to."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
_LINK = re.compile(r"(?P<before>\]\()(?P<target>(?!https?://|#|mailto:)[^)#\s]+)(?P<after>[)#])")
FIRST = "index.md"
_ELSEWHERE = "repository"
"""Folder of the site for files that are not in docs/."""


def on_files(files: Any, config: Any) -> Any:
    """Add README, and each file or folder outside of docs/ that a page links to."""
    files.append(File.generated(config, FIRST, content=(ROOT / "README.md").read_text("utf-8")))
    for target in sorted(set(_targets())):
        name, content = _copy(target)
        if files.get_file_from_path(name) is None:
            files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, page: Any, **_more: Any) -> str:
    """Make links lead to where their targets are in the site."""
    here = page.file.src_uri
    if here.startswith(f"{_ELSEWHERE}/"):
        return markdown if here.endswith("/index.md") else _LINK.sub(r"](#\g<after>", markdown)
    source = ROOT / "README.md" if here == FIRST else DOCS / here

    def lead(match: re.Match[str]) -> str:
        name = _name_in_site(_resolved(source, match["target"]))
        return f"{match['before']}{posixpath.relpath(name, posixpath.dirname(here) or '.')}{match['after']}"

    return _LINK.sub(lead, markdown)


def _targets() -> Iterator[Path]:
    for page in (ROOT / "README.md", *DOCS.rglob("*.md")):
        for match in _LINK.finditer(page.read_text("utf-8")):
            found = _resolved(page, match["target"])
            if found.is_dir() or not found.is_relative_to(DOCS):
                yield found


def _resolved(page: Path, target: str) -> Path:
    return (page.parent / target).resolve()


def _name_in_site(path: Path) -> str:
    if path == ROOT / "README.md":
        return FIRST
    if path.is_relative_to(DOCS) and not path.is_dir():
        return path.relative_to(DOCS).as_posix()
    return _copy_name(path)


def _copy_name(path: Path) -> str:
    name = f"{_ELSEWHERE}/{path.relative_to(ROOT).as_posix()}"
    return f"{name}/index.md" if path.is_dir() else name if path.suffix == ".md" else f"{name}.md"


def _copy(path: Path) -> tuple[str, str]:
    """Name and text of the page that stands for a file or folder of the repository."""
    title = path.relative_to(ROOT).as_posix()
    if path.is_dir():
        inside = [each.name for each in sorted(path.iterdir()) if not each.name.startswith((".", "__"))]
        return _copy_name(path), "\n".join([f"# {title}", "", *(f"- `{name}`" for name in inside)]) + "\n"
    text = path.read_text("utf-8")
    if path.suffix == ".md":
        return _copy_name(path), text
    return _copy_name(path), f"# {title}\n\n````text\n{text}\n````\n"

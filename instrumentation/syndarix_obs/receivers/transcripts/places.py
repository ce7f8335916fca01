"""Which repository a folder belongs to: by its `.git`, where the folder is still there, else by its name."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path, PurePosixPath, PureWindowsPath


def repository_of(folder: str | None, url: str | None = None) -> str | None:
    """The repository's name.

    Args:
        folder: in which an agent worked.
        url: of the repository, where a transcript tells it.
    """
    if url and (name := url.rstrip("/").rpartition("/")[2].removesuffix(".git")):
        return name
    return _of_folder(folder) if folder else None


@lru_cache(maxsize=1024)
def _of_folder(folder: str) -> str | None:
    path = Path(folder)
    if path.is_absolute():
        for each in (path, *path.parents):
            root = _root(each)
            if root is not None:
                return root.name or None
    pure = PureWindowsPath(folder) if "\\" in folder else PurePosixPath(folder)
    return pure.name or None


def _root(folder: Path) -> Path | None:
    """The repository that a folder is the top of; of a second working tree, the first one's."""
    git = folder / ".git"
    try:
        if git.is_dir():
            return folder
        if not git.is_file():
            return None
        target = git.read_text(encoding="utf-8", errors="replace").partition("gitdir:")[2].strip()
    except OSError:
        return None
    parts = Path(target).parts
    if "worktrees" in parts and ".git" in parts:
        return Path(*parts[: parts.index(".git")])
    return folder

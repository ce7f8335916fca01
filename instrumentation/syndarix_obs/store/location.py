"""Where the store lies: the one rule that the agent, which writes, and the tools, which read, share."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

STORE_FILE: Final = "store.sqlite3"
"""Name of the SQLite file in the home folder."""


def default_home() -> Path:
    """The platform's user data folder for this package."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "syndarix-obs"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "syndarix-obs"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "syndarix-obs"


def store_path(home: Path) -> Path:
    """The SQLite file of a home folder."""
    return home / STORE_FILE

"""What waits on disk for a destination, and whether anybody is there to send it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from syndarix_obs_read.backends.rows import Check

_SEGMENT: Final = ".seg1"
_OLD_S: Final = 60.0
_MUCH: Final = 64 * 1024 * 1024


def checks(home: Path) -> Iterator[Check]:
    """One line for each destination that something waits for."""
    folder = home / "spool"
    destinations = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    found = [check for path in destinations if (check := _destination(path))]
    yield from found or [Check(name="spool on disk", state="ok", finding="nothing waits on disk")]


def _destination(path: Path) -> Check | None:
    owners = [each for each in path.iterdir() if each.is_dir()]
    sizes = {owner: sum(size for size, _ in _segments(owner)) for owner in owners}
    waiting = sum(sizes.values())
    if not waiting:
        return None
    oldest = max(time.time() - born for owner in owners for _, born in _segments(owner))
    orphans = [owner for owner in owners if sizes[owner] and not _alive(owner)]
    finding = f"{waiting / 1024:,.0f} KiB wait for {path.name}, the oldest for {oldest:,.0f} s"
    if orphans:
        left = sum(sizes[owner] for owner in orphans)
        return Check(
            name="spool on disk", state="warning",
            finding=f"{finding}; {left / 1024:,.0f} KiB are of {len(orphans)} processes that ended",
            mend="the next agent with this SYNDARIX_OBS_HOME and destination sends them: start one",
        )  # fmt: skip
    if oldest > _OLD_S or waiting > _MUCH:
        return Check(
            name="spool on disk", state="warning", finding=finding,
            mend=f"{path.name} is down or refuses: look at syndarix_obs_export_failures_total and at the server's log",
        )  # fmt: skip
    return Check(name="spool on disk", state="ok", finding=finding)


def _segments(owner: Path) -> Iterator[tuple[int, float]]:
    """Size and time of the last change of each; they may vanish while we look."""
    for path in owner.glob(f"*{_SEGMENT}"):
        try:
            state = path.stat()
        except FileNotFoundError:
            continue
        yield state.st_size, state.st_mtime


def _alive(owner: Path) -> bool:
    """Whether the process that owns a folder still holds its lock; where that cannot be told, it counts as alive."""
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        descriptor = os.open(owner / "lock", os.O_RDONLY)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)

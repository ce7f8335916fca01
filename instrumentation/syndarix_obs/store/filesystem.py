"""Which file system a store lies on: on a network one SQLite's locks and shared memory do not hold (Linux only)."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from syndarix_obs.errors import StoreError

_MOUNTS: Final = Path("/proc/self/mountinfo")
_NETWORK: Final = frozenset((
    "9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4",
    "orangefs", "smb2", "smb3", "smbfs", "fuse.davfs", "fuse.gcsfuse", "fuse.glusterfs", "fuse.goofys", "fuse.juicefs",
    "fuse.mount-s3", "fuse.rclone", "fuse.s3fs", "fuse.sshfs",
))  # fmt: skip
"""Types as `/proc/self/mountinfo` and `mount` name them."""
_ESCAPED: Final = re.compile(r"\\([0-7]{3})")


def refuse_network(path: Path, mounts: Path = _MOUNTS) -> None:
    """Raise StoreError if the file lies, or would lie, on a network file system.

    Args:
        path: the store's file; it need not exist.
        mounts: what the kernel says is mounted; where it cannot be read nothing is refused.
    """
    kind = file_system(path, mounts)
    if kind in _NETWORK:
        raise StoreError(
            f"the store {path} lies on a network file system ({kind}), where SQLite's locks do not hold and the file "
            "would be damaged: set SYNDARIX_OBS_HOME to a folder on a local disk, or SYNDARIX_OBS_BACKEND=stack"
        )


def file_system(path: Path, mounts: Path = _MOUNTS) -> str | None:
    """The type of the file system under a path, for example `ext4`; None where that cannot be told."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    real, longest, kind = os.path.realpath(path), -1, None
    for line in lines:
        left, _, right = line.partition(" - ")
        fields = left.split(" ")
        if len(fields) < 5 or not right:
            continue
        point = _ESCAPED.sub(lambda found: chr(int(found[1], 8)), fields[4])
        inside = point == "/" or real == point or real.startswith(f"{point}/")
        if inside and len(point) >= longest:  # the later of two on the same folder hides the earlier
            longest, kind = len(point), right.split(" ")[0]
    return kind

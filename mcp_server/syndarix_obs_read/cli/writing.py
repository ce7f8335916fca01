"""Files that a command writes for people: whole or not at all, readable by their owner alone, and noted."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from syndarix_obs_read.cli.asking import settings_of
from syndarix_obs_read.cli.options import Common
from syndarix_obs_read.errors import UsageError


def write_file(common: Common, path: Path, data: bytes, what: str, traces: Sequence[str]) -> int:
    """Write a file whole, or not at all; returns its size in bytes.

    It holds what was recorded, so it is noted as an export: an erasure finds it, and the audit record says that it was
    made.

    Args:
        common: where the store is.
        path: of the file; its folder has to be there.
        data: its bytes.
        what: it is, for the audit record.
        traces: that it shows, so that an erasure finds it whatever its form.

    Raises:
        UsageError: it cannot be written.
    """
    from syndarix_obs_read.export.register import note_export
    from syndarix_obs_read.privacy.audit import audit

    settings = settings_of(common)
    draft = path.with_name(f".{path.name}.draft")
    try:
        note_export(settings.home, path, what, traces)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise UsageError(f"cannot write {path}: {error.strerror or error}; name another file with -o") from None
    audit(settings, "export", what)
    return len(data)

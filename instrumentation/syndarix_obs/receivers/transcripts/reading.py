"""Rows of a transcript from where reading stopped last time, also while the file is being written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from syndarix_obs.receivers.transcripts.compressed import is_compressed, opened
from syndarix_obs.receivers.transcripts.items import Unknown
from syndarix_obs.receivers.transcripts.memory import FileState

_LONGEST_LINE: Final = 64 * 1024 * 1024
BROKEN: Final = "a line that is no JSON object"


def has_news(path: Path, found: FileState) -> bool:
    """Whether a file has changed since it was read."""
    about = path.stat()
    return (about.st_size, about.st_mtime_ns) != (found.size, found.changed_ns)


def rows(path: Path, found: FileState, unknown: Unknown) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """New rows with the place where each begins; moves `found.offset` on with them.

    The last line of a file that is being written is read when it is whole. A file that became shorter is another one,
    and is read from its beginning.

    Raises:
        OSError: the file cannot be read.
    """
    about = path.stat()
    whole = path.suffix == ".json"
    if whole or is_compressed(path) or about.st_size < found.offset:
        found.offset = 0
        found.state.clear()
    found.size, found.changed_ns = about.st_size, about.st_mtime_ns
    with opened(path) as stream:
        if whole:
            yield from _object(stream.read(), unknown)
            return
        stream.seek(found.offset)
        while line := stream.readline(_LONGEST_LINE):
            row = _parsed(line)
            if row is None and not line.endswith(b"\n") and len(line) < _LONGEST_LINE:
                return
            start, found.offset = found.offset, found.offset + len(line)
            if row is not None:
                yield start, row
            elif line.strip():
                unknown.add(BROKEN)


def row_at(path: Path, offset: int) -> Mapping[str, Any] | None:
    """The row that begins at a place, None when there is none any more."""
    try:
        with opened(path) as stream:
            stream.seek(offset)
            return _parsed(stream.readline(_LONGEST_LINE))
    except OSError:
        return None


def _object(text: bytes, unknown: Unknown) -> Iterator[tuple[int, Mapping[str, Any]]]:
    row = _parsed(text)
    if row is not None:
        yield 0, row
    elif text.strip():
        unknown.add(BROKEN)


def _parsed(line: bytes) -> Mapping[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None

"""Transcripts as bytes, also those that were compressed when they were put away (`.gz`, `.zst`)."""

from __future__ import annotations

import gzip
import io
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, Final

SUFFIXES: Final = (".gz", ".zst")
MOST_BYTES: Final = 512 * 2**20
"""Of one transcript when it is unpacked."""
NO_READER: Final = "nothing here reads zstd: pip install 'syndarix-obs[archive]', or unpack it first"


def is_compressed(path: Path) -> bool:
    """Whether its bytes are not its lines."""
    return path.suffix in SUFFIXES


def opened(path: Path) -> BinaryIO:
    """The lines of a transcript, to be read and sought in.

    Raises:
        OSError: it cannot be read or unpacked, is larger than `MOST_BYTES`, or nothing that is installed unpacks it.
    """
    if not is_compressed(path):
        return path.open("rb")
    about = path.stat()
    return io.BytesIO(_unpacked(path, about.st_mtime_ns, about.st_size))


@lru_cache(maxsize=1)
def _unpacked(path: Path, changed_ns: int, size: int) -> bytes:  # noqa: ARG001 - a changed file is another one
    try:
        with gzip.open(path) if path.suffix == ".gz" else _zstd(path) as stream:
            text: bytes = stream.read(MOST_BYTES + 1)
    except (EOFError, ValueError) as error:
        raise OSError(f"it cannot be unpacked: {error}") from error
    if len(text) > MOST_BYTES:
        raise OSError(f"unpacked it is larger than {MOST_BYTES // 2**20} MB")
    return text


def _zstd(path: Path) -> Any:
    """By Python itself (3.14), else by Arrow, which the extra `archive` brings."""
    for module in ("compression.zstd", "pyarrow"):
        try:
            found = import_module(module)
        except ImportError:
            continue
        return found.open(path) if module != "pyarrow" else found.input_stream(str(path), compression="zstd")
    raise OSError(NO_READER)

"""Search the bytes of files, also inside of what is compressed in them: gzip, zlib, snappy frames, Parquet, base64.

Runs as a process of its own (`python -m syndarix_obs_read.privacy.scan`, JSON in and out): closing a descriptor of an
SQLite file would drop the locks that SQLite holds on it for this process.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from syndarix_obs_read.privacy.snappy import MAGIC, frames

_ZLIB: Final = re.compile(rb"\x78[\x01\x5e\x9c\xda]")
_GZIP: Final = re.compile(rb"\x1f\x8b\x08")
_PARQUET: Final = b"PAR1"
_FEW: Final = 32
"""Needles up to which it is quickest to look for each."""
_WINDOW: Final = 8
_MOST: Final = 256 * 2**20
"""Bytes that one compressed stretch may become; what is larger is searched up to there."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a search of files found: hits by file, and how much was looked at.

    Args:
        hits: by path, for files with any.
        files: files read.
        raw: their bytes.
        unpacked: bytes that came out of what was compressed in them.
        unread: files that could not be read, or not in full, each with the reason.
    """

    hits: dict[str, int]
    files: int = 0
    raw: int = 0
    unpacked: int = 0
    unread: tuple[str, ...] = ()

    def words(self) -> str:
        """For receipts."""
        text = f"bytes of {self.files} files, {self.raw:,}, and {self.unpacked:,} after decompression"
        return text + (f"; not read: {', '.join(self.unread)}" if self.unread else "")


def scan(paths: Iterable[Path], needles: Sequence[bytes]) -> Scanned:
    """Search files in another process; folders are walked."""
    files = [str(each) for path in paths for each in _files(path)]
    order = json.dumps({"files": files, "needles": [each.hex() for each in needles]})
    command = [sys.executable, "-m", "syndarix_obs_read.privacy.scan"]
    done = subprocess.run(  # noqa: S603 - our own module
        command, input=order, capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    return Scanned(found["hits"], found["files"], found["raw"], found["unpacked"], tuple(found["unread"]))


def layers(data: bytes) -> Iterator[bytes]:
    """The bytes, and what comes out of everything compressed in them."""
    yield data
    for match in _GZIP.finditer(data):
        yield from _inflate(data, match.start(), 31)
    for match in _ZLIB.finditer(data):
        yield from _inflate(data, match.start(), 15)
    at = data.find(MAGIC)
    while at >= 0:
        unpacked = b"".join(frames(data, at))
        if unpacked:
            yield unpacked
        at = data.find(MAGIC, at + 1)


def _inflate(data: bytes, at: int, bits: int) -> Iterator[bytes]:
    stream = zlib.decompressobj(bits)
    out: list[bytes] = []
    try:
        for start in range(at, min(len(data), at + _MOST), 65_536):
            out.append(stream.decompress(data[start : start + 65_536], _MOST))
            if stream.eof:
                break
    except zlib.error:
        pass  # two bytes that looked like a beginning, or a stream that was torn: what came out is looked at
    found = b"".join(out)
    if len(found) > 3:
        yield found


def parquet_texts(path: Path) -> Iterator[bytes]:
    """Every value of a Parquet file as bytes. Raises ImportError without pyarrow."""
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path)
    for group in range(file.num_row_groups):
        for name in file.schema_arrow.names:
            yield repr(file.read_row_group(group, [name]).to_pylist()).encode()


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from (each for each in sorted(path.rglob("*")) if each.is_file())
    elif path.is_file():
        yield path


def counter(needles: Sequence[bytes]) -> Callable[[bytes], int]:
    """A function that counts how often any of the needles stands in some bytes."""
    short = [each for each in needles if len(each) < _WINDOW]
    if len(needles) <= _FEW:
        return lambda layer: sum(layer.count(needle) for needle in needles)
    long = _by_beginning([each for each in needles if len(each) >= _WINDOW])
    return lambda layer: sum(layer.count(needle) for needle in short) + long(layer)


def _by_beginning(needles: Sequence[bytes]) -> Callable[[bytes], int]:
    """Looks up every eight bytes among the beginnings of all needles: the time does not grow with their number."""
    import numpy as np

    known: dict[bytes, dict[int, set[bytes]]] = {}
    for each in needles:
        known.setdefault(each[:_WINDOW], {}).setdefault(len(each), set()).add(each)
    beginnings = np.sort(np.frombuffer(b"".join(known), dtype="<u8"))

    def count(layer: bytes) -> int:
        found = 0
        for offset in range(min(_WINDOW, max(0, len(layer) - _WINDOW + 1))):
            words = np.frombuffer(layer, dtype="<u8", count=(len(layer) - offset) // _WINDOW, offset=offset)
            near = beginnings[np.minimum(np.searchsorted(beginnings, words), len(beginnings) - 1)]
            for place in np.flatnonzero(near == words):
                at = offset + int(place) * _WINDOW
                by_length = known[layer[at : at + _WINDOW]]
                found += sum(layer[at : at + length] in some for length, some in by_length.items())
        return found

    return count


def _with_encodings(needles: Sequence[bytes]) -> list[bytes]:
    found: dict[bytes, None] = {}
    for needle in needles:
        found[needle] = None
        found[needle.decode(errors="replace").encode("utf-16-le")] = None
        for offset in range(3):
            text = base64.b64encode(b"\0" * offset + needle).rstrip(b"=")
            # The first and last letters depend on the neighbours.
            found[text[(0, 2, 3)[offset] : len(text) - 1]] = None
    return list(found)


def main() -> None:
    """Read the order from standard input and print what was found."""
    order = json.load(sys.stdin)
    count = counter(_with_encodings([bytes.fromhex(each) for each in order["needles"]]))
    hits: dict[str, int] = {}
    unread: list[str] = []
    files = raw = unpacked = 0
    for name in order["files"]:
        path = Path(name)
        try:
            data = path.read_bytes()
        except OSError as error:
            if path.exists():
                unread.append(f"{path.name} ({error.strerror})")
            continue
        files, raw = files + 1, raw + len(data)
        found = 0
        for place, layer in enumerate(layers(data)):
            found += count(layer)
            unpacked += len(layer) if place else 0
        if data[:4] == _PARQUET:
            try:
                for layer in parquet_texts(path):
                    found += count(layer)
                    unpacked += len(layer)
            except ImportError:
                unread.append(f"{path.name} (Parquet needs the extra `archive`)")
            except Exception as error:  # noqa: BLE001 - a file that is being written: said, not hidden
                unread.append(f"{path.name} ({type(error).__name__})")
        if found:
            hits[name] = found
    json.dump({"hits": hits, "files": files, "raw": raw, "unpacked": unpacked, "unread": unread}, sys.stdout)


if __name__ == "__main__":
    main()

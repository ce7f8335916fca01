"""One file of an export, and the process that writes some: `python -m syndarix_obs_read.export.part`, JSON in and out.

Files are written in processes of their own, so that an export uses every core and redaction never makes way for
another thread. A file is written under another name first: a process whose parent was killed may still be writing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from syndarix_obs.errors import SyndarixObsError
from syndarix_obs.redaction.step import without_pauses
from syndarix_obs.store.database import open_for_read
from syndarix_obs_read.backends.decrypted import Texts
from syndarix_obs_read.errors import ReadError, UsageError
from syndarix_obs_read.export import rows as r
from syndarix_obs_read.export.formats import Lines, Part, open_part
from syndarix_obs_read.export.lines import lines as straight_lines
from syndarix_obs_read.export.privacy import Change, Sharing, WithoutSecrets
from syndarix_obs_read.settings import ReadSettings

DRAFT: Final = ".draft"
"""End of the name of a file that is not whole."""


@dataclass(frozen=True, slots=True)
class PartOrder:
    """What one file holds.

    Args:
        piece: which rows: two ids of the store, or two times of the stack, the first not included.
        path: of the file.
        secret: key and shift of a sharing export; None for other exports.
    """

    choice: r.Choice
    piece: tuple[int, int]
    path: str
    format_name: str
    secret: dict[str, Any] | None = None


def write_part(settings: ReadSettings, order: PartOrder, tell: Callable[[int], None]) -> dict[str, Any]:
    """Write a file; returns its name, rows, bytes and hash, and what a sharing export has seen of users.

    Args:
        settings: which backend.
        order: what.
        tell: told rows as they are written.

    Raises:
        UsageError: the format needs an extra.
        BackendError, StoreError: the backend cannot be read.
    """
    path = Path(order.path)
    draft = path.with_name(f".{path.name}.{os.getpid()}{DRAFT}")
    change: Change = _sharing(settings, order.secret) if order.secret else WithoutSecrets()
    part, count = open_part(order.format_name, draft, order.choice.what), 0
    try:
        for rows in _written(settings, order, part, change):
            count += rows
            tell(rows)
        part.close()
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    done = {"name": path.name, "rows": count, **sealed(draft)}
    draft.replace(path) if count else draft.unlink()
    return {"part": done, "seen": change.seen() if isinstance(change, Sharing) else []}


def sealed(path: Path) -> dict[str, Any]:
    """Bytes and SHA-256 of a file, which is on disk when this returns."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
        os.fsync(file.fileno())
    return {"bytes": path.stat().st_size, "sha256": digest.hexdigest()}


def _sharing(settings: ReadSettings, secret: dict[str, Any]) -> Sharing:
    return Sharing(bytes.fromhex(secret["key"]), secret["shift_ns"], texts=Texts(settings.home))


def _written(settings: ReadSettings, order: PartOrder, part: Part, change: Change) -> Iterator[int]:
    """Write page by page; yields the rows of each."""
    straight = settings.backend != "stack" and order.format_name == "jsonl" and order.choice.what != "ledger"
    if straight and isinstance(change, WithoutSecrets) and isinstance(part, Lines):
        with contextlib.closing(open_for_read(settings.store_path)) as connection:
            for lines in straight_lines(connection, order.choice, *order.piece, change):
                part.write_text(lines)
                yield len(lines)
        return
    for page in _pages(settings, order):
        part.write([change(entry) for entry in page])
        yield len(page)


def _pages(settings: ReadSettings, order: PartOrder) -> Iterator[list[r.Entry]]:
    if settings.backend == "stack":
        from syndarix_obs_read.export.stack import entries

        yield from entries(settings, order.choice, *order.piece)
        return
    with contextlib.closing(open_for_read(settings.store_path)) as connection:
        yield from r.entries(connection, order.choice, *order.piece)


def main() -> None:
    """Read settings, then an order a line; print what was done, a line each."""
    without_pauses()
    settings = ReadSettings(**json.loads(sys.stdin.readline()))
    for line in sys.stdin:
        given = json.loads(line)
        choice = r.Choice(**{**given.pop("choice"), "equal": tuple(map(tuple, given["equal"]))})
        order = PartOrder(choice, tuple(given["piece"]), given["path"], given["format_name"], given["secret"])
        try:
            _say(write_part(settings, order, lambda rows: _say({"rows": rows})))
        except BrokenPipeError:  # the parent was killed
            os._exit(1)
        except (ReadError, SyndarixObsError, OSError) as error:
            _say({"error": str(error), "wrong": isinstance(error, UsageError)})


def as_line(order: PartOrder) -> str:
    """An order for such a process."""
    return json.dumps({**asdict(order), "equal": order.choice.equal}) + "\n"


def _say(what: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

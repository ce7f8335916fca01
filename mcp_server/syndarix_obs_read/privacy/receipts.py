"""Proof of erasures: a chain of receipts, each sealed with a key and bound to the one before it.

`erased/receipts.jsonl` in the home folder, a line each; the key lies beside it in `receipts.key` (mode 0600). Whoever
changes, removes or reorders a line cannot make the chain fit again without the key.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from syndarix_obs.store.tombstones import FOLDER
from syndarix_obs_read.errors import ReadError

_FILE: Final = "receipts.jsonl"
_KEY: Final = "receipts.key"
_START: Final = "0" * 64


class BrokenChain(ReadError):
    """A receipt was changed, removed or put elsewhere."""


class Receipts:
    """The receipts of one home folder.

    Args:
        home: the home folder.
    """

    def __init__(self, home: Path) -> None:
        self._folder = home / FOLDER
        self.path = self._folder / _FILE

    def add(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """Seal a receipt and put it behind the others; on disk when this returns. Raises OSError."""
        known = self.read()
        receipt = {"number": len(known) + 1, **content, "previous": known[-1]["seal"] if known else _START}
        receipt["seal"] = seal_of(load_key(self._folder), receipt)
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, (json.dumps(receipt, ensure_ascii=False) + "\n").encode())
            os.fsync(handle)
        finally:
            os.close(handle)
        return receipt

    def read(self) -> list[dict[str, Any]]:
        """All receipts, oldest first, unverified. A line that a crash tore off is left out."""
        if not self.path.exists():
            return []
        lines = self.path.read_text(encoding="utf-8").split("\n")
        if lines[-1]:
            os.truncate(self.path, len("\n".join(lines[:-1]).encode()) + bool(lines[:-1]))
        return [json.loads(line) for line in lines[:-1] if line]

    def verify(self) -> int:
        """Check the whole chain; returns how many receipts it has.

        Raises:
            BrokenChain: it does not fit; the message names the first receipt that does not.
        """
        previous, key = _START, load_key(self._folder)
        receipts = self.read()
        for place, receipt in enumerate(receipts, 1):
            fits = receipt.get("number") == place and receipt.get("previous") == previous
            if not fits or not hmac.compare_digest(str(receipt.get("seal")), seal_of(key, receipt)):
                raise BrokenChain(f"receipt {place} in {self.path} is not what was written: it, or one before, changed")
            previous = receipt["seal"]
        return len(receipts)


def load_key(folder: Path) -> bytes:
    """The key of seals in the folder of erasures; made at its first use. Raises OSError."""
    path = folder / _KEY
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return bytes.fromhex(path.read_text(encoding="ascii"))
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32))
    return bytes.fromhex(path.read_text(encoding="ascii"))


def seal_of(key: bytes, content: Mapping[str, Any]) -> str:
    """HMAC-SHA256 over everything but `seal`, as hex digits."""
    bare = {name: value for name, value in content.items() if name != "seal"}
    text = json.dumps(bare, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hmac.digest(key, text.encode(), "sha256").hex()

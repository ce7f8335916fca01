"""Frames that wait in a spool lose the person who was erased meanwhile: before they are sent, and in the files, too.

A live process does this for its own spool (`Delivery`), `erase_left_over` for what dead processes left.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from syndarix_obs.delivery import frames as f
from syndarix_obs.delivery import ownership
from syndarix_obs.delivery.frames import Frame
from syndarix_obs.delivery.segments import FileSegment
from syndarix_obs.store.tombstones import Tombstones

_PSEUDONYM: Final = re.compile(rb"u_[0-9a-f]{16}")
_IN_JSON: Final = re.compile(rb'"session[_.]id":("(?:[^"\\]|\\.)*")')
_IN_PROTOBUF: Final = re.compile(
    rb"session\.id\x12(?:[\x00-\x7f]|[\x80-\xff][\x00-\x7f])\x0a([\x00-\x7f]|[\x80-\xff][\x00-\x7f])", re.DOTALL
)
"""The key of an attribute, and how long its text is: what a name of up to 16 KB takes."""
_AGAIN_S: Final = 2.0
"""Seconds after which a spool is looked through once more: what was encoded just before the tombstone comes late."""

Anonymise = Callable[[Frame], "Frame | None"]
"""Takes the person out of a frame; None when nothing of it can stay."""


@dataclass(frozen=True, slots=True)
class LeftOver:
    """Frames of somebody in spools: those of dead processes, and those of live ones, which see to it themselves."""

    dead: int = 0
    live: int = 0


class ErasedFrames:
    """What one sender knows of who was erased.

    Args:
        tombstones: of the platform's home folder.
        anonymise: how a frame of this destination loses its person.
    """

    def __init__(self, tombstones: Tombstones, anonymise: Anonymise) -> None:
        self._tombstones = tombstones
        self._anonymise = anonymise
        self._seen = ""
        self._again_at = 0.0

    def due(self) -> bool:
        """Whether the spool has to be looked through: somebody was erased, just now or a moment ago."""
        state = self._tombstones.state()
        if state != self._seen:
            self._seen, self._again_at = state, time.monotonic() + _AGAIN_S
            return bool(state)
        if self._again_at and time.monotonic() >= self._again_at:
            self._again_at = 0.0
            return bool(state)
        return False

    def __bool__(self) -> bool:
        return bool(self._tombstones)

    def concerns(self, frame: Frame) -> bool:
        """Whether the frame names somebody who was erased."""
        return concerns(frame, self._tombstones.holds) or (
            not _PSEUDONYM.search(frame.before) and any(map(self._is_erased, sessions_of(frame)))
        )

    def _is_erased(self, session_id: str) -> bool:
        return self._tombstones.concern(None, session_id)

    def without(self, frame: Frame) -> Frame | None:
        """The frame, without its person if that one was erased; None when nothing of it can stay."""
        return self._anonymise(frame) if self.concerns(frame) else frame

    def without_all(self, data: bytes) -> bytes | None:
        """The same for encoded frames; None when nobody in them was erased."""
        frames = f.parse(data).frames
        if not any(self.concerns(each) for each in frames):
            return None
        return b"".join(kept.encode() for each in frames if (kept := self.without(each)) is not None)


def concerns(frame: Frame, erased: Callable[[str], bool]) -> bool:
    """Whether a frame holds a pseudonym for which `erased` is true."""
    return any(
        erased(found.decode())
        for part in (frame.before, frame.payload, frame.after)
        for found in set(_PSEUDONYM.findall(part))
    )


def sessions_of(frame: Frame) -> Iterator[str]:
    """Names of sessions in a frame: in a JSON line, or as attributes of a span in protobuf."""
    for match in _IN_JSON.finditer(frame.before):
        with contextlib.suppress(ValueError):
            yield json.loads(match[1])
    for match in _IN_PROTOBUF.finditer(frame.before):
        low, *high = match[1]
        size = (low & 127) + (high[0] << 7 if high else 0)
        yield frame.before[match.end() : match.end() + size].decode(errors="replace")


def count_left_over(spool: Path, pseudonym: str) -> LeftOver:
    """Frames of a user in all spools below a folder; changes nothing."""
    dead = live = 0
    for folder in _folders(spool):
        found = sum(_count(path, pseudonym) for path in sorted(folder.glob("*.seg1")))
        owned = ownership.take(folder) if found else None
        if owned is None:
            live += found
        else:
            dead += found
            owned.forget()
    return LeftOver(dead, live)


def erase_left_over(spool: Path, tombstones: Tombstones, anonymisers: dict[str, Anonymise]) -> int:
    """Take the erased out of what dead processes left; returns how many frames changed. Raises OSError.

    Args:
        spool: the folder of all spools, one folder per destination in it.
        tombstones: who was erased.
        anonymisers: by name of the destination; frames of others are dropped.
    """
    changed = 0
    for folder in _folders(spool):
        owned = ownership.take(folder)
        if owned is None:
            continue
        erased = ErasedFrames(tombstones, anonymisers.get(folder.parent.name, _nothing))
        try:
            changed += sum(_rewrite(owned, number, erased) for number, _ in owned.segments())
        finally:
            owned.forget()
    return changed


def _rewrite(owned: ownership.OwnedFolder, number: int, erased: ErasedFrames) -> int:
    at, offset = owned.position()
    segment = FileSegment(owned, number, acked=offset if at == number else 0)
    # The delivered part goes too: it may hold the person as well.
    data = segment.path.read_bytes()
    frames = f.parse(data[segment.acked :]).frames
    count = sum(erased.concerns(each) for each in f.parse(data).frames)
    if count:
        kept: Sequence[Frame] = [each for frame in frames if (each := erased.without(frame)) is not None]
        if at == number:
            owned.set_position(number, 0)  # first: a crash between the two sends twice, and nothing is lost
        segment.replace(b"".join(each.encode() for each in kept))
    segment.release()
    return count


def _nothing(_frame: Frame) -> None:
    return None


def _folders(spool: Path) -> list[Path]:
    return sorted(path for path in spool.glob("*/*") if path.is_dir())


def _count(path: Path, pseudonym: str) -> int:
    try:
        data = path.read_bytes()
    except OSError:
        return 0
    if pseudonym.encode() not in data:
        return 0
    return sum(concerns(frame, lambda found: found == pseudonym) for frame in f.parse(data).frames)

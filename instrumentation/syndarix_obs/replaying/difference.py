"""Where two JSON values first differ, and what that probably comes from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from syndarix_obs import vocabulary as v

ABSENT: Final = object()
"""Stands for a value that one side does not have."""

_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.I)
_RANDOM = re.compile(r"\b(?=[A-Za-z0-9_-]*\d)(?=[A-Za-z0-9_-]*[A-Za-z])[A-Za-z0-9_-]{10,}\b")
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_DATE = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?)?(?:Z|[+-]\d{2}:?\d{2})?"
    rf"|\d{{1,2}}[./]\d{{1,2}}[./]\d{{2,4}}|\b\d{{1,2}}:\d{{2}}(?::\d{{2}})?\b|\b1[5-9]\d{{8}}(?:\d{{3}})?(?:\.\d+)?\b"
    rf"|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|\b(?:{_MONTHS})[a-z]* \d{{1,2}}(?:st|nd|rd|th)?(?:, ?\d{{4}})?"
    rf"|\b\d{{1,2}} (?:{_MONTHS})[a-z]*(?: \d{{4}})?|\b(?:19|20)\d{{2}}\b",
    re.I,
)
_PLACE = re.compile(r"(?:/|[A-Za-z]:\\)[\w.\\/~-]{3,}|\blocalhost(?::\d+)?|\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?")
_MASK = re.compile(r"\[REDACTED:[a-z_0-9-]+\]")


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two values differ; `ABSENT` where one has nothing."""

    path: str
    recorded: Any
    live: Any

    @property
    def cause(self) -> str:
        """What it probably comes from; see `Divergence.cause`."""
        return cause_of(self.recorded, self.live)


def differences(recorded: Any, live: Any, path: str = "$") -> Iterator[Difference]:
    """Every place where two JSON values differ, in order."""
    if isinstance(recorded, dict) and isinstance(live, dict):
        for name in (*recorded, *(name for name in live if name not in recorded)):
            yield from differences(recorded.get(name, ABSENT), live.get(name, ABSENT), f"{path}{_member(name)}")
    elif isinstance(recorded, list) and isinstance(live, list):
        for index in range(max(len(recorded), len(live))):
            yield from differences(_item(recorded, index), _item(live, index), f"{path}[{index}]")
    elif type(recorded) is not type(live) or recorded != live:
        if isinstance(recorded, (int, float)) and isinstance(live, (int, float)) and recorded == live:
            return
        yield Difference(path, recorded, live)


def first(recorded: Any, live: Any) -> Difference | None:
    """The first difference, None for equal values."""
    return next(differences(recorded, live), None)


def _item(items: list[Any], index: int) -> Any:
    return items[index] if index < len(items) else ABSENT


def _member(name: str) -> str:
    return f".{name}" if name.isidentifier() else f"[{name!r}]"


def cause_of(recorded: Any, live: Any) -> str:
    """Class of a difference: the usual causes of runs that differ, `content` when none of them fits."""
    if isinstance(recorded, str) and isinstance(live, str):
        return _cause_of_texts(recorded, live)
    if isinstance(recorded, list) and isinstance(live, list) and sorted(map(repr, recorded)) == sorted(map(repr, live)):
        return "order"
    both = (recorded, live)
    if all(isinstance(each, (int, float)) and not isinstance(each, bool) and 1.5e9 < each < 2e12 for each in both):
        return "clock"
    return "content"


def _cause_of_texts(recorded: str, live: str) -> str:
    if v.TRUNCATED_SUFFIX in recorded and v.TRUNCATED_SUFFIX not in live:
        return "truncated"
    for name, pattern in (("clock", _DATE), ("random id", _UUID), ("environment", _PLACE), ("random id", _RANDOM)):
        if pattern.sub("\0", recorded) == pattern.sub("\0", live):
            return name
    if _MASK.search(recorded) and not _MASK.search(live):
        pieces = (re.escape(piece) for piece in _MASK.split(recorded))
        if re.fullmatch(".{1,80}?".join(pieces), live, re.DOTALL):
            return "masked"
    if sorted(recorded) == sorted(live) and sorted(re.findall(r"\w+", recorded)) == sorted(re.findall(r"\w+", live)):
        return "order"
    return "content"

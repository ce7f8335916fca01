"""The same gate with google-re2, where that is installed: all conditions in one linear pass over the text.

Each condition of the table is written anew for the text as it is: both cases of a letter, every digit, every
separator. What a look-ahead would exclude is let through, so this gate reports whatever the other one does, and the
patterns decide.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from syndarix_obs.guard import record_failure
from syndarix_obs.redaction.conditions import CODE, FREE, NUMBER, PHONES, SEARCHES, Condition
from syndarix_obs.redaction.gate import Gate
from syndarix_obs.redaction.spans import Group

_MAX_MEMORY = 64_000_000
"""Bytes that the automaton may grow to; what is not needed is not taken."""
_DASHES = r"\-_\x{a0}\x{2009}\x{2010}-\x{2015}\x{202f}\x{2212}"
_STARTS = {NUMBER: r"(?:^|[^0-9]|%[0-9][0-9]|\\[uU][0-9a-fA-F]{4})[0-9]", CODE: "[0-9][0-9]"}
_TOKEN = re.compile(r"\(\?![^)]*\)|\{[0-9,]+\}|\(\?:|\[\^?(?:\\.|[^]\\])*\]|\\.|.", re.DOTALL)
_ITEM = re.compile(r"\\x..-\\x..|[a-z]-[a-z]|\\.|.", re.DOTALL)


def unfolded(regex: str) -> str:
    """A regular expression for folded text (see `conditions.py`), rewritten for the text as it is."""
    return "".join(map(_token, _TOKEN.findall(regex)))


def _token(token: str) -> str:
    if token.startswith("(?!"):
        return ""
    if token.startswith("["):
        negated = token[1] == "^"
        items = "".join(map(_item, _ITEM.findall(token[1 + negated : -1])))
        return f"[{'^' * negated}{items}]"
    return f"[{_item(token)}]" if token in ("0", "-") or (token.isalpha() and token.islower()) else token


def _item(item: str) -> str:
    """One character or range of a class."""
    if item == "0":
        return "0-9"
    if item == "-":
        return _DASHES
    if item == "k":
        return "kKvVzZ"
    return item + item.upper() if item[0].isalpha() else item


def _pattern(condition: Condition) -> str:
    before = f"(?:{'|'.join(condition.before)})" if condition.before else ""
    if condition.raw:
        return before + condition.first + condition.after
    free = f"(?:{'|'.join(FREE)})" if condition.free else ""
    first = _STARTS.get(condition.first) or unfolded(condition.first)
    return unfolded(free + before) + first + unfolded(condition.after)


def _conditions() -> Iterator[Condition]:
    """All of the table. Where the other gate looks for a number first, here the words before a phone say enough."""
    for together in SEARCHES:
        yield from (one for one in together if (one.group, one.first) != ("keyed", NUMBER))
    yield from PHONES


class FastGate:
    """All conditions of one mode in one automaton.

    Args:
        re2: the module of google-re2.
        personal: search for personal data as well as for secrets.

    Raises:
        Exception: whatever google-re2 raises when it does not take the conditions.
    """

    def __init__(self, re2: Any, *, personal: bool) -> None:
        options = re2.Options()
        options.max_mem, options.never_capture, options.log_errors = _MAX_MEMORY, True, False
        self._set = re2.Set.SearchSet(options)
        self._groups: list[Group | None] = [None]
        self._set.Add("^")  # always there: an answer without it says that the automaton gave up
        for condition in _conditions():
            if personal or not condition.personal:
                self._set.Add(_pattern(condition))
                self._groups.append(condition.group)
        self._set.Compile()

    def hits(self, data: bytes) -> set[Group] | None:
        """As `Gate.hits`, or with more groups; None when the automaton gave up."""
        found = self._set.Match(data)
        if not found or 0 not in found:
            return None
        return {group for index in found if (group := self._groups[index])}


class Gates:
    """The quickest gate there is: google-re2's where it is installed, else the one of plain `re`. Made at first use.

    Args:
        personal: search for personal data as well as for secrets.
        accelerated: use google-re2 where it is installed.
    """

    def __init__(self, *, personal: bool, accelerated: bool = True) -> None:
        self._personal = personal
        self._accelerated = accelerated

    def hits(self, data: bytes) -> set[Group]:
        """Groups of patterns that could match somewhere in `data`, UTF-8 text (JSON or plain)."""
        found = self.fast.hits(data) if self.fast is not None else None
        return self._plain.hits(data) if found is None else found

    @cached_property
    def fast(self) -> FastGate | None:
        """The gate of google-re2; None where it is not installed, or is another module of that name."""
        if not self._accelerated:
            return None
        try:
            return FastGate(importlib.import_module("re2"), personal=self._personal)
        except ImportError:
            return None
        except Exception as error:  # noqa: BLE001 - the other gate does the same work
            record_failure("redact_fast_gate", error)
            return None

    @cached_property
    def _plain(self) -> Gate:
        return Gate(personal=self._personal)

"""Dates of birth: a date close behind a word for birth, in prose, in keys, and in the columns of tables."""

from __future__ import annotations

import re
from collections.abc import Iterator

from syndarix_obs.redaction.pattern import SLICE, Span, free_left, free_right, listed, personal, words_in

_MONTH = (
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mär|mai|okt|dez|fév|avr|juin|juil|aoû|déc|ene|abr|ago"
    r"|dic|gen|mag"
    r"|giu|lug|set|ott|fev|out)[^\W\d]{0,7}\.?"
)
_DATE = (
    r"(?:[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[-/. ][0-9]{1,2}[-/. ][0-9]{2,4}|(?:19|20)[0-9]{6}\b"
    r"|[0-9]{8}\b|[0-9]{4}年[0-9]{1,2}月[0-9]{1,2}日"
    rf"|{_MONTH} [0-9]{{1,2}}(?:st|nd|rd|th)?,? [0-9]{{4}}"
    rf"|[0-9]{{1,2}}(?:st|nd|rd|th|\.)?(?: of| de)? {_MONTH},?(?: de)? [0-9]{{4}}|[0-9]{{1,2}}-{_MONTH}-[0-9]{{2,4}})"
)
_WORDS = listed(
    "dob d.o.b birth born geb. geboren geburtsdatum geburtstag geboortedatum nacimiento nacido nacida "
    "naissance né née nascita nato nata nascimento nascido nascida född urodz fødselsdato født рождени родился "
    "родилась 生年月日 出生 생년월일"
)
_STANDING = frozenset(
    ["dob", "d.o.b", "born", "né", "née", "nato", "nata", "nacido", "nacida", "nascido", "nascida", "född", "født"]
)
"""Of these no letter may follow; before them none may stand."""
_GAP = re.compile(r"\.?[^0-9\n.!?\x00]{0,48}+(?:(?<=[:*])[*\s]{0,4}\n[\s*-]{0,8})?")
_DATES = re.compile(rf"{_DATE}(?:\s{{0,2}}(?:,|;|and|or|&)\s{{1,2}}{_DATE}){{0,20}}", re.IGNORECASE)
_MONTH_BEFORE = re.compile(rf"\b{_MONTH} $", re.IGNORECASE)
_YEAR = re.compile(r"(?: year)?[ :=]{1,3}((?:19|20)[0-9]{2})(?![0-9./-])")
_DIGIT = re.compile("[0-9]")
_LINE = re.compile("\n")
_FARTHEST = 64
_WIDEST = 512
_LINES = 200
_EMPTY_LINES = 16
"""So many rows without a date in a row end a table: a text may have a header in every line."""
_LONGEST_TABLE = 16_000


def _births(text: str) -> Iterator[Span]:
    """The first date behind each word for birth, in the same sentence or in the same column of a table."""
    last = digit = line = 0
    for start, end in words_in(text, _WORDS):
        digit = digit if digit >= end else _next(_DIGIT, text, end)
        line = line if line >= end else _next(_LINE, text, end)
        if digit > end + _FARTHEST and line > end + _WIDEST:
            continue  # neither a date nor a table
        word = text[start:end].lower()
        if start < last or (word in _STANDING and not (free_left(text, start) and free_right(text, end))):
            continue
        gap = _GAP.match(text, end)
        span = _date_at(text, gap.end()) if gap else None
        if span is None and word in ("born", "birth") and (year := _YEAR.match(text, end)):
            span = year.span(1)
        for found in (span,) if span is not None else _column(text, start, end):
            last = found[1]
            yield found


def _next(regex: re.Pattern[str], text: str, start: int) -> int:
    """Where it matches next, or how far it was looked for."""
    found = regex.search(text, start, start + SLICE)
    return found.start() if found else start + SLICE


def _date_at(text: str, position: int) -> Span | None:
    """A date whose first digit stands here; the name of its month may come before."""
    month = _MONTH_BEFORE.search(text, max(0, position - 16), position)
    start = month.start() if month else position
    found = _DATES.match(text, start)
    return found.span() if found else None


_SEPARATOR = re.compile(r"[|,;\t]")
_CELL_END = re.compile(r"[a-z_ ]{0,8}[ \"']{0,4}[|,;\t\r\n]")


def _column(text: str, start: int, end: int) -> Iterator[Span]:
    """Dates under a header cell: in rows of a Markdown table, of CSV or of tabs, as many as there are."""
    line_end = text.find("\n", end, end + _WIDEST) if _CELL_END.match(text, end) else -1
    if line_end < 0:
        return
    before = max(0, start - _WIDEST)
    begin = max(before, text.rfind("\n", before, start) + 1, text.rfind("\x00", before, start) + 1)
    separators = _SEPARATOR.findall(text, begin, start)
    position = line_end + 1
    limit = min(len(text), position + _LONGEST_TABLE)
    empty = 0
    for _ in range(_LINES):
        end = text.find("\n", position, limit)
        end = limit if end < 0 else end
        span = _cell(text, position, end, separators)
        empty = 0 if span else empty + 1
        if span:
            yield span
        elif end - position < 2 or empty > _EMPTY_LINES:
            return
        position = end + 1
        if position >= limit:
            return


def _cell(text: str, start: int, end: int, separators: list[str]) -> Span | None:
    for separator in separators:
        start = text.find(separator, start, end) + 1
        if start == 0:
            return None
    while start < end and text[start] in " \"'":
        start += 1
    found = _DATES.match(text, start, end)
    return found.span() if found else None


_NEED_WORD = (
    r"(?i)(?:dob|d\.o\.b|birth|born|geb[.o]|geburt|geboorte|nacimiento|nacid|naissance|n\x{e9}e?|nascita|nat[oa]"
    r"|nascimento"
    r"|nascid|f\x{f6}dd|urodz|f\x{f8}d|рожден|родил|生年月日|出生|생년월일)"
)
BIRTH = (
    personal(
        "date_of_birth",
        _births,
        rf"{_NEED_WORD}[^0-9.!?]*[:*|\\]*[^0-9.!?]*[0-9]",
        rf"{_NEED_WORD}[a-z_ ]{{0,8}}[ \"'\\]*(?:[|,;\t]|\\[tnr])[^.!?]*(?:\\n|\n)",
    ),
)

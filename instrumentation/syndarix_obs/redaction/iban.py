"""International bank account numbers: the country, its length and the check digits have to be right.

With the wrong check digits an account number of one piece is still masked: a digit mistyped does not make it public.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from syndarix_obs.redaction.pattern import LEFT, Span, free_left, free_right, listed, personal, scan

_IBAN_START = re.compile(r"[0-9](?<=[A-Za-z][0-9])[0-9](?<=[A-Za-z]{2}[0-9]{2})(?=[ -]{0,2}[A-Za-z0-9])")
_IBAN_LENGTHS = {
    code: length
    for length, codes in {
        15: "NO", 16: "BE", 18: "DK FK FI FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU XK MN",
        21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM TL SO",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HU LB NI PL SV",
        29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
    }.items()
    for code in codes.split()
}  # fmt: skip
"""Country code → number of characters of its IBAN (ISO 13616 registry)."""
IBAN_COUNTRIES = tuple(sorted(_IBAN_LENGTHS))
"""Country codes that an IBAN may begin with."""
_DIGITS_ONLY = frozenset(listed("AT BE CZ DE DK EE ES FI HR HU LT NO PL PT SE SI SK"))
"""Countries whose account numbers hold no letters."""


def ibans(text: str) -> Iterator[Span]:
    """Account numbers of a known country, in the length it has there."""
    for match in scan(_IBAN_START, text):
        start = match.start() - 2
        length = _IBAN_LENGTHS.get(text[start : start + 2].upper())
        if length is None or not free_left(text, start):
            continue
        end = _end_of_characters(text, start, length)
        if end and free_right(text, end) and (mod97(text[start:end]) or _mistyped(text[start:end], length)):
            yield start, end


def _end_of_characters(text: str, start: int, count: int) -> int:
    """Where the `count`th letter or digit from `start` ends, up to two separators skipped; 0 for anything else."""
    found = _characters(count, text[start : start + 2].upper() in _DIGITS_ONLY).match(text, start)
    return found.end() if found else 0


@lru_cache(maxsize=64)
def _characters(count: int, digits_only: bool) -> re.Pattern[str]:
    one = "[0-9]" if digits_only else "[A-Za-z0-9]"
    return re.compile(rf"[A-Za-z]{{2}}(?:[0-9][ -]{{0,2}}){{2}}(?:{one}[ -]{{0,2}}){{{count - 5}}}{one}")


def mod97(iban: str) -> bool:
    """True when the check digits of an IBAN are right."""
    packed = "".join(filter(str.isalnum, iban.upper()))
    return int((packed[4:] + packed[:4]).translate(_AS_NUMBER)) % 97 == 1


_AS_NUMBER = str.maketrans({letter: str(10 + index) for index, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ")})


def _mistyped(iban: str, length: int) -> bool:
    """In one piece, in capitals, mostly digits, and with check digits that an account may have (02 to 98)."""
    digits = sum(map(str.isdigit, iban))
    return len(iban) == length >= 18 and iban.isupper() and digits >= length - 6 and 2 <= int(iban[2:4]) <= 98


def _country_codes() -> str:
    """Country codes as google-re2 searches them."""
    seconds = {
        first: sorted(code[1] for code in IBAN_COUNTRIES if code[0] == first)
        for first in {c[0] for c in IBAN_COUNTRIES}
    }
    return "|".join(f"{first}[{''.join(letters)}]" for first, letters in sorted(seconds.items()))


IBANS = (
    personal(
        "iban",
        ibans,
        rf"{LEFT}(?i:{_country_codes()})[0-9]{{2}}(?:[ -]{{0,2}}[A-Za-z0-9]){{11}}",
    ),
)

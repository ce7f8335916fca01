"""Personal data: e-mail, phone, card, IBAN, social security number, IP address, date of birth."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from syndarix_obs.redaction.iban import ibans
from syndarix_obs.redaction.keys import assigned_cards, assigned_ssns
from syndarix_obs.redaction.spans import (
    Finder,
    Group,
    Pattern,
    Span,
    after_words,
    free_left,
    free_right,
    matches,
    standing_number,
)

_DASH = "\\-\u00a0\u2009\u202f\u2010-\u2015\u2212"
"""Separators that models and word processors put for a hyphen or a space inside a number."""
_SEP = f"[ {_DASH}]"
_DOT_SEP = f"[ .{_DASH}]"

# --- E-mail -------------------------------------------------------------------------------------------------------

_DOMAIN = re.compile(r"@[^\W_][\w-]*+(?:\.[^\W_][\w-]*+)++")


def _emails(text: str) -> Iterator[Span]:
    """Addresses, found at their `@` and extended to the left: only text since the last address is read again."""
    last = 0
    for match in _DOMAIN.finditer(text):
        start = _start_of_local_part(text, match.start(), last)
        last = match.end()
        end = match.start() + len(_real_domain(match.group()))
        if start < match.start() < end:
            yield start, end


def _real_domain(domain: str) -> str:
    """Up to the last label that starts with a letter, so that the version in `react@18.2.0` is no domain."""
    while domain and not domain.rpartition(".")[2][:1].isalpha():
        domain = domain.rpartition(".")[0]
    return domain


def _start_of_local_part(text: str, end: int, limit: int) -> int:
    start = end
    while start > limit and (text[start - 1].isalnum() or text[start - 1] in "._%+-'"):
        start -= 1
    while start < end and text[start] in ".'":
        start += 1
    if start > limit and text[start - 1] == "\\" and text[start : start + 1] in tuple("nrtbf") and start + 1 < end:
        return start + 1  # inside JSON text a new line before the address reads `\n`
    return start


# --- Cards, SSN ---------------------------------------------------------------------------------------------------

_CARD_LENGTHS = {"2": (16,), "3": (14, 15, 16), "4": (13, 16, 19), "5": (16,), "6": (16, 17, 18, 19)}
_CARD_START = re.compile(r"2[2-7]|3[0-9]|4|5[0-8]|6")


def luhn(digits: str) -> bool:
    """True when the check digit of a card number is right."""
    codes = digits.encode()
    return (sum(codes[-1::-2]) - 48 * len(codes[-1::-2]) + sum(codes[-2::-2].translate(_DOUBLED))) % 10 == 0


_DOUBLED = bytes(0 if not 48 <= code <= 57 else (code - 48) * 2 - 9 * (code > 52) for code in range(256))
"""A digit → its double, 9 less where that has two digits."""


def _is_card(text: str, start: int, end: int) -> bool:
    digits = "".join(filter(str.isdigit, text[start:end]))
    return (
        len(digits) in _CARD_LENGTHS.get(digits[0], ())
        and _CARD_START.match(digits) is not None
        and luhn(digits)
        and standing_number(text, start, end)
    )


def _solid_cards(text: str) -> Iterator[Span]:
    for match in _LONG_NUMBER.finditer(text):
        start = match.start() + 2 * text.startswith("%", max(0, match.start() - 1))  # the 20 of `%20` is no part of it
        if _is_card(text, start, match.end()):
            yield start, match.end()


def _grouped_cards(text: str) -> Iterator[Span]:
    return (match.span() for match in _GROUPED_CARD.finditer(text) if _is_card(text, *match.span()))


_LONG_NUMBER = re.compile(r"[0-9]{13,}+")
_GROUPED_CARD = re.compile(
    rf"[2-6][0-9]{{3}}({_SEP})"
    r"(?:[0-9]{4}\1[0-9]{4}\1[0-9]{4}(?:\1[0-9]{3})?|[0-9]{6}\1[0-9]{4,5})(?![0-9])"
)
_CARD_ID = r"(?:credit|debit)_card_([0-9]{5,}+)"


def _is_ssn(match: re.Match[str]) -> bool:
    digits = "".join(filter(str.isdigit, match.group()))
    issued = digits[:3] not in ("000", "666") and digits[3:5] != "00" and digits[5:] != "0000"
    return issued and standing_number(match.string, match.start(), match.end(), joints=".-")


# --- Phone --------------------------------------------------------------------------------------------------------

_INTERNATIONAL = re.compile(rf"\+\(?[1-9][0-9 ().\-{_DASH[2:]}/]{{5,26}}+")
_PHONE_WORDS: dict[str, tuple[str, ...]] = {"phone": (), "mobile": (), "cell": (), "fax": (), "whatsapp": (), "tel": ()}
_AFTER_WORD = re.compile(
    r"(?i:[ _]?(?:number|no\b\.?|nr\b\.?|#))?(?: is)?[ \"'\\:=*.]{1,6}(\+?[0-9(][0-9 ().\-]{5,18}[0-9])"
)
_DATE_LIKE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{4}")


def _international(text: str) -> Iterator[Span]:
    """`+` numbers: country code 1 takes 11 digits, others 8 to 15 (E.164)."""
    for match in _INTERNATIONAL.finditer(text):
        if not free_left(text, match.start()):
            continue
        wanted = 11 if match.group()[1:3].strip("(")[:1] == "1" else 15
        end, digits = _end_of_digits(text, match.start(), match.end(), wanted)
        if digits >= (11 if wanted == 11 else 8) and free_right(text, end):
            yield match.start(), end


def _end_of_digits(text: str, start: int, limit: int, wanted: int) -> tuple[int, int]:
    """Where the last of at most `wanted` digits ends, and how many there are."""
    end, digits = start, 0
    for position in range(start, limit):
        if text[position].isdigit():
            digits += 1
            end = position + 1
            if digits == wanted:
                break
    return end, digits


def _is_national(match: re.Match[str]) -> bool:
    digits = sum(char.isdigit() for char in match.group())
    before = match.string[match.start() - 1 : match.start()]
    alone = standing_number(match.string, match.start(), match.end(), joints=".-")
    return 9 <= digits <= 12 and before not in ("+", "/") and alone


def _is_keyed_phone(match: re.Match[str]) -> bool:
    number = match.group(1)
    digits = sum(char.isdigit() for char in number)
    return 7 <= digits <= 15 and _DATE_LIKE.match(number) is None and free_right(match.string, match.end(1))


def _keyed_phones(text: str) -> Iterator[Span]:
    return iter(sorted(m.span(1) for m in after_words(text, _PHONE_WORDS, _AFTER_WORD) if _is_keyed_phone(m)))


def _north_american(text: str) -> Iterator[Span]:
    """`(415) 555-0132`, `415-555-0132`, `1 415.555.0132`."""
    for match in _NORTH_AMERICA.finditer(text):
        start = match.start()
        if start > 1 and text[start - 2] == "1" and not text[start - 1].isalnum():
            start -= 2
        alone = standing_number(text, start, match.end(), joints=".-")
        if alone and text[start - 1 : start] not in ("+", "/"):
            yield start, match.end()


_NORTH_AMERICA = re.compile(
    rf"[0-9(](?:(?<=\()[0-9]{{3}}\) ?|(?<!\()[0-9]{{2}}[.{_DASH}/]|(?<=[2-9])[0-9]{{2}} )"
    rf"[0-9]{{3}}{_DOT_SEP}[0-9]{{4}}(?![0-9])"
)
_FRENCH = rf"0[1-9]({_DOT_SEP})[0-9]{{2}}\1[0-9]{{2}}\1[0-9]{{2}}\1[0-9]{{2}}(?![0-9])"
_TRUNK_ZERO = r"0[1-9][0-9]{1,4}\)?[ /][0-9]{3,8}(?: [0-9]{2,6}){0,3}(?![0-9])"

# --- IP addresses -------------------------------------------------------------------------------------------------

_VERSION_BEFORE = re.compile(r"(?:v|ver|version|release|[=<>~!]=|[~^])[ .:=]?$", re.IGNORECASE)
_IPV4_END = re.compile(r"\.(?<=[0-9]\.)([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})(?![0-9])")
_DIGITS = frozenset("0123456789")
_HEX = frozenset("0123456789abcdefABCDEF")
_IPV6_RUN = re.compile(r":[0-9A-Fa-f:]*+")


def _ipv4(text: str) -> Iterator[Span]:
    """Found at the first dot, which is rarer than a digit, and extended to the left."""
    for match in _IPV4_END.finditer(text):
        start = match.start()
        while start > 0 and match.start() - start < 3 and text[start - 1] in _DIGITS:
            start -= 1
        parts = (text[start : match.start()], *match.groups())
        if any(int(part) > 255 for part in parts) or _VERSION_BEFORE.search(text, max(0, start - 12), start):
            continue
        if standing_number(text, start, match.end()):
            yield start, match.end()


def _ipv6(text: str) -> Iterator[Span]:
    """Real addresses: times (`12:30:45`), slices (`[1::2]`) and scopes (`a::b`) are not."""
    for match in _IPV6_RUN.finditer(text):
        start = match.start()
        while start > 0 and match.start() - start < 4 and text[start - 1] in _HEX:
            start -= 1
        address = text[start : match.end()]
        if address.endswith(":") and not address.endswith("::"):
            address = address[:-1]
        if len(address) <= 45 and free_left(text, start) and _is_ipv6(address):
            yield start, start + len(address)


def _is_ipv6(address: str) -> bool:
    groups = [group for group in address.split(":") if group]
    if len(groups) < 2 or max(map(len, groups)) < 3 or not any(char.isdigit() for char in address):
        return False
    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        return False
    return True


# --- Date of birth ------------------------------------------------------------------------------------------------

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_DATE = (
    r"(?:[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[-/. ][0-9]{1,2}[-/. ][0-9]{2,4}|[0-9]{8}\b"
    rf"|{_MONTH} [0-9]{{1,2}}(?:st|nd|rd|th)?,? [0-9]{{4}}|[0-9]{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH},? [0-9]{{4}})"
)
_BIRTH_WORD = r"[Bb](?:(?<=\b(?i:dob))|(?<=\b(?i:d\.o\.b))|(?i:irth[a-z]{0,4})|(?<=\b[Bb])(?i:orn)\b)(?![A-Za-z])"
_GAP = r"[^0-9\n.!?\x00]{0,40}?(?:[:*]\s{0,2}\n\s{0,4}[-*]{0,3} {0,2})?"
_MORE_DATES = rf"(?:\s{{0,2}}(?:,|;|and|or|&)\s{{1,2}}{_DATE}){{0,20}}"
_AFTER_BIRTH = rf"{_BIRTH_WORD}(?i:{_GAP}({_DATE}{_MORE_DATES}))"


def _personal(name: str, group: Group, find: Finder) -> Pattern:
    return Pattern(name, group, find, secret=False)


PERSONAL = (
    _personal("email", "at", _emails),
    _personal("date_of_birth", "birth", matches(_AFTER_BIRTH, group=1)),
    _personal("iban", "iban", ibans),
    _personal("credit_card", "card", _solid_cards),
    _personal("credit_card", "card_groups", _grouped_cards),
    _personal("credit_card", "card_id", matches(_CARD_ID, group=1)),
    _personal("credit_card", "card_word", assigned_cards),
    _personal("ssn", "ssn_word", assigned_ssns),
    _personal("ssn", "ssn", matches(rf"[0-8][0-9]{{2}}({_SEP})[0-9]{{2}}\1[0-9]{{4}}(?![0-9])", _is_ssn)),
    _personal("ip_address", "ip", _ipv4),
    _personal("ip_address", "colon", _ipv6),
    _personal("phone", "international", _international),
    _personal("phone", "american", _north_american),
    _personal("phone", "french", matches(_FRENCH, _is_national)),
    _personal("phone", "trunk", matches(_TRUNK_ZERO, _is_national)),
    _personal("phone", "keyed", _keyed_phones),
)
"""In the order they are applied."""

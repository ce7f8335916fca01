"""Phone numbers: international, as the countries write them, and anything of the right length behind `call me at`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from syndarix_obs.redaction.pattern import (
    GAP,
    LEFT,
    Span,
    behind,
    digits_of,
    free_left,
    free_right,
    listed,
    matches,
    number_start,
    personal,
    scan,
    standing_number,
)

_DATE_LIKE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{4}|(?:19|20)[0-9]{2}[01][0-9][0-3][0-9]$"
)

# --- International ------------------------------------------------------------------------------------------------

_INTERNATIONAL = re.compile(r"\+\(?[1-9][0-9 ().\-/]{5,26}+")
_ZEROS = re.compile(rf"{number_start('0')}0[ .-]?[1-9][0-9 ().\-/]{{6,22}}+")
_COUNTRY = re.compile(
    r"1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|21[1-8]|2[2-69][0-9]|35[0-9]|37[0-9]|38[0-9]|42[0-3]"
    r"|50[0-9]|59[0-9]|67[0-9]|68[0-9]|69[0-2]|85[0-6]|88[06]|96[0-8]|97[0-79]|99[2-68]"
)
"""Country codes (ITU-T E.164)."""


def _international(text: str) -> Iterator[Span]:
    """`+` numbers: country code 1 takes 11 digits, others 8 to 15 (E.164)."""
    for match in scan(_INTERNATIONAL, text):
        if free_left(text, match.start()):
            wanted = 11 if match.group()[1:3].strip("(")[:1] == "1" else 15
            end, digits = _end_of_digits(text, match.start(), match.end(), wanted)
            if digits >= (11 if wanted == 11 else 8) and free_right(text, end):
                yield match.start(), end


def _zeros(text: str) -> Iterator[Span]:
    """`00` and a country code in the place of the `+`: 10 to 15 digits behind it, in one piece or in groups."""
    for match in scan(_ZEROS, text):
        end, digits = _end_of_digits(text, match.start(), match.end(), 17)
        code = match.group()[2:].lstrip(" .-")
        if digits >= 11 and _COUNTRY.match(code) and standing_number(text, match.start(), end, joints=".-:"):
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


# --- National -----------------------------------------------------------------------------------------------------


def _is_national(match: re.Match[str]) -> bool:
    before = match.string[match.start() - 1 : match.start()]
    alone = standing_number(match.string, match.start(), match.end(), joints=".-")
    return 9 <= len(digits_of(match.group())) <= 12 and before not in ("+", "/") and alone


def _alone(match: re.Match[str]) -> bool:
    before = match.string[match.start() - 1 : match.start()] if match.start() else ""
    return before not in ("+", "/", "=", "_", "#", "$", "-") and standing_number(
        match.string, match.start(), match.end(), joints=".-,"
    )


def _north_american(text: str) -> Iterator[Span]:
    """`(415) 555-0132`, `415-555-0132`, `1 415.555.0132`."""
    for match in scan(_NORTH_AMERICA, text):
        start = match.start()
        if start > 1 and text[start - 2] == "1" and not text[start - 1].isalnum():
            start -= 2
        alone = standing_number(text, start, match.end(), joints=".-")
        if alone and text[start - 1 : start] not in ("+", "/"):
            yield start, match.end()


_NORTH_AMERICA = re.compile(
    r"[0-9(](?:(?<=\()[0-9]{3}\) ?|(?<!\()[0-9]{2}[.\-/]|(?<=[2-9])[0-9]{2} )[0-9]{3}[ .-][0-9]{4}(?![0-9])"
)
_PAIRS = r"0[1-9]([ .-])[0-9]{2}\1[0-9]{2}\1[0-9]{2}\1[0-9]{2}(?![0-9])"  # France
_TRUNK_ZERO = (
    r"[0(](?:(?<![0-9(][0(])|(?<=%[0-9]{2}[0(])|(?<=\\u[0-9a-fA-F]{4}[0(]))(?:(?<=0)|0)"
    r"(?![0-9]{2}[ -][0-9]{2}[ -][0-9]{4}(?![0-9]))"  # the form of a social security number
    r"[1-9](?:[0-9]{0,4}\)?[ /-][0-9]{3,8}|[0-9]{1,3}[ -][0-9]{2}(?=[ -]))(?:[ -][0-9]{2,6}){0,4}(?![0-9])"
)
"""The zero of a trunk call, an area code, and the rest in groups."""
_SHAPES = (
    (r"8[ -]?\(9[0-9]{2}\)[ -]?[0-9]{3}[ -]?[0-9]{2}[ -]?[0-9]{2}", r"8[ -]?\(9[0-9]{2}\)"),  # Russia
    (r"\([1-9][0-9]\) ?9?[0-9]{4}[- ][0-9]{4}", r"\([1-9][0-9]\) ?9?[0-9]{4}[- ][0-9]{4}"),  # Brazil
    (r"1(?:3[0-9]|4[5-9]|5[0-35-9]|6[2567]|7[0-8]|8[0-9]|9[0-9])[0-9]{8}", "1[3-9][0-9]{9}"),  # China, mobile
    (r"1[3-9][0-9] [0-9]{4} [0-9]{4}", "1[3-9][0-9] [0-9]{4} [0-9]{4}"),
)

# --- Behind a word ------------------------------------------------------------------------------------------------

_NUMBER = r"(\+?[0-9(][0-9 ().\-/]{5,20}[0-9])"
_PHONE_WORDS = listed(
    "phone mobile mobil movil móvil cell cellular celular cellulare fax whatsapp telegram viber signal sms tel "
    "tél telefon telefono telefone telefonnummer telefonní teléfono téléphone telephone handy portable hotline "
    "contact msisdn 电话 電話 手机 携帯 전화 тел телефон هاتف"
)
_KEYED = rf"(?i:[ _]?(?:number|no\b\.?|nr\b\.?|num|#))?(?: is| at| on| me at)?[ \"'\\:=*.#]{{1,8}}{_NUMBER}"
_KEYED_NEED = (
    rf"(?i:{'|'.join(_PHONE_WORDS)})(?i:[ _]?(?:number|no|nr|num|#)\.?)?(?: is| at| on| me at)?"
    rf"{GAP}[ :=.#]*{GAP}\+?[0-9(]"
)
_CALL_WORDS = ("reach", "call", "dial", "ring", "text", "phone", "contact", "whatsapp", "message", "sms", "fax", "ping")
_CALL = (
    r"(?i: (?:me|us|him|her|them|you|back|now|out))?(?i: (?:at|on|under|to|via|number|unter|au|al|no))?"
    r"(?: the)?[: ]{1,3}"
)
_BELONGS = re.compile(
    rf"{_NUMBER}(?= (?i:is|was) (?i:(?:my|his|her|their|our|the|a) )?(?i:mobile|cell|phone|number|fax|landline|tel))"
)


def _is_keyed_phone(match: re.Match[str]) -> bool:
    number = match.group(1)
    digits = len(digits_of(number))
    return 7 <= digits <= 15 and _DATE_LIKE.match(number) is None and _no_clock(number) and _ends(match)


def _no_clock(number: str) -> bool:
    """Seconds and milliseconds since 1970 are no phone, whatever stands before them."""
    return not (number.isdigit() and len(number) in (10, 13) and number.startswith(("16", "17", "18")))


def _ends(match: re.Match[str]) -> bool:
    text, start, end = match.string, match.start(1), match.end(1)
    return free_right(text, end) and free_left(text, start) and text[end : end + 1] not in (":", "%", "$", "€")


PHONES = (
    personal("phone", _international, r"\+\(?[0-9](?:[ ()./-]*[0-9]){7}"),
    personal("phone", _zeros, r"(?:^|[^0-9]|\\u[0-9a-f]{4}|%[0-9]{2})00[ .-]?[1-9](?:[ ()./-]*[0-9]){8}"),
    personal("phone", _north_american, r"[0-9]{2}(?:\) ?|[-. /])[0-9]{3}[-. ][0-9]{4}"),
    personal("phone", matches(_PAIRS, _is_national), r"0[1-9](?:[-. ][0-9]{2}){4}"),
    personal(
        "phone",
        matches(_TRUNK_ZERO, _is_national),
        r"(?:^|[^0-9]|\\u[0-9a-f]{4}|%[0-9]{2})0[1-9][0-9]{0,4}\)?[ /-][0-9]{3}",
        r"(?:^|[^0-9]|\\u[0-9a-f]{4}|%[0-9]{2})0[1-9][0-9]{1,3}[ -][0-9]{2}[ -][0-9]{2}",
    ),
    *(personal("phone", matches(shape, _alone), need) for shape, need in _SHAPES),
    personal("phone", behind(_PHONE_WORDS, _KEYED, _is_keyed_phone, free=False), _KEYED_NEED),
    personal(
        "phone",
        behind(_CALL_WORDS, rf"{_CALL}{_NUMBER}", _is_keyed_phone),
        rf"{LEFT}(?i:{'|'.join(_CALL_WORDS)}){_CALL}\+?[0-9(][0-9 ().\-/]{{5}}",
    ),
    personal(
        "phone",
        matches(_BELONGS.pattern, _is_keyed_phone, group=1),
        r"[0-9] (?i:is|was) (?i:(?:my|his|her|their|our|the|a) )?(?i:mobile|cell|phone|number|fax|landline|tel)",
    ),
)

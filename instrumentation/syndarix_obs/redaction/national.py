"""Numbers that a state gives to a person: by their check digits where their form is their own, else by their name.

The forms and check digits are those that the issuing authorities publish. A bare number without check digits, or one
whose form is common (nine digits), is masked only behind its name: `BSN 111222333`, `my nino is …`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from syndarix_obs.redaction.pattern import (
    GAP,
    LEFT,
    Pattern,
    behind,
    digits_of,
    free,
    listed,
    matches,
    personal,
    standing_number,
)
from syndarix_obs.redaction.payment import luhn

Valid = Callable[[str], bool]


def _weighted(digits: str, weights: Sequence[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def _date(digits: str) -> bool:
    """Whether six digits are year, month and day, month and day shifted as some countries do."""
    return 1 <= int(digits[2:4]) % 20 <= 12 and 1 <= int(digits[4:6]) % 40 <= 31


def _cpf(text: str) -> bool:
    """Brazil: two digits mod 11."""
    digits = digits_of(text)
    first = _weighted(digits, range(10, 1, -1)) * 10 % 11 % 10
    second = _weighted(digits, range(11, 1, -1)) * 10 % 11 % 10
    return len(set(digits)) > 1 and digits[9:] == f"{first}{second}"


def _cnpj(text: str) -> bool:
    digits = digits_of(text)
    first = _weighted(digits, (5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)) % 11
    second = _weighted(digits, (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)) % 11
    return digits[12:] == f"{11 - first if first > 1 else 0}{11 - second if second > 1 else 0}"


def _dni(text: str) -> bool:
    """Spain: a letter by the remainder of 23; a foreigner's number begins with X, Y or Z."""
    body = text.upper().replace("-", "").replace(" ", "").replace(".", "")
    number = body[:-1].replace("X", "0").replace("Y", "1").replace("Z", "2")
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23] == body[-1]


def _nir(text: str) -> bool:
    """France: 97 minus the remainder of 97; Corsica's departments are letters."""
    body = text.replace(" ", "").upper().replace("2A", "19").replace("2B", "18")
    return body.isdigit() and 97 - int(body[:13]) % 97 == int(body[13:]) and 1 <= int(body[3:5]) <= 12


def _chinese(text: str) -> bool:
    """ISO 7064 mod 11-2, behind a date of birth."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return _date(text[8:14]) and "10X98765432"[_weighted(text[:17], weights) % 11] == text[-1].upper()


def _verhoeff(text: str) -> bool:
    """India's Aadhaar, by the tables of Verhoeff: the dihedral group of ten."""
    check = 0
    for place, digit in enumerate(reversed(digits_of(text))):
        number = int(digit)
        for _ in range(place % 8):
            number = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)[number]
        check = _dihedral(check, number)
    return check == 0


def _dihedral(a: int, b: int) -> int:
    if a < 5:
        return (a + b) % 5 if b < 5 else 5 + (a + b) % 5
    return 5 + (a - b) % 5 if b < 5 else (a - b) % 5


def _pesel(text: str) -> bool:
    """Poland: weights 1 3 7 9, behind a date of birth whose month also tells the century."""
    return _date(text) and (_weighted(text, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1))) % 10 == 0


def _swedish(text: str) -> bool:
    digits = digits_of(text)[-10:]
    return _date(digits) and luhn(digits)


def _danish_or_korean(text: str) -> bool:
    """A date of birth, day or year first, and what tells the sex; the check digits are no longer held to."""
    digits = digits_of(text)
    return _date(digits) and digits[6] in "1234"


def _finnish(text: str) -> bool:
    digits = digits_of(text[:6] + text[7:10])
    return text[-1].upper() == "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(digits) % 31] and 1 <= int(text[:2]) <= 31


def _codice_fiscale(text: str) -> bool:
    """Italy: the letter at the end, from values of odd and even places."""
    odd = dict(zip("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", (
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10,
        22, 25, 24, 23), strict=True))  # fmt: skip
    body = text.upper()
    total = sum(
        odd[char] if place % 2 == 0 else int(char, 36) - 10 * char.isalpha() for place, char in enumerate(body[:15])
    )
    return chr(65 + total % 26) == body[15]


def _any(text: str) -> bool:
    return bool(text)


_FORMS: tuple[tuple[str, Valid], ...] = (
    (r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]", _any),  # UK
    (r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}", _cpf),
    (r"[0-9]{2}\.[0-9]{3}\.[0-9]{3}/[0-9]{4}-[0-9]{2}", _cnpj),
    (r"[0-9]{8}-?[A-HJ-NP-TV-Z]", _dni),
    (r"[XYZ]-?[0-9]{7}-?[A-HJ-NP-TV-Z]", _dni),
    (r"[12] ?[0-9]{2} ?[01][0-9] ?[0-9][0-9AB] ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}", _nir),
    (r"[1-9][0-9]{5}(?:19|20)[0-9]{9}[0-9Xx]", _chinese),
    (r"[2-9][0-9]{3}([ -])[0-9]{4}\1[0-9]{4}", _verhoeff),
    (r"[0-9]{11}", _pesel),
    (r"(?:19|20)?[0-9]{6}[-+][0-9]{4}", _swedish),
    (r"[0-9]{6}-[1-4][0-9]{6}", _danish_or_korean),
    (r"[0-3][0-9][01][0-9]{3}[-+A-FU-Y][0-9]{3}[0-9A-Y]", _finnish),
    (r"[A-Z]{6}[0-9LMNPQRSTUV]{2}[ABCDEHLMPRST][0-9LMNPQRSTUV]{2}[A-Z][0-9LMNPQRSTUV]{3}[A-Z]", _codice_fiscale),
    (r"[A-Z]{4}[0-9]{6}[HM][A-Z]{5}[0-9A-Z][0-9]", _any),  # Mexico, CURP
    (r"[A-Z]{3}[PCHFATBLJG][A-Z][0-9]{4}[A-Z]", _any),  # India, PAN
    (r"756\.[0-9]{4}\.[0-9]{4}\.[0-9]{2}", _any),  # Switzerland, AHV
    (r"[0-9]{1,2}\.[0-9]{3}\.[0-9]{3}-[0-9Kk]", _any),  # Chile, RUT
    (r"[0-9]{2}\.[0-9]{2}\.[0-9]{2}-[0-9]{3}\.[0-9]{2}", _any),  # Belgium, national register
    (r"[STFGM][0-9]{7}[A-Z]", _any),  # Singapore, NRIC
)
"""Forms that stand for themselves, and what has to hold of them."""

_NAMES = tuple(
    word.replace("_", " ")
    for word in listed(
    "nino national_insurance n.i._number ni_number steuer-id steuerid steuer-idnr steueridentifikationsnummer "
    "idnr tax_id tin itin insee nir numéro_de_sécurité_sociale sécurité_sociale securite_sociale secu cpf cnpj "
    "aadhaar aadhar uidai pan dni nie nif codice_fiscale cod._fisc. cf bsn burgerservicenummer personnummer "
    "pnr cpr hetu henkilötunnus fødselsnummer fnr mynumber cuil cuit utr pesel nip rodné_číslo sin "
    "social_insurance nhs rrn 주민등록번호 "
    "my_number マイナンバー 身份证 身份證 id_card identity_card citizen_id curp rfc rut run "
    "cédula cedula tc_kimlik tckn "
    "kimlik tfn medicare ird nric fin mykad hkid snils inn egn cnp oib jmbg emšo amka afm pps ppsn ahv avs "
    "sozialversicherungsnummer sv-nummer rentenversicherungsnummer teudat_zehut passport reisepass "
    "reisepassnummer personalausweis personalausweisnummer driver's_license driver_license drivers_license "
    "driver's_licence driving_licence driving_license national_id identity_number id_number "
    "identification_number voter_id health_card insurance_number"
)
)  # fmt: skip
"""Names of such numbers, `_` for a space."""
_NAMED = (
    r"(?i: card)?(?i: number| no\b\.?| nr\b\.?| n\xba)?(?:[ \"'\\:=#.]{1,6}|_)(?:(?i:is|was|ist|lautet|es|est|è"
    r"|é|=) ?:? ?)?[\"']?"
    r"([A-Za-z]{0,6}[ -]?[0-9][A-Za-z0-9./ (-]{4,22}[A-Za-z0-9]|[A-Z]{4,6}[0-9]{2}[A-Z][0-9A-Z]{7})(?![A-Za-z0-9])"
)
_NAMED_NEED = (
    rf"(?i){LEFT}(?:{'|'.join(re.escape(name) for name in _NAMES)})(?: card)?(?: number| no\.?| nr\.?"
    rf"| n\x{{ba}})?[ \"'\\:=#._](?:[ :=#._]|{GAP})*"
    rf"(?:(?:is|was|ist|lautet|es|est|è|é) ?:? ?)?{GAP}[a-z]*[ -]?[0-9]"
)


def _is_named(match: re.Match[str]) -> bool:
    """Enough letters and digits for a number that a state gives, and no words among them."""
    value = match.group(1)
    return (
        len(digits_of(value)) >= 4
        and sum(map(str.isalnum, value)) >= 8
        and not re.search("[A-Za-z]{7}|[a-z]{2}", value)
    )


def _checked(valid: Valid) -> Callable[[re.Match[str]], bool]:
    def check(match: re.Match[str]) -> bool:
        alone = standing_number(match.string, match.start(), match.end(), joints=".-/")
        return alone and free(match) and valid(match.group())

    return check


def _is_ssn(match: re.Match[str]) -> bool:
    digits = digits_of(match.group())
    itin = digits[0] == "9" and (50 <= int(digits[3:5]) <= 99)  # the tax number of those who have no SSN
    issued = digits[:3] not in ("000", "666") and digits[3:5] != "00" and digits[5:] != "0000"
    return (
        issued and (digits[0] != "9" or itin) and standing_number(match.string, match.start(), match.end(), joints=".-")
    )


def _form(form: str) -> str:
    """A form as google-re2 takes it: without looks ahead and references back."""
    return re.sub(r"\(\?![^)]*\)", "", form).replace(r"([ -])", "[ -]").replace(r"\1", "[ -]")


NATIONAL: tuple[Pattern, ...] = (
    personal(
        "ssn",
        behind(("ssn", "social security"), r"(?i: number)?[ \t\"'\\:=#*]{1,8}(?:is )?([0-9](?:[0-9 -]{0,22}[0-9])?)"),
        rf"(?i)(?:ssn|social security(?: number)?)(?:{GAP}[:=# ]*)*(?:is )?[0-9]",
    ),
    personal("ssn", matches(r"[0-9]{3}([ -])[0-9]{2}\1[0-9]{4}(?![0-9])", _is_ssn), "[0-9]{3}[ -][0-9]{2}[ -][0-9]{4}"),
    *(personal("national_id", matches(form, _checked(valid)), _form(form)) for form, valid in _FORMS),
    personal("national_id", behind(_NAMES, _NAMED, _is_named), _NAMED_NEED),
)
"""In the order they are applied."""

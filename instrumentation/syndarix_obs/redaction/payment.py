"""Payment cards, bank accounts and wallets: what carries a check digit has to have the right one."""

from __future__ import annotations

import hashlib
import re

from syndarix_obs.redaction.iban import IBANS
from syndarix_obs.redaction.pattern import (
    GAP,
    behind,
    digits_of,
    free,
    free_left,
    has_digit,
    listed,
    matches,
    number_start,
    personal,
)

# --- Cards --------------------------------------------------------------------------------------------------------

_BRANDS = (
    (re.compile(r"4"), (16, 19)),  # Visa; its old numbers of 13 digits look like any article number
    (re.compile(r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), (16,)),  # Mastercard
    (re.compile(r"220[0-4]"), (16, 17, 18, 19)),  # Mir
    (re.compile(r"3[47]"), (15,)),  # American Express
    (re.compile(r"3(?:0[0-59]|[689])"), (14, 16)),  # Diners Club
    (re.compile(r"35(?:2[89]|[3-8])"), (16, 17, 18, 19)),  # JCB
    (re.compile(r"6011|64[4-9]|65|60|81|82|508|62|636|50|439"), (16, 17, 18, 19)),  # Discover, RuPay, UnionPay, Elo
    (re.compile(r"50(?:18|20|38)|5[6-9]|6304|67(?:59|6[1-3])|0604"), (12, 13, 14, 15, 16, 17, 18, 19)),  # Maestro
    (re.compile(r"9792"), (16,)),  # Troy
)
"""First digits → lengths (ISO/IEC 7812)."""


def luhn(digits: str) -> bool:
    """True when the check digit of a card number is right."""
    codes = digits.encode()
    return (sum(codes[-1::-2]) - 48 * len(codes[-1::-2]) + sum(codes[-2::-2].translate(_DOUBLED))) % 10 == 0


_DOUBLED = bytes(0 if not 48 <= code <= 57 else (code - 48) * 2 - 9 * (code > 52) for code in range(256))
"""A digit → its double, 9 less where that has two digits."""


def _is_card(match: re.Match[str]) -> bool:
    digits = digits_of(match.group(1))
    known = any(len(digits) in lengths and brand.match(digits) for brand, lengths in _BRANDS)
    return known and luhn(digits) and _stands(match)


def _stands(match: re.Match[str]) -> bool:
    """No part of a longer number. A letter behind is let pass: `4111111111111111x`."""
    text, start, end = match.string, match.start(1), match.end(1)
    if start > 1 and text[start - 1] in ".-" and text[start - 2].isdigit():
        return False
    if end + 1 < len(text) and text[end] in ".-" and text[end + 1].isdigit():
        return False
    return free_left(text, start) and not text[end : end + 1].isdigit()


_SOLID = rf"({number_start('[2-9]')}[0-9]{{11,18}}+)"
_GROUPS = (
    rf"({number_start('[2-9]')}(?<![0-9]{{4}}[ -][2-9])[0-9]{{3}}(?:"
    r"([ ._-]{1,2}|\n)[0-9]{4}\2[0-9]{4}(?:\2[0-9]{4}(?:\2[0-9]{1,3})?)?"
    r"|([ ._-]{1,2}|\n)[0-9]{6}\3[0-9]{4,5}"
    r"|[0-9]{4}[ ._-]{1,2}[0-9]{8}))(?![0-9])"
)
_SPACED = r"([2-9](?<![0-9][2-9])(?<![0-9] [2-9])([ .-])[0-9](?:\2[0-9]){10,17}+)(?![0-9])"
_CARD_ID = r"(?:credit|debit)_card_([0-9]{5,32}+)"
_CARD_WORDS = (
    *(f"{card}{gap}{n}" for card in ("card", "cc") for gap in ("", " ", "_", "-") for n in ("number", "num", "no")),
    *("cvv", "cvc", "csc", "pan", "security code"),
)
_CARD_TAIL = r"2?\.?[ \t\"'\\:=#*]{1,8}(?:is |number |no\. ?)?([0-9](?:[0-9 -]{0,22}[0-9])?)"
_CARD_WORD_NEED = (
    rf"(?i)(?:card[ _-]*(?:number|num|no)|cc[ _-]*(?:number|num|no)|cvv|cvc|pan|security code"
    rf"|csc)2?\.?{GAP}[:=# ]*{GAP}"
    r"(?:is |number |no\. ?)?[0-9]"
)


def _is_card_word(match: re.Match[str]) -> bool:
    before = match.string[max(0, match.start() - 4) : match.start()].lower()
    least = 12 if before.endswith("pan") else 3 if before.endswith(("cvv", "cvc", "csc", "code")) else 4
    return len(digits_of(match.group(1))) >= least


# --- Wallets ------------------------------------------------------------------------------------------------------

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_PLACE58 = {char: place for place, char in enumerate(_BASE58)}


def _is_base58(match: re.Match[str]) -> bool:
    """An address of Bitcoin, Litecoin, Dogecoin or Tron: its last four bytes are a hash of the others."""
    number = 0
    for char in match.group():
        number = number * 58 + _PLACE58[char]
    if number >= 1 << 200 or not free(match):
        return False
    data = number.to_bytes(25, "big")
    return hashlib.sha256(hashlib.sha256(data[:-4]).digest()).digest()[:4] == data[-4:]


_ETHER = "0x[0-9a-fA-F]{40}"
_BECH32 = "(?:bc1|tb1|ltc1)[ac-hj-np-z02-9]{25,87}+|addr1[ac-hj-np-z02-9]{50,110}+|cosmos1[ac-hj-np-z02-9]{38}"
_OLD_ADDRESS = rf"(?<![A-Za-z0-9])[13LMDT][{_BASE58}]{{25,34}}+"
_COINS = listed("wallet solana sol ripple xrp monero xmr bitcoin btc tron dogecoin litecoin crypto")
_WALLET_TAIL = (
    r"(?:[ _-](?i:address))?"
    rf"[ \"'\\:=]{{1,6}}(?:is )?([{_BASE58}]{{26,106}}+)"
)


def _is_wallet(match: re.Match[str]) -> bool:
    return has_digit(match.group(1)) and not match.group(1).islower()


PAYMENT = (
    *IBANS,
    personal("credit_card", matches(_SOLID, _is_card, group=1), "[2-9][0-9]{11}"),
    personal(
        "credit_card",
        matches(_GROUPS, _is_card, group=1),
        r"[2-9][0-9]{3}(?:[ ._-]{1,2}|\\n|\n)[0-9]{4}(?:[ ._-]{1,2}|\\n|\n)?[0-9]{4}",
        r"[2-9][0-9]{3}(?:[ ._-]{1,2}|\\n|\n)[0-9]{6}(?:[ ._-]{1,2}|\\n|\n)[0-9]{4}",
        r"[2-9][0-9]{7}[ ._-]{1,2}[0-9]{8}",
    ),
    personal("credit_card", matches(_SPACED, _is_card, group=1), "[2-9][ .-][0-9][ .-][0-9][ .-][0-9][ .-][0-9][ .-]"),
    personal("credit_card", matches(_CARD_ID, group=1), "(?:credit|debit)_card_[0-9]{5}"),
    personal("credit_card", behind(_CARD_WORDS, _CARD_TAIL, _is_card_word, free=False), _CARD_WORD_NEED),
    personal("crypto_wallet", matches(_ETHER, free), _ETHER),
    personal("crypto_wallet", matches(_BECH32, free), "(?:bc1|tb1|ltc1|addr1|cosmos1)[ac-hj-np-z02-9]{25}"),
    personal(
        "crypto_wallet", matches(_OLD_ADDRESS, _is_base58), rf"(?:^|[^A-Za-z0-9]|\\[nrtbf])[13LMDT][{_BASE58}]{{25}}"
    ),
    personal(
        "crypto_wallet",
        behind(_COINS, _WALLET_TAIL, _is_wallet),
        rf"(?i:{'|'.join(_COINS)})(?:[ _-](?i:address))?[ \"'\\:=]+(?:is )?[{_BASE58}]{{26}}",
    ),
)

"""Names whose values are sensitive whatever they look like: `password`, `api_key`, `dob`, `card_number`, …

They count as keys of a dict, as keys of JSON text inside a string (escaped once or many times, cut or whole), and as
the left side of an assignment in prose or configuration (`PASSWORD=…`, `password: …`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from syndarix_obs.redaction.spans import Span, after_words

_SECRET_ENDINGS = (
    "password", "passwd", "passphrase", "passcode", "pwd", "secret", "apikey", "accesstoken", "authtoken",
    "refreshtoken", "idtoken", "sessiontoken", "accesskey", "secretkey", "privatekey", "accountkey", "signingkey",
    "encryptionkey", "authorization", "cookie",
)  # fmt: skip
_PERSONAL_NAMES = {
    "dob": "date_of_birth", "dateofbirth": "date_of_birth", "birthdate": "date_of_birth", "birthday": "date_of_birth",
    "ssn": "ssn", "socialsecuritynumber": "ssn", "socialsecurity": "ssn",
    "cardnumber": "credit_card", "creditcardnumber": "credit_card", "debitcardnumber": "credit_card",
    "ccnumber": "credit_card", "cvv": "credit_card", "cvv2": "credit_card", "cvc": "credit_card",
}  # fmt: skip
_SCHEMA_WORDS = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
_SEPARATORS = str.maketrans("", "", "_- ")
_CACHE_LIMIT = 4_096


class SensitiveKeys:
    """Says of a key whether its value must be masked, and as what.

    Args:
        personal: keys of personal data count as well as keys of secrets.
    """

    def __init__(self, *, personal: bool) -> None:
        self._personal = personal
        self._known: dict[str, str | None] = {}

    def kind(self, key: str) -> str | None:
        """Name for the marker (`password`, `date_of_birth`, …), or None when the key is harmless."""
        known = self._known
        if key not in known:
            if len(known) > _CACHE_LIMIT:
                known.clear()
            known[key] = self._decide(key) if len(key) <= 80 else None
        return known[key]

    def _decide(self, key: str) -> str | None:
        name = key.rpartition(".")[2].translate(_SEPARATORS).lower()
        if name.endswith(_SECRET_ENDINGS):
            return "password" if name.endswith(("password", "passwd", "pwd")) else "secret"
        return _PERSONAL_NAMES.get(name) if self._personal else None


def harmless(value: Any) -> bool:
    """True for what a sensitive key may hold in the open: nothing, a truth value, a JSON schema."""
    return value is None or value is True or value is False or value == "" or _is_schema(value)


def _is_schema(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    kind = value.get("type")
    typed = kind in _SCHEMA_WORDS if isinstance(kind, str) else isinstance(kind, list)
    shaped = typed or "anyOf" in value or "$ref" in value
    return shaped and not value.keys() & {"default", "const", "examples", "enum"}


# --- Keys in text -------------------------------------------------------------------------------------------------

_NAME = r"[A-Za-z][A-Za-z0-9_. -]{0,60}"
_QUOTED = re.compile(rf"([\"'])({_NAME})(\\{{0,64}})\1\s{{0,8}}(?::|=>|=)\s{{0,8}}")
_BACKSLASH_QUOTE = {'"': re.compile(r'(?<!\\)(\\*+)"|\x00'), "'": re.compile(r"(?<!\\)(\\*+)'|\x00")}
_BRACKETS = re.compile(r"[\[\]{}\x00]")
_SCALAR = re.compile(r"[^\s,}\]\x00\"'\\]+")
_SCHEMA_START = re.compile(r"\{\s{0,8}\\*+\"(?:type|description|title|anyOf|\$ref)\b")
_OPEN_WORDS = frozenset({"null", "none", "true", "false", "undefined"})
_KEY_OWNERS = ("api", "access", "secret", "private", "account", "signing", "encryption")
_TOKEN_OWNERS = ("access", "auth", "refresh", "session", "id")
_SECRET_WORDS: dict[str, tuple[str, ...]] = {
    "password": (), "passwd": (), "passphrase": (), "passcode": (), "pwd": (), "secret": (),
    "authorization": (), "cookie": (), "key": _KEY_OWNERS, "token": _TOKEN_OWNERS,
}  # fmt: skip
_ASSIGNED = re.compile(
    r"(?i:\*{0,3}\\{0,64}[\"']?(?:\s{0,4}(?::=|=>|[:=])\*{0,3}\s{0,4}|\s{1,4}(is)\s{1,4}:?\s{0,4})"
    r"(?:(?:basic|bearer|token|digest)\s{1,4})?)(\\{0,64}[\"'`]?)([^\s\"'`,;<>\\\x00]+)"
)
_NUMBER = re.compile(r"[ \t\"'\\:=#*]{1,8}(?:is )?([0-9](?:[0-9 -]{0,22}[0-9])?)")
_SSN_WORDS: dict[str, tuple[str, ...]] = {"ssn": (), "social security": (), "security number": ("social",)}
_CARD_WORDS: dict[str, tuple[str, ...]] = {"number": ("card",), "num": ("card",), "cvv": (), "cvv2": (), "cvc": ()}
_TYPE_WORDS = frozenset({
    "str", "string", "none", "null", "true", "false", "text", "bytes", "any", "optional", "required", "secretstr",
    "undefined", "int", "number", "object", "and", "or", "the", "your", "a", "an", "not", "is", "are",
    "must", "should", "field",
})  # fmt: skip


def quoted_values(keys: SensitiveKeys, text: str) -> Iterator[tuple[int, int, str]]:
    """Where the values of sensitive keys stand in JSON (or Python) text inside a string, and as what to mask them."""
    if '"' not in text and "'" not in text:
        return
    position = 0
    while match := _QUOTED.search(text, position):
        kind = keys.kind(match.group(2)) if text.endswith(match.group(3), 0, match.start()) else None
        span = _value_after(text, match) if kind else None
        # The closing quote of what is no key may open the next one, so the search goes on at that quote.
        position = match.end() if kind else match.end(2)
        if kind and span:
            yield (*span, kind)
            position = span[1]


def _value_after(text: str, key: re.Match[str]) -> Span | None:
    start, escapes, quote = key.end(), key.group(3), key.group(1)
    for mark in (quote, "'" if quote == '"' else '"'):
        if text.startswith(escapes + mark, start):
            start += len(escapes) + 1
            end = _closing_quote(text, start, len(escapes), mark)
            return (start, end) if end > start else None
    if text[start : start + 1] in ("{", "["):
        return None if _SCHEMA_START.match(text, start) else (start, _closing_bracket(text, start))
    scalar = _SCALAR.match(text, start)
    if scalar is None or scalar.group().lower() in _OPEN_WORDS:
        return None
    return scalar.span()


def _closing_quote(text: str, start: int, depth: int, quote: str) -> int:
    """Where the quote that ends a string begins, its backslashes included; the end of the text when it was cut.

    At a level of nesting with `depth` backslashes before each quote, a quote inside the value carries `2 * depth + 1`,
    and a literal backslash adds multiples of `2 * depth + 2`.
    """
    for match in _BACKSLASH_QUOTE[quote].finditer(text, start):
        if match.group() == "\x00":
            return match.start()
        count = len(match.group(1))
        if count < depth or count % (2 * depth + 2) == depth:
            return match.end() - 1 - min(count, depth)
    return len(text)


def _closing_bracket(text: str, start: int) -> int:
    depth = 0
    for match in _BRACKETS.finditer(text, start):
        char = match.group()
        if char == "\x00":
            return match.start()
        depth += 1 if char in "[{" else -1
        if depth == 0:
            return match.end()
    return len(text)


def assigned_secrets(text: str) -> Iterator[Span]:
    """Values in `password=…`, `API key: …`, `my password is …`; code such as `password: str` or `token = f()` stays."""
    return _ordered(match.span(3) for match in after_words(text, _SECRET_WORDS, _ASSIGNED) if _is_value(match))


def assigned_ssns(text: str) -> Iterator[Span]:
    """Numbers in `SSN: …`."""
    return _ordered(match.span(1) for match in after_words(text, _SSN_WORDS, _NUMBER))


def assigned_cards(text: str) -> Iterator[Span]:
    """Numbers in `card number: …`, `CVV …`."""
    return _ordered(match.span(1) for match in after_words(text, _CARD_WORDS, _NUMBER))


def _ordered(spans: Iterable[Span]) -> Iterator[Span]:
    return iter(sorted(spans))


def _is_value(match: re.Match[str]) -> bool:
    said, quoted = match.group(1), match.group(2)
    value = match.group(3).rstrip(".!?)*}]")
    if value.lower() in _TYPE_WORDS or value.startswith(("[REDACTED:", "$", "{", "(", "[")) or len(value) < 4:
        return False
    if quoted:
        return True
    if "(" in value or "[" in value or value.startswith(("os.", "self.", "settings.", "config.")):
        return False
    return not said or not value.isalpha()

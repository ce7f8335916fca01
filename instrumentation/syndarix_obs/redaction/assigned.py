"""Values of sensitive names in text: `PASSWORD=…`, `api key: …`, `my pin is …`, `<password>…`, JSON in a string.

A name is found at the word that makes it sensitive and read whole, to its left and right; `keys.py` judges it. What
stands behind it is taken as a value unless it reads as code (`password: str`, `token = f()`) or as prose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from syndarix_obs.redaction.keys import SECRET_KEY_NEEDS, Kind, SensitiveKeys, needs_no_look
from syndarix_obs.redaction.pattern import Span, has_digit, has_letter, has_upper, looks_random, scan, secret, words_in

# --- JSON (or Python) inside a string -----------------------------------------------------------------------------

_NAME = r"[^\W\d][\w.\[\]/ -]{0,80}"
_QUOTED = re.compile(rf"([\"'])(?=({_NAME})(\\{{0,64}})\1\s{{0,8}}(?::|=>|=)\s{{0,8}}())")
"""A look ahead: the closing quote of what is no key may open the next one. The value begins at the last group."""
_BACKSLASH_QUOTE = {'"': re.compile(r'(?<!\\)(\\*+)"|\x00'), "'": re.compile(r"(?<!\\)(\\*+)'|\x00")}
_BRACKETS = re.compile(r"[\[\]{}\x00]")
_SCALAR = re.compile(r"[^\s,}\]\x00\"'\\]{1,4096}+")
_SCHEMA_START = re.compile(r"\{\s{0,8}\\*+\"(?:type|description|title|anyOf|\$ref)\b")
_OPEN_WORDS = frozenset({"null", "none", "true", "false", "undefined"})


def quoted_values(keys: SensitiveKeys, text: str) -> Iterator[tuple[int, int, str]]:
    """Where the values of sensitive keys stand in JSON (or Python) text inside a string, and as what to mask them."""
    if '"' not in text and "'" not in text:
        return
    last = 0
    for match in scan(_QUOTED, text):
        if match.start() < last:
            continue
        kind = keys.kind(match.group(2)) if text.endswith(match.group(3), 0, match.start()) else None
        span = _value_after(text, match, kind) if kind else None
        if kind and span:
            yield (*span, kind[0])
            last = span[1]


def _value_after(text: str, key: re.Match[str], kind: Kind) -> Span | None:
    start, escapes, quote = key.end(4), key.group(3), key.group(1)
    for mark in (quote, "'" if quote == '"' else '"'):
        if text.startswith(escapes + mark, start):
            start += len(escapes) + 1
            end = _closing_quote(text, start, len(escapes), mark)
            return (start, end) if end > start and kind[1](text[start:end]) else None
    if text[start : start + 1] in ("{", "["):
        return _container(text, start, kind)
    scalar = _SCALAR.match(text, start)
    if scalar is None or scalar.group().lower() in _OPEN_WORDS or not kind[1](scalar.group()):
        return None
    return scalar.span()


def _container(text: str, start: int, kind: Kind) -> Span | None:
    if _SCHEMA_START.match(text, start):
        return None
    end = _closing_bracket(text, start)
    return (start, end) if needs_no_look(kind) else None


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


# --- Assignments --------------------------------------------------------------------------------------------------

_ANCHORS = (
    "pass", "pwd", "kennwort", "contrase", "senha", "wachtwoord", "mot de passe", "mdp", "lösenord", "losenord",
    "adgangskode", "salasana", "hasło", "haslo", "heslo", "jelsz", "parola", "şifre", "пароль", "密码", "密碼", "口令",
    "パスワード", "비밀번호", "secret", "cred", "authorization", "mnemonic", "phrase", "answer", "connstr", "conn_str",
    "conn str", "connectionstring", "connection_string", "connection string", "key", "token", "cookie", "sess", "sid",
    "salt", "sig", "jwt", "dsn", "auth", "bearer", "csrf", "xsrf", "nonce", "pw", "pin", "otp", "mfa", "puk", "code",
)  # fmt: skip
"""Words that make a name sensitive, or the beginnings of such."""
_ASSIGNED = re.compile(
    r"[\w.\[\]-]{0,40}+(?:\\{0,64}[\"'`*]{0,4}[ \t]{0,4}(:=|=>|==?|[:：＝])(?:[ \t]?[>|])?\*{0,3}\s{0,8}(?:- )?"
    r"|[ \t]{1,4}(is|was|lautet|ist)(?:[ \t]{0,2}:[ \t]{0,4}|[ \t]{1,4})|(>)|([ \t](?:-|->|→)[ \t]|[ \t,]{1,4}))"
    r"(?i:(?:basic|bearer|token|digest)[ \t]{1,4})?([bfru]{0,2}\\{0,64}[\"'`]|)"
)
_BARE = re.compile(r"[^\s\"'`,;<>\\\x00&]{1,512}+(?:&(?![\w.-]{1,40}=)[^\s\"'`,;<>\\\x00&]{0,512}+){0,8}+")
_IN_QUOTES = {quote: re.compile(rf"[^{quote}\\\r\n\x00]{{1,256}}+(?={quote})") for quote in "\"'`"}
_NOT_NAMES = " \t\r\n\x00\"'`,;:=<>{}()&?|\\/*#@!$%^~+"
_LONGEST_NAME = 64
_MOST_REFUSED = 12
_TYPE_WORDS = frozenset({
    "str", "string", "none", "null", "true", "false", "text", "bytes", "any", "optional", "required", "secretstr",
    "undefined", "int", "number", "object", "and", "or", "the", "your", "a", "an", "not", "is", "are",
    "must", "should", "field", "bool", "boolean", "nil", "void", "char", "varchar", "missing", "invalid", "wrong",
    "hidden", "redacted", "yes", "no", "example", "unknown", "value", "default",
})  # fmt: skip
_CALL = re.compile(r"[A-Za-z_][\w.]*[(\[]")
_CODE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+$|.*[(\[]")
_KEYS = SensitiveKeys(personal=False)


class _Run:
    """Values that were refused in one run of characters without a gap: each is the rest of the run, read once more."""

    def __init__(self) -> None:
        self._end = self._refused = 0

    def is_taken_whole(self, start: int, end: int) -> bool:
        """Note a refused value; True when so many were refused that the rest is masked instead of read again."""
        self._refused = self._refused + 1 if start < self._end else 1
        self._end = max(self._end, end)
        return self._refused > _MOST_REFUSED


def assigned_secrets(text: str) -> Iterator[Span]:
    """Values in `password=…`, `API key: …`, `my password is …`; code such as `password: str` or `token = f()` stays."""
    last = name_end = 0
    run = _Run()
    for start, end in words_in(text, _ANCHORS):
        if start < name_end:
            continue
        match = _ASSIGNED.match(text, end)
        if match is None:
            continue
        name_end = match.start(5)
        kind = _KEYS.kind(_whole_name(text, max(last, start), match)) if start >= last else None
        span = _value(text, start, match, kind, run) if kind is not None else None
        if span is not None:
            yield span
            last = name_end = span[1]


def _whole_name(text: str, found: int, match: re.Match[str]) -> str:
    """The name around the word that was found, with one word before it where it stands alone (`API key`)."""
    end = max(match.start(1), match.start(2), match.start(3), match.start(4))
    start = _left(text, found)
    if start == found and text[start - 1 : start] == " ":
        start = _left(text, start - 1 - text.startswith("  ", start - 2))
    return text[start:end].rstrip(" \t\"'`*)\\")


def _left(text: str, position: int) -> int:
    limit = max(0, position - _LONGEST_NAME)
    while position > limit and text[position - 1] not in _NOT_NAMES:
        position -= 1
    return position


def _value(text: str, name: int, match: re.Match[str], kind: Kind, run: _Run) -> Span | None:
    quote = match.group(5)[-1:]
    start = match.end()
    found = _IN_QUOTES[quote].match(text, start) if quote in _IN_QUOTES else None
    quoted = found is not None
    found = found or _BARE.match(text, start)
    if found is None:
        return None
    if _taken(text, name, match, found, kind, quoted=quoted) or (not quoted and run.is_taken_whole(*found.span())):
        return found.span()
    return None


def _taken(text: str, name: int, match: re.Match[str], found: re.Match[str], kind: Kind, *, quoted: bool) -> bool:
    value = found.group().rstrip(".!?)*}]:")
    if value.lower() in _TYPE_WORDS or value.startswith(("[REDACTED:", "$", "{", "(", "[", "%", "*", "=", "0x")):
        return False
    if needs_no_look(kind):
        return len(value) >= 4 and (quoted or _is_value(text, name, match, value, found.end()))
    loose = match.group(4) is not None and not value.isdigit()
    return kind[1](value) and _CODE.match(value) is None and (not loose or _mixed(value))


def _mixed(value: str) -> bool:
    """Behind nothing but a space: letters and digits as no word has them."""
    return len(value) >= 8 and has_digit(value) and has_letter(value) and (has_upper(value) or looks_random(value))


def _is_value(text: str, name: int, match: re.Match[str], value: str, end: int) -> bool:
    """Whether what stands bare behind the name of a secret is one."""
    if _CALL.match(value) or (_CODE.match(value) and not has_digit(value)):
        return False
    sign, word, tag, _, _ = match.groups()
    if tag:
        return text.startswith("<", end)
    if word or (sign and text[name : match.start()].lower() in ("cookie", "authorization")):
        return not value.isalpha()
    if sign == "==":
        return False
    if sign in (":", "："):
        return not (value.isalpha() and text[end : end + 1] == " " and text[end + 1 : end + 2].isalpha())
    if sign:
        return _KEYS.kind(value) is None or has_digit(value)
    flag = text.startswith("--", name - 2)
    return flag or _mixed(value)


ASSIGNED = (secret("secret", assigned_secrets, *SECRET_KEY_NEEDS),)

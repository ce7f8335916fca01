"""Credentials that are recognisable by what stands around them: keys in PEM, tokens, connection strings, headers."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from syndarix_obs.redaction.assigned import ASSIGNED
from syndarix_obs.redaction.keys import SensitiveKeys
from syndarix_obs.redaction.pattern import Span, free_left, has_digit, has_upper, looks_random, matches, scan, secret
from syndarix_obs.redaction.vendors import VENDORS

# --- Private keys -------------------------------------------------------------------------------------------------

_PEM_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_PEM_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_PEM_LINE = re.compile(r"[A-Za-z0-9+/=]{8,128}+(?:\\[nr]|\s)*+")
_LONGEST_KEY = 20_000


def _private_keys(text: str) -> Iterator[Span]:
    """PEM blocks, up to their END line; without one (a cut text) up to the end of the string."""
    position = 0
    for match in scan(_PEM_BEGIN, text):
        if match.start() < position:
            continue
        limit = text.find("\x00", match.end())
        limit = len(text) if limit < 0 else limit
        end = text.find("-----END", match.end(), limit)
        tail = text.find("-----", end + 8, min(limit, end + 80)) if end >= 0 else -1
        position = tail + 5 if tail >= 0 else limit
        yield match.start(), position


def _key_tails(text: str) -> Iterator[Span]:
    """The last lines of a PEM block whose beginning was cut off."""
    last = 0
    for match in scan(_PEM_END, text):
        start = max(last, match.start() - _LONGEST_KEY, text.rfind("\x00", last, match.start()) + 1)
        begin = text.rfind("-----", start, match.start())
        lines = _PEM_LINE.finditer(text, max(start, begin), match.start())
        first = end = match.start()
        for line in lines:  # the unbroken row of lines that ends at the END line
            first = line.start() if line.start() != end else first
            end = line.end()
        if end == match.start() and first < end:
            yield first, match.end()
        last = match.end()


# --- Tokens -------------------------------------------------------------------------------------------------------


def _is_jwt(match: re.Match[str]) -> bool:
    """Three parts or five, the first of which is an object in base64."""
    parts = match.group().split(".", 5)
    return len(parts) >= 3 and len(parts[0]) >= 8 and len(parts[1]) >= 4


def _is_bearer(match: re.Match[str]) -> bool:
    """A token, not the next word of a sentence: `bearer certificate` stays."""
    token = match.group(1)
    return len(token) >= 20 or (len(token) >= 6 and not token.rstrip(".").isalpha())


# --- Addresses with a password ------------------------------------------------------------------------------------

_OPEN_SCHEMES = ("http", "https", "ws", "wss", "ftp", "sftp")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}$")
_ADDRESS = re.compile(r"://[^\s\"'<>\\\x00]{1,768}+")


def _url_users(text: str) -> Iterator[Span]:
    """User and password of an address, up to its last `@`. The password of a database's may hold a slash."""
    for match in scan(_ADDRESS, text):
        address = match.group()
        slash = address.find("/", 3)
        limit = len(address)
        if slash >= 0 and _is_open(text, match.start()):
            limit = slash
        colon, at = address.find(":", 3), address.rfind("@", 3, limit)
        if 3 <= colon < at - 1 and not 0 <= slash < colon and "@" not in address[:colon]:
            yield match.start() + 3, match.start() + at


def _is_open(text: str, end: int) -> bool:
    """Whether the scheme is one in whose addresses a path may hold an `@`."""
    scheme = _SCHEME.search(text, max(0, end - 8), end)
    return scheme is None or scheme.group().lower() in _OPEN_SCHEMES


def _is_signature(match: re.Match[str]) -> bool:
    return looks_random(match.group(1)) or "%" in match.group(1)


# --- Headers and commands -----------------------------------------------------------------------------------------

_ASSIGN = r"[\"'\\]{0,8}\s{0,4}[:=]\s{0,4}[\"'\\]{0,8}"
_AUTHORIZATION = re.compile(
    rf"(?i:authorization){_ASSIGN}(?:([A-Za-z][\w-]{{1,40}})[ \t]{{1,4}})?([^\s\"'\\\x00,;]{{4,4096}}+)"
    r"((?:[ ,;][^\r\n'\\\x00]{0,4096})?)"
)
_SIGNED = re.compile(r"(?i:digest|hawk|oauth|hmac|signature|mac|aws4|dpop|apikey|negotiate|ntlm|amx|sharedkey)")


def _authorization(text: str) -> Iterator[Span]:
    """What follows the scheme of an `Authorization` header: one token, or all parameters of schemes that sign."""
    for match in scan(_AUTHORIZATION, text):
        scheme, token = match.group(1) or "", match.group(2)
        if _SIGNED.match(scheme):
            yield match.start(2), match.end(3)
        elif not token.startswith(("$", "{", "[", "(", "<")) and (len(token) >= 20 or not token.rstrip(".").isalpha()):
            yield match.span(2)


_COOKIES = r"(?i:cookie)[\"'\\]{0,8}\s{0,4}[:=]\s{0,4}[\"'\\]{0,8}([\w.$~-]{1,80}=[^\r\n\"'\\\x00]{1,4096}+)"
_CURL_USER = r"(?:^|[\s\"'])(?:-u|--user)[ =]{1,2}[\"']?[\w.@-]{1,64}:([^\s\"'\\\x00]{3,256}+)"
_NAMED_VALUE = r"(?:name|key)=[\"']([\w.-]{2,80})[\"'] {1,4}value=[\"']([^\"'\r\n\x00]{3,512}+)"
_IDENTIFIED = r"(?i:identified by) [\"']([^\"'\r\n\x00]{3,256}+)"
_KEYS = SensitiveKeys(personal=False)


def _is_sensitive(match: re.Match[str]) -> bool:
    """`<property name="password" value="…"/>`."""
    return _KEYS.masks(match.group(1), match.group(2)) is not None


_FLAG = re.compile(r"(?:^|[\s\"'\x00])-p ?[\"']?(?!-)([^\s\"'\\\x00]{6,128}+)")


def _password_flags(text: str) -> Iterator[Span]:
    """`mysql -pSECRET`, `sshpass -p SECRET`: only what looks like a password, for `-p` means much."""
    for match in scan(_FLAG, text):
        value = match.group(1)
        mixed = has_digit(value) and has_upper(value) and not value.isupper()
        if mixed and "/" not in value:
            yield match.span(1)


_BASIC = re.compile(r"(?i:basic)[ \t]{1,4}([A-Za-z0-9+/]{8,512}+={0,2})")


def _is_basic(match: re.Match[str]) -> bool:
    """`Basic` and the base64 of `user:password`."""
    try:
        shown = base64.b64decode(match.group(1), validate=True)
    except (binascii.Error, ValueError):
        return False
    return b":" in shown and shown.isascii() and free_left(match.string, match.start())


SECRETS = (
    secret("private_key", _private_keys, "-----BEGIN [A-Z0-9 ]*PRIVATE KEY"),
    secret("private_key", _key_tails, "-----END [A-Z0-9 ]*PRIVATE KEY"),
    secret("connection_string", _url_users, r"://[^\s/:@\"'<>]*:[^\s\"'<>]+@"),
    secret("jwt", matches(r"ey[JA][\w.-]{16,8192}+", _is_jwt), r"ey[JA][\w-]+\.[\w-]{4}"),
    *VENDORS,
    secret("secret", _authorization, r"(?i)authorization[\"'\\]*\s*[:=]"),
    secret("cookie", matches(_COOKIES, group=1), r"(?i)cookie[\"'\\]*\s*[:=]\s*[\"'\\]*[\w.$~-]+="),
    *ASSIGNED,
    secret(
        "bearer_token",
        matches(r"[Bb](?:earer|EARER)[ \t]{1,8}([\w.~+/=-]{1,4096}+)", _is_bearer, group=1),
        r"[Bb](?:earer|EARER)(?:[ \t]|\\t)+[\w.~+/=-]{6}",
    ),
    secret("secret", matches(_BASIC.pattern, _is_basic, group=1), r"(?i)basic(?:[ \t]|\\t)+[A-Za-z0-9+/]{8}"),
    secret(
        "signature",
        matches(
            r"[?&;](?:sig|signature|X-Amz-Signature|X-Goog-Signature)=([\w%+/=.-]{16,1024}+)", _is_signature, group=1
        ),
        r"[?&;](?:sig|signature|X-Amz-Signature|X-Goog-Signature)=[\w%+/=.-]{16}",
    ),
    secret(
        "secret",
        matches(_NAMED_VALUE, _is_sensitive, group=2),
        r"(?:name|key)=\\?[\"'][^\"'\\]+\\?[\"'] +value=\\?[\"']",
    ),
    secret("secret", matches(_IDENTIFIED, group=1), r"(?i)identified by \\?[\"']"),
    secret("secret", matches(_CURL_USER, group=1), r"(?:-u|--user)[ =]+\\?[\"']?[\w.@-]+:[^\s\"']{3}"),
    secret("secret", _password_flags, r"(?:^|[\s\"'nrt])-p ?\\?[\"']?[^\s\"']*[0-9]"),
)
"""In the order they are applied: what contains others comes first."""

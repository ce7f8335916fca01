"""Credentials that are recognisable by their own shape: provider keys, tokens, private keys, connection strings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from syndarix_obs.redaction.keys import assigned_secrets
from syndarix_obs.redaction.spans import Finder, Group, Pattern, Span, free_left, matches

_BARE_SK = re.compile(r"(?<![A-Za-z0-9])sk[-_]")
_RANDOM = re.compile(r"[0-9A-Z]|[a-z]{16}")
_SK = re.compile(r"sk[-_][\w-]*+", re.ASCII)
_PEM_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_KNOWN_SK = ("sk-ant-", "sk-proj-", "sk-or-", "sk-svcacct-", "sk_live_", "sk_test_", "sk-lf-")


def _sk_keys(text: str) -> Iterator[Span]:
    """`sk-…` keys. The run is read once; a run such as `task-sk-…` is searched for the key inside it."""
    for match in _SK.finditer(text):
        run = match.group()
        offset = 0
        if not run.startswith(_KNOWN_SK) and not free_left(text, match.start()):
            inner = _BARE_SK.search(run, 3)
            if inner is None:
                continue
            offset = inner.start()
        if _looks_random(run[offset + 3 :]):
            yield match.start() + offset, match.end()


def _looks_random(body: str) -> bool:
    """Long enough for a key, and not a hyphenated phrase such as `sk-learn-compatible-estimator`."""
    return len(body) >= 12 and _RANDOM.search(body) is not None


def _private_keys(text: str) -> Iterator[Span]:
    """PEM blocks, up to their END line; without one (a cut text) up to the end of the string."""
    position = 0
    while match := _PEM_BEGIN.search(text, position):
        limit = text.find("\x00", match.end())
        limit = len(text) if limit < 0 else limit
        end = text.find("-----END", match.end(), limit)
        tail = text.find("-----", end + 8, min(limit, end + 80)) if end >= 0 else -1
        position = tail + 5 if tail >= 0 else limit
        yield match.start(), position


def _at_least(regex: str, size: int) -> Finder:
    """Runs of `regex` that are `size` characters or longer."""
    return matches(regex, lambda match: match.end() - match.start() >= size)


def _is_jwt(match: re.Match[str]) -> bool:
    parts = match.group().split(".")
    return len(parts) >= 3 and len(parts[0]) >= 8 and len(parts[1]) >= 4


def _is_bearer(match: re.Match[str]) -> bool:
    """A token, not the next word of a sentence: `bearer certificate` stays."""
    token = match.group(1)
    return len(token) >= 20 or (len(token) >= 6 and not token.rstrip(".").isalpha())


def _is_aws(match: re.Match[str]) -> bool:
    key, before = match.group(), match.string[match.start() - 1 : match.start()]
    alone = before.islower() or free_left(match.string, match.start())
    return alone and len(key) == 20 and (key.startswith("AKIA") or any(char.isdigit() for char in key))


_URL_USER = r"://([^\s/:@\"'<>\\\x00]{0,256}:[^\s/\"'<>\\\x00]{1,512})@"
_VENDORS = "glpat-|npm_|pypi-|gsk_|xai-|pplx-|tvly-|nvapi-|rk_live_|rk_test_"
_DATABASES = ("sql", "mongodb", r"mongodb\+srv", "redis", "rediss", "amqp", "amqps", "postgres", "mariadb")
_DATABASE_URL_USER = (
    rf"://(?:{'|'.join(f'(?<={name}://)' for name in _DATABASES)})"
    r"([^\s/:@\"'<>\\\x00]{0,256}:[^\s\"'<>\\\x00]{1,256})@"
)


def _secret(name: str, find: Finder, group: Group) -> Pattern:
    return Pattern(name, group, find, secret=True)


SECRETS = (
    _secret("private_key", _private_keys, "pem"),
    _secret("connection_string", matches(_URL_USER, group=1), "at"),
    _secret("connection_string", matches(_DATABASE_URL_USER, group=1), "at"),
    _secret("jwt", matches(r"eyJ[\w.-]*+", _is_jwt), "jwt"),
    _secret("api_key", _sk_keys, "sk"),
    _secret("aws_key", matches(r"A(?:KI|SI)A[A-Z0-9]{16,}+", _is_aws), "aws"),
    _secret("gcp_key", _at_least(r"AIza[\w-]*+", 39), "google"),
    _secret("gcp_key", _at_least(r"ya29\.[\w.-]*+", 20), "google"),
    _secret("github_token", _at_least(r"gh[pousr]_\w*+", 24), "github"),
    _secret("github_token", _at_least(r"github_pat_\w*+", 30), "github"),
    _secret("slack_token", _at_least(r"x(?:ox[a-z]|app)-[\w-]*+", 15), "slack"),
    _secret("slack_token", _at_least(r"hooks\.slack\.com/(?:services|workflows|triggers)/[\w/-]*+", 40), "slack"),
    _secret(
        "api_key",
        _at_least(r"(?:glpat-|npm_|pypi-|gsk_|xai-|pplx-|tvly-|nvapi-|rk_live_|rk_test_)[\w-]*+", 22),
        "vendor",
    ),
    _secret("api_key", _at_least(r"(?:hf|r8)_[A-Za-z0-9]*+", 23), "hub"),
    _secret("api_key", _at_least(r"SG\.[\w-]{8,}+\.[\w-]*+", 30), "sendgrid"),
    _secret("secret", assigned_secrets, "word"),
    _secret("bearer_token", matches(r"[Bb](?:earer|EARER)[ \t]{1,8}([\w.~+/=-]*+)", _is_bearer, group=1), "bearer"),
)
"""In the order they are applied: what contains others comes first."""

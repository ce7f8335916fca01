"""E-mail addresses: in letters of any script, with quoted local parts, and spelled so as to hide them from robots."""

from __future__ import annotations

import re
from collections.abc import Iterator

from syndarix_obs.redaction.pattern import Finder, Span, personal, scan

_DOMAIN = re.compile(r"@(?:[^\W_][\w-]{0,62}+(?:\.[^\W_][\w-]{0,62}+){1,12}+|\[(?:IPv6:)?[0-9A-Fa-f:.]{3,45}\])")
_LONGEST_LOCAL = 96
_LOCAL = frozenset("._%+-'")


def _emails(text: str) -> Iterator[Span]:
    """Addresses, found at their `@` and extended to the left: only text since the last address is read again."""
    last = 0
    for match in scan(_DOMAIN, text):
        start = _start_of_local_part(text, match.start(), max(last, match.start() - _LONGEST_LOCAL))
        last = match.end()
        end = match.start() + len(_real_domain(match.group()))
        if start < match.start() < end:
            yield start, end


def _real_domain(domain: str) -> str:
    """Up to the last label that starts with a letter, so that the version in `react@18.2.0` is no domain."""
    if domain.endswith("]"):
        return domain
    while domain and not domain.rpartition(".")[2][:1].isalpha():
        domain = domain.rpartition(".")[0]
    return domain


def _start_of_local_part(text: str, end: int, limit: int) -> int:
    if end > limit + 2 and text[end - 1] in "\"'":
        opening = text.rfind(text[end - 1], limit, end - 1)
        return end if opening < 0 or "\x00" in text[opening:end] else opening
    start = end
    while start > limit and (text[start - 1].isalnum() or text[start - 1] in _LOCAL):
        start -= 1
    while start < end and text[start] in ".'":
        start += 1
    if start > limit and text[start - 1] == "\\" and text[start : start + 1] in tuple("nrtbf") and start + 1 < end:
        return start + 1  # inside JSON text a new line before the address reads `\n`
    return start


# --- Written out --------------------------------------------------------------------------------------------------

_DOT = r"(?: {0,2}[\[({<] {0,2}(?i:dot|punkt|punto|point) {0,2}[\])}>] {0,2}|\.)"
_AT = re.compile(r"[\[({<] {0,2}(?i:at) {0,2}[\])}>] {0,2}" + rf"[\w-]{{1,63}}(?:{_DOT}[A-Za-z][\w-]{{0,62}}){{1,5}}+")
_SPOKEN_AT = re.compile(r" (?i:at) [\w-]{2,63}(?: (?i:dot) [A-Za-z][\w-]{1,62}){1,5}+")


def _hidden(at: re.Pattern[str]) -> Finder:
    """`bob [at] example [dot] com`, `bob at example dot com`."""

    def find(text: str) -> Iterator[Span]:
        last = 0
        for match in scan(at, text):
            end = match.start() - 2 * text.startswith("  ", match.start() - 2) if match.start() > 1 else match.start()
            end -= text.startswith(" ", end - 1) if end else 0
            start = _start_of_local_part(text, end, max(last, end - _LONGEST_LOCAL))
            last = match.end()
            if start < end:
                yield start, last

    return find


EMAILS = (
    personal("email", _emails, "@"),
    personal("email", _hidden(_AT), r"[\[({<] {0,2}(?i:at) {0,2}[\])}>] {0,2}[\w-]"),
    personal("email", _hidden(_SPOKEN_AT), r" (?i:at) [\w-]+ (?i:dot) [A-Za-z]"),
)

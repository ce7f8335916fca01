"""Addresses of machines: IPv4, IPv6, MAC. Loopback and "any" addresses say nothing about anybody and stay."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from syndarix_obs.redaction.pattern import Span, free, free_left, listed, matches, personal, scan, standing_number

_VERSION_WORDS = frozenset(
    listed(
        "v ver version versions release releases build firmware section sections sec chapter clause toc table figure "
        "fig appendix paragraph para item step rev revision patch kernel bios sdk api rule article art update oid"
    )
)
"""What stands behind one of these is a number of another kind."""
_COMPARED = ("==", "<=", ">=", "~=", "!=", "~", "^", "~ ", "^ ", "§", "§ ")
_IPV4_END = re.compile(r"\.(?<=[0-9]\.)([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})(?![0-9])")
_DIGITS = frozenset("0123456789")
_HEX = frozenset("0123456789abcdefABCDEF")
_IPV6_RUN = re.compile(r":[0-9A-Fa-f:]{2,64}+")
_NAMED = re.compile(
    r"(?:ip|addr(?:ess)?|host|server|from|client|remote|peer|ping|dns|gateway|resolver|node|at|://"
    r"|@)[\"'\s:=\[(]{0,4}$",
    re.I,
)


def _ipv4(text: str) -> Iterator[Span]:
    """Found at the first dot, which is rarer than a digit, and extended to the left."""
    for match in scan(_IPV4_END, text):
        start = match.start()
        while start > 0 and match.start() - start < 3 and text[start - 1] in _DIGITS:
            start -= 1
        parts = [int(part) for part in (text[start : match.start()], *match.groups())]
        if max(parts) <= 255 and standing_number(text, start, match.end()) and not _is_version(text, start, parts):
            yield start, match.end()


def _is_version(text: str, start: int, parts: list[int]) -> bool:
    """Loopback and "any", a number behind a word for versions, and four single digits that nothing calls an address."""
    if parts[0] in (0, 127) or parts == [255, 255, 255, 255]:
        return True
    before = text[max(0, start - 16) : start]
    if before.endswith(_COMPARED) or (before.endswith("/") and before[-2:-1].isalpha()):
        return True
    bare = before.rstrip(" .:=\"'")
    word = bare[-12:].replace("-", " ").replace("_", " ").rpartition(" ")[2].lower()
    if word in _VERSION_WORDS:
        return True
    return max(parts) < 10 and not _NAMED.search(text, max(0, start - 16), start)


def _ipv6(text: str) -> Iterator[Span]:
    """Real addresses: times (`12:30:45`), slices (`[1::2]`) and scopes (`a::b`) are not."""
    for match in scan(_IPV6_RUN, text):
        start = match.start()
        while start > 0 and match.start() - start < 4 and text[start - 1] in _HEX:
            start -= 1
        address = text[start : match.end()]
        if address.endswith(":") and not address.endswith("::"):
            address = address[:-1]
        if 4 <= len(address) <= 45 and free_left(text, start) and _is_ipv6(text, start, address):
            yield start, start + len(address)


def _is_ipv6(text: str, start: int, address: str) -> bool:
    groups = [group for group in address.split(":") if group]
    if len(groups) < 2 or not any(char.isdigit() for char in address):
        return False
    if max(map(len, groups)) < 3 and (
        not address.startswith("::") or text[max(0, start - 1) : start] not in ("", " ", "[")
    ):
        return False
    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        return False
    return True


_MAC_PAIRS = r"(?<![0-9A-Fa-f:-])[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![0-9A-Fa-f:-])"
_MAC_DOTS = r"(?<![0-9A-Fa-f.])[0-9a-fA-F]{4}\.[0-9a-fA-F]{4}\.[0-9a-fA-F]{4}(?![0-9A-Fa-f.])"


def _is_mac(match: re.Match[str]) -> bool:
    return free(match) and len(set(match.group()) - set(":.-")) > 1


NETWORK = (
    personal("ip_address", _ipv4, r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]"),
    personal(
        "ip_address",
        _ipv6,
        "::[0-9A-Fa-f]",
        "[0-9A-Fa-f]::",
        ":[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]",
    ),
    personal("mac_address", matches(_MAC_PAIRS, _is_mac), "[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}"),
    personal("mac_address", matches(_MAC_DOTS, _is_mac), r"[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}"),
)

"""The cheap gate before the patterns: which groups of patterns could match at all.

It sees a whole payload at once, as JSON text, and reports a group when a *necessary* condition of one of its patterns
holds; most payloads pass with no hit and are never looked at again. Speed comes from three things. The text is folded
once with `bytes.translate` (lower case, every digit to `0`, `_` to `-`), so that one search covers all spellings. Every
search starts with one literal byte that is rare in prose, for which the regular expression engine has a fast loop;
what must stand before it is a look-behind. And conditions with the same first byte share one search: only when that
hits are they told apart.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable

from syndarix_obs.pipeline.redaction.spans import Group

Search = Callable[[bytes], object]
Condition = tuple[Group, str]


def _fold(code: int) -> int:
    char = chr(code)
    if char in string.digits:
        return ord("0")
    if char in "zZvV":
        return ord("k")  # as rare as k, so that they share its search
    return ord("-") if char == "_" else ord(char.lower()) if code < 128 else code


_FOLD = bytes(map(_fold, range(256)))
_WIDE_SEPARATORS = re.compile(rb"\xe2\x80[\x89\x90-\x95\xaf]|\xe2\x88\x92|\xc2\xa0")


def folded(data: bytes) -> bytes:
    """UTF-8 text folded as described above (`z` and `v` to `k` as well); typographic hyphens and spaces become `-`."""
    text = data.translate(_FOLD)
    return text if text.isascii() else _WIDE_SEPARATORS.sub(b"-", text)


def _behind(*endings: str) -> str:
    """A look-behind for any of the endings (Python wants one width per look-behind)."""
    return "(?:" + "|".join(f"(?<={ending})" for ending in endings) + ")"


_DASH_TOKENS = (
    "(?<=[a-z]-)"  # most hyphens stand in dates and ranges
    + _behind(
        "sk-",
        "rk-",
        "gh[pousr]-",
        "xox[a-k]-",
        "xapp-",
        "pat-",
        "hf-",
        "npm-",
        "pypi-",
        "xai-",
        "plx-",
        "tkly-",
        "kapi-",
    )
    + "|(?<=r0-)|(?<=-----)"
)
_KEYS = "ey" + _behind("apikey", "api.key", "esskey", "atekey", "untkey", "retkey", "ingkey", "ionkey")
_TOKENS = _behind("sstok", "shtok", "thtok", "idtok", "ontok") + "en"
_KEY_END = r"[-a-z ]{0,6}\\{0,64}[\"']"
_BIRTH_END = rf"(?:{_KEY_END}|[^0.!?]{{0,50}}0)"  # the end of a key, or a digit in the same sentence
_PHONE_END = r"(?:[ -]?(?:number|no\.?|nr\.?|#))?(?: is)?[ \"'\\:=*.]{1,6}\+?[0(]"

_BY_FIRST_BYTE: tuple[tuple[str, tuple[Condition, ...]], ...] = (
    ("-", (
        ("token", _DASH_TOKENS),
        ("word", "(?:key|token)[^a-z0-]"),
        ("word", "num(?:(?<=card-num)|(?<=cc-num))"),
    )),
    ("k", (
        ("token", "ia(?<=akia)|a(?<=aika)"),
        ("word", f"{_KEYS}|ie(?<=cookie)|{_TOKENS}|(?<=authorik)"),
        ("word", "k(?<=ckk)|c(?<=ckc)"),
    )),
    ("b", (
        ("token", "earer[ \\t\\\\]"),
        ("birth", f"(?:(?<=dob)|(?<=d\\.o\\.b)\\.?|irth[a-z]{{0,4}}|orn(?![a-z])){_BIRTH_END}"),
    )),
    ("w", (("word", "(?<=passw)|d(?<=pwd)"),)),
    (r"\.", (("token", r"(?<=ya00\.)|(?<=sg\.)|slack\.(?<=hooks\.slack\.)"),)),
    ("s", (("token", "ia(?<=asia)[a-z0]{16}"),)),
    ("s", (("word", "ecret"),)),
    ("s", (("word", "s(?:n|phra|code)"),)),
    ("s", (("word", "ocial[- ]sec"),)),
    ("n", (("word", "um(?:(?<=cardnum)|(?<=ccnum)|(?<=card num))"),)),
    (":", (("colon", ":|[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){3}"),)),
    ("0(?:(?<!00)|(?<=%000))", (  # each shape from the first digit of its number, also behind `%20`
        ("card", r"00000000000"),  # in one piece: 12 of its 13 to 19 digits
        ("card", r"000[ -]00000?0?[ -]0000"),
        ("card", r"0000(?<=card-00000)"),
        ("ssn", r"00[ -]00[ -]0000"),
        ("number", r"00(?:\) ?|[-. /])000[-. ]0000"),  # North American phone
        ("number", r"0(?:[-. ]00){4}"),  # French phone
        ("number", r"0{2,5}[ /]0{3}"),  # phone with trunk zero
        ("ip", r"0{0,2}\.0{1,3}\.0{1,3}\.0"),
        ("iban", r"(?<=[a-z][a-z]0)0[ -]?[a-z0]{4}[ -]?[a-z0]{4}[ -]?[a-z0]"),
        ("keyed", r"(?<![0-]0)(?!000-00-00)[0 .()-]{5,17}0"),  # any long number that is no date
    )),
)  # fmt: skip
_PERSONAL_WORDS = (
    "k(?<=ckk)|c(?<=ckc)",
    "num(?:(?<=card-num)|(?<=cc-num))",
    "ocial[- ]sec",
    "um(?:(?<=cardnum)|(?<=ccnum)|(?<=card num))",
)
_PERSONAL: frozenset[Group] = frozenset({"birth", "colon", "card", "ssn", "number", "ip", "iban", "keyed"})
_INTERNATIONAL = re.compile(rb"\+\(?[1-9]").search
_PHONE_WORDS = [
    re.compile((word + _PHONE_END).encode()).search for word in ("phone", "mobile", "cell", "tel", "fax", "whatsapp")
]


def _wanted(condition: Condition, personal: bool) -> bool:
    return personal or not (condition[0] in _PERSONAL or condition[1] in _PERSONAL_WORDS)


def _compiled(first: str, conditions: tuple[Condition, ...]) -> tuple[Search, tuple[tuple[Group, Search], ...]]:
    """One search for all the conditions, and one for each."""
    together = "|".join(regex for _, regex in conditions)
    parts = tuple((group, re.compile(f"{first}(?:{regex})".encode()).search) for group, regex in conditions)
    return re.compile(f"{first}(?:{together})".encode()).search, parts


class Gate:
    """All searches of one mode.

    Args:
        personal: search for personal data as well as for secrets.
    """

    def __init__(self, *, personal: bool) -> None:
        self._personal = personal
        chosen = ((first, tuple(c for c in conditions if _wanted(c, personal))) for first, conditions in _BY_FIRST_BYTE)
        self._searches = tuple(_compiled(first, conditions) for first, conditions in chosen if conditions)

    def hits(self, data: bytes) -> set[Group]:
        """Groups of patterns that could match somewhere in `data`, UTF-8 text (JSON or plain)."""
        found: set[Group] = set()
        if b"@" in data:
            found.add("at")
        if b"J" in data and b"eyJ" in data:
            found.add("token")
        if self._personal and b"+" in data and _INTERNATIONAL(data):
            found.add("number")
        text = folded(data)
        for search, parts in self._searches:
            if search(text):
                found.update(group for group, part in parts if part(text))
        if "keyed" in found and not any(search(text) for search in _PHONE_WORDS):
            found.discard("keyed")
        return found

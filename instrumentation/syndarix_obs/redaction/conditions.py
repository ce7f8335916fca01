"""What must stand in a text for a pattern to match at all: the one table from which both gates are made.

A condition is written for folded text: lower case, `0` for any digit, `-` for `_` and for typographic hyphens and
spaces, `k` for `z` and `v` too. `gate.py` folds the text and searches it with `re`; `fast.py` rewrites each condition
for the text as it is and asks google-re2. Conditions stand together in one search when they begin alike.
"""

from __future__ import annotations

from dataclasses import dataclass

from syndarix_obs.redaction.iban import IBAN_COUNTRIES
from syndarix_obs.redaction.spans import Group

NUMBER = "0+"
"""As `first`: the first digit of a number, also behind `%20` or `\\u0000`; six more digits or separators follow."""
CODE = "00"
"""As `first`: two digits right behind what stands in `before`."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Where one of `before`, then `first`, then `after` stands, patterns of the group could match.

    Args:
        group: what is reported.
        first: where the search begins: characters that are rare in prose.
        after: what must follow: plain characters, classes, groups and counts.
        before: what must precede: one of these, each of one width; empty for anything.
        free: one of `FREE` must precede it all.
        personal: needed for personal data only.
        raw: written for the text as it is, not folded.
    """

    group: Group
    first: str
    after: str = ""
    before: tuple[str, ...] = ()
    free: bool = False
    personal: bool = False
    raw: bool = False


def _secret(group: Group, first: str, after: str = "", *before: str) -> Condition:
    return Condition(group, first, after, before)


def _personal(group: Group, first: str, after: str = "", *before: str, free: bool = False) -> Condition:
    return Condition(group, first, after, before, free, personal=True)


_GAP = r"(?:[-\x00-\x20]|[^\x00-\x7f]){0,16}"
_END = rf"{_GAP}(?:[*\\\"':=]|is[^a-z])"  # behind the name of a secret: the end of a key, or an assignment
_NUMBER_END = rf"0?{_GAP}(?:[*\\\"':=#0]|is )"
_KEY_END = r"[-a-z ]{0,6}\\{0,64}[\"']"
_BIRTH_END = rf"(?:{_KEY_END}|[^0.!?]{{0,50}}0)"  # the end of a key, or a digit in the same sentence
_PHONE_END = r"(?:[- ]?(?:number|no\.?|nr\.?|#))?(?: is)?[ \"'\\:=*.]{1,12}\+?[0(][0 ().-]{5,18}0"
_KEY_OWNERS = ("api", "ess", "ret", "ate", "unt", "ing", "ion")
_TOKEN_OWNERS = ("ss", "th", "sh", "on", "id")


def _owned(owners: tuple[str, ...], start: str) -> tuple[str, ...]:
    """`apik`, `api k`, and any word behind two separators or more."""
    return (*(owner + start for owner in owners), *(f"{owner}[- ]{start}" for owner in owners), f"[- ][- ]{start}")


def _countries() -> str:
    """Country codes of IBANs, folded."""
    codes = {code.lower().replace("z", "k").replace("v", "k") for code in IBAN_COUNTRIES}
    seconds = {first: sorted(code[1] for code in codes if code[0] == first) for first in {code[0] for code in codes}}
    return "(?:" + "|".join(f"{first}[{''.join(letters)}]" for first, letters in sorted(seconds.items())) + ")"


FREE = ("^", "[^a-z0]", r"\\[nrtbf]", r"\\u[a-f0]{4}", "%[a-f0]{2}")
"""What may stand before a word of its own, as `spans.free_left` has it."""
SEARCHES: tuple[tuple[Condition, ...], ...] = (
    (
        _secret("sk", "-", "", "sk"),
        _secret("github", "-", "", "gh[pousr]", "github-pat"),
        _secret("slack", "-", "", "xox[a-z]", "xapp"),
        _secret("vendor", "-", "", "glpat", "npm", "pypi", "gsk", "xai", "pplx", "tkly", "nkapi", "rk"),
        _secret("hub", "-", "", "hf", "r0"),
        _secret("pem", "-", "begin ", "----"),
    ),
    (
        _secret("word", "k", f"ey{_END}", *_owned(_KEY_OWNERS, "")),
        _secret("word", "k", f"en{_END}", *_owned(_TOKEN_OWNERS, "to")),
        _secret("word", "k", f"ie{_END}", "coo"),
        _secret("word", "k", f"ation{_END}", "authori"),
        _personal("card_word", "k", f"[kc]{_NUMBER_END}", "c"),
        _secret("slack", "k", r"\.com", r"hooks\.slac"),
    ),
    (
        _secret("bearer", "b", r"earer[ \t\\]"),
        _personal("birth", "b", f"irth[a-z]{{0,4}}{_BIRTH_END}"),
        _personal("birth", "b", f"orn(?![a-z]){_BIRTH_END}"),
        _personal("birth", "b", "[\"'0]", "do"),
        _personal("birth", "b", f"[^a-z]{_BIRTH_END}", "do", r"d\.o\."),
    ),
    (_secret("word", "p", f"ass[- ]?(?:w(?:or)?d|code|phrase){_END}"), _secret("word", "p", f"wd{_END}")),
    (
        _secret("word", "c", f"ret{_END}", "se"),
        _personal("ssn_word", "c", "ial[- ]?sec", "so"),
        _personal("card_word", "c", "ard[- ]{0,3}num"),
        _personal("card_word", "c", "c[- ]{0,3}num"),
    ),
    (_personal("ssn_word", "ssn", _NUMBER_END),),
    (_personal("colon", "::"),),
    (_personal("colon", ":", "[0a-f]{1,4}:[0a-f]{1,4}:[0a-f]{1,4}:[0a-f]"),),
    (_personal("international", r"\+", r"\(?0(?:[ ()./-]*0){7}"),),
    (
        _personal("card", NUMBER, "000000000000"),  # in one piece: 13 to 19 digits
        _personal("card_groups", NUMBER, r"000[ -]00000?0?[ -]0000"),
        _personal("ssn", NUMBER, r"00[ -]00[ -]0000"),
        _personal("american", NUMBER, r"00(?:\) ?|[-. /])000[-. ]0000"),
        _personal("french", NUMBER, r"0(?:[-. ]00){4}"),
        _personal("trunk", NUMBER, r"0{2,5}\)?[ /]000"),  # zero of a trunk call
        _personal("ip", NUMBER, r"0{0,2}\.0{1,3}\.0{1,3}\.0"),
        _personal("keyed", NUMBER, r"(?<![0-]0)[0 .()-]{5,17}0"),
    ),
    (
        _personal("card_id", CODE, "000", "credit-card-", "debit-card-"),
        _personal("iban", CODE, "(?:[ -]?[a-z0]){11}", _countries(), free=True),
        _secret("google", CODE, r"\.", "ya"),
    ),
    (Condition("at", "@", raw=True),),
    (Condition("jwt", "J", "", ("ey",), raw=True),),
    (Condition("sendgrid", "G", r"\.", ("S",), raw=True),),
    (Condition("aws", "A", "[KS]IA[A-Z0-9]{16}", raw=True), Condition("google", "A", "Iza", raw=True)),
)  # fmt: skip
"""Conditions that are searched together begin with the same characters."""
PHONES = tuple(_personal("keyed", word, _PHONE_END) for word in ("phone", "mobile", "cell", "tel", "fax", "whatsapp"))
"""A keyed number counts only where one of these stands too; each holds by itself."""

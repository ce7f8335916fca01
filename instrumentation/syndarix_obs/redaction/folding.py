"""Texts that hide what they say: encoded for URLs, HTML or JSON, in colours, with signs that nobody sees, in base64.

`fold` writes such a text plainly, once, and remembers where each part came from, so that what is found in the plain
form is masked in the text as it was. Base64 that holds a text is searched the same way and masked whole.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator

from syndarix_obs.redaction.pattern import Span, give_way, scan

_DASHES = "\u2010-\u2015\u2212\ufe58\ufe63"
_SPACES = "\u00a0\u2002-\u200a\u202f\u205f\u3000"
_UNSEEN = "\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff"
_DIGITS = "٠-٩۰-۹०-९০-৯๐-๙"
_WIDE = "\uff01-\uff5e\u3002"
_HEX = "(?:2[8-9b-fB-F]|3[0-9aAdD]|4[0-9a-fA-F]|5[0-9aAfF]|6[1-9a-fA-F]|7[0-9aA])"
"""Letters, digits and `()+,-./:=@_`. White space, quotes and brackets stay as they are: a value may end at them."""
_PERCENT = f"%(?:25){{0,2}}{_HEX}"
_ENTITY = (
    "&(?:#(?:4[0-8]|5[0-8]|6[14-9]|[78][0-9]|90|95|9[7-9]|1[01][0-9]|12[0-2]);"
    f"|#[xX]{_HEX};|(?:amp|commat|period|nbsp|colon|plus|equals|lowbar|hyphen);)"
)
_ESCAPED = rf"\\(?:u00|x){_HEX}"
_COLOUR = r"(?:\x1b|\\u001[bB]|\\x1[bB]|\\033|\\e)\[[0-9;]{0,16}m"

_FOLDABLE = re.compile(
    rf"{_PERCENT}|{_ENTITY}|{_ESCAPED}|{_COLOUR}|[{_DASHES}{_SPACES}]{{1,3}}[0-9:=+(]|[0-9:][{_DASHES}{_SPACES}]"
    rf"|[\w@.:=][{_UNSEEN}]{{1,3}}[\w@.:=]|[{_DIGITS}]|[\uff10-\uff19\uff20-\uff5a]|[A-Za-z]\u3002[A-Za-z]"
)
FOLD_NEEDS = (
    rf"{_PERCENT}|{_ENTITY}",
    r"\\(?:u001[bB]\[|u00[2-7]|x[1-7]|033|e\[)|\x1b\[",
    rf"[{_DASHES}{_SPACES}]+[0-9:=+(]|[0-9:][{_DASHES}{_SPACES}]",
    rf"[{_UNSEEN}]|[{_DIGITS}]|[\x{{ff10}}-\x{{ff19}}\x{{ff20}}-\x{{ff5a}}]|[A-Za-z]\x{{3002}}[A-Za-z]",
)
_PART = re.compile(
    rf"(?P<percent>{_PERCENT}|(?<=[0-9])%20(?=[0-9]))|(?P<entity>{_ENTITY})|(?P<escaped>{_ESCAPED})"
    rf"|(?P<none>{_COLOUR}|[{_UNSEEN}]{{1,64}})"
    rf"|(?P<dash>[{_DASHES}])|(?P<space>[{_SPACES}])|(?P<wide>[{_DIGITS}{_WIDE}])"
)
_ENTITIES = {
    "&amp;": "&", "&commat;": "@", "&period;": ".", "&nbsp;": " ", "&colon;": ":", "&plus;": "+", "&equals;": "=",
    "&lowbar;": "_", "&hyphen;": "-",
}  # fmt: skip


def _numbered(entity: str) -> str:
    """`&#64;` or `&#x40;`."""
    return chr(int(entity[3:-1], 16) if entity[2] in "xX" else int(entity[2:-1]))


_PLAIN: dict[str, Callable[[str], str]] = {
    "percent": lambda part: chr(int(part[-2:], 16)),
    "entity": lambda part: _ENTITIES.get(part) or _numbered(part),
    "escaped": lambda part: chr(int(part[-2:], 16)),
    "none": lambda _: "",
    "dash": lambda _: "-",
    "space": lambda _: " ",
    "wide": lambda part: (
        str(unicodedata.digit(part)) if part.isdigit() else unicodedata.normalize("NFKC", part).replace("\u3002", ".")
    ),
}


class Folded:
    """A text in plain form, and where each of its parts stood."""

    def __init__(self, text: str) -> None:
        pieces: list[str] = []
        self._starts, self._origins = [0], [0]
        position = length = 0
        for match in scan(_PART, text):
            plain = _PLAIN[match.lastgroup or "none"](match.group())
            pieces += (text[position : match.start()], plain)
            length += match.start() - position
            self._starts += (length, length + len(plain))
            self._origins += (match.start(), match.end())
            length += len(plain)
            position = match.end()
        pieces.append(text[position:])
        self.text = "".join(pieces)

    def origin(self, start: int, end: int) -> Span:
        """Where a part of the plain form stood in the text; what was written for one character is taken whole."""
        return self._origin(start), self._origin(end - 1, after=True)

    def _origin(self, position: int, *, after: bool = False) -> int:
        place = bisect_right(self._starts, position) - 1
        origin = self._origins[place] + position - self._starts[place]
        if place + 1 < len(self._starts) and place % 2:  # inside what one sign was written for
            return self._origins[place + 1] if after else self._origins[place]
        return origin + after


def folded(text: str) -> Folded | None:
    """The plain form of a text; None when it is plain already, as far as it matters."""
    return Folded(text) if next(scan(_FOLDABLE, text), None) else None


# --- Base64 -------------------------------------------------------------------------------------------------------

_QUAD = "[I-Za-f][C-HS-Xi-nyz0-3][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9+/_-]"
"""Four characters of base64 that stand for three of ASCII: of 18 chances one, so five in a row are hardly chance."""
BASE64_NEED = f"(?:{_QUAD}){{5}}"
_BASE64 = re.compile(rf"(?:{_QUAD}){{5}}[A-Za-z0-9+/_-]*+={{0,2}}")
_AS_STANDARD = str.maketrans("-_", "+/")
_LONGEST = 400_000


def base64_texts(text: str) -> Iterator[tuple[int, int, str]]:
    """Where base64 stands that holds a text, and the text."""
    for match in scan(_BASE64, text):
        run = match.group().rstrip("=")[:_LONGEST].translate(_AS_STANDARD)
        run = run[: len(run) - (len(run) % 4 == 1)]
        plain = base64.b64decode(run + "=" * (-len(run) % 4)).decode("utf-8", "replace")
        if plain[:-1].isprintable() or plain.count("\ufffd") * 20 <= len(plain):
            yield match.start(), match.end(), plain
        give_way()

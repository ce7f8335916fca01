"""Which language a text is in, by its script and its small words; silent where that is not clear."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_SMALL_WORDS: Final = {
    "English": "the and is are you your of to in it that for with was have not this we can be",
    "German": "der die das und ist sie ihr ihre nicht ein eine zu mit den von für auf ich wir wie",
    "French": "le la les et est vous votre vos de des un une pas pour dans que je nous sur avec",
    "Spanish": "el la los las y es usted su de que un una no para en con por se mi está",
    "Italian": "il la gli e è di che un una non per con sono del della mi si lei suo ho",
    "Portuguese": "o a os as e é você seu de que um uma não para em com por se do da",
    "Dutch": "de het en is u uw van een niet te dat voor met zijn op ik we aan die er",
}
_SCRIPTS: Final = {
    "CYRILLIC": "Cyrillic", "GREEK": "Greek", "ARABIC": "Arabic", "HEBREW": "Hebrew", "HANGUL": "Korean",
    "HIRAGANA": "Japanese", "KATAKANA": "Japanese", "CJK": "Chinese", "THAI": "Thai", "DEVANAGARI": "Hindi",
}  # fmt: skip
_WORDS: Final = {name: frozenset(words.split()) for name, words in _SMALL_WORDS.items()}
_CODE: Final = re.compile(r"```.*?(?:```|\Z)|`[^`]*`|https?://\S+", re.S)
_LEAST_HITS: Final = 3
_AHEAD: Final = 1.5


def language_of(text: str) -> str | None:
    """The language, or the script where that is all that can be told; None for short or mixed texts."""
    prose = _CODE.sub(" ", text)
    if script := _script(prose):
        return script
    words = re.findall(r"[^\W\d_]+", prose.lower())
    hits = sorted(((sum(word in known for word in words), name) for name, known in _WORDS.items()), reverse=True)
    (most, name), (second, _) = hits[0], hits[1]
    return name if most >= _LEAST_HITS and most >= _AHEAD * second else None


def _script(text: str) -> str | None:
    """The script of most letters, when it is not Latin."""
    letters = [each for each in text if each.isalpha()]
    found: dict[str, int] = {}
    for each in letters:
        if not each.isascii():
            script = _SCRIPTS.get(unicodedata.name(each, "").split(" ")[0].split("-")[0], "")
            found[script] = found.get(script, 0) + 1
    if found.get("Japanese"):  # Japanese mixes its own letters with Chinese ones
        return "Japanese"
    most = max(found, key=lambda name: found[name], default="")
    return most if most and found[most] * 2 > len(letters) else None

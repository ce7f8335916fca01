"""One search box: `agent:support cost>0.1 status:error refund` as words of an address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from syndarix_obs_read.errors import FilterError

EQUALS: Final[Mapping[str, str]] = {
    "agent": "agent", "project": "project", "user": "user", "model": "model", "tool": "tool", "task": "task_type",
    "status": "status", "session": "session", "trace": "trace", "level": "level", "kind": "kind", "decision": "type",
}  # fmt: skip
"""Names before a colon, and the word of an address that each stands for."""
ABOVE: Final[Mapping[str, str]] = {"cost": "min_cost", "took": "min_duration"}
"""Names before a `>`, and the word that each stands for."""
MOST: Final = 1_000
"""Characters of a search."""

_PART: Final = re.compile(r'([A-Za-z_]{1,30})(:|>=|>|<=|<|=)("[^"]*"|[^\s"]+)|"([^"]*)"|(\S+)')


def read(text: str, allowed: tuple[str, ...]) -> dict[str, str]:
    """The words that a search stands for; what has no name before it is the text that is searched.

    Args:
        allowed: words of an address that the page takes.

    Raises:
        FilterError: a name that there is not, or that the page cannot be narrowed by.
    """
    if len(text) > MOST:
        raise FilterError(f"a search may have {MOST:,} characters, this one has {len(text):,}")
    found: dict[str, str] = {}
    plain: list[str] = []
    for match in _PART.finditer(text):
        name, sign, value, quoted, bare = match.groups()
        if name is None or value.startswith("//"):  # an address is text too
            plain.append(quoted if quoted is not None else bare if bare is not None else match[0])
            continue
        word = _word(name.lower(), sign, match[0], allowed)
        value = value.strip('"')
        found[word] = f"{found[word]},{value}" if word == "kind" and word in found else value
    if plain:
        if "text" not in allowed:
            raise FilterError(f"this page has no text to search, only names: {_possible(allowed)}")
        found["text"] = " ".join(plain)
    return found


def _word(name: str, sign: str, whole: str, allowed: tuple[str, ...]) -> str:
    word = (EQUALS if sign in (":", "=") else ABOVE).get(name)
    if word is not None and sign in ("<", "<="):
        raise FilterError(f"{whole!r}: {name} can only be narrowed from below, such as {name}>{_EXAMPLES[name]}")
    if word is None and name in ABOVE:
        raise FilterError(f"{whole!r}: write {name}>{_EXAMPLES[name]}")
    if word is None or word not in allowed:
        instead = "put text in quotes to search for it as it is"
        raise FilterError(f"cannot search by {name!r} here; possible: {_possible(allowed)}; {instead}")
    return word


_EXAMPLES: Final = {"cost": "0.1", "took": "2s"}


def _possible(allowed: tuple[str, ...]) -> str:
    equal = [f"{name}:…" for name, word in EQUALS.items() if word in allowed]
    above = [f"{name}>{_EXAMPLES[name]}" for name, word in ABOVE.items() if word in allowed]
    return " ".join([*equal, *above])


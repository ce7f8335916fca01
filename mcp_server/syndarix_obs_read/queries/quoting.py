"""Values as literals of the three query languages, all of which read strings as Go does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

_SPECIAL = re.compile(r"([\\.+*?()|\[\]{}^$])")


def quoted(text: str) -> str:
    """A string literal. JSON's escapes are a subset of Go's; lone surrogates, which no server takes, become `?`."""
    return json.dumps(text.encode("utf-8", "replace").decode(), ensure_ascii=False)


def literal(text: str) -> str:
    """A regular expression (RE2) that matches exactly this text."""
    return _SPECIAL.sub(r"\\\1", text)


def any_of(texts: Iterable[str]) -> str:
    """A regular expression that matches each of these texts and nothing else."""
    return "|".join(literal(text) for text in texts)

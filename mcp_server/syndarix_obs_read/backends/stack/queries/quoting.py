"""Values as literals of the three query languages, which read strings as Go does, and of Alertmanager's matchers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

_UNSAFE = re.compile("[`\x00-\x1f\x7f]")
_SPECIAL = re.compile(r"([\\.+*?()|\[\]{}^$])")


def sendable(text: str) -> str:
    """The text with a `?` for each lone surrogate, which no server takes."""
    return text.encode("utf-8", "replace").decode()


def quoted(text: str) -> str:
    """A string literal. JSON's escapes are a subset of Go's."""
    return json.dumps(sendable(text), ensure_ascii=False)


def label_quoted(text: str) -> str:
    """A string in a matcher of Alertmanager, which knows these three escapes and takes any other as it stands."""
    return '"' + sendable(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def literal(text: str) -> str:
    """A regular expression (RE2) that matches exactly this text.

    Loki 3.4 hands regular expressions on between its parts as text in backquotes: one that holds a backquote or a
    control character is not understood, and the question hangs. As escapes they pass.
    """
    return _UNSAFE.sub(_escape, _SPECIAL.sub(r"\\\1", sendable(text)))


def _escape(found: re.Match[str]) -> str:
    return f"\\x{ord(found[0]):02x}"


def any_of(texts: Iterable[str]) -> str:
    """A regular expression that matches each of these texts and nothing else."""
    return "|".join(literal(text) for text in texts)

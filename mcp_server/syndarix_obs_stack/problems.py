"""What a check finds: a sentence for what is wrong and one for how to mend it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that would keep the stack from working."""

    what: str
    mend: str

    def __str__(self) -> str:
        return f"✗ {self.what}\n  → {self.mend}"


class StackError(Exception):
    """The stack cannot start or render; `problems` say why, and nothing was started."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)

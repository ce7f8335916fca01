"""Which runs succeeded: those that ended without an error, and not in one of the outcomes that count as failed.

Outcomes are the caller's own words, so which of them are failures is a setting. One process reads with one setting:
`open_backend` takes it from there, and every answer that states a success rate names the words it was reckoned with.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from syndarix_obs import vocabulary as v

DEFAULT: Final = "failure,failed,error"
"""Outcomes that count as failed unless the setting names others."""


def words(text: str) -> tuple[str, ...]:
    """The outcomes of a setting, in lower case, each once."""
    return tuple(dict.fromkeys(word for each in text.split(",") if (word := each.strip().lower())))


_chosen = {"failed": words(DEFAULT)}


def count_as_failed(names: Iterable[str]) -> None:
    """From now on these outcomes are failures in every answer of this process."""
    _chosen["failed"] = tuple(names)


def failed_outcomes() -> tuple[str, ...]:
    """Outcomes that count as failed, in lower case."""
    return _chosen["failed"]


def is_success(status: str, outcome: str | None) -> bool:
    """Whether an ended run counts as a success."""
    return status == v.STATUS_OK and (outcome or "").lower() not in failed_outcomes()


def in_words(failed: Iterable[str]) -> str:
    """What a success rate means, for people."""
    return f"success: ended without an error, and the outcome is none of: {', '.join(failed) or '(none)'}"

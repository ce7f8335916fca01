"""Names of the causes of a difference, and what was found of each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final, Literal

Cause = Literal[
    "unseen key or project", "late bucket", "day borders", "estimated calls", "unpriced calls", "batch",
    "service tier", "price list", "fees", "rounding", "another account", "unexplained",
]  # fmt: skip

MEANINGS: Final[dict[Cause, str]] = {
    "unseen key or project": "Tokens that the provider billed and that nothing recorded here: a key, project or model "
    "is used by something that is not instrumented.",
    "late bucket": "The provider's report of these days is not complete yet; ask again a day later.",
    "day borders": "The same calls stand on the next day: the bill dates them by their end, or its days are not those "
    "of UTC.",
    "estimated calls": "The provider sent no usage for these calls, so their tokens here are an estimate.",
    "unpriced calls": "Tokens were seen, but no price is known for the model here.",
    "batch": "Calls were billed as batches and priced here as ordinary calls, or the other way round.",
    "service tier": "The tier that was billed is not the one that was seen, or the cost report leaves the tier out.",
    "price list": "The same tokens at another rate: a contract, a discount, or a price list that is out of date.",
    "fees": "Searches, sessions, storage, credits or taxes that the bill lists beside tokens.",
    "rounding": "Fractions of a cent.",
    "another account": "Calls that were seen and that this account was not billed for: another organization's key, or "
    "a gateway.",
    "unexplained": "No cause was found.",
}
"""Causes in the order in which they are looked for, each with what it means."""


@dataclass(slots=True)
class Found:
    """What one cause explains in one cell. Signs are those of billed without seen."""

    cause: Cause
    day: date
    model: str | None
    usd: Decimal | None
    tokens: Counter[str] = field(default_factory=Counter)
    who: str = ""
    """The key, project, tier, class or item that it is about."""

"""Fees for tools that a provider runs itself, where the price data of a model does not list them.

They hold for a provider, not for one model, and come on top of the tokens. A contract of your own goes into the prices
file (`web_searches_per_thousand: …`), which wins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final


@dataclass(frozen=True, slots=True)
class Fee:
    """US dollars for each use since a day; `source` says where that stands, `checked` when somebody looked."""

    usd: Decimal
    first_day: date
    checked: date
    source: str


_OPENAI: Final = "platform.openai.com/docs/pricing, built-in tools"
_CHECKED: Final = date(2026, 11, 28)

FEES: Final[Mapping[tuple[str, str], Fee]] = {
    ("openai", "web_searches"): Fee(Decimal("0.01"), date(2025, 8, 26), _CHECKED, _OPENAI),
    ("openai", "storage_searches"): Fee(Decimal("0.0025"), date(2025, 3, 11), _CHECKED, _OPENAI),
    ("openai", "code_executions"): Fee(Decimal("0.03"), date(2025, 5, 21), _CHECKED, _OPENAI),
    ("anthropic", "web_searches"): Fee(
        Decimal("0.01"), date(2025, 5, 7), _CHECKED, "docs.claude.com, pricing of the web search tool"
    ),
}
"""Provider of the price data and class of usage → fee."""


def fee(provider: str | None, name: str, day: date) -> Decimal | None:
    """Dollars for one use, None where it is not known."""
    found = FEES.get((provider or "", name))
    return found.usd if found is not None and day >= found.first_day else None

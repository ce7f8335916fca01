"""The ledger's side of a bill: what was seen of one provider, by hour, model and tier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

from syndarix_obs.pricing.model_names import owner_of
from syndarix_obs.pricing.providers import price_data_id
from syndarix_obs_read.analysis.repricing import Counts
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import CostRow, LedgerKey
from syndarix_obs_read.bills.model import Provider, tier_of

_BY: Final[tuple[LedgerKey, ...]] = (
    "provider", "model", "service_tier", "is_estimated", "is_priced", "hour", "prompt_size",
)  # fmt: skip
MARGIN_H: Final = 14
"""Hours around the month that are read too: as far as days of any zone lie from those of UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenLine:
    """A sum of the ledger. `hour` counts hours since the epoch; `usd` is None for calls without a price."""

    hour: int
    model: str
    tier: str
    size: str
    """Step of the price list that its prompts lie above, see `PROMPT_SIZES`."""
    estimated: bool
    calls: int
    counts: Counts
    usd: Decimal | None

    def day(self, offset_h: int = 0) -> date:
        """Its day, where days begin `offset_h` hours after those of UTC."""
        return datetime.fromtimestamp((self.hour - offset_h) * 3_600, UTC).date()

    @property
    def tokens(self) -> Mapping[str, int]:
        """By the classes of bills: the answer holds its reasoning."""
        c = self.counts
        return {
            "input": c.input, "cache_read": c.cache_read, "cache_write": c.cache_write,
            "output": c.output + c.reasoning,
        }  # fmt: skip


async def seen_lines(backend: Backend, provider: Provider, first: date, end: date) -> list[SeenLine]:
    """What the ledger has of a provider from `first` up to but without `end`, and `MARGIN_H` hours around."""
    since, until = (datetime(day.year, day.month, day.day, tzinfo=UTC) for day in (first, end))
    margin = timedelta(hours=MARGIN_H)
    where = Filter(since_ns=_ns(since - margin), until_ns=_ns(until + margin))
    rows = await backend.costs(where, _BY, UTC)
    return [_line(row) for row in rows if _belongs(row.key, provider)]


def _belongs(key: Mapping[str, str | None], provider: Provider) -> bool:
    """Whether a provider bills it: by its name, or by the model's where nobody named one."""
    return (price_data_id(key["provider"]) or owner_of(key["model"] or "")) == provider


def _line(row: CostRow) -> SeenLine:
    tokens, key = row.tokens, row.key
    return SeenLine(
        hour=int(key["hour"] or 0),
        model=key["model"] or "unknown",
        tier=tier_of(key["service_tier"]),
        size=key["prompt_size"] or "0",
        estimated=key["is_estimated"] == "1",
        calls=row.cost.calls,
        counts=Counts(tokens.input, tokens.cache_read, tokens.cache_write, tokens.output, tokens.reasoning),
        usd=row.cost.total_usd if key["is_priced"] == "1" else None,
    )


def _ns(moment: datetime) -> int:
    return int(moment.timestamp()) * 10**9

"""What the same tokens would cost with other models: sums of the ledger, priced anew."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import CostRow, LedgerKey
from syndarix_obs_read.errors import FilterError

if TYPE_CHECKING:
    from syndarix_obs_read.analysis.repricing import Repricing

Key = tuple[str | None, ...]
WHOLE: Final[Key] = ("", "", "", "", "", "", "", "whole")
"""Key of all groups together: longer than any group's."""

OTHER_TOKENS: Final = "other models count the same text in other tokens; here the tokens are taken as they were counted"

_MOST: Final = 5
_BATCH: Final = "batch"


@dataclass(frozen=True, slots=True)
class OtherModels:
    """Models to compare with, by name: `gpt-5-mini`, or `anthropic/claude-haiku-4-5` where a name has several owners.

    Raises:
        FilterError: too many, or one that no price is known for.
    """

    models: tuple[str, ...]
    prices_file: Path | None = None

    def __post_init__(self) -> None:
        if len(self.models) > _MOST:
            raise FilterError(f"at most {_MOST} other models can be compared at once")

    async def priced(
        self, backend: Backend, where: Filter, by: Sequence[LedgerKey], zone: tzinfo, now_ns: int
    ) -> dict[Key, dict[str, Decimal | None]]:
        """Dollars by group and model at the prices of now; those of all groups under `WHOLE`."""
        from syndarix_obs_read.analysis.repricing import Repricing  # prices are read by whoever asks for other models

        repricing, at = Repricing(self.prices_file), datetime.fromtimestamp(now_ns / 1e9, UTC)
        self._refuse_unknown(repricing, at)
        rows = await backend.costs(where, (*by, "service_tier", "prompt_size"), zone)
        found: dict[Key, dict[str, Decimal | None]] = defaultdict(dict)
        for model in self.models:
            for row in rows:
                usd = _price(repricing, model, row, at)
                for key in (tuple(row.key[name] for name in by), WHOLE):
                    before = found[key].get(model, Decimal(0))
                    found[key][model] = None if before is None or usd is None else before + usd
        return dict(found)

    def _refuse_unknown(self, repricing: Repricing, at: datetime) -> None:
        from syndarix_obs_read.analysis.repricing import Counts

        for model in self.models:
            if repricing.price(model, Counts(input=1000, output=1000), 1, at) is None:
                raise FilterError(
                    f"no price is known for the model {model!r}; a name such as gpt-5-mini or "
                    "anthropic/claude-haiku-4-5 is needed, or a price of it in SYNDARIX_OBS_PRICES_FILE"
                )


def _price(repricing: Repricing, model: str, row: CostRow, at: datetime) -> Decimal | None:
    """Batches stay batches; the other tiers are a provider's own, and become the usual one."""
    from syndarix_obs_read.analysis.repricing import Counts

    t = row.tokens
    counts = Counts(t.input, t.cache_read, t.cache_write, t.output, t.reasoning)
    tier = _BATCH if row.key["service_tier"] == _BATCH else None
    return repricing.price(model, counts, row.cost.calls, at, tier=tier)


def other_models(names: Sequence[str] | None, prices_file: Path | None) -> OtherModels | None:
    """The models of `--what-if`, each once; `model=NAME` says the same as `NAME`. None when there are none."""
    said = (part.strip() for name in names or () for part in name.split(","))
    models = tuple(dict.fromkeys(part.removeprefix("model=").strip() for part in said if part))
    return OtherModels(models, prices_file) if models else None

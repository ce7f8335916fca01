"""Sums that every answer is made of: dollars, tokens, quantiles, counts. Backends fill them, answers show them.

Dollars are `Decimal`, and in JSON a string of plain digits (`"0.000123"`): a JSON number would lose exactness in most
readers. A sum whose calls all lack a price is None, never 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, computed_field


def plain(amount: Decimal) -> str:
    """A decimal in plain digits without trailing zeros: `0.000123`, never `1.23E-4`."""
    text = format(amount, "f")
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


Usd = Annotated[Decimal, PlainSerializer(plain, return_type=str, when_used="json")]
"""US dollars, exact."""


class Frozen(BaseModel):
    """Base of everything that is handed out: immutable, without unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")

    def shared(self, kind: type[BaseModel]) -> dict[str, Any]:
        """The fields that a model of this kind has, too: what a row hands on to an answer as it is."""
        return {name: getattr(self, name) for name in kind.model_fields if name in type(self).model_fields}


class Cost(Frozen):
    """What a set of model calls cost, from the ledger. Exact and estimated amounts never mix unnoticed."""

    calls: int = Field(default=0, description="Calls in the ledger.")
    exact_usd: Usd = Field(default=Decimal(0), description="Sum of the calls whose tokens the provider reported.")
    estimated_calls: int = Field(default=0, description="Calls whose tokens, and so cost, are an estimate.")
    estimated_usd: Usd = Field(default=Decimal(0), description="Sum of those.")
    unpriced_calls: int = Field(default=0, description="Calls of models without a known price; not in any sum.")
    unpriced_models: tuple[str, ...] = Field(default=(), description="Those models.")

    @computed_field(description="Exact and estimated together; null when no call has a price.")  # type: ignore[prop-decorator]  # pydantic's documented form; mypy does not model decorated properties
    @property
    def total_usd(self) -> Usd | None:
        """Exact and estimated together; None when there are calls and none has a price."""
        if self.calls and self.unpriced_calls == self.calls:
            return None
        return self.exact_usd + self.estimated_usd

    def __add__(self, other: Self) -> Cost:
        """Both together."""
        return Cost(
            calls=self.calls + other.calls,
            exact_usd=self.exact_usd + other.exact_usd,
            estimated_calls=self.estimated_calls + other.estimated_calls,
            estimated_usd=self.estimated_usd + other.estimated_usd,
            unpriced_calls=self.unpriced_calls + other.unpriced_calls,
            unpriced_models=tuple(sorted({*self.unpriced_models, *other.unpriced_models})),
        )


class Tokens(Frozen):
    """Tokens in disjoint classes, from the ledger: `total` is their sum."""

    input: int = Field(default=0, description="Prompt tokens that touched no cache.")
    cache_read: int = Field(default=0, description="Prompt tokens served from the provider's cache.")
    cache_write: int = Field(default=0, description="Prompt tokens written to that cache.")
    output: int = Field(default=0, description="Answer tokens without hidden reasoning.")
    reasoning: int = Field(default=0, description="Hidden reasoning tokens.")
    total: int = Field(default=0, description="All of them.")

    def __add__(self, other: Self) -> Tokens:
        """Both together."""
        return Tokens(**{name: getattr(self, name) + getattr(other, name) for name in type(self).model_fields})


class Quantiles(Frozen):
    """Of a set of durations in seconds: how many, mean, and linear-interpolated quantiles (as Prometheus and Loki)."""

    count: int = 0
    mean: float | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None

    @classmethod
    def of(cls, values: Iterable[float]) -> Quantiles:
        """Of these values; all None when there are none."""
        ordered = sorted(values)
        if not ordered:
            return cls()
        return cls(
            count=len(ordered),
            mean=math.fsum(ordered) / len(ordered),
            p50=quantile(ordered, 0.50),
            p95=quantile(ordered, 0.95),
            p99=quantile(ordered, 0.99),
        )


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value below which `share` of the sorted values lie, interpolated between neighbours."""
    rank = share * (len(ordered) - 1)
    low = math.floor(rank)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (rank - low)


class Activity(Frozen):
    """How much happened: counts of records by kind."""

    records: int = Field(default=0, description="Records of every kind.")
    llm_calls: int = 0
    tool_calls: int = 0
    decisions: int = 0
    errors: int = Field(default=0, description="Records that failed, application log lines included.")
    loops: int = Field(default=0, description="Tool calls that completed a detected loop.")
    safety_failures: int = Field(default=0, description="Safety checks that did not pass.")

    def __add__(self, other: Self) -> Activity:
        """Both together."""
        return Activity(**{name: getattr(self, name) + getattr(other, name) for name in type(self).model_fields})


def share(part: int, whole: int) -> float | None:
    """`part / whole`, None of nothing."""
    return part / whole if whole else None


def to_usd(value: Any) -> Decimal | None:
    """An amount as a record carries it (decimal text) as Decimal; None stays None."""
    return None if value is None else Decimal(str(value))

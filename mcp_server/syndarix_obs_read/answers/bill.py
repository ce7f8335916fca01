"""The parts of a bill that was held against the ledger: rows, causes, accounts, and the whole."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from pydantic import Field

from syndarix_obs_read.amounts import Frozen, Usd
from syndarix_obs_read.answers.base import Answer, ListAnswer, Moment
from syndarix_obs_read.bills.causes import Cause
from syndarix_obs_read.bills.lessons import PriceEntry


class ClassLine(Frozen):
    """One class of tokens of a day and model."""

    token_class: str = Field(description="input (without caches), cache_read, cache_write, output (with reasoning).")
    seen: int
    billed: int | None
    billed_usd: Usd | None = Field(description="Null where the bill does not tell dollars by class.")


class CausePart(Frozen):
    """What one cause explains of one day and model. Amounts are billed without seen."""

    cause: Cause
    tokens: Mapping[str, int]
    usd: Usd | None
    who: str = Field(description="The key, project, tier, class or item that it is about.")


class BillRow(Frozen):
    """One UTC day and model; `model` is null for fees that the bill lists beside tokens."""

    day: date
    model: str | None
    settled: bool = Field(description="False while the provider's report of the day may still grow.")
    classes: tuple[ClassLine, ...]
    seen_usd: Usd
    billed_usd: Usd | None
    difference_usd: Usd | None
    causes: tuple[CausePart, ...]


class CauseSum(Frozen):
    """What one cause explains of the whole month."""

    cause: Cause
    meaning: str
    tokens: int = Field(description="Billed without seen; of a tier, the tokens that stand in it.")
    usd: Usd | None
    who: tuple[str, ...]


class BillAccount(Frozen):
    """One key or project of the bill."""

    project: str | None
    key: str | None
    tokens: int
    usd: Usd | None = Field(description="Null where the bill does not tell dollars by key.")
    seen: bool = Field(description="False when nothing that it paid for was recorded here.")


class BillUnread(Answer):
    """No bill, as no key can read it."""

    needs: str = Field(description="The key that is missing, and where it is made.")


class Reconciliation(ListAnswer):
    """A provider's bill beside the ledger. Rows with the largest differences come first."""

    provider: str
    month: str = Field(description="`YYYY-MM`, of UTC days.")
    source: str = Field(description="Where the bill was read.")
    settled_through: date | None = Field(description="The last day whose report is final; null when none is yet.")
    sentence: str = Field(description="The finding in one sentence.")
    seen_tokens: int
    billed_tokens: int | None = Field(description="Null for a bill without tokens.")
    seen_usd: Usd
    billed_usd: Usd | None = Field(description="Null for a bill without dollars.")
    difference_usd: Usd | None
    ratio: float | None = Field(
        description="Difference as a share of the bill, of settled days, without its sign; null without a bill."
    )
    causes: tuple[CauseSum, ...] = Field(description="Their dollars add up to the difference.")
    rows: tuple[BillRow, ...]
    accounts: tuple[BillAccount, ...]
    prices: tuple[PriceEntry, ...] = Field(description="Entries for the prices file to look at; none is applied.")
    read_at: Moment

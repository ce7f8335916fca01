"""OpenAI's usage and cost APIs as a bill.

`/organization/usage/…` has whole numbers of tokens by model, tier, project and key; its `input_tokens` include the
cache classes. `/organization/costs` has dollars by line item (`gpt-5-mini-2025-08-07, input`), project and key; an item
does not say in which tier.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from syndarix_obs_read.bills.model import BATCH, Bill, CostLine, UsageLine, tier_of
from syndarix_obs_read.bills.pages import AdminPages
from syndarix_obs_read.errors import BackendAnswer

BASE_URL: Final = "https://api.openai.com"
_TOKENS: Final = ("completions", "embeddings")
_KEYS: Final = ("project_id", "api_key_id", "model")
_WORDS: Final = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class OpenAIBill:
    """Reads OpenAI's bill."""

    pages: AdminPages

    async def read(self, first: date, end: date) -> Bill:
        """See `BillSource`."""
        span = [("start_time", str(_epoch(first))), ("end_time", str(_epoch(end))), ("bucket_width", "1d")]
        usage: list[UsageLine] = []
        for name in _TOKENS:
            keys = (*_KEYS, "batch", "service_tier") if name == "completions" else _KEYS
            query = [*span, *(("group_by[]", key) for key in keys), ("limit", "31")]
            async for bucket in self.pages.buckets(f"/organization/usage/{name}", query):
                usage += [usage_line(_day(bucket), each) for each in bucket.get("results", ())]
        costs: list[CostLine] = []
        query = [*span, *(("group_by[]", key) for key in ("project_id", "api_key_id", "line_item")), ("limit", "180")]
        async for bucket in self.pages.buckets("/organization/costs", query):
            costs += [cost_line(_day(bucket), each) for each in bucket.get("results", ())]
        return Bill(provider="openai", source="OpenAI's API", usage=tuple(usage), costs=tuple(costs))


def usage_line(day: date, result: Mapping[str, Any]) -> UsageLine:
    """One result of a usage bucket, or one row of a usage export."""
    total, read = count(result.get("input_tokens")), count(result.get("input_cached_tokens"))
    write = count(result.get("input_cache_write_tokens"))
    batch = str(result.get("batch")).strip().lower() == "true"
    return UsageLine(
        day=day,
        model=str(result.get("model") or "unknown"),
        tokens={
            "input": max(0, total - read - write), "cache_read": read, "cache_write": write,
            "output": count(result.get("output_tokens")),
        },
        tier=BATCH if batch else tier_of(result.get("service_tier")),
        project=text(result.get("project_id")),
        key=text(result.get("api_key_id")),
        requests=count(result.get("num_model_requests")),
    )  # fmt: skip


def cost_line(day: date, result: Mapping[str, Any]) -> CostLine:
    """One result of a cost bucket."""
    amount = result.get("amount")
    value = amount.get("value") if isinstance(amount, Mapping) else None
    item = str(result.get("line_item") or "all")
    model, token_class, tier = item_of(item)
    unit, quantity = str(result.get("quantity_unit") or ""), result.get("quantity")
    factor = {"tokens": 1, "1000_tokens": 1000}.get(unit)
    return CostLine(
        day=day, usd=dollars(value), item=item, model=model, token_class=token_class, tier=tier,
        project=text(result.get("project_id")), key=text(result.get("api_key_id")),
        quantity=None if quantity is None or factor is None else round(float(quantity) * factor),
    )  # fmt: skip


def item_of(item: str) -> tuple[str | None, str | None, str | None]:
    """Model, class of tokens and tier that a line item names, each None where it names none.

    An item that is no model's tokens (searches, storage, sessions, training) names none at all.
    """
    model, comma, what = item.rpartition(", ")
    words = frozenset(_WORDS.findall(what.lower()))
    token_class = _class_of(words) if comma else None
    if token_class is None:
        return None, None, None
    tier = next((name for name in ("batch", "flex", "priority") if name in words), None)
    return model.strip(), token_class, tier


def _class_of(words: frozenset[str]) -> str | None:
    if words & {"training", "search", "searches", "storage", "session", "sessions", "calls"}:
        return None
    if "output" in words:
        return "output"
    if "write" in words or "writes" in words:
        return "cache_write"
    if words & {"cached", "cache", "read"}:
        return "cache_read"
    return "input" if "input" in words else None


def dollars(value: Any) -> Decimal:
    """An amount as exact as it was sent: the text of a JSON number, or decimal text."""
    try:
        found = Decimal(str(0 if value is None or value == "" else value).replace("$", "").replace(",", "").strip())
    except InvalidOperation:
        raise BackendAnswer(f"the bill has an amount that is no number: {value!r}") from None
    if not found.is_finite():
        raise BackendAnswer(f"the bill has an amount that is no number: {value!r}")
    return found


def count(value: Any) -> int:
    """A number of tokens; nothing is 0."""
    try:
        return max(0, round(float(value or 0)))
    except (TypeError, ValueError, OverflowError):
        raise BackendAnswer(f"the bill has a count that is no number: {value!r}") from None


def text(value: Any) -> str | None:
    """A name, None for nothing."""
    return str(value) if value not in (None, "") else None


def _epoch(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def _day(bucket: Mapping[str, Any]) -> date:
    try:
        return datetime.fromtimestamp(int(bucket["start_time"]), UTC).date()
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        raise BackendAnswer("openai sent a bucket that does not say when it begins") from None

"""Anthropic's usage and cost reports as a bill.

`usage_report/messages` has whole numbers of tokens by model, tier, workspace and key. `cost_report` has amounts as
decimal text in cents, by workspace and description: not by key, and without the priority tier.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from syndarix_obs_read.bills.model import STANDARD, Bill, CostLine, UsageLine, tier_of
from syndarix_obs_read.bills.openai_api import count, dollars, text
from syndarix_obs_read.bills.pages import AdminPages
from syndarix_obs_read.errors import BackendAnswer

BASE_URL: Final = "https://api.anthropic.com"
_USAGE: Final = "/organizations/usage_report/messages"
_COSTS: Final = "/organizations/cost_report"
_CLASSES: Final = {
    "uncached_input_tokens": "input",
    "cache_read_input_tokens": "cache_read",
    "cache_creation.ephemeral_5m_input_tokens": "cache_write",
    "cache_creation.ephemeral_1h_input_tokens": "cache_write",
    "output_tokens": "output",
}


@dataclass(frozen=True, slots=True)
class AnthropicBill:
    """Reads Anthropic's bill."""

    pages: AdminPages

    async def read(self, first: date, end: date) -> Bill:
        """See `BillSource`."""
        span = [("starting_at", f"{first}T00:00:00Z"), ("ending_at", f"{end}T00:00:00Z"), ("bucket_width", "1d")]
        usage: list[UsageLine] = []
        keys = ("api_key_id", "workspace_id", "model", "service_tier")
        query = [*span, *(("group_by[]", key) for key in keys), ("limit", "31")]
        async for bucket in self.pages.buckets(_USAGE, query):
            usage += [usage_line(_day(bucket), each) for each in bucket.get("results", ())]
        costs: list[CostLine] = []
        query = [*span, *(("group_by[]", key) for key in ("workspace_id", "description")), ("limit", "31")]
        async for bucket in self.pages.buckets(_COSTS, query):
            costs += [cost_line(_day(bucket), each) for each in bucket.get("results", ())]
        return Bill(provider="anthropic", source="Anthropic's API", usage=tuple(usage), costs=tuple(costs))


def usage_line(day: date, result: Mapping[str, Any]) -> UsageLine:
    """One result of a usage bucket."""
    created = result.get("cache_creation")
    written: Mapping[str, Any] = created if isinstance(created, Mapping) else {}
    tools = result.get("server_tool_use")
    return UsageLine(
        day=day,
        model=str(result.get("model") or "unknown"),
        tokens={
            "input": count(result.get("uncached_input_tokens")),
            "cache_read": count(result.get("cache_read_input_tokens")),
            "cache_write": sum(count(each) for each in written.values()),
            "output": count(result.get("output_tokens")),
        },
        tier=tier_of(result.get("service_tier")),
        project=text(result.get("workspace_id")),
        key=text(result.get("api_key_id")),
        long_writes=count(written.get("ephemeral_1h_input_tokens")),
        searches=count(tools.get("web_search_requests")) if isinstance(tools, Mapping) else 0,
    )


def cost_line(day: date, result: Mapping[str, Any]) -> CostLine:
    """One result of a cost bucket; its amount is in cents."""
    kind = str(result.get("cost_type") or "tokens")
    model = text(result.get("model")) if kind == "tokens" else None
    return CostLine(
        day=day,
        usd=dollars(result.get("amount")).scaleb(-2),
        item=str(result.get("description") or kind),
        model=model,
        token_class=_CLASSES.get(str(result.get("token_type"))),
        tier=None if model is None else tier_of(result.get("service_tier")) or STANDARD,
        project=text(result.get("workspace_id")),
    )


def _day(bucket: Mapping[str, Any]) -> date:
    try:
        return datetime.fromisoformat(str(bucket["starting_at"])).astimezone(UTC).date()
    except (KeyError, ValueError):
        raise BackendAnswer("anthropic sent a bucket that does not say when it begins") from None

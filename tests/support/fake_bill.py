"""A provider with one truth: it serves calls, and its usage and cost APIs add up exactly what it served.

The shapes are those of the providers' documents: OpenAI's buckets have epoch seconds and amounts as numbers,
Anthropic's have RFC 3339 times and amounts as decimal text in cents. Anthropic's cost report knows no keys and leaves
the priority tier out, and a report that is read early lacks the last hours. Rates are written out here, not taken from
a price list.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

ADMIN = {"openai": "sk-admin-test", "anthropic": "sk-ant-admin01-test"}
PAGE = 7
"""Buckets of one page, whatever limit was asked for: every reader has to turn pages."""

RATES = {
    "gpt-4o-mini-2024-07-18": {"input": "0.15", "cached": "0.075", "output": "0.60"},
    "gpt-4o-2024-08-06": {"input": "2.50", "cached": "1.25", "output": "10.00"},
    "house-model-1": {"input": "0.40", "cached": "0.40", "output": "1.60"},
    "claude-sonnet-4-5-20250929": {"input": "3.00", "cached": "0.30", "w5m": "3.75", "w1h": "6.00", "output": "15.00"},
    "claude-haiku-4-5-20251001": {"input": "1.00", "cached": "0.10", "w5m": "1.25", "w1h": "2.00", "output": "5.00"},
}
"""Dollars for a million tokens."""
SEARCH = Decimal("0.01")
HALF = Decimal("0.5")
_M = Decimal(1_000_000)


@dataclass(frozen=True)
class Served:
    """One call as the provider knows it. `billed_at` is when it ended."""

    provider: str
    billed_at: datetime
    model: str
    key: str
    project: str | None
    tier: str
    tokens: dict[str, int]
    searches: int

    def dollars(self, name: str) -> Decimal:
        """What one class of its tokens costs by the list."""
        return self.tokens[name] * Decimal(RATES[self.model][name]) / _M * (HALF if self.tier == "batch" else 1)


@dataclass
class FakeProvider:
    """Serves calls, and answers its admin API.

    Args:
        name: `openai` or `anthropic`.
        now: when its reports are read.
        late: how long before that the reports end.
        discount: by model, what a contract makes of its rates, from `discount_from` on.
        places: decimals of the dollars in its cost report.
    """

    name: str
    now: datetime
    late: timedelta = timedelta(0)
    discount: dict[str, Decimal] = field(default_factory=dict)
    served: list[Served] = field(default_factory=list)
    asked: list[httpx.Request] = field(default_factory=list)
    discount_from: datetime = datetime(2000, 1, 1, tzinfo=UTC)
    places: int = 9
    busy: int = 0
    """So many requests are refused as too many before one is answered."""

    def call(
        self, model: str, at: datetime, *, input: int, output: int, cached: int = 0, w5m: int = 0, w1h: int = 0,
        key: str = "key_app", project: str | None = "proj_app", tier: str = "default", searches: int = 0,
        took: timedelta = timedelta(seconds=2),
    ) -> dict[str, Any]:  # fmt: skip
        """Serve a call; returns the body of the answer. `input` touched no cache."""
        tokens = {"input": input, "cached": cached, "output": output}
        if self.name == "anthropic":
            tokens |= {"w5m": w5m, "w1h": w1h}
        self.served.append(Served(self.name, at + took, model, key, project, tier, tokens, searches))
        shown = "standard" if tier == "default" and self.name == "anthropic" else tier
        if self.name == "openai":
            usage = {
                "prompt_tokens": input + cached, "completion_tokens": output, "total_tokens": input + cached + output,
                "prompt_tokens_details": {"cached_tokens": cached},
            }  # fmt: skip
            return {"id": f"chatcmpl-{len(self.served)}", "model": model, "usage": usage, "service_tier": shown}
        usage = {
            "input_tokens": input, "output_tokens": output, "cache_read_input_tokens": cached,
            "cache_creation_input_tokens": w5m + w1h, "service_tier": shown,
            "cache_creation": {"ephemeral_5m_input_tokens": w5m, "ephemeral_1h_input_tokens": w1h},
            "server_tool_use": {"web_search_requests": searches},
        }  # fmt: skip
        return {"id": f"msg_{len(self.served)}", "model": model, "usage": usage}

    def create(self, body: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
        """Serve a call that a client sends: its tokens grow with the number of calls."""
        key = {name.lower(): value for name, value in headers.items()}
        size = 1 + len(self.served) % 7
        found = self.call(
            body["model"], datetime.now(UTC), input=300 * size, output=40 * size, cached=2_000 * size,
            key=key.get("x-api-key") or key.get("authorization", "").removeprefix("Bearer "), took=timedelta(0),
        )  # fmt: skip
        if self.name == "openai":
            message = {"role": "assistant", "content": "Yes."}
            choice = {"index": 0, "finish_reason": "stop", "message": message}
            return {**found, "object": "chat.completion", "created": 1, "choices": [choice]}
        return {**found, "type": "message", "role": "assistant", "stop_reason": "end_turn",
                "content": [{"type": "text", "text": "Yes."}]}  # fmt: skip

    @property
    def transport(self) -> httpx.MockTransport:
        """How requests travel."""
        return httpx.MockTransport(self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """One page of a report."""
        self.asked.append(request)
        if self.busy:
            self.busy -= 1
            return httpx.Response(429, headers={"retry-after": "0"}, json={"error": "slow down"})
        given = request.headers.get("x-api-key") or request.headers.get("authorization", "").removeprefix("Bearer ")
        if given != ADMIN[self.name]:
            return self._refused(given)
        reports: dict[str, Callable[[date], list[dict[str, Any]]]] = {
            "/v1/organization/usage/completions": self._openai_usage,
            "/v1/organization/usage/embeddings": lambda day: [],
            "/v1/organization/costs": self._openai_costs,
            "/v1/organizations/usage_report/messages": self._anthropic_usage,
            "/v1/organizations/cost_report": self._anthropic_costs,
        }
        report = reports.get(request.url.path)
        return httpx.Response(404) if report is None else self._page(request, report)

    def _refused(self, given: str) -> httpx.Response:
        if self.name == "openai" and given:
            said = "You have insufficient permissions for this operation. Missing scopes: api.usage.read. Check it."
            return httpx.Response(403, json={"error": said})
        return httpx.Response(401, json={"type": "error", "error": {"type": "authentication_error"}})

    def _page(self, request: httpx.Request, report: Callable[[date], list[dict[str, Any]]]) -> httpx.Response:
        query = request.url.params
        first, end = (_moment(query[name]) for name in _ENDS[self.name])
        days = list(_days(first.date(), end.date()))
        start = int(query.get("page", "0"))
        buckets = [self._bucket(day, report(day)) for day in days[start : start + PAGE]]
        more = start + PAGE < len(days)
        body = {"data": buckets, "has_more": more, "next_page": str(start + PAGE) if more else None}
        return httpx.Response(200, content=json.dumps(body))

    def _bucket(self, day: date, results: list[dict[str, Any]]) -> dict[str, Any]:
        begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
        end = begin + timedelta(days=1)
        if self.name == "openai":
            return {"object": "bucket", "start_time": int(begin.timestamp()), "end_time": int(end.timestamp()),
                    "results": results}  # fmt: skip
        return {"starting_at": f"{begin:%Y-%m-%dT%H:%M:%SZ}", "ending_at": f"{end:%Y-%m-%dT%H:%M:%SZ}",
                "results": results}  # fmt: skip

    def of_day(self, day: date) -> list[Served]:
        """Calls that the reports have of a UTC day."""
        return [call for call in self.served
                if call.billed_at.astimezone(UTC).date() == day and call.billed_at <= self.now - self.late]  # fmt: skip

    def billed(self, calls: list[Served], name: str) -> Decimal:
        """What one class of the tokens of some calls is billed."""
        usd = Decimal(0)
        for call in calls:
            by_contract = call.billed_at >= self.discount_from
            usd += call.dollars(name) * (self.discount.get(call.model, Decimal(1)) if by_contract else 1)
        return round(usd, self.places)

    def _openai_usage(self, day: date) -> list[dict[str, Any]]:
        groups = _grouped(self.of_day(day), lambda c: (c.project, c.key, c.model, c.tier))
        return [
            {
                "object": "organization.usage.completions.result", "input_tokens": _sum(calls, "input", "cached"),
                "input_cached_tokens": _sum(calls, "cached"), "output_tokens": _sum(calls, "output"),
                "num_model_requests": len(calls), "project_id": project, "api_key_id": key, "model": model,
                "batch": tier == "batch", "service_tier": "default" if tier == "batch" else tier,
            }
            for (project, key, model, tier), calls in groups
        ]  # fmt: skip

    def _openai_costs(self, day: date) -> list[dict[str, Any]]:
        found = []
        for (project, key, model), calls in _grouped(self.of_day(day), lambda c: (c.project, c.key, c.model)):
            for name, words in (("input", "input"), ("cached", "cached input"), ("output", "output")):
                usd = self.billed(calls, name)
                if usd:
                    found.append(self._openai_cost(project, key, f"{model}, {words}", usd, _sum(calls, name)))
        return found

    def _openai_cost(
        self, project: str | None, key: str, item: str, usd: Decimal, quantity: int
    ) -> dict[str, Any]:  # fmt: skip
        return {
            "object": "organization.costs.result", "amount": {"value": float(usd), "currency": "usd"},
            "line_item": item, "project_id": project, "api_key_id": key, "quantity": quantity,
            "quantity_unit": "tokens",
        }  # fmt: skip

    def _anthropic_usage(self, day: date) -> list[dict[str, Any]]:
        groups = _grouped(self.of_day(day), lambda c: (c.project, c.key, c.model, c.tier))
        return [
            {
                "uncached_input_tokens": _sum(calls, "input"), "cache_read_input_tokens": _sum(calls, "cached"),
                "cache_creation": {"ephemeral_5m_input_tokens": _sum(calls, "w5m"),
                                   "ephemeral_1h_input_tokens": _sum(calls, "w1h")},
                "output_tokens": _sum(calls, "output"),
                "server_tool_use": {"web_search_requests": sum(call.searches for call in calls)},
                "workspace_id": project, "api_key_id": key, "model": model,
                "service_tier": "standard" if tier == "default" else tier, "context_window": None,
            }
            for (project, key, model, tier), calls in groups
        ]  # fmt: skip

    def _anthropic_costs(self, day: date) -> list[dict[str, Any]]:
        found = []
        told = [call for call in self.of_day(day) if call.tier != "priority"]
        for (project, model, tier), calls in _grouped(told, lambda c: (c.project, c.model, c.tier)):
            for name, token_type in _TOKEN_TYPES.items():
                usd = self.billed(calls, name)
                if usd:
                    found.append(_anthropic_cost(project, usd, model, "standard" if tier == "default" else tier,
                                                 token_type))  # fmt: skip
        for (project,), calls in _grouped(told, lambda c: (c.project,)):
            if searches := sum(call.searches for call in calls):
                found.append(_anthropic_cost(project, searches * SEARCH, None, None, None))
        return found


_ENDS = {"openai": ("start_time", "end_time"), "anthropic": ("starting_at", "ending_at")}
_TOKEN_TYPES = {
    "input": "uncached_input_tokens", "cached": "cache_read_input_tokens",
    "w5m": "cache_creation.ephemeral_5m_input_tokens", "w1h": "cache_creation.ephemeral_1h_input_tokens",
    "output": "output_tokens",
}  # fmt: skip


def _anthropic_cost(
    project: str | None, usd: Decimal, model: str | None, tier: str | None, token_type: str | None
) -> dict[str, Any]:
    return {
        "currency": "USD", "amount": format(usd * 100, "f"), "workspace_id": project, "model": model,
        "cost_type": "web_search" if model is None else "tokens", "token_type": token_type, "service_tier": tier,
        "description": "Web Search Usage" if model is None else f"{model} Usage - {token_type}",
        "context_window": None, "inference_geo": None,
    }  # fmt: skip


def _grouped(
    calls: list[Served], key: Callable[[Served], tuple[Any, ...]]
) -> Iterator[tuple[tuple[Any, ...], list[Served]]]:
    groups: defaultdict[tuple[Any, ...], list[Served]] = defaultdict(list)
    for call in calls:
        groups[key(call)].append(call)
    yield from groups.items()


def _sum(calls: list[Served], *names: str) -> int:
    return sum(call.tokens[name] for call in calls for name in names)


def _moment(text: str) -> datetime:
    return datetime.fromtimestamp(int(text), UTC) if text.isdecimal() else datetime.fromisoformat(text)


def _days(first: date, end: date) -> Iterator[date]:
    while first < end:
        yield first
        first += timedelta(days=1)


@contextmanager
def served_on(provider: FakeProvider) -> Iterator[str]:
    """The provider on a port of this machine; the base URL without `/v1`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            self._send(httpx.Response(200, json=provider.create(body, dict(self.headers.items()))))

        def do_GET(self) -> None:
            request = httpx.Request("GET", f"http://provider{self.path}", headers=dict(self.headers.items()))
            self._send(provider.answer(request))

        def _send(self, answer: httpx.Response) -> None:
            self.send_response(answer.status_code)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()

"""The desk's tools: a made-up shop behind them, and the time that each of them takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from syndarix_obs_demo.cases import Case

DEFINITIONS: tuple[tuple[str, str], ...] = (
    ("lookup_order", "Everything known about an order."),
    ("track_parcel", "Where a parcel is."),
    ("update_address", "Change where an order goes."),
    ("create_invoice", "Issue an invoice."),
    ("run_diagnostics", "Ask a device how it is."),
    ("issue_refund", "Pay money back."),
)

SECONDS = {
    "lookup_order": 0.08,
    "track_parcel": 0.42,
    "update_address": 0.11,
    "create_invoice": 0.65,
    "run_diagnostics": 1.7,
    "issue_refund": 0.9,
}


class CarrierTimeout(TimeoutError):
    """A service behind a tool did not answer in time."""


def call(name: str, arguments: dict[str, Any], case: Case) -> dict[str, Any]:
    """The result of a tool.

    Raises:
        KeyError: there is no such tool.
    """
    return _TOOLS[name](arguments, case)


def anthropic_tools() -> list[dict[str, Any]]:
    """The definitions as Anthropic wants them."""
    return [{"name": name, "description": text, "input_schema": _SCHEMA} for name, text in DEFINITIONS]


def openai_tools() -> list[dict[str, Any]]:
    """The definitions as OpenAI wants them."""
    return [
        {"type": "function", "function": {"name": name, "description": text, "parameters": _SCHEMA}}
        for name, text in DEFINITIONS
    ]


_SCHEMA = {"type": "object", "properties": {"order": {"type": "string"}}, "required": ["order"]}


def _order(_arguments: dict[str, Any], case: Case) -> dict[str, Any]:
    return {"order": case.order, "total_usd": case.amount, "paid": True, "items": 1}


def _parcel(_arguments: dict[str, Any], case: Case) -> dict[str, Any]:
    return {"order": case.order, "state": "in transit", "place": "Leeds depot", "scans": 3}


def _address(arguments: dict[str, Any], case: Case) -> dict[str, Any]:
    return {"order": case.order, "address": arguments.get("address", ""), "changed": True}


def _invoice(_arguments: dict[str, Any], case: Case) -> dict[str, Any]:
    return {"order": case.order, "invoice": f"I-{case.order[2:]}", "total_usd": case.amount}


def _diagnostics(_arguments: dict[str, Any], case: Case) -> dict[str, Any]:
    return {"order": case.order, "firmware": "2.3", "wifi_drops": 7}


def _refund(arguments: dict[str, Any], case: Case) -> dict[str, Any]:
    return {"order": case.order, "refunded_usd": arguments.get("amount_usd", case.amount), "state": "booked"}


_TOOLS: dict[str, Callable[[dict[str, Any], Case], dict[str, Any]]] = {
    "lookup_order": _order,
    "track_parcel": _parcel,
    "update_address": _address,
    "create_invoice": _invoice,
    "run_diagnostics": _diagnostics,
    "issue_refund": _refund,
}

"""Refunds: a service of its own, reached over HTTP headers; pays money back up to a limit."""

from __future__ import annotations

import json
from collections.abc import Mapping

from syndarix_obs_demo import texts, tools
from syndarix_obs_demo.cases import Case
from syndarix_obs_demo.desk import Desk, log
from syndarix_obs_demo.provider.model import Reply

MODEL = "gpt-5-mini"
LIMIT_USD = 200


def refund(desk: Desk, case: Case, headers: Mapping[str, str]) -> bool:
    """Whether the money was paid back; above the limit a person decides.

    Args:
        headers: of the incoming request: trace context and correlation ids of the agent that asks.
    """
    with (
        desk.obs.extract(headers),
        desk.obs.session("refunds", agent_type="worker") as session,
        desk.obs.task("refund"),
    ):
        allowed = case.amount <= LIMIT_USD
        desk.obs.safety_check("refund_limit", passed=allowed, detail=f"{case.amount} of {LIMIT_USD} dollars")
        arguments = _ask(desk, case)
        _decide(desk, case, allowed)
        if allowed:
            desk.use_tool("issue_refund", arguments, case)
        else:
            log.info("refund of %.2f dollars waits for a person", case.amount)
        session.outcome("paid" if allowed else "escalated")
        return allowed


def _ask(desk: Desk, case: Case) -> dict[str, object]:
    wanted = {"order": case.order, "amount_usd": case.amount}
    messages = [{"role": "system", "content": texts.REFUNDS}, {"role": "user", "content": case.question}]
    reply = Reply("", (("issue_refund", wanted),), seconds=2.4, reasoning_tokens=192)
    answer = desk.ask_openai(MODEL, messages, reply, tools=tools.openai_tools())
    arguments: dict[str, object] = json.loads(answer.choices[0].message.tool_calls[0].function.arguments)
    return arguments


def _decide(desk: Desk, case: Case, allowed: bool) -> None:
    desk.obs.decision(
        "tool_selection",
        options=["issue_refund", "ask a person", "refuse"],
        selected="issue_refund" if allowed else "ask a person",
        reasoning=f"Damaged goods are refunded in full; {case.amount} dollars is "
        + ("within" if allowed else "above") + f" the limit of {LIMIT_USD}.",
        confidence=0.91,
    )  # fmt: skip

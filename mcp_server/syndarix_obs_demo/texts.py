"""The longer texts that the agents work with."""

from __future__ import annotations

from syndarix_obs_demo.cases import TOPICS

TRIAGE = "You sort requests to a support desk. Answer with JSON: the agent to take over, and the urgency."
REFUNDS = "You decide on refunds. Above 200 dollars a person has to confirm. Say what you do and why."
SUMMARY = "Summarise the contact in one sentence for the customer's file."


def handbook() -> str:
    """The support agent's system prompt: long enough for the providers' prompt caches."""
    rules = (
        "Greet by name. Say what you know before you ask. Never promise a date that no tool gave you. "
        "Never repeat a card number, an e-mail address or a phone number back to the customer. "
        "One tool at a time; if a tool fails twice, hand the contact to a person and say so. "
    )
    articles = "\n".join(f"Article {number}: {topic.article} {rules}" for number, topic in enumerate(TOPICS * 3, 1))
    return f"You are the support agent of a shop. This is your handbook.\n{articles}"


def error_page(order: str, lines: int = 90) -> str:
    """What the carrier's gateway answers when it gives up: a long page, which an agent should not read twelve times."""
    head = f"504 Gateway Timeout: the carrier did not answer for {order}."
    trace = (f"  at carrier.gateway.Handler{n:02d}.forward(Handler.java:{100 + n})" for n in range(lines))
    return "\n".join([head, *trace])


def archive(order: str, lines: int = 2_400) -> str:
    """Far too much context: everything that was ever logged about an order."""
    return "\n".join(
        f"{number:05d} order {order}: scan at gate {number % 17}, belt {number % 5}, weight as before"
        for number in range(lines)
    )

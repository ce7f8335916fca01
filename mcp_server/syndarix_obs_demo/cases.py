"""What happens in the demo: who asks what, and what goes wrong. Everything follows from the seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum


class Incident(StrEnum):
    """What goes wrong, or is at least worth noticing, in a session."""

    PERSONAL_DATA = "personal data in a prompt"
    FAILING_TOOL = "failing tool"
    LOOP = "loop"
    COST_SPIKE = "cost spike"
    RATE_LIMIT_LOW = "rate limit running low"
    UNPRICED_MODEL = "unpriced model"
    ESTIMATED_USAGE = "estimated usage"
    RATE_LIMITED = "provider error 429"
    OVERLOADED = "provider error 529"
    RUNAWAY = "tool that never answers"


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody made up: reserved domains, fictional phone numbers, the card networks' test numbers."""

    user: str
    name: str
    project: str
    email: str
    phone: str
    card: str


CUSTOMERS = (
    Customer(
        "u-1001",
        "Ada Winter",
        "acme-shop",
        "ada.winter@example.com",
        "+1 202-555-0147",
        "4111 1111 1111 1111",
    ),
    Customer(
        "u-1002",
        "Ben Okafor",
        "acme-shop",
        "ben.okafor@example.org",
        "+1 202-555-0163",
        "5555 5555 5555 4444",
    ),
    Customer("u-1003", "Chiara Lund", "acme-shop", "chiara@example.net", "+44 20 7946 0018", "4012 8888 8888 1881"),
    Customer("u-2001", "Dov Marsh", "globex-b2b", "d.marsh@globex.example", "+1 303-555-0119", "3782 822463 10005"),
    Customer("u-2002", "Elif Sand", "globex-b2b", "elif@globex.example", "+1 303-555-0188", "6011 1111 1111 1117"),
    Customer("u-3001", "Finn Aoki", "initech-care", "finn.aoki@example.com", "+1 415-555-0102", "4222 2222 2222 2"),
)


@dataclass(frozen=True, slots=True)
class Topic:
    """One kind of request, and how the desk settles it."""

    task_type: str
    question: str
    tool: str
    article: str
    answer: str


TOPICS = (
    Topic(
        "order_status", "Where is my order {order}? It should have been here on Tuesday.", "track_parcel",
        "Parcels without a scan for three days count as delayed; offer a search request.",
        "Your order {order} is at the depot in Leeds and arrives the day after tomorrow.",
    ),
    Topic(
        "refund", "The blender from order {order} arrived cracked. I want my money back.", "lookup_order",
        "Damaged goods are refunded in full within 30 days; above 200 dollars a person confirms.",
        "I have passed order {order} on to refunds; you will hear from us today.",
    ),
    Topic(
        "address_change", "I have moved. Please send order {order} to 12 Harbour Street.", "update_address",
        "The address can change until the parcel has left the warehouse.",
        "Order {order} now goes to 12 Harbour Street.",
    ),
    Topic(
        "invoice", "We need the invoice of order {order} with the VAT number on it.", "create_invoice",
        "Invoices with a VAT number are issued once; a correction cancels the former one.",
        "The corrected invoice for order {order} is on its way to you.",
    ),
    Topic(
        "technical", "The thermostat from order {order} loses its Wi-Fi every night.", "run_diagnostics",
        "Firmware 2.3 drops its lease at night; version 2.4 mends it.",
        "Your thermostat runs firmware 2.3; I have started the update to 2.4, which mends this.",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """One contact of a customer with the desk."""

    number: int
    customer: Customer
    topic: Topic
    order: str
    amount: float
    incidents: frozenset[Incident]

    @property
    def question(self) -> str:
        """What the customer writes; where the case says so, with personal data in it."""
        text = self.topic.question.format(order=self.order)
        if Incident.PERSONAL_DATA not in self.incidents:
            return text
        who = self.customer
        return f"{text} You can reach me at {who.email} or {who.phone}; I paid with card {who.card}."

    @property
    def stays_broken(self) -> bool:
        """Whether a failing tool fails a second time too, which ends the contact; a loop needs it to work again."""
        return self.amount > 150 and Incident.LOOP not in self.incidents

    @property
    def answer(self) -> str:
        """What the desk says in the end."""
        return self.topic.answer.format(order=self.order)


def plan(sessions: int, seed: int, *, runaway: bool = True) -> list[Case]:
    """The cases of a run. Every incident happens at least once, however few the sessions.

    Args:
        sessions: how many cases, at least 1.
        seed: the same seed makes the same cases.
        runaway: whether the last case is the one whose tool never answers.
    """
    chosen = random.Random(seed)
    incidents = _spread(sessions, chosen)
    cases = [_case(number, chosen, incidents[number]) for number in range(sessions)]
    return [*cases[:-1], _running_away(cases[-1])] if runaway else cases


def _running_away(case: Case) -> Case:
    """The case whose tool never answers. Beside that it is ordinary, unless there are few cases for all incidents."""
    others = case.incidents if case.number < len(_RANDOM) else frozenset()
    return replace(case, topic=TOPICS[0], incidents=others | {Incident.RUNAWAY})


def _spread(sessions: int, chosen: random.Random) -> list[set[Incident]]:
    spread: list[set[Incident]] = [set() for _ in range(sessions)]
    for at, incident in enumerate(_shuffled(_RANDOM, chosen)):
        spread[at % sessions].add(incident)
    for at in range(len(_RANDOM), sessions):
        if chosen.random() < 0.35:
            spread[at].add(chosen.choice(_COMMON))
    return spread


_RANDOM = [incident for incident in Incident if incident is not Incident.RUNAWAY]
# A cost spike is one on a day, or it is the price level; the others recur.
_COMMON = [incident for incident in _RANDOM if incident is not Incident.COST_SPIKE]


def _shuffled(incidents: Sequence[Incident], chosen: random.Random) -> list[Incident]:
    shuffled = list(incidents)
    chosen.shuffle(shuffled)
    return shuffled


def _case(number: int, chosen: random.Random, incidents: set[Incident]) -> Case:
    return Case(
        number=number,
        customer=chosen.choice(CUSTOMERS),
        topic=chosen.choice(TOPICS),
        order=f"A-{chosen.randrange(10_000, 99_999)}",
        amount=round(chosen.uniform(12, 320), 2),
        incidents=frozenset(incidents),
    )

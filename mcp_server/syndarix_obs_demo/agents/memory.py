"""What the desk remembers about customers and knows about its products."""

from __future__ import annotations

from syndarix_obs_demo.cases import Case
from syndarix_obs_demo.desk import Desk


def recall(desk: Desk, case: Case) -> list[str]:
    """Former contacts of the customer that bear on this one."""
    desk.embed(case.question)
    former = range(1, 1 + case.number % 3)
    notes = [f"Contact in spring about another order, settled in {days} days." for days in former]
    with desk.obs.memory("search", store="customers", query=case.question) as memory:
        desk.clock.skip(0.035)
        memory.found(len(notes), documents=notes)
    desk.obs.decision(
        "memory_retrieval",
        options=["use former contacts", "start afresh"],
        selected="use former contacts" if notes else "start afresh",
        reasoning=f"{len(notes)} former contacts are near enough to the question.",
        confidence=0.6 + 0.1 * len(notes),
        relevant_memory=notes,
    )
    return notes


def read_up(desk: Desk, case: Case) -> str:
    """The handbook article on the topic."""
    with desk.obs.retrieval("handbook", query=case.topic.task_type) as retrieval:
        desk.clock.skip(0.05)
        retrieval.found(1, documents=[case.topic.article])
    return case.topic.article


def remember(desk: Desk, summary: str) -> None:
    """Put the contact into the customer's file."""
    desk.embed(summary)
    with desk.obs.memory("upsert", store="customers", query=summary) as memory:
        desk.clock.skip(0.02)
        memory.found(1)

"""One contact from the first word to the file note: triage, then support or refunds."""

from __future__ import annotations

from dataclasses import dataclass

from syndarix_obs_demo import texts
from syndarix_obs_demo.agents.memory import remember
from syndarix_obs_demo.agents.refunds import refund
from syndarix_obs_demo.agents.support import HandedOver, support
from syndarix_obs_demo.agents.triage import triage
from syndarix_obs_demo.cases import Case, Incident
from syndarix_obs_demo.desk import Desk, log
from syndarix_obs_demo.provider.model import Reply

LOW_SHARE = 0.04


@dataclass(frozen=True, slots=True)
class Contact:
    """Where to find a contact again, and how it ended."""

    trace_id: str
    session_id: str
    outcome: str


def handle(desk: Desk, case: Case) -> Contact:
    """Settle one case."""
    desk.model.new_minute()
    if Incident.RATE_LIMIT_LOW in case.incidents:
        desk.model.run_low(LOW_SHARE)
    who = case.customer
    with desk.obs.session("triage", agent_type="router", project=who.project, user=who.user) as session:
        outcome = _settle(desk, case, triage(desk, case))
        _close(desk, case, outcome)
        session.outcome(outcome)
        return Contact(f"{session.trace_id:032x}", session.session_id or "", outcome)


def _settle(desk: Desk, case: Case, takes: str) -> str:
    try:
        support(desk, case)
    except HandedOver as error:
        log.error("contact %d needs a person: %s", case.number, error)
        return "escalated"
    if takes != "refunds":
        return "resolved"
    headers: dict[str, str] = {}
    desk.obs.inject(headers)
    return "resolved" if refund(desk, case, headers) else "escalated"


def _close(desk: Desk, case: Case, outcome: str) -> None:
    """The note for the customer's file, and what the customer thought of it."""
    with desk.obs.task("wrap_up"):
        messages = [{"role": "system", "content": texts.SUMMARY}, {"role": "user", "content": case.question}]
        reply = Reply(f"{case.topic.task_type.replace('_', ' ')} of {case.order}: {outcome}.", seconds=0.7)
        exact = Incident.ESTIMATED_USAGE not in case.incidents
        summary = desk.stream_openai("gpt-4o-mini", messages, reply, with_usage=exact)
        remember(desk, summary)
    if outcome == "resolved":
        stars = desk.release.stars(4 + case.number % 2)
        desk.obs.annotate(f"The customer gave {stars} of 5 stars.", label="feedback")
        desk.obs.feedback(stars, name="stars")
    desk.obs.outcome("resolved", outcome == "resolved")
    log.info("contact %d is %s", case.number, outcome)

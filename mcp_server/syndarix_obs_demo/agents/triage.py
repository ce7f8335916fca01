"""Triage: looks at every contact first and hands it to whoever can settle it."""

from __future__ import annotations

import json

from syndarix_obs_demo import texts
from syndarix_obs_demo.cases import Case, Incident
from syndarix_obs_demo.desk import Desk, log
from syndarix_obs_demo.provider.model import Reply, tokens

MODEL = "gpt-4o-mini"


def triage(desk: Desk, case: Case) -> str:
    """Returns the agent that takes over: `support` or `refunds`."""
    with desk.obs.task("triage"):
        _check(desk, case)
        messages = [{"role": "system", "content": texts.TRIAGE}, {"role": "user", "content": case.question}]
        with desk.obs.context_assembly(limit=128_000) as context:
            context.add("system", tokens=tokens(texts.TRIAGE))
            context.add("question", tokens=tokens(case.question))
            desk.clock.skip(0.01)
        verdict = _ask(desk, case, messages)
        _judge_mood(desk, case)
        return _choose(desk, case, verdict)


def _check(desk: Desk, case: Case) -> None:
    desk.obs.safety_check("prompt_injection", passed=True)
    found = Incident.PERSONAL_DATA in case.incidents
    detail = f"found {case.customer.email} and a card number" if found else None
    desk.obs.safety_check("personal_data", passed=not found, detail=detail)


def _ask(desk: Desk, case: Case, messages: list[dict[str, str]]) -> dict[str, str]:
    urgency = "high" if case.amount > 200 else "normal"
    takes = "refunds" if case.topic.task_type == "refund" else "support"
    reply = Reply(json.dumps({"agent": takes, "urgency": urgency}), seconds=0.55)
    if Incident.RATE_LIMITED in case.incidents:
        _be_refused(desk, messages)
    answer = desk.ask_openai(MODEL, messages, reply, response_format={"type": "json_object"})
    verdict: dict[str, str] = json.loads(answer.choices[0].message.content)
    return verdict


def _be_refused(desk: Desk, messages: list[dict[str, str]]) -> None:
    """The provider answers 429; the agent waits as long as it is told to."""
    import openai

    try:
        desk.ask_openai(MODEL, messages, Reply(status=429, wait_seconds=2))
    except openai.RateLimitError as error:
        wait = float(error.response.headers["retry-after"])
        desk.obs.decision(
            "error_recovery",
            options=["wait and retry", "other model", "give up"],
            selected="wait and retry",
            reasoning=f"The rate limit is whole again in {wait:g} s, and triage can wait that long.",
            confidence=0.9,
        )
        log.warning("rate limited, waiting %g s", wait)
        desk.clock.skip(wait)


def _judge_mood(desk: Desk, case: Case) -> None:
    """Through the company's own gateway: a priced model, or one that nobody has a price for."""
    unpriced = Incident.UNPRICED_MODEL in case.incidents
    provider, model = ("in_house", "deskling-7b") if unpriced else ("mistral", "mistral-small-latest")
    mood = "annoyed" if case.topic.task_type in {"refund", "technical"} else "calm"
    desk.ask_gateway(provider, model, f"One word: what mood is this in? {case.question}", Reply(mood, seconds=0.3))


def _choose(desk: Desk, case: Case, verdict: dict[str, str]) -> str:
    takes = verdict["agent"]
    desk.obs.decision(
        "tool_selection",
        options=["support", "refunds"],
        selected=takes,
        reasoning=f"The customer asks about {case.topic.task_type.replace('_', ' ')}; {takes} settles those.",
        confidence=0.97 if takes == "refunds" else 0.88,
        context_summary=f"urgency {verdict['urgency']}",
    )
    log.info("contact %d goes to %s", case.number, takes)
    return takes

"""Support: settles everything but refunds, with Claude and the shop's tools."""

from __future__ import annotations

from typing import Any

from syndarix_obs_demo import texts, tools
from syndarix_obs_demo.agents.memory import read_up, recall
from syndarix_obs_demo.cases import Case, Incident
from syndarix_obs_demo.desk import Desk, log
from syndarix_obs_demo.provider.model import Reply, tokens

MODEL = "claude-sonnet-4-6"
SMALLER = "claude-haiku-4-5"
LARGEST = "claude-opus-4-6"
LOOP_CALLS = 5
RUNAWAY_CALLS = 12


class HandedOver(Exception):
    """The agent gives up; a person takes the contact."""


def support(desk: Desk, case: Case) -> str:
    """Returns the answer to the customer.

    Raises:
        HandedOver: a tool failed twice.
    """
    with desk.obs.session("support", agent_type="assistant") as session, desk.obs.task(case.topic.task_type):
        notes = recall(desk, case)
        system = _assemble(desk, case, notes, read_up(desk, case))
        messages: list[Any] = [{"role": "user", "content": case.question}]
        if Incident.COST_SPIKE in case.incidents:
            _read_everything(desk, case, system)
        (_insist if Incident.RUNAWAY in case.incidents else _work)(desk, case, system, messages)
        answer = _answer(desk, case, system, messages)
        session.outcome("resolved")
        return answer


def _assemble(desk: Desk, case: Case, notes: list[str], article: str) -> list[dict[str, Any]]:
    """The system prompt: the handbook, which the provider caches, and what is known about this contact."""
    handbook, known = desk.release.handbook(texts.handbook()), "\n".join([article, *notes])
    with desk.obs.context_assembly(limit=200_000) as context:
        context.add("system", tokens=tokens(handbook))
        context.add("memory", tokens=tokens(known))
        context.add("tools", tokens=tokens(str(tools.anthropic_tools())))
        context.evicted("history", tokens=400 * (case.number % 4))
        desk.clock.skip(0.02)
    return [
        {"type": "text", "text": handbook, "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": known},
    ]


def _work(desk: Desk, case: Case, system: list[dict[str, Any]], messages: list[Any]) -> None:
    """Let the model choose a tool and run it, again and again where it goes round in circles."""
    name, arguments = case.topic.tool, _arguments(case)
    if Incident.LOOP in case.incidents:
        name, arguments = "track_parcel", {"order": case.order}
    rounds = LOOP_CALLS if Incident.LOOP in case.incidents else 1
    for number in range(rounds):
        reply = Reply("Let me look that up.", ((name, arguments),), seconds=1.1 + 0.2 * number)
        answer = _ask(desk, case, system, messages, reply)
        call = next(block for block in answer.content if block.type == "tool_use")
        _explain(desk, case, call.name, call.input)
        result = _run(desk, case, call.name, call.input, fails=number == 0 and Incident.FAILING_TOOL in case.incidents)
        messages += _told(answer, call.id, str(result))


def _insist(desk: Desk, case: Case, system: list[dict[str, Any]], messages: list[Any]) -> None:
    """Ask a tool that never answers again and again; every turn pays anew for the error pages of those before."""
    name, arguments = case.topic.tool, _arguments(case)
    for number in range(RUNAWAY_CALLS):
        reply = Reply("No answer yet. Let me try once more.", ((name, arguments),), seconds=1.4)
        answer = _ask(desk, case, system, messages, reply)
        call = next(block for block in answer.content if block.type == "tool_use")
        if number == 0:
            _explain(desk, case, call.name, call.input)
        try:
            desk.use_tool(call.name, call.input, case, fails=True)
        except tools.CarrierTimeout as error:
            if number == 0:
                _decide_on_failure(desk, "retry", f"A time-out often passes: {error}.", 0.7)
            messages += _told(answer, call.id, f"{error}\n{texts.error_page(case.order)}")
    _decide_on_failure(desk, "hand over to a person", f"{name} gave no answer {RUNAWAY_CALLS} times.", 0.95)
    raise HandedOver(f"{name} failed {RUNAWAY_CALLS} times for order {case.order}")


def _told(answer: Any, call_id: str, result: str) -> list[dict[str, Any]]:
    """What is added to a conversation: the model's turn, and what its tool came to."""
    said = [block.model_dump(exclude_none=True) for block in answer.content]
    told = [{"type": "tool_result", "tool_use_id": call_id, "content": result}]
    return [{"role": "assistant", "content": said}, {"role": "user", "content": told}]


def _arguments(case: Case) -> dict[str, Any]:
    if case.topic.tool == "update_address":
        return {"order": case.order, "address": "12 Harbour Street"}
    return {"order": case.order}


def _ask(desk: Desk, case: Case, system: Any, messages: list[Any], reply: Reply) -> Any:
    if Incident.OVERLOADED in case.incidents and len(messages) == 1:
        return _ask_another(desk, system, messages, reply)
    return desk.ask_claude(MODEL, system, messages, reply)


def _ask_another(desk: Desk, system: Any, messages: list[Any], reply: Reply) -> Any:
    """The provider is overloaded (529): a smaller model takes this turn."""
    import anthropic

    try:
        return desk.ask_claude(MODEL, system, messages, Reply(status=529))
    except anthropic.APIStatusError as error:
        desk.obs.decision(
            "error_recovery",
            options=["retry", "smaller model", "give up"],
            selected="smaller model",
            reasoning=f"The provider answered {error.status_code}; the smaller model has its own capacity.",
            confidence=0.75,
        )
        log.warning("%s is overloaded, asking %s", MODEL, SMALLER)
        return desk.ask_claude(SMALLER, system, messages, reply)


def _explain(desk: Desk, case: Case, name: str, arguments: Any) -> None:
    desk.obs.decision(
        "tool_selection",
        options=[tool for tool, _text in tools.DEFINITIONS],
        selected=name,
        reasoning=f"Only {name} can say what the customer asks about order {case.order}.",
        confidence=0.82,
    )
    desk.obs.decision(
        "parameter_generation",
        options=["order number of the question", "latest order of the customer"],
        selected="order number of the question",
        reasoning=f"The customer names the order: {dict(arguments)}.",
        confidence=0.93,
    )


def _run(desk: Desk, case: Case, name: str, arguments: Any, *, fails: bool) -> dict[str, Any]:
    """Run the tool; when it fails, once more, and if that fails too, a person takes over."""
    try:
        return desk.use_tool(name, arguments, case, fails=fails)
    except tools.CarrierTimeout as error:
        _decide_on_failure(desk, "retry", f"A time-out often passes: {error}.", 0.7)
    try:
        return desk.use_tool(name, arguments, case, fails=fails and case.stays_broken)
    except tools.CarrierTimeout as error:
        _decide_on_failure(desk, "hand over to a person", f"It failed twice: {error}.", 0.95)
        raise HandedOver(f"{name} failed twice for order {case.order}") from error


def _decide_on_failure(desk: Desk, selected: str, reasoning: str, confidence: float) -> None:
    desk.obs.decision(
        "error_recovery",
        options=["retry", "hand over to a person"],
        selected=selected,
        reasoning=reasoning,
        confidence=confidence,
    )


def _read_everything(desk: Desk, case: Case, system: Any) -> None:
    """The cost spike: the largest model reads the whole archive of an order."""
    question = f"{texts.archive(case.order)}\nIs there anything odd about this order?"
    desk.stream_claude(
        LARGEST,
        system,
        [{"role": "user", "content": question}],
        Reply("Nothing is odd about it.", seconds=14.0),
    )


def _answer(desk: Desk, case: Case, system: Any, messages: list[Any]) -> str:
    answer = desk.stream_claude(MODEL, system, messages, Reply(case.answer, seconds=1.6))
    desk.obs.decision(
        "response_formatting",
        options=["short answer", "step-by-step guide"],
        selected="short answer",
        reasoning="One fact settles the question; a guide would bury it.",
        confidence=0.78,
    )
    desk.obs.safety_check("personal_data_in_answer", passed=case.customer.email not in answer)
    return answer

"""The OpenAI Agents SDK: its own spans become a session with agents, tools and guardrails."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace as Thing
from typing import Any

import pytest

from syndarix_obs.integrations import openai_agents
from syndarix_obs.testing import Kit, recording

TRACE = Thing(trace_id="trace_1", group_id="conversation-7", name="Agent workflow")


class Sdk:
    """The SDK's side: a trace with spans in it, told to the processors as the SDK tells them."""

    def __init__(self) -> None:
        self.processors: list[Any] = []
        self.numbers = iter(range(1000))

    def add_trace_processor(self, processor: Any) -> None:
        self.processors.append(processor)

    def get_current_trace(self) -> Any:
        return TRACE

    @contextmanager
    def span(self, kind: str, parent: Any = None, error: Any = None, **data: Any) -> Iterator[Any]:
        parent_id = None if parent is None else parent.span_id
        made = Thing(span_id=f"span_{next(self.numbers)}", parent_id=parent_id, trace_id="trace_1", error=error,
                     span_data=Thing(type=kind, **data))  # fmt: skip
        for each in self.processors:
            each.on_span_start(made)
        yield made
        for each in self.processors:
            each.on_span_end(made)

    @contextmanager
    def trace(self) -> Iterator[None]:
        for each in self.processors:
            each.on_trace_start(TRACE)
        yield
        for each in self.processors:
            each.on_trace_end(TRACE)


@pytest.fixture
def sdk(monkeypatch: pytest.MonkeyPatch) -> Sdk:
    """In the place of `agents.tracing`."""
    made = Sdk()
    module = types.ModuleType("agents.tracing")
    module.add_trace_processor = made.add_trace_processor  # type: ignore[attr-defined]  # a stand-in
    module.get_current_trace = made.get_current_trace  # type: ignore[attr-defined]  # a stand-in
    monkeypatch.setitem(sys.modules, "agents", types.ModuleType("agents"))
    monkeypatch.setitem(sys.modules, "agents.tracing", module)
    return made


def run(kit: Kit, sdk: Sdk) -> None:
    """An agent with a tool hands over to another one; each calls a model."""
    with sdk.trace():
        with sdk.span("agent", name="Triage") as triage:
            with sdk.span("generation", parent=triage):
                call(kit)
            with sdk.span("function", parent=triage, name="search", input='{"q": 1}', output="found"):
                pass
        with sdk.span("agent", name="Billing"):
            call(kit)


def call(kit: Kit) -> None:
    with kit.obs.llm(provider="openai", model="gpt-4o-mini") as made:
        made.response("hi", usage={"input_tokens": 1, "output_tokens": 1})


def test_a_run_is_a_session_whose_calls_belong_to_its_agents(sdk: Sdk) -> None:
    with recording() as kit:
        openai_agents.watch(kit.obs.runtime)
        run(kit, sdk)
        assert ["Triage", "Billing"] == [each.agent for each in kit.records("llm_call")]
        assert {"conversation-7"} == {each.session_id for each in kit.records()}
        assert 1 == len({each.trace_id for each in kit.records()})
        assert ("Triage", "ok") == (kit.record("session").agent, kit.record("session").status)
        assert {"arguments": {"q": 1}, "result": "found"} == kit.payload("tool_call")


def test_inside_of_a_session_of_ours_it_opens_none(sdk: Sdk) -> None:
    with recording() as kit:
        openai_agents.watch(kit.obs.runtime)
        with kit.obs.session(agent="desk", session_id="s-1"):
            run(kit, sdk)
        assert "desk" == kit.record("session").agent
        assert {"s-1"} == {each.session_id for each in kit.records()}


def test_what_fails_and_what_a_guardrail_stops_is_told(sdk: Sdk) -> None:
    with recording() as kit:
        openai_agents.watch(kit.obs.runtime)
        with sdk.trace(), sdk.span("agent", name="Triage") as triage:
            with sdk.span("function", parent=triage, name="search", input="x", output=None, error={"message": "no"}):
                pass
            with sdk.span("guardrail", parent=triage, name="on topic", triggered=True):
                pass
        assert ("error", "no") == (kit.record("tool_call").status, kit.record("tool_call").error_message)
        assert ("on topic", False) == (kit.record("safety").check, kit.record("safety").passed)


def test_nothing_is_recorded_after_the_watch_has_ended(sdk: Sdk) -> None:
    with recording() as kit:
        openai_agents.watch(kit.obs.runtime)()
        with sdk.trace(), sdk.span("agent", name="Triage"):
            pass
        assert [] == kit.records()

"""LangChain and LlamaIndex by themselves: a run is a session with its agent, tools and calls, in whatever context."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from contextvars import ContextVar
from types import SimpleNamespace as Thing
from typing import Any
from uuid import UUID

import pytest
from opentelemetry.context import get_current

from syndarix_obs import ObservabilityPlatform
from syndarix_obs.integrations import framework_agents, langchain, llama_index
from syndarix_obs.spans.correlation import current
from syndarix_obs.spans.operations import LLMCall
from syndarix_obs.testing import Kit, recording

RUN, STEP, TOOL = (UUID(int=number) for number in (1, 2, 3))


def module(monkeypatch: pytest.MonkeyPatch, name: str, **values: Any) -> None:
    """A module of another library, as far as it is needed."""
    made = types.ModuleType(name)
    vars(made).update(values)
    monkeypatch.setitem(sys.modules, name, made)


@pytest.fixture
def kit() -> Iterator[Kit]:
    """A platform."""
    with recording() as made:
        yield made


class LangChain:
    """LangChain's side: it adds what hooks give it to every run, and says in a context variable what runs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.hooks: list[Any] = []
        self.running: ContextVar[Any] = ContextVar("config", default=None)
        module(monkeypatch, "langchain_core.tracers.context", _configure_hooks=self.hooks,
               register_configure_hook=lambda place, inheritable: self.hooks.append((place, inheritable)))  # fmt: skip
        module(monkeypatch, "langchain_core.callbacks", BaseCallbackHandler=object)
        module(monkeypatch, "langchain_core.runnables.config", var_child_runnable_config=self.running)

    @property
    def handler(self) -> Any:
        """What is added to a run."""
        return self.hooks[0][0].get()

    def inside(self, run: UUID | None) -> None:
        """The code that follows runs in this run."""
        self.running.set(None if run is None else {"callbacks": Thing(parent_run_id=run)})


@pytest.fixture
def chain(monkeypatch: pytest.MonkeyPatch, kit: Kit) -> Iterator[LangChain]:
    """LangChain, watched."""
    made = LangChain(monkeypatch)
    undo = langchain.watch(kit.obs.runtime)
    yield made
    undo()
    assert [] == made.hooks


def call(obs: ObservabilityPlatform) -> None:
    """A call as a watched client makes it: in what goes on around it."""
    made = LLMCall(obs.runtime.source, "openai", "gpt-5-mini", "chat", None, None, None)
    made.begin(framework_agents.inside_of_framework(get_current()))
    made.end()


def run_with_a_tool(chain: LangChain, obs: ObservabilityPlatform, **metadata: Any) -> None:
    handler = chain.handler
    handler.on_chain_start(None, {}, run_id=RUN, name="LangGraph", metadata={"lc_agent_name": "researcher", **metadata})
    handler.on_chain_start(None, {}, run_id=STEP, parent_run_id=RUN, name="model")
    chain.inside(STEP)
    call(obs)
    handler.on_tool_start({"name": "search"}, "x", run_id=TOOL, parent_run_id=STEP, inputs={"q": "x"})
    handler.on_tool_end(Thing(content="found"), run_id=TOOL)
    handler.on_chain_end({}, run_id=STEP)
    handler.on_chain_end({}, run_id=RUN)
    chain.inside(None)


def test_a_graph_alone_is_a_session_named_by_its_thread_with_agent_calls_and_tools(chain: LangChain, kit: Kit) -> None:
    run_with_a_tool(chain, kit.obs, thread_id="t-1")
    [session] = kit.records("session")
    [found] = kit.records("llm_call")
    [tool] = kit.records("tool_call")
    assert ("t-1", "researcher") == (session.session_id, session.agent)
    assert [("t-1", session.span_id, session.trace_id)] * 2 == [
        (each.session_id, each.parent_id, each.trace_id) for each in (found, tool)
    ]
    assert '"result":"found"' in (tool.payload or "")


def test_nothing_is_left_in_the_context_of_the_caller(chain: LangChain, kit: Kit) -> None:
    chain.handler.on_chain_start(None, {}, run_id=RUN, name="LangGraph")
    assert current().session_id is None
    chain.handler.on_chain_error(GeneratorExit(), run_id=RUN)
    [session] = kit.records("session")
    assert ("langchain", "ok", RUN.hex) == (session.agent, session.status, session.session_id)


def test_inside_of_a_session_of_ours_no_other_is_opened_and_the_agent_is_named(chain: LangChain, kit: Kit) -> None:
    with kit.obs.session(agent="outer", session_id="s-1"):
        run_with_a_tool(chain, kit.obs)
    assert ["s-1"] == [each.session_id for each in kit.records("session")]
    assert [("s-1", "researcher")] == [(each.session_id, each.agent) for each in kit.records("llm_call")]


def test_a_run_that_fails_is_a_session_that_failed(chain: LangChain, kit: Kit) -> None:
    chain.handler.on_chain_start({"name": "qa"}, {}, run_id=RUN)
    chain.handler.on_tool_start(None, "x", run_id=TOOL, parent_run_id=RUN, name="search")
    chain.handler.on_tool_error(ValueError("no"), run_id=TOOL)
    chain.handler.on_chain_error(ValueError("no"), run_id=RUN)
    assert [("qa", "error")] == [(each.agent, each.status) for each in kit.records("session")]
    assert [("search", "error")] == [(each.tool, each.status) for each in kit.records("tool_call")]


class LlamaIndex:
    """LlamaIndex's side: a dispatcher that tells span handlers of methods."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.span_handlers: list[Any] = []
        self.active: ContextVar[str | None] = ContextVar("active", default=None)
        module(monkeypatch, "llama_index.core.instrumentation", get_dispatcher=lambda: self)
        module(monkeypatch, "llama_index.core.instrumentation.span_handlers", BaseSpanHandler=object)
        module(monkeypatch, "llama_index_instrumentation.span", active_span_id=self.active)

    def add_span_handler(self, handler: Any) -> None:
        self.span_handlers.append(handler)

    def begin(self, method: str, parent: str | None = None, instance: Any = None, **arguments: Any) -> str:
        """A method begins; returns the id that the dispatcher gives it."""
        span_id = f"{method}-{UUID(int=len(method))}"
        bound = Thing(arguments=arguments, kwargs=arguments)
        self.span_handlers[0].new_span(id_=span_id, bound_args=bound, instance=instance, parent_span_id=parent)
        self.active.set(span_id)
        return span_id

    def end(self, span_id: str, result: Any = None) -> None:
        self.span_handlers[0].prepare_to_exit_span(id_=span_id, bound_args=None, instance=None, result=result)


class FunctionTool:
    """A tool as LlamaIndex has it."""

    metadata = Thing(name="search")


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch, kit: Kit) -> Iterator[LlamaIndex]:
    """LlamaIndex, watched."""
    made = LlamaIndex(monkeypatch)
    undo = llama_index.watch(kit.obs.runtime)
    yield made
    undo()
    assert [] == made.span_handlers


def test_a_workflow_alone_is_a_session_with_the_agents_of_its_steps_and_tools(index: LlamaIndex, kit: Kit) -> None:
    run = index.begin("FunctionAgent.run", instance=Thing(name="weatherman"))
    step = index.begin("BaseWorkflowAgent.run_agent_step", run, ev=Thing(current_agent_name="writer"))
    call(kit.obs)
    tool = index.begin("FunctionTool.acall", step, FunctionTool(), q="x")
    index.end(tool, Thing(content="found"))
    index.end(step)
    index.end(run)
    [session] = kit.records("session")
    assert "weatherman" == session.agent
    assert [(session.session_id, "writer")] == [(each.session_id, each.agent) for each in kit.records("llm_call")]
    [tool_call] = kit.records("tool_call")
    assert ("search", session.session_id, "writer") == (tool_call.tool, tool_call.session_id, tool_call.agent)


def test_a_model_that_is_asked_by_itself_is_no_session(index: LlamaIndex, kit: Kit) -> None:
    span_id = index.begin("OpenAI.achat", instance=Thing())
    call(kit.obs)
    index.end(span_id)
    assert [] == kit.records("session")
    assert [None] == [each.session_id for each in kit.records("llm_call")]


def test_a_run_that_is_dropped_is_a_session_that_failed(index: LlamaIndex, kit: Kit) -> None:
    span_id = index.begin("RetrieverQueryEngine.query")
    index.span_handlers[0].prepare_to_drop_span(id_=span_id, bound_args=None, instance=None, err=ValueError("no"))
    assert [("RetrieverQueryEngine", "error")] == [(each.agent, each.status) for each in kit.records("session")]


OPENINFERENCE = "openinference.instrumentation.langchain"


@pytest.mark.parametrize("told_at_once", [True, False])
def test_the_root_chain_of_an_instrumentor_opens_a_session_for_all_that_is_inside(kit: Kit, told_at_once: bool) -> None:
    tracer = kit.obs.tracer_provider.get_tracer(OPENINFERENCE)
    kind = {"openinference.span.kind": "CHAIN"}
    with tracer.start_as_current_span("Crew.kickoff", attributes=kind if told_at_once else {}) as root:
        with kit.obs.llm(provider="openai", model="gpt-5-mini"):
            pass
        with kit.obs.tool("search"):
            pass
        root.set_attributes(kind)
    [session] = kit.records("session")
    assert ("Crew.kickoff", session.trace_id) == (session.agent, session.session_id)
    inside = (*kit.records("llm_call"), *kit.records("tool_call"))
    assert [session.session_id] * 2 == [each.session_id for each in inside]

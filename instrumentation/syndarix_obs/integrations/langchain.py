"""LangChain and LangGraph, through a callback handler that is added to every run.

With OpenInference's instrumentor, which tells of the same runs and tools, this is not used.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import Context

from syndarix_obs.guard import guarded
from syndarix_obs.integrations import framework_agents
from syndarix_obs.integrations.runs import Runs
from syndarix_obs.spans.operations import text_of

if TYPE_CHECKING:
    from syndarix_obs.pipeline.runtime import Runtime

MODULE: Final = "langchain_core"
DISTRIBUTION: Final = "langchain-core"
_CONVERSATIONS: Final = ("thread_id", "session_id", "conversation_id")
_NAMES: Final = ("lc_agent_name", "agent_name")
_UNNAMED: Final = frozenset({"LangGraph", "RunnableSequence", "RunnableLambda", "RunnableParallel", ""})


def watch(runtime: Runtime) -> Callable[[], None]:
    """Have a handler added to every run; returns a function that takes it out.

    Raises:
        ImportError, AttributeError: a version of LangChain that we do not know.
    """
    context = import_module("langchain_core.tracers.context")
    runs = Runs(runtime.source, runtime.settings.project)
    handler = _handler(runs, import_module("langchain_core.callbacks").BaseCallbackHandler)
    place: ContextVar[Any] = ContextVar("syndarix_obs_langchain", default=handler)
    context.register_configure_hook(place, inheritable=True)

    def around() -> Context | None:
        config: Any = sys.modules["langchain_core.runnables.config"].var_child_runnable_config.get()
        return runs.around(getattr((config or {}).get("callbacks"), "parent_run_id", None))

    framework_agents.add(around)

    def undo() -> None:
        runs.active = False
        framework_agents.remove(around)
        hooks = getattr(context, "_configure_hooks", None)
        if isinstance(hooks, list):
            hooks[:] = [hook for hook in hooks if hook[0] is not place]

    return undo


def _began(runs: Runs, name: Any, told: Mapping[str, Any]) -> None:
    """A graph, a chain or a step of one begins."""
    run_id, parent = told.get("run_id"), told.get("parent_run_id")
    if parent is not None:
        runs.step(run_id, parent)
        return
    metadata = told.get("metadata") or {}
    agent = next((metadata[key] for key in _NAMES if metadata.get(key)), None)
    conversation = next((metadata[key] for key in _CONVERSATIONS if metadata.get(key)), None)
    named = agent or ("langchain" if name is None or name in _UNNAMED else name)
    runs.began(run_id, text_of(named), text_of(conversation or getattr(run_id, "hex", run_id)))


def _handler(runs: Runs, base: type) -> Any:
    """An object of the class that LangChain wants, which is not there before LangChain is."""

    class Handler(base):  # type: ignore[misc]  # a class of another library
        """Tells of runs and tools."""

        run_inline = True  # in the task of the run

        def on_chain_start(self, serialized: Any, inputs: Any, **told: Any) -> None:  # noqa: ARG002 - the interface
            with guarded("langchain"):
                _began(runs, told.get("name") or (serialized or {}).get("name"), told)

        def on_chain_end(self, outputs: Any, **told: Any) -> None:  # noqa: ARG002
            runs.ended(told.get("run_id"))

        def on_chain_error(self, error: BaseException, **told: Any) -> None:
            runs.failed(told.get("run_id"), error)

        def on_tool_start(self, serialized: Any, input_str: Any, **told: Any) -> None:
            name = told.get("name") or (serialized or {}).get("name")
            arguments = input_str if told.get("inputs") is None else told["inputs"]
            runs.tool(told.get("run_id"), told.get("parent_run_id"), name, arguments)

        def on_tool_end(self, output: Any, **told: Any) -> None:
            runs.ended(told.get("run_id"), output)

        def on_tool_error(self, error: BaseException, **told: Any) -> None:
            runs.failed(told.get("run_id"), error)

    return Handler()

"""LlamaIndex, through a span handler of its own dispatcher: workflows, query engines and their tools.

With OpenInference's instrumentor, which tells of the same runs and tools, this is not used.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import Context

from syndarix_obs.guard import guarded
from syndarix_obs.integrations import framework_agents
from syndarix_obs.integrations.runs import Runs
from syndarix_obs.spans.operations import text_of

if TYPE_CHECKING:
    from syndarix_obs.pipeline.runtime import Runtime

MODULE: Final = "llama_index.core"
DISTRIBUTION: Final = "llama-index-core"
_TOOL_CALLS: Final = frozenset({"call", "acall", "__call__"})
_NO_RUNS: Final = ("chat", "complete", "predict", "embedding", "embeddings", "query_embedding", "_prepare")
"""Parts of the names of methods that call a model or get one ready: alone they are no run."""
_UUID: Final = 37
"""Letters of `-` and a UUID, which the dispatcher adds to a method's name."""


def watch(runtime: Runtime) -> Callable[[], None]:
    """Add a span handler to the root dispatcher; returns a function that takes it out.

    Raises:
        ImportError, AttributeError: a version of LlamaIndex that we do not know.
    """
    dispatcher = import_module("llama_index.core.instrumentation").get_dispatcher()
    base = import_module("llama_index.core.instrumentation.span_handlers").BaseSpanHandler
    active = import_module("llama_index_instrumentation.span").active_span_id
    runs = Runs(runtime.source, runtime.settings.project)
    handler = _handler(runs, base)
    dispatcher.add_span_handler(handler)

    def around() -> Context | None:
        return runs.around(active.get())

    framework_agents.add(around)

    def undo() -> None:
        runs.active = False
        framework_agents.remove(around)
        if handler in dispatcher.span_handlers:
            dispatcher.span_handlers.remove(handler)

    return undo


def _began(runs: Runs, span_id: str, bound: Any, instance: Any, parent: str | None) -> None:
    """A method that the dispatcher watches begins."""
    owner, _, method = span_id[:-_UUID].rpartition(".")
    if method in _TOOL_CALLS and type(instance).__name__.endswith("Tool"):
        tool = getattr(instance, "metadata", None)
        runs.tool(span_id, parent, getattr(tool, "name", None) or owner, dict(getattr(bound, "kwargs", None) or {}))
    elif runs.knows(parent):
        event = (getattr(bound, "arguments", None) or {}).get("ev")
        agent = getattr(event, "current_agent_name", None)
        runs.step(span_id, parent, agent if isinstance(agent, str) else None)
    elif parent is None and not any(part in method for part in _NO_RUNS):
        name = getattr(instance, "name", None)
        runs.began(span_id, name if isinstance(name, str) and name else text_of(owner or "llama_index"), span_id[-36:])


def _handler(runs: Runs, base: type) -> Any:
    """An object of the class that LlamaIndex wants, which is not there before LlamaIndex is."""

    class Handler(base):  # type: ignore[misc]  # a class of another library
        """Tells of methods that begin and end. It keeps no spans of its own: nothing is returned."""

        def new_span(
            self, id_: str, bound_args: Any, instance: Any = None, parent_span_id: str | None = None, **_: Any
        ) -> None:
            with guarded("llama_index"):
                _began(runs, id_, bound_args, instance, parent_span_id)

        def prepare_to_exit_span(self, id_: str, result: Any = None, **_: Any) -> None:
            runs.ended(id_, result)

        def prepare_to_drop_span(self, id_: str, err: BaseException | None = None, **_: Any) -> None:
            runs.failed(id_, err or "dropped")

    return Handler()

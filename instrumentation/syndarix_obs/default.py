"""Plain functions on a default platform, made from the environment at first use."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import AbstractContextManager
from typing import Any

from syndarix_obs.platform import ObservabilityPlatform
from syndarix_obs.settings import Settings
from syndarix_obs.spans.operations import ContextAssembly, LLMCall, MemoryOperation, SpanOperation, ToolCall
from syndarix_obs.spans.sessions import Session, Task

_lock = threading.Lock()
_platform: ObservabilityPlatform | None = None


def get_platform() -> ObservabilityPlatform:
    """The default platform; made from the environment at first use.

    Raises:
        SettingsError: a setting is unknown or its value is not allowed.
    """
    global _platform
    if _platform is None:
        with _lock:
            if _platform is None:
                _platform = ObservabilityPlatform.from_env()
    return _platform


def configure(settings: Settings | None = None, **options: Any) -> ObservabilityPlatform:
    """Make a new default platform; the former one is shut down. Takes the arguments of `ObservabilityPlatform`."""
    global _platform
    with _lock:
        former, _platform = _platform, ObservabilityPlatform(settings, **options)
    if former is not None:
        former.shutdown()
    return _platform


def session(agent: str, **options: Any) -> Session:
    """See `ObservabilityPlatform.session`."""
    return get_platform().session(agent, **options)


def task(task_type: str) -> Task:
    """See `ObservabilityPlatform.task`."""
    return get_platform().task(task_type)


def llm(**options: Any) -> LLMCall:
    """See `ObservabilityPlatform.llm`."""
    return get_platform().llm(**options)


def embeddings(**options: Any) -> LLMCall:
    """See `ObservabilityPlatform.embeddings`."""
    return get_platform().embeddings(**options)


def tool(name: str, **options: Any) -> ToolCall:
    """See `ObservabilityPlatform.tool`."""
    return get_platform().tool(name, **options)


def call_tool(name: str, function: Callable[..., Any], arguments: Any, **options: Any) -> Any:
    """See `ObservabilityPlatform.call_tool`."""
    return get_platform().call_tool(name, function, arguments, **options)


def memory(operation: str, **options: Any) -> MemoryOperation:
    """See `ObservabilityPlatform.memory`."""
    return get_platform().memory(operation, **options)


def retrieval(store: str | None = None, **options: Any) -> MemoryOperation:
    """See `ObservabilityPlatform.retrieval`."""
    return get_platform().retrieval(store, **options)


def context_assembly(**options: Any) -> ContextAssembly:
    """See `ObservabilityPlatform.context_assembly`."""
    return get_platform().context_assembly(**options)


def span(name: str, **attributes: Any) -> SpanOperation:
    """See `ObservabilityPlatform.span`."""
    return get_platform().span(name, **attributes)


def decision(decision_type: str, **options: Any) -> str:
    """See `ObservabilityPlatform.decision`."""
    return get_platform().decision(decision_type, **options)


def safety_check(check: str, **options: Any) -> None:
    """See `ObservabilityPlatform.safety_check`."""
    get_platform().safety_check(check, **options)


def annotate(note: str, **options: Any) -> None:
    """See `ObservabilityPlatform.annotate`."""
    get_platform().annotate(note, **options)


def score(name: str, value: Any = None, **options: Any) -> None:
    """See `ObservabilityPlatform.score`."""
    get_platform().score(name, value, **options)


def outcome(name: str, value: Any, **options: Any) -> None:
    """See `ObservabilityPlatform.outcome`."""
    get_platform().outcome(name, value, **options)


def feedback(value: Any, **options: Any) -> None:
    """See `ObservabilityPlatform.feedback`."""
    get_platform().feedback(value, **options)


def tool_call(function: Any = None) -> Any:
    """See `ObservabilityPlatform.tool_call`; the platform is looked up when the function is decorated."""
    return get_platform().tool_call(function)


def agent_session(agent: str, **options: Any) -> Callable[[Any], Any]:
    """See `ObservabilityPlatform.agent_session`."""
    return get_platform().agent_session(agent, **options)


def inject(headers: MutableMapping[str, str]) -> None:
    """See `ObservabilityPlatform.inject`."""
    get_platform().inject(headers)


def extract(headers: Mapping[str, Any]) -> AbstractContextManager[None]:
    """See `ObservabilityPlatform.extract`."""
    return get_platform().extract(headers)


def auto_instrument(*, official: bool | None = None) -> list[str]:
    """See `ObservabilityPlatform.auto_instrument`."""
    return get_platform().auto_instrument(official=official)


def replaying(recording: Any, **options: Any) -> AbstractContextManager[Any]:
    """See `ObservabilityPlatform.replaying`; makes no platform."""
    return ObservabilityPlatform.replaying(recording, **options)


def flush(timeout: float = 5.0) -> bool:
    """See `ObservabilityPlatform.flush`."""
    return get_platform().flush(timeout)


def shutdown() -> bool:
    """Shut the default platform down, if there is one."""
    global _platform
    with _lock:
        former, _platform = _platform, None
    return True if former is None else former.shutdown()

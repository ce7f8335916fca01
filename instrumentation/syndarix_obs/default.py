"""Plain functions on a default platform, made from the environment at first use."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any, Concatenate, ParamSpec, TypeVar

from syndarix_obs.platform import ObservabilityPlatform
from syndarix_obs.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")

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


def _of_default(method: Callable[Concatenate[ObservabilityPlatform, P], R]) -> Callable[P, R]:
    """The method as a function on the default platform: same arguments, so that a misspelt one fails the type check."""
    name = method.__name__

    @wraps(method)
    def forward(*args: P.args, **kwargs: P.kwargs) -> R:
        found: R = getattr(get_platform(), name)(*args, **kwargs)
        return found

    whole = signature(method)
    forward.__signature__ = whole.replace(parameters=list(whole.parameters.values())[1:])  # type: ignore[attr-defined]
    return forward


session = _of_default(ObservabilityPlatform.session)
task = _of_default(ObservabilityPlatform.task)
llm = _of_default(ObservabilityPlatform.llm)
embeddings = _of_default(ObservabilityPlatform.embeddings)
tool = _of_default(ObservabilityPlatform.tool)
call_tool = _of_default(ObservabilityPlatform.call_tool)
memory = _of_default(ObservabilityPlatform.memory)
retrieval = _of_default(ObservabilityPlatform.retrieval)
context_assembly = _of_default(ObservabilityPlatform.context_assembly)
span = _of_default(ObservabilityPlatform.span)
decision = _of_default(ObservabilityPlatform.decision)
safety_check = _of_default(ObservabilityPlatform.safety_check)
annotate = _of_default(ObservabilityPlatform.annotate)
score = _of_default(ObservabilityPlatform.score)
outcome = _of_default(ObservabilityPlatform.outcome)
feedback = _of_default(ObservabilityPlatform.feedback)
tool_call = _of_default(ObservabilityPlatform.tool_call)
agent_session = _of_default(ObservabilityPlatform.agent_session)
budget = _of_default(ObservabilityPlatform.budget)
inject = _of_default(ObservabilityPlatform.inject)
extract = _of_default(ObservabilityPlatform.extract)
auto_instrument = _of_default(ObservabilityPlatform.auto_instrument)
flush = _of_default(ObservabilityPlatform.flush)
replaying = ObservabilityPlatform.replaying
"""Makes no platform."""


def shutdown() -> bool:
    """Shut the default platform down, if there is one."""
    global _platform
    with _lock:
        former, _platform = _platform, None
    return True if former is None else former.shutdown()

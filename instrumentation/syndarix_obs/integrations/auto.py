"""Switch on everything that can watch an LLM library of this process, and say what that was.

For `openai` and `anthropic` there is a thin integration of our own, which costs the caller a fraction of the official
instrumentors; those take over with `official=True` or `SYNDARIX_OBS_OFFICIAL_INSTRUMENTORS=true`.
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from syndarix_obs.guard import record_failure
from syndarix_obs.integrations import anthropic, instrumentors, openai
from syndarix_obs.integrations.calls import OnHeaders
from syndarix_obs.integrations.rate_limit_hooks import RateLimits

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

    from syndarix_obs.pipeline.runtime import Runtime

_log = logging.getLogger("syndarix_obs")
_OURS = {"openai": openai.watch, "anthropic": anthropic.watch}


class _SwitchedOn:
    """What is on for one platform, and how to switch it off."""

    def __init__(self) -> None:
        self.undo: dict[str, Callable[[], Any]] = {}
        self.capture = instrumentors.ContentCapture()


_switched_on: WeakKeyDictionary[Any, _SwitchedOn] = WeakKeyDictionary()


def instrument(runtime: Runtime, tracer_provider: TracerProvider, official: bool = False) -> list[str]:
    """Switch on what is installed and not on yet; returns the names of everything that is on.

    Args:
        runtime: the platform's runtime.
        tracer_provider: the platform's, handed to the instrumentors.
        official: use the official instrumentors for `openai` and `anthropic` where they are installed.
    """
    if not runtime.settings.enabled:
        return []
    state = _switched_on.setdefault(runtime, _SwitchedOn())
    if runtime.settings.capture != "none":
        state.capture.start()
    before = set(state.undo)
    if official:
        _official(state, tracer_provider)
        _ours(state, runtime)
    else:
        _ours(state, runtime)
        _official(state, tracer_provider)
    new = sorted(set(state.undo) - before)
    if new:
        _log.info("syndarix-obs: now watching %s", ", ".join(new))
    return sorted(state.undo)


def uninstrument(runtime: Runtime) -> None:
    """Undo `instrument`; nothing happens where nothing is on."""
    state = _switched_on.pop(runtime, None)
    if state is None:
        return
    for name, undo in state.undo.items():
        try:
            undo()
        except Exception as error:  # noqa: BLE001 - the others are to be switched off all the same
            record_failure(f"uninstrument_{name}", error)
    state.capture.stop()


def _ours(state: _SwitchedOn, runtime: Runtime) -> None:
    on_headers: OnHeaders = RateLimits(runtime.metrics, runtime.source.monotonic)
    for name, watch in _OURS.items():
        if name in state.undo or importlib.util.find_spec(name) is None:
            continue
        try:
            state.undo[name] = watch(runtime.source, on_headers, request_usage=runtime.settings.request_usage)
        except Exception as error:  # noqa: BLE001 - a version of the client that we do not know: the official one may
            record_failure(f"instrument_{name}", error)


def _official(state: _SwitchedOn, tracer_provider: TracerProvider) -> None:
    for point in instrumentors.installed():
        name = instrumentors.normal(point.name)
        if name in state.undo:
            continue
        try:
            instrumentor = instrumentors.switch_on(point, tracer_provider)
        except Exception as error:  # noqa: BLE001 - one that fails must not take the others along
            record_failure(f"instrument_{name}", error)
            continue
        if instrumentor is not None:
            state.undo[name] = instrumentor.uninstrument

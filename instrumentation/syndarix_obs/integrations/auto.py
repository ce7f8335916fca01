"""Switch on everything that can watch an LLM library of this process, and say what that was.

For `openai` and `anthropic` there is a thin integration of our own, which costs the caller a fraction of the official
instrumentors; those take over with `official=True` or `SYNDARIX_OBS_OFFICIAL_INSTRUMENTORS=true`.
"""

from __future__ import annotations

import importlib.util
import logging
import sys
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from syndarix_obs.guard import record_failure
from syndarix_obs.integrations import (
    anthropic,
    claude_agent,
    google_genai,
    instrumentors,
    langchain,
    litellm,
    llama_index,
    openai,
    openai_agents,
)
from syndarix_obs.integrations.calls import OnHeaders
from syndarix_obs.integrations.coverage import LIBRARIES, Coverage, coverage, is_installed
from syndarix_obs.integrations.holders import Holder, Holders, place_of_caller
from syndarix_obs.integrations.rate_limit_hooks import RateLimits

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

    from syndarix_obs.pipeline.runtime import Runtime

_log = logging.getLogger("syndarix_obs")
_OURS = {"openai": openai.watch, "anthropic": anthropic.watch, "google_genai": google_genai.watch}
_MODULES = {"google_genai": google_genai.MODULE}
"""Modules of clients whose name is another one."""
_FRAMEWORKS = {
    claude_agent.MODULE: (claude_agent.DISTRIBUTION, claude_agent.watch),
    langchain.MODULE: (langchain.DISTRIBUTION, langchain.watch),
    llama_index.MODULE: (llama_index.DISTRIBUTION, llama_index.watch),
    litellm.MODULE: (litellm.DISTRIBUTION, litellm.watch),
    openai_agents.MODULE: (openai_agents.DISTRIBUTION, openai_agents.watch),
}
"""Module of a framework, its distribution (another package may have a module of that name), and who watches it."""


class _SwitchedOn:
    """What is on for one platform, and how to switch it off."""

    def __init__(self) -> None:
        self.undo: dict[str, Callable[[], Any]] = {}
        self.variables = instrumentors.Variables()


_switched_on: WeakKeyDictionary[Any, _SwitchedOn] = WeakKeyDictionary()
_holders = Holders()
_told: set[Coverage] = set()


def instrument(
    runtime: Runtime, tracer_provider: TracerProvider, official: bool = False, *, loaded_only: bool = False
) -> list[str]:
    """Switch on what is installed and not on yet; returns the names of everything that is on.

    A library that another platform of this process watches stays with that one, and is watched for this one as soon as
    the other has stopped; a warning says so.

    Args:
        runtime: the platform's runtime.
        tracer_provider: the platform's, handed to the instrumentors.
        official: use the official instrumentors for `openai` and `anthropic` where they are installed.
        loaded_only: leave alone what is installed but was not imported yet; for callers that come again.
    """
    if not runtime.settings.enabled:
        return []
    place = place_of_caller()

    def take() -> dict[str, Holder]:
        others = _switch_on(runtime, tracer_provider, official, place, loaded_only)
        if others:
            _holders.wait(runtime, take)
        return others

    with _holders.lock:
        others = take()
        if others:
            _warn(others)
        return sorted({*_switched_on[runtime].undo, *others})


def _switch_on(
    runtime: Runtime, tracer_provider: TracerProvider, official: bool, place: str, loaded_only: bool
) -> dict[str, Holder]:
    """Take every library that is free; returns those that are not."""
    state = _switched_on.setdefault(runtime, _SwitchedOn())
    before = set(state.undo)
    wanted = {
        *_OURS,
        *(distribution for distribution, _ in _FRAMEWORKS.values()),
        *(instrumentors.normal(point.name) for point in instrumentors.installed()),
    }
    others = {name: holder for name in sorted(wanted) if (holder := _holders.other(name, runtime)) is not None}
    state.variables.start(instrumentors.OWN_SPANS)
    if runtime.settings.capture != "none" and wanted - set(others):
        state.variables.start(instrumentors.CAPTURE_CONTENT)
    absent = {name for name in _OURS if loaded_only and _MODULES.get(name, name) not in sys.modules}
    if official:
        _official(state, tracer_provider, {*others, *absent})
        _ours(state, runtime, {*others, *absent})
    else:
        _ours(state, runtime, {*others, *absent})
        _official(state, tracer_provider, {*others, *absent})
    _frameworks(state, runtime, others, loaded_only=loaded_only)
    new = sorted(set(state.undo) - before)
    for name in new:
        _holders.hold(name, runtime, place)
    if new:
        _log.info("syndarix-obs: now watching %s", ", ".join(new))
    _tell_unwatched()
    return others


def _tell_unwatched() -> None:
    """Name each installed library that nobody watches: its calls would be missing without a word."""
    for each in coverage():
        if each.state != "watched" and each not in _told:
            _told.add(each)
            quiet = each.state == "not watched" and each.by
            _log.log(logging.INFO if quiet else logging.WARNING, "syndarix-obs: %s", each)


def _warn(others: Mapping[str, Holder]) -> None:
    places = ", ".join(sorted({holder.place for holder in others.values()}))
    _log.warning(
        "syndarix-obs: %s: another platform of this process watches already, since auto_instrument() at %s; it keeps "
        "doing so until its shutdown(), so that no call is recorded twice. Make one platform and use it everywhere.",
        ", ".join(others),
        places,
    )


def uninstrument(runtime: Runtime) -> None:
    """Undo `instrument`; nothing happens where nothing is on. Platforms that waited take over."""
    with _holders.lock:
        state = _switched_on.pop(runtime, None)
        if state is None:
            return
        for name, undo in state.undo.items():
            try:
                undo()
            except Exception as error:  # noqa: BLE001 - the others are to be switched off all the same
                record_failure(f"uninstrument_{name}", error)
        state.variables.stop()
        for take in _holders.release(runtime):
            take()


def _ours(state: _SwitchedOn, runtime: Runtime, others: Collection[str]) -> None:
    on_headers: OnHeaders = RateLimits(runtime.metrics, runtime.source.monotonic)
    for name, watch in _OURS.items():
        if name in state.undo or name in others or not _can_be_imported(_MODULES.get(name, name)):
            continue
        try:
            state.undo[name] = watch(runtime.source, on_headers, request_usage=runtime.settings.request_usage)
        except Exception as error:  # noqa: BLE001 - a version of the client that we do not know: the official one may
            record_failure(f"instrument_{name}", error)


def _can_be_imported(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # the package around it is missing
        return False


def _frameworks(state: _SwitchedOn, runtime: Runtime, others: Collection[str], *, loaded_only: bool) -> None:
    """Frameworks for which no instrumentor is installed, or none does it well."""
    for module, (name, watch) in _FRAMEWORKS.items():
        missing = not is_installed(name) or (loaded_only and module not in sys.modules)
        if name in state.undo or name in others or missing or state.undo.keys() & set(LIBRARIES[name].instrumentors):
            continue
        try:
            state.undo[name] = watch(runtime)
        except Exception as error:  # noqa: BLE001 - a version of the framework that we do not know
            record_failure(f"instrument_{name}", error)


def _official(state: _SwitchedOn, tracer_provider: TracerProvider, others: Collection[str]) -> None:
    for point in instrumentors.installed():
        name = instrumentors.normal(point.name)
        if name in state.undo or name in others:
            continue
        try:
            instrumentor = instrumentors.switch_on(point, tracer_provider)
        except Exception as error:  # noqa: BLE001 - one that fails must not take the others along
            record_failure(f"instrument_{name}", error)
            continue
        if instrumentor is not None:
            state.undo[name] = instrumentor.uninstrument

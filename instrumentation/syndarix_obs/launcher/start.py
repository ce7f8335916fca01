"""In the launched program: watch what it imports, and open a session for the run or for each request."""

from __future__ import annotations

import atexit
import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from syndarix_obs.guard import guarded
from syndarix_obs.launcher import MARK
from syndarix_obs.launcher.after_import import AfterImport
from syndarix_obs.pipeline import termination

if TYPE_CHECKING:
    from syndarix_obs.platform import ObservabilityPlatform

_CLIENTS: Final = (
    "openai", "anthropic", "langchain_core", "llama_index.core", "crewai", "agents", "claude_agent_sdk",
    "google.genai", "smolagents", "litellm", "mistralai", "cohere", "ollama", "dspy", "haystack",
)  # fmt: skip
"""Libraries that something watches: ours, or an installed OpenTelemetry instrumentor."""


class _Run:
    """The session of a whole run, and the process that it belongs to: a forked child is no run of its own."""

    def __init__(self) -> None:
        self._session: Any = None
        self._process = 0

    def begin(self, obs: ObservabilityPlatform) -> None:
        """Open the session, once."""
        if self._session is None:
            self._process = os.getpid()
            self._session = obs.session(agent=obs.settings.service_name, agent_type="run").__enter__()
            atexit.register(self._end)

    def _end(self) -> None:
        if os.getpid() == self._process:
            with guarded("launcher"):
                error = getattr(sys, "last_value", None)
                self._session.__exit__(None if error is None else type(error), error, None)


_run = _Run()


def start() -> None:
    """Wait for libraries that can be watched. Costs no import of theirs, and nothing where none is ever imported."""
    termination.install()  # first, so that it comes last: servers raise the signal again for whoever was there before
    kind = os.environ.get(MARK)
    hooks: dict[str, Any] = dict.fromkeys(_CLIENTS, _watch)
    if kind == "request":
        from syndarix_obs.launcher import requests

        hooks |= requests.HOOKS
    with guarded("launcher"):
        AfterImport(hooks).install()


def _watch(_module: ModuleType) -> None:
    """A library is there: make the platform, watch the library, open the run's session."""
    from syndarix_obs.default import get_platform
    from syndarix_obs.integrations import auto

    obs = get_platform()
    chosen = obs.settings.official_instrumentors
    auto.instrument(obs.runtime, obs.tracer_provider, chosen, loaded_only=True)
    if os.environ.get(MARK) == "run":
        _run.begin(obs)

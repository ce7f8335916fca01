"""The Claude Agent SDK: its calls are made by a program of its own, which tells of them over OTLP when it is asked to.

A receiver on a loopback port takes that, for as long as the platform watches. What a program was started for by a
session of ours belongs to that session. Who has set up telemetry for it already keeps it.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace

from syndarix_obs.guard import guarded
from syndarix_obs.integrations.patching import patch
from syndarix_obs.spans.correlation import NOTHING, Correlation, current

if TYPE_CHECKING:
    from syndarix_obs.pipeline.runtime import Runtime

MODULE: Final = "claude_agent_sdk"
DISTRIBUTION: Final = "claude-agent-sdk"
_TRANSPORT: Final = "claude_agent_sdk._internal.transport.subprocess_cli"
_SWITCH: Final = "CLAUDE_CODE_ENABLE_TELEMETRY"
_ALWAYS: Final = {
    _SWITCH: "1", "CLAUDE_CODE_ENHANCED_TELEMETRY_BETA": "1", "OTEL_TRACES_EXPORTER": "otlp",
    "OTEL_LOGS_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    "OTEL_TRACES_EXPORT_INTERVAL": "1000",
}  # fmt: skip
_CONTENT: Final = dict.fromkeys(("OTEL_LOG_USER_PROMPTS", "OTEL_LOG_TOOL_DETAILS", "OTEL_LOG_TOOL_CONTENT"), "1")
_MOST_TRACES: Final = 10_000


class _Watch:
    """The receiver, and which session of ours each trace belongs to."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._lock = threading.Lock()
        self._server: Any = None
        self._sessions: OrderedDict[str, Correlation] = OrderedDict()

    def environment(self) -> dict[str, str]:
        """What makes the program send here; the session of the caller is remembered for it."""
        with self._lock:
            if self._server is None:
                from syndarix_obs.receivers.receiver import Receiver
                from syndarix_obs.receivers.server import ReceiverServer

                self._server = ReceiverServer(Receiver(self._runtime, self._session_of), port=0)
                self._server.start()
            self._remember()
        content = _CONTENT if self._runtime.settings.capture == "full" else {}
        return {**_ALWAYS, **content, "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self._server.port}"}

    def _remember(self) -> None:
        around, trace_id = current(), trace.get_current_span().get_span_context().trace_id
        if around is not NOTHING and trace_id:
            self._sessions[f"{trace_id:032x}"] = around
            if len(self._sessions) > _MOST_TRACES:
                self._sessions.popitem(last=False)

    def _session_of(self, trace_id: str) -> Correlation:
        return self._sessions.get(trace_id, NOTHING)

    def close(self) -> None:
        """Take nothing more."""
        with self._lock:
            server, self._server = self._server, None
        if server is not None:
            server.close()


def watch(runtime: Runtime) -> Callable[[], None]:
    """Ask the programs that the SDK starts to report here; returns a function that undoes it.

    Raises:
        ImportError, AttributeError, KeyError: a version of the SDK that we do not know.
    """
    watching = _Watch(runtime)
    transport = import_module(_TRANSPORT).SubprocessCLITransport

    def wrap(connect: Callable[..., Any]) -> Callable[..., Any]:
        async def connected(self: Any) -> None:
            with guarded("claude_agent"):
                if not _is_set_up(os.environ) and not _is_set_up(self._options.env):
                    self._options = replace(self._options, env={**watching.environment(), **self._options.env})
            await connect(self)

        return connected

    undo = patch(transport, "connect", wrap)

    def undone() -> None:
        undo()
        watching.close()

    return undone


def _is_set_up(environment: Mapping[str, str]) -> bool:
    return _SWITCH in environment

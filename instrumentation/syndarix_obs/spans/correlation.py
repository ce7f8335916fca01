"""Who a piece of work belongs to: session, agent, project, user, task.

One immutable object travels in the OpenTelemetry context; every span, ours or a library's, takes a reference to it when
it starts. The strings are looked at only on the worker.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from opentelemetry import context as otel_context
from opentelemetry.context import Context

CORRELATION_KEY = otel_context.create_key("syndarix-correlation")


@dataclass(frozen=True, slots=True)
class Correlation:
    """Ids shared by everything inside a session. `user` is the raw id until the worker replaces it by its pseudonym;
    `user_is_pseudonym` says that it came from another service and already is one. `derived` is True where the
    agent's name comes from a framework's span and not from a session of ours."""

    session_id: str | None = None
    agent: str | None = None
    agent_type: str | None = None
    agent_version: str | None = None
    project: str | None = None
    user: str | None = None
    user_is_pseudonym: bool = False
    task_type: str | None = None
    derived: bool = False


NOTHING = Correlation()


def current(context: Context | None = None) -> Correlation:
    """The correlation of a context (default: the current one), `NOTHING` outside every session."""
    if context is None:
        context = otel_context.get_current()
    return cast(Correlation, context.get(CORRELATION_KEY, NOTHING))

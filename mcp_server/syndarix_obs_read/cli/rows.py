"""How statuses, begins and kinds look in every drawing."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from syndarix_obs import vocabulary as v
from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.sessions import Session
from syndarix_obs_read.cli.screen import STATUS_STYLES, Screen


def begun_at(screen: Screen, started: datetime) -> str:
    """When something began: to the minute on a terminal, exactly in a pipe."""
    return f.moment(started, screen.zone) if screen.piped else f.day_minute(started, screen.zone)


def session_state(session: Session) -> str:
    """The word for how a session stands."""
    if session.stalled:
        return "stalled"
    return session.outcome or session.status if session.status == "ok" else session.status


def session_style(session: Session) -> str:
    """How the row of a session is drawn."""
    return "yellow" if session.stalled else STATUS_STYLES.get(session.status, "")


KIND_NAMES: Final = {
    v.KIND_LLM_CALL: "llm", v.KIND_TOOL_CALL: "tool", v.KIND_ANNOTATION: "note", v.KIND_APP: "log",
}  # fmt: skip

KIND_STYLES: Final = {
    v.KIND_SESSION: "bold", v.KIND_TASK: "bold", v.KIND_LLM_CALL: "magenta", v.KIND_TOOL_CALL: "blue",
    v.KIND_DECISION: "green", v.KIND_SAFETY: "yellow", v.KIND_MEMORY: "cyan", v.KIND_CONTEXT: "cyan",
}  # fmt: skip

LEVEL_STYLES: Final = {"error": "bold red", "critical": "bold red", "warning": "yellow", "debug": "dim"}

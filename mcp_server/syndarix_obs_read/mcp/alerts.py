"""Tools about alerts. Two of them change something, and can be switched off."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from syndarix_obs_read.answers import alerts as alerts_answer
from syndarix_obs_read.backends.protocols import AlertSource
from syndarix_obs_read.errors import FilterError
from syndarix_obs_read.mcp import arguments as a
from syndarix_obs_read.mcp.confirmation import ASK, Confirm, check, word_for
from syndarix_obs_read.mcp.state import Ctx, seconds_of, state_of
from syndarix_obs_read.mcp.toolkit import ToolSpec

_ALERTS: Final = 50
_LONGEST_SILENCE_S: Final = 4 * 3600
"""A program may keep people in the dark for this long at most; a person who needs longer has the command."""
_AUTHOR: Final = "syndarix-obs mcp"


async def list_alerts(
    ctx: Ctx,
    labels: a.Labels = None,
    state: Annotated[
        Literal["active", "suppressed", "unprocessed"] | None, Field(description="Only alerts in this state.")
    ] = None,
    limit: a.Limit = None,
) -> alerts_answer.AlertList:
    """Alerts that fire, and the silences in force. Needs the stack. For the cause of one, use get_errors or
    get_cost_summary with the agent of its labels."""
    return await alerts_answer.list_alerts(state_of(ctx).backend, labels or {}, state, limit or _ALERTS)


async def trigger_alert(
    ctx: Ctx,
    name: Annotated[str, Field(pattern="^[A-Za-z][A-Za-z0-9_]{0,80}$", description="Name of the alert.")],
    summary: Annotated[str, Field(min_length=1, max_length=500, description="What is wrong, for whoever is told.")],
    severity: Annotated[
        alerts_answer.Severity, Field(description="critical pages people at once; info tells programs only.")
    ] = "warning",
    labels: a.Labels = None,
    lasts: Annotated[str, Field(max_length=20, description="Resolves by itself after this: 5m, 1h.")] = "5m",
    resolve: Annotated[bool, Field(description="End it instead; name, severity and labels as when raised.")] = False,
    confirm: Confirm = None,
) -> alerts_answer.Triggered:
    """Raise an alert in Alertmanager: people are told. Only when the user asked for it, or after an investigation that
    found harm which no rule watches; list_alerts first, it may fire already. Asks to be confirmed. Needs the stack."""
    asked = {
        "name": name, "summary": summary, "severity": severity, "labels": labels, "lasts": lasts, "resolve": resolve,
    }  # fmt: skip
    if confirm is None:
        alerts_answer.check_alert(summary, seconds_of(lasts), resolve=resolve)
        word = word_for(asked)
        return alerts_answer.Triggered(
            backend=state_of(ctx).backend.name, name=name, labels={**(labels or {}), "severity": severity},
            state="to confirm", until=None, confirm=word, hints=(ASK.format(word=word),),
        )  # fmt: skip
    check(confirm, asked)
    return await alerts_answer.trigger_alert(
        state_of(ctx).backend, name, summary, severity=severity, labels=labels, lasts_s=seconds_of(lasts),
        resolve=resolve,
    )  # fmt: skip


async def silence_alert(
    ctx: Ctx,
    labels: a.Labels = None,
    comment: Annotated[str, Field(max_length=500, description="Why; people read it. Required to silence.")] = "",
    lasts: Annotated[str, Field(max_length=20, description="For how long, up to 4h: 30m, 2h.")] = "1h",
    end: Annotated[str | None, Field(max_length=64, description="Id of a silence to end instead.")] = None,
    confirm: Confirm = None,
) -> alerts_answer.Silenced:
    """Keep alerts with all of these labels from telling anybody for a while, or end a silence. Only when the user asked
    for it: a silenced alert wakes nobody. list_alerts first shows labels and silences. Asks to be confirmed. Needs the
    stack."""
    backend = state_of(ctx).backend
    if end:
        return await alerts_answer.end_silence(backend, end)
    if not comment.strip():
        raise FilterError("a silence needs a comment that says why")
    asked = {"labels": labels, "comment": comment, "lasts": lasts}
    if confirm is None:
        alerts_answer.check_silence(labels or {}, seconds_of(lasts), _LONGEST_SILENCE_S)
        word = word_for(asked)
        return alerts_answer.Silenced(
            backend=backend.name, silence_id="", state="to confirm", until=None, labels=labels or {},
            matching=await alerts_answer.firing_names(backend, labels or {}), confirm=word,
            hints=(ASK.format(word=word),),
        )  # fmt: skip
    check(confirm, asked)
    return await alerts_answer.silence_alert(
        backend, labels or {}, comment, author=_AUTHOR, lasts_s=seconds_of(lasts), longest_s=_LONGEST_SILENCE_S,
    )  # fmt: skip


TOOLS: Final = (
    ToolSpec(list_alerts, "List alerts", "labels, a state, or a lower limit", needs=AlertSource),
    ToolSpec(trigger_alert, "Raise an alert", "fewer labels", writes=True, needs=AlertSource),
    ToolSpec(silence_alert, "Silence alerts", "fewer labels", writes=True, destructive=True, needs=AlertSource),
)

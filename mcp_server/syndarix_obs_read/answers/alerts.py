"""Which alerts fire, which are silenced? And two things that change something: raise an alert, silence some."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final, Literal

from pydantic import Field

from syndarix_obs_read.amounts import Frozen
from syndarix_obs_read.answers.base import Answer, ListAnswer, Moment, listing
from syndarix_obs_read.backends.protocols import AlertSource, Backend
from syndarix_obs_read.backends.rows import AlertRow, Rows, SilenceRow
from syndarix_obs_read.errors import FilterError, NeedsStack
from syndarix_obs_read.timerange import SECOND_NS, to_datetime

LONGEST_SILENCE_S: Final = 7 * 86_400
"""Nobody may be kept in the dark for longer than this with one call."""
_WIDE_LABELS: Final = frozenset({"severity"})
"""Labels that alone say too little about which alerts are meant."""
LONGEST_ALERT_S: Final = 86_400
"""An alert raised by hand resolves by itself after this at the latest."""

Severity = Literal["critical", "warning", "info"]


class Alert(Frozen):
    """One alert."""

    fingerprint: str
    name: str
    state: str = Field(description="`active`, `suppressed` (silenced or inhibited) or `unprocessed`.")
    severity: str | None
    since: Moment
    until: Moment = Field(description="When it resolves by itself unless it is raised again.")
    labels: Mapping[str, str]
    annotations: Mapping[str, str] = Field(description="Summary, description, runbook.")
    receivers: tuple[str, ...] = Field(description="Who is told.")
    silenced_by: tuple[str, ...] = Field(description="Ids of silences.")
    inhibited_by: tuple[str, ...] = Field(description="Fingerprints of alerts that hide it.")


class Silence(Frozen):
    """One silence that is or will be in force."""

    silence_id: str
    state: str = Field(description="`active` or `pending`.")
    labels: Mapping[str, str] = Field(description="Alerts with all of these are silenced.")
    since: Moment
    until: Moment
    author: str
    comment: str


class AlertList(ListAnswer):
    """Alerts, the last begun first; and the silences in force."""

    alerts: tuple[Alert, ...]
    silences: tuple[Silence, ...]


class Triggered(Answer):
    """What became of an alert raised by hand."""

    name: str
    labels: Mapping[str, str]
    state: Literal["raised", "resolved", "to confirm"]
    until: Moment | None = Field(description="When it resolves, or did.")
    confirm: str | None = Field(default=None, description="The word to do it with, when it is still to be confirmed.")


class Silenced(Answer):
    """A silence that was made, or ended."""

    silence_id: str
    state: Literal["active", "ended", "to confirm"]
    until: Moment | None = Field(description="When it ends by itself.")
    labels: Mapping[str, str]
    matching: tuple[str, ...] = Field(description="Names of alerts that fire now and that it keeps quiet.")
    confirm: str | None = Field(default=None, description="The word to do it with, when it is still to be confirmed.")


async def list_alerts(backend: Backend, labels: Mapping[str, str], state: str | None, limit: int) -> AlertList:
    """Alerts that have these labels and are in this state.

    Raises:
        NeedsStack: the backend has no alerts.
    """
    source = _source(backend, "alerts")
    found = [row for row in await source.alerts(labels) if state in (None, row.state)]
    about = listing(Rows(tuple(found[:limit]), len(found) > limit, len(found)), "labels or a state")
    if not found:
        about["hints"] = (_quiet(labels, state),)
    return AlertList(
        backend=backend.name,
        alerts=tuple(_alert(row) for row in found[:limit]),
        silences=tuple(_silence(row) for row in await source.silences()),
        **about,
    )


async def trigger_alert(
    backend: Backend,
    name: str,
    summary: str,
    *,
    severity: Severity = "warning",
    labels: Mapping[str, str] | None = None,
    lasts_s: float = 300,
    resolve: bool = False,
    now_ns: int | None = None,
) -> Triggered:
    """Raise an alert by hand, or resolve one; the usual routing tells the usual people.

    Args:
        lasts_s: seconds until it resolves by itself, at most `LONGEST_ALERT_S`.
        resolve: end it instead; name, severity and labels must be those it was raised with.
        now_ns: nanoseconds since the epoch, for tests.

    Raises:
        FilterError: the summary says nothing, or the time is too long.
    """
    source = _source(backend, "alerts")
    check_alert(summary, lasts_s, resolve=resolve)
    now = time.time_ns() if now_ns is None else now_ns
    whole = {**(labels or {}), "alertname": name, "severity": severity}
    hints = await _not_raised(source, whole) if resolve else ()
    end = now if resolve else now + round(lasts_s * SECOND_NS)
    # An end in the past needs a beginning before it.
    await source.trigger(whole, {"summary": summary}, now - SECOND_NS if resolve else now, end)
    return Triggered(
        backend=backend.name, name=name, labels=whole, state="resolved" if resolve else "raised",
        until=to_datetime(end), hints=hints,
    )  # fmt: skip


def check_alert(summary: str, lasts_s: float, *, resolve: bool = False) -> None:
    """Whether such an alert may be raised.

    Raises:
        FilterError: the summary says nothing, or the time is too long.
    """
    _within(lasts_s, LONGEST_ALERT_S, "an alert lasts")
    if not (resolve or summary.strip()):
        raise FilterError("an alert needs a summary that says what is wrong: whoever is told reads nothing else")


def check_silence(labels: Mapping[str, str], lasts_s: float, longest_s: float = LONGEST_SILENCE_S) -> None:
    """Whether such a silence may be made.

    Raises:
        FilterError: no label beside the severity is given, or the time is too long.
    """
    if not labels.keys() - _WIDE_LABELS:
        raise FilterError(
            "a silence needs a label beside severity, for example alertname=HighErrorRate: all alerts of one severity "
            "are too much"
        )
    _within(lasts_s, longest_s, "a silence lasts")


async def firing_names(backend: Backend, labels: Mapping[str, str]) -> tuple[str, ...]:
    """Names of the alerts with all of these labels that fire now."""
    rows = await _source(backend, "alerts").alerts(labels)
    return tuple(dict.fromkeys(row.labels.get("alertname", "?") for row in rows))


async def _not_raised(source: AlertSource, labels: Mapping[str, str]) -> tuple[str, ...]:
    """What to say when no alert has exactly these labels: to resolve another one changes nothing."""
    wanted = {name: value for name, value in labels.items() if value}  # Alertmanager drops empty ones
    firing = [dict(row.labels) for row in await source.alerts({"alertname": labels["alertname"]})]
    if wanted in firing:
        return ()
    others = [", ".join(f"{name}={each[name]}" for name in sorted(each) if name != "alertname") for each in firing]
    known = f"under this name fires {' and one with '.join(others)}" if others else "none of this name does"
    return (f"no alert with exactly these labels fires: {known}",)


async def silence_alert(
    backend: Backend,
    labels: Mapping[str, str],
    comment: str,
    *,
    author: str,
    lasts_s: float = 3_600,
    longest_s: float = LONGEST_SILENCE_S,
    now_ns: int | None = None,
) -> Silenced:
    """Keep alerts with all of these labels from telling anybody for a while, at most `longest_s` seconds.

    Raises:
        FilterError: no label beside the severity is given, or the time is too long.
    """
    source = _source(backend, "silences")
    check_silence(labels, lasts_s, longest_s)
    now = time.time_ns() if now_ns is None else now_ns
    end = now + round(lasts_s * SECOND_NS)
    firing = await source.alerts(labels)
    found = await source.silence(labels, now, end, author, comment)
    return Silenced(
        backend=backend.name, silence_id=found, state="active", until=to_datetime(end), labels=labels,
        matching=tuple(dict.fromkeys(row.labels.get("alertname", "?") for row in firing)),
        hints=() if firing else ("no alert that fires now has all of these labels; the list of alerts shows theirs",),
    )  # fmt: skip


async def end_silence(backend: Backend, silence_id: str) -> Silenced:
    """End a silence before its time; NotFound when there is none with this id."""
    source = _source(backend, "silences")
    labels = next((row.labels for row in await source.silences() if row.silence_id == silence_id), {})
    await source.expire(silence_id)
    return Silenced(
        backend=backend.name, silence_id=silence_id, state="ended", until=None, labels=labels, matching=()
    )  # fmt: skip


def _source(backend: Backend, what: str) -> AlertSource:
    if isinstance(backend, AlertSource):
        return backend
    raise NeedsStack(
        f"{what} need the stack: the backend `{backend.name}` has no Alertmanager. Start the stack "
        "(`docker compose up` or `make native-up`) and set SYNDARIX_OBS_BACKEND=stack"
    )


def _within(seconds: float, most: float, what: str) -> None:
    if not 0 < seconds <= most:
        raise FilterError(f"{what} more than 0 s and at most {most / 3600:g} h, not {seconds / 3600:g} h")


def _quiet(labels: Mapping[str, str], state: str | None) -> str:
    asked = [f"{name}={value}" for name, value in labels.items()] + ([f"state {state}"] if state else [])
    if asked:
        return f"no alert has {' and '.join(asked)}; leave one away"
    return "no alert fires, which is good if Prometheus is up: a look at the health says whether it is"


def _alert(row: AlertRow) -> Alert:
    return Alert(
        fingerprint=row.fingerprint, name=row.labels.get("alertname", ""), state=row.state,
        severity=row.labels.get("severity"), since=to_datetime(row.since_ns), until=to_datetime(row.until_ns),
        labels=row.labels, annotations=row.annotations, receivers=row.receivers, silenced_by=row.silenced_by,
        inhibited_by=row.inhibited_by,
    )  # fmt: skip


def _silence(row: SilenceRow) -> Silence:
    return Silence(
        silence_id=row.silence_id, state=row.state, labels=row.labels, since=to_datetime(row.since_ns),
        until=to_datetime(row.until_ns), author=row.author, comment=row.comment,
    )  # fmt: skip

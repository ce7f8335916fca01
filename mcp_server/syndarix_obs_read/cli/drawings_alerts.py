"""Alerts and silences as tables; what became of a change on one line."""

from __future__ import annotations

from collections.abc import Mapping

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.alerts import AlertList, Silenced, Triggered
from syndarix_obs_read.cli.screen import STATUS_STYLES, Screen, headers

_SEVERITY_STYLES = {"critical": STATUS_STYLES["error"], "warning": STATUS_STYLES["warning"]}


def draw_alerts(screen: Screen, answer: AlertList) -> None:
    """Alerts, then the silences in force."""
    screen.heading("Alerts", answer)
    columns = headers("alert", "severity", "state", "since", "labels*", "summary*")
    rows = [
        (
            (
                each.name, each.severity or f.NOTHING, each.state, f.moment(each.since, screen.zone),
                labels_words(each.labels, "alertname", "severity"), each.annotations.get("summary", f.NOTHING),
            ),
            _SEVERITY_STYLES.get(each.severity or "", "") if each.state == "active" else "dim",
        )
        for each in answer.alerts
    ]  # fmt: skip
    screen.table(columns, rows)
    if answer.silences:
        screen.line()
        _draw_silences(screen, answer)


def _draw_silences(screen: Screen, answer: AlertList) -> None:
    screen.heading("Silences", answer)
    columns = headers("silence", "state", "until", "labels*", "author", "comment*")
    # Ids in full: they are what `silence --end` takes.
    rows = (
        (
            (
                each.silence_id, each.state, f.moment(each.until, screen.zone), labels_words(each.labels),
                each.author, each.comment,
            ),
            "",
        )
        for each in answer.silences
    )  # fmt: skip
    screen.table(columns, rows)


def draw_silenced(screen: Screen, answer: Silenced) -> None:
    """What is quiet now, until when, and the id to end it with."""
    if answer.state == "ended":
        screen.text(f"ended: silence {answer.silence_id} {labels_words(answer.labels)}")
        return
    until = f.moment(answer.until, screen.zone)
    screen.text(f"silenced: {labels_words(answer.labels)} until {until} {screen.zone}, silence {answer.silence_id}")
    if answer.matching:
        screen.text(f"fires now and is quiet: {', '.join(answer.matching)}")


def draw_triggered(screen: Screen, answer: Triggered) -> None:
    """What was raised and until when, or that it is resolved."""
    until = "" if answer.state == "resolved" else f" until {f.moment(answer.until, screen.zone)} {screen.zone}"
    screen.text(f"{answer.state}: {labels_words(answer.labels)}{until}")


def labels_words(labels: Mapping[str, str], *left_out: str) -> str:
    """Labels as `name=value`, by name."""
    return " ".join(f"{name}={value}" for name, value in sorted(labels.items()) if name not in left_out)

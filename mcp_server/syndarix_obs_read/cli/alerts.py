"""`syndarix-obs alerts`, `silence` and `trigger`: the commands and their drawings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import typer

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers import alerts as alerts_answer
from syndarix_obs_read.answers.alerts import AlertList, Silenced, Triggered
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.cli.asking import Asker, ask
from syndarix_obs_read.cli.confirming import confirm
from syndarix_obs_read.cli.options import Common, Rows
from syndarix_obs_read.cli.screen import STATUS_STYLES, Screen, headers
from syndarix_obs_read.errors import FilterError, ReadError
from syndarix_obs_read.settings import variable
from syndarix_obs_read.timerange import SECOND_NS, parse_duration

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


_SHOWN = 20
"""Alerts that are read to say, before a change, what it meets."""

Labels = Annotated[
    list[str] | None,
    typer.Option("--label", "-l", metavar="NAME=VALUE", help="A label that must be equal, may be repeated."),
]

OwnLabels = Annotated[
    list[str] | None, typer.Option("--label", "-l", metavar="NAME=VALUE", help="A label of it, may be repeated.")
]

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def alerts(
    common: Common,
    rows: Rows,
    label: Labels = None,
    state: Annotated[
        Literal["active", "suppressed", "unprocessed"] | None, typer.Option(help="Only alerts in this state.")
    ] = None,
) -> None:
    """List the alerts that fire now and the silences in force. Needs the stack."""
    labels = _labels(label)
    ask(
        common,
        lambda asker, backend: alerts_answer.list_alerts(backend, labels, state, asker.limit(rows)),
        draw_alerts,
    )


def silence(
    common: Common,
    label: Labels = None,
    comment: Annotated[str, typer.Option(help="Why; people read it. Required to silence.")] = "",
    lasts: Annotated[str, typer.Option(help="For how long, up to 7d: 30m, 2h.")] = "1h",
    author: Annotated[str, typer.Option(help="Who silences.")] = "syndarix-obs",
    end: Annotated[str | None, typer.Option(metavar="SILENCE", help="Id of a silence to end instead.")] = None,
    yes: Yes = False,
) -> None:
    """Keep alerts with all of these labels from telling anybody for a while, or end a silence. Needs the stack."""
    labels, seconds = _labels(label), parse_duration(lasts) / SECOND_NS
    if end is None and not (labels and comment.strip()):
        raise FilterError("a silence needs --label and a --comment that says why; --end ID ends one")

    async def question(asker: Asker, backend: Backend) -> alerts_answer.Silenced:
        _writable(asker)
        if end is not None:
            await _confirm_end(backend, yes, end)
            return await alerts_answer.end_silence(backend, end)
        await _confirm(backend, yes, f"Silence alerts with {_words(labels)} for {lasts}", labels)
        return await alerts_answer.silence_alert(backend, labels, comment, author=author, lasts_s=seconds)

    ask(common, question, draw_silenced)


def trigger(
    common: Common,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the alert: letters, digits and _.")],
    summary: Annotated[
        str, typer.Argument(metavar="SUMMARY", help="What is wrong, for whoever is told; not needed to resolve.")
    ] = "",
    severity: Annotated[
        alerts_answer.Severity, typer.Option(help="critical pages people at once; info tells programs only.")
    ] = "warning",
    label: OwnLabels = None,
    lasts: Annotated[str, typer.Option(help="Resolves by itself after this, up to 24h: 5m, 1h.")] = "5m",
    resolve: Annotated[bool, typer.Option("--resolve", help="End it; severity and labels as when raised.")] = False,
    yes: Yes = False,
) -> None:
    """Raise an alert by hand, or resolve one; the usual people are told. Needs the stack."""
    labels, seconds = _labels(label), parse_duration(lasts) / SECOND_NS

    async def question(asker: Asker, backend: Backend) -> alerts_answer.Triggered:
        _writable(asker)
        alert = f"the alert {name} ({', '.join([severity, *_pairs(labels)])})"
        deed = f"Resolve {alert}" if resolve else f"Raise {alert} for {lasts} and tell the usual people"
        await _confirm(backend, yes, deed, {"alertname": name, **labels})
        return await alerts_answer.trigger_alert(
            backend, name, summary, severity=severity, labels=labels, lasts_s=seconds, resolve=resolve
        )

    ask(common, question, draw_triggered)


async def _confirm(backend: Backend, yes: bool, deed: str, labels: dict[str, str]) -> None:
    """Ask, naming the alerts with these labels that fire now; reads nothing after `--yes`."""
    if yes:
        return
    found = await alerts_answer.list_alerts(backend, labels, None, _SHOWN)
    firing = ", ".join(dict.fromkeys(each.name for each in found.alerts)) if labels else ""
    confirm(yes, f"{deed}?" + (f" Such alerts fire now: {firing}." if firing else ""))


async def _confirm_end(backend: Backend, yes: bool, silence_id: str) -> None:
    """Ask, saying whom the silence keeps quiet; one that does not exist needs no question."""
    if yes:
        return
    silences = (await alerts_answer.list_alerts(backend, {}, None, 1)).silences
    for each in silences:
        if each.silence_id == silence_id:
            confirm(yes, f"End the silence of {_words(each.labels)} (by {each.author}: {each.comment})?")


def _writable(asker: Asker) -> None:
    if not asker.settings.may_write:
        raise ReadError(f"raising and silencing alerts is switched off: {variable('writes')} is false")


def _labels(given: Sequence[str] | None) -> dict[str, str]:
    found = {}
    for text in given or ():
        name, equals, value = text.partition("=")
        if not (name.strip() and equals):
            raise FilterError(f"cannot read the label {text!r}; example: --label agent=support")
        found[name.strip()] = value
    return found


def _words(labels: Mapping[str, str]) -> str:
    return " and ".join(_pairs(labels))


def _pairs(labels: Mapping[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in labels.items()]

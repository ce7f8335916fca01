"""Is the pipeline healthy, and which alerts fire?"""

from __future__ import annotations

import asyncio
from typing import Final

from syndarix_obs_read.answers.alerts import Alert, AlertList, list_alerts
from syndarix_obs_read.answers.health import HealthReport, check_health
from syndarix_obs_read.web.asked import Asked, Failure, Got, attempt
from syndarix_obs_read.web.html import Child, Html, el, external, joined
from syndarix_obs_read.web.parts import common, tables
from syndarix_obs_read.web.view import Page, View

ALERTS: Final = 50
"""Alerts that are shown."""
_CHECKS = tables.columns("part", "state", "finding*")
_ALERTS = tables.columns("alert", "state", "severity", "what*", ">since", "told?", "")
_SILENCES = tables.columns("alerts with*", "state", ">until", "by?", "why")


async def ask(asked: Asked) -> View:
    """The checks and the alerts."""
    limit = asked.limit(ALERTS)
    report, alerts = await asyncio.gather(
        attempt(check_health(asked.backend)), attempt(list_alerts(asked.backend, {}, None, limit))
    )
    return View("Health", {"health": report, "alerts": alerts}, lambda: joined((
        common.section("Pipeline", common.shown(report, checks), aside=state(report)),
        common.section("Alerts", alerts_body(asked, alerts)),
    )))  # fmt: skip


def state(report: Got[HealthReport]) -> Html:
    """The state of the worst part."""
    return common.badge("failing" if isinstance(report, Failure) else report.state)


def checks(report: HealthReport) -> Html:
    """The parts that were looked at."""
    rows = (
        (
            (each.name, common.badge(each.state),
             (each.finding, el("p", common.prose(each.mend), cls="mend") if each.mend else None)),
            "",
        )
        for each in report.checks
    )  # fmt: skip
    return tables.table(_CHECKS, rows, caption="Parts of the pipeline")


def alerts_body(asked: Asked, found: Got[AlertList]) -> Html:
    """Alerts and silences; without the stack, that there are none."""
    if isinstance(found, Failure):
        return common.trouble(found) if found.status != 400 else el("p", common.prose(found.message), cls="dim")
    return joined((
        alerts_table(asked, found.alerts) if found.alerts else common.empty(found, "alerts"),
        _silences(asked, found) if found.silences else None,
    ))  # fmt: skip


def alerts_table(asked: Asked, alerts: tuple[Alert, ...]) -> Html:
    """Alerts as a table."""
    return tables.table(_ALERTS, ((_row(asked, each), "") for each in alerts), caption="Alerts, the last begun first")


def _row(asked: Asked, alert: Alert) -> list[Child]:
    words = alert.annotations.get("summary") or alert.annotations.get("description") or ""
    labels = (
        el("span", f"{name}={value}", cls="tag")
        for name, value in alert.labels.items()
        if name not in ("alertname", "severity")
    )
    tone = "error" if alert.severity == "critical" else "warning" if alert.severity == "warning" else "other"
    runbook = external(alert.annotations.get("runbook_url") or "")
    return [
        el("b", alert.name),
        common.badge(alert.state),
        common.badge(tone, alert.severity or "none"),
        (words, el("p", labels)),
        common.moment(alert.since, asked.zone),
        common.name(", ".join(alert.receivers)),
        el("a", "runbook", href=runbook, rel="noreferrer noopener", target="_blank") if runbook else None,
    ]


def _silences(asked: Asked, found: AlertList) -> Html:
    rows = (
        (
            (
                el("span", (el("span", f"{name}={value}", cls="tag") for name, value in each.labels.items())),
                common.badge(each.state), common.moment(each.until, asked.zone), common.name(each.author), each.comment,
            ),
            "",
        )
        for each in found.silences
    )  # fmt: skip
    return joined((el("h3", "Silences"), tables.table(_SILENCES, rows, caption="Silences in force")))


PAGE = Page("/health", "Health", ask, timed=False)

"""What is unusual? Episodes that the watch found, open ones first."""

from __future__ import annotations

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.anomalies import Anomaly, AnomalyList, list_anomalies
from syndarix_obs_read.web.asked import Asked, attempt
from syndarix_obs_read.web.html import Child, el, joined
from syndarix_obs_read.web.parts import common, filters, tables
from syndarix_obs_read.web.view import Page, View

_WORDS = ("agent", "project")
_COLUMNS = (
    *tables.columns("opened", "agent", "series"),
    tables.Column("observed", number=True, about="When it was announced, in the unit of the series"),
    tables.Column("expected", number=True),
    tables.Column("score", number=True, about="1 is where an episode begins, 2 is twice as bad"),
    tables.Column("why", about="Level, spread, a shape that was never there, values that hang or are missing"),
    *tables.columns("closed"),
)


async def ask(asked: Asked) -> View:
    """The episodes."""
    found = await attempt(list_anomalies(asked.backend, asked.filter(*_WORDS), asked.period(), asked.limit()))
    return View("Anomalies", {"anomalies": found}, lambda: joined((
        filters.form(asked, *_WORDS), common.shown(found, lambda answer: _draw(asked, answer)),
    )))  # fmt: skip


def _draw(asked: Asked, answer: AnomalyList) -> Child:
    if not answer.anomalies:
        return common.empty(answer, "anomalies")
    rows = ((_row(asked, each), "") for each in answer.anomalies)
    return (
        tables.table(_COLUMNS, rows, caption="Episodes, open ones first"),
        tables.larger(asked, answer, len(answer.anomalies)),
        common.hints(answer),
    )


def _row(asked: Asked, each: Anomaly) -> list[Child]:
    until = None if each.closed is None else each.closed.isoformat()
    what = asked.to(
        "/investigate", agent=each.agent, project=each.project, since=each.opened.isoformat(), until=until
    )  # fmt: skip
    return [
        el("a", f.moment(each.opened, asked.zone), href=what, cls="row", title="What changed?"),
        common.name(each.agent),
        el("a", each.series, href=asked.to("/investigate", episode=each.episode), title="What explains it?"),
        f.figure(each.series, each.observed),
        f.figure(each.series, each.expected),
        f"{each.score:.1f}",
        each.opinion,
        el("span", "open", cls="is-warning") if each.open else common.moment(each.closed, asked.zone),
    ]


PAGE = Page("/anomalies", "Anomalies", ask, since="7d")

"""Is it any good? Scores, outcomes and feedback, with intervals."""

from __future__ import annotations

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.quality import BY, QualityGroup, QualityReport, Score, get_quality
from syndarix_obs_read.web.asked import Asked, attempt
from syndarix_obs_read.web.html import Child, Html, el, joined
from syndarix_obs_read.web.parts import common, filters, tables
from syndarix_obs_read.web.view import Page, View

_WORDS = ("agent", "model", "project")
_DEFAULT = "agent,agent_version"


async def ask(asked: Asked) -> View:
    """The groups."""
    by = tuple(word for word in (asked.word("by") or _DEFAULT).split(",") if word)
    question = get_quality(
        asked.backend, asked.filter(*_WORDS), asked.period(), by, asked.zone, asked.word("name")
    )
    found = await attempt(question)
    return View("Quality", {"quality": found}, lambda: joined((
        filters.form(asked, *_WORDS), _ways(asked, by), common.shown(found, lambda answer: _draw(asked, answer)),
    )))  # fmt: skip


def _ways(asked: Asked, by: tuple[str, ...]) -> Html:
    """Links to other groupings."""
    ways = (
        el("a", name.replace("_", " "), href=asked.here(by=f"agent,{name}" if name != "agent" else "agent"),
           aria_current="true" if name in by else None)
        for name in BY
    )  # fmt: skip
    return el("nav", el("span", "by", cls="dim"), ways, cls="time", aria_label="Group by")


def _draw(asked: Asked, answer: QualityReport) -> Child:
    if not answer.scores:
        return common.empty(answer, "scores")
    names = (name.replace("_", " ") for name in answer.by)
    heads = tables.columns("score", *names, ">scores", ">sessions", ">mean", ">95%", ">κ", "words*")
    return (
        tables.table(heads, ((_row(asked, each, answer.by), "") for each in answer.groups), caption="Scores by group"),
        _orphans(asked, answer) if answer.orphaned else None,
        common.hints(answer),
    )


def _row(asked: Asked, group: QualityGroup, by: tuple[str, ...]) -> list[Child]:
    low, high = group.low, group.high
    return [
        el("a", group.name, href=asked.here(name=group.name), cls="row"),
        *(common.name(group.key.get(name)) for name in by),
        f.count(group.scores),
        f.count(group.sessions),
        f.NOTHING if group.mean is None else f"{group.mean:.3f}",
        f.NOTHING if low is None or high is None else f"{low:.2f} to {high:.2f}",
        f.NOTHING if group.kappa is None else f"{group.kappa:.2f}",
        ", ".join(f"{label} {count}" for label, count in group.labels.items()),
    ]


def _orphans(asked: Asked, answer: QualityReport) -> Html:
    """Scores whose session is not here."""
    about = f"{answer.orphaned:,} scores wait for sessions that are not here; they are kept until those arrive."
    return common.section("Orphaned", el("p", about, cls="dim"), scores(asked, answer.orphans))


def scores(asked: Asked, given: tuple[Score, ...]) -> Html:
    """Scores, one a row."""
    heads = tables.columns("given", "score", ">value", "by", "session?", "why*")
    rows = (
        (
            (
                common.moment(each.given, asked.zone), each.name, said(each), common.name(each.author or each.source),
                common.session_link(asked, each.session_id), each.explanation or "",
            ),
            "",
        )
        for each in given
    )  # fmt: skip
    return tables.table(heads, rows, caption="Scores, the newest first")


def said(score: Score) -> str:
    """A score as people read it."""
    if score.label is not None:
        return score.label
    return f.NOTHING if score.value is None else f"{score.value:.3g}"


PAGE = Page("/quality", "Quality", ask)

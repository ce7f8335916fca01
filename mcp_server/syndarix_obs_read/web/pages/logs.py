"""What was logged? Every record is a line: searched by text, level and kind, or followed as it arrives."""

from __future__ import annotations

from typing import Final

from syndarix_obs import vocabulary as v
from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.logs import LogLine, LogList, search_logs
from syndarix_obs_read.web.asked import Asked, address, attempt
from syndarix_obs_read.web.html import Child, Html, el, joined
from syndarix_obs_read.web.parts import common, filters, tables, values
from syndarix_obs_read.web.view import Page, View

WORDS: Final = ("text", "level", "kind", "agent")
"""Words that lines are narrowed by, also while they are followed."""
RARE: Final = ("project", "user", "session", "trace", "task_type", "model", "tool", "status")
"""Those behind `more`."""


async def ask(asked: Asked) -> View:
    """The lines."""
    skip = asked.before.skip if asked.before else 0
    where = asked.filter(*WORDS, *RARE)
    found = await attempt(search_logs(asked.backend, where, asked.period(), asked.limit(100) + skip))
    if isinstance(found, LogList):
        found = found.model_copy(update={"lines": found.lines[skip:]})
    return View("Logs", {"logs": found}, lambda: joined((
        filters.form(asked, *WORDS, rare=RARE), _live(asked),
        common.shown(found, lambda answer: _draw(asked, answer)),
    )))  # fmt: skip


def _live(asked: Asked) -> Html:
    source = address("/logs/follow", **{word: asked.word(word) for word in (*WORDS, *RARE)})
    button = el("button", "Follow live", type="button", id="follow", data_source=source, aria_pressed="false",
                aria_controls="lines", hidden=True)  # fmt: skip
    state = el("span", "", id="follow-state", role="status", cls="dim")
    without = el("noscript", "Following live needs JavaScript; reload for newer lines.")
    return el("p", button, state, without, cls="live")


def _draw(asked: Asked, answer: LogList) -> Child:
    lines = el("ol", (line(asked, each) for each in answer.lines), cls="lines", id="lines")
    if not answer.lines:
        return lines, common.empty(answer, "lines")
    return lines, tables.pager(asked, answer, [each.timestamp for each in answer.lines])


def line(asked: Asked, found: LogLine) -> Html:
    """One line; opened, its fields."""
    level = found.level if found.level in v.LEVELS else "info"
    head = el(
        "summary",
        common.moment(found.timestamp, asked.zone, precise=True),
        el("span", found.level, cls=f"level l-{level}"),
        common.chip(common.SHORT.get(found.kind, found.kind), kind=found.kind),
        el("span", found.agent or f.NOTHING, cls="who"),
        el("span", el("b", found.title), " ", found.text, cls="said"),
    )
    ways = el(
        "p",
        el("a", "in its trace", href=address("/trace", id=found.trace_id, step=found.span_id) + "#split")
        if found.trace_id else None,
        el("a", "its session", href=address("/session", id=found.session_id)) if found.session_id else None,
        cls="ways",
    )  # fmt: skip
    whole = _whole(found)
    return el("li", el("details", head, ways, values.attributes(found.fields, whole)), cls=f"l-{level}")


def _whole(found: LogLine) -> str | None:
    if not (found.trace_id and found.span_id):
        return None
    return address("/step", trace=found.trace_id, step=found.span_id, whole=1)




PAGE = Page("/logs", "Logs", ask)

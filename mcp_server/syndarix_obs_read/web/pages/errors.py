"""What goes wrong, how often, since when? Errors in groups, each with a trace to look at."""

from __future__ import annotations

from collections.abc import Mapping

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.errors import ErrorGroup, ErrorList, group_errors
from syndarix_obs_read.web.asked import Asked, address, attempt
from syndarix_obs_read.web.html import Child, Html, el, joined
from syndarix_obs_read.web.pages import loops as loops_page
from syndarix_obs_read.web.parts import charts, filters, pieces, tables
from syndarix_obs_read.web.view import Page, View

_WORDS = ("text", "agent", "tool", "model", "project")
_RARE = ("user", "task_type", "session")
_COLUMNS = tables.columns(
    ">times", "over time?", "what failed", "error*", "agents and versions?", ">sessions?", ">first seen?", ">last seen",
    "example",
)


async def ask(asked: Asked) -> View:
    """The groups."""
    found = await attempt(group_errors(asked.backend, asked.filter(*_WORDS, *_RARE), asked.period(), asked.limit()))
    return View("Errors", {"errors": found}, lambda: joined((
        filters.form(asked, *_WORDS, rare=_RARE), pieces.shown(found, lambda answer: _draw(asked, answer)),
    )))  # fmt: skip


def _draw(asked: Asked, answer: ErrorList) -> Child:
    body: Child = pieces.empty(answer, "errors")
    if answer.groups:
        body = (
            el("p", f"{answer.errors:,} failures in {answer.total or len(answer.groups):,} groups", cls="lead"),
            table(asked, answer.groups),
            tables.larger(asked, answer, len(answer.groups)),
            pieces.hints(answer),
        )
    loops = pieces.section("Loops, an error nobody raised", loops_page.table(asked, answer.loops))
    return body, loops if answer.loops else None


def table(asked: Asked, groups: tuple[ErrorGroup, ...]) -> Html:
    """Groups as a table."""
    most = max(group.count for group in groups)
    rows = ((_row(asked, group, most), "") for group in groups)
    return tables.table(_COLUMNS, rows, caption="Errors by fingerprint, the most frequent first")


def _row(asked: Asked, group: ErrorGroup, most: int) -> list[Child]:
    whole = f"{group.message}\n\nfingerprint {group.fingerprint}: {group.pattern}"
    error = el("b", f.error_name(group.error_type) or "failed")
    return [
        el("span", charts.share(group.count / most, "mini is-error"), el("span", f"{group.count:,}"),
           cls="num with-bar"),
        charts.spark(group.over_time, ", ".join(map(str, group.over_time)), "spark is-error"),
        el("span", pieces.chip(pieces.SHORT.get(group.kind, group.kind), kind=group.kind), " ", group.where,
           cls="nowrap"),
        el("span", error, " ", group.message, cls="cut-two", title=whole),
        el("span", pieces.name(_shared(group.by_agent)), " ", pieces.dim(_shared(group.by_version))),
        f.count(group.sessions),
        el("span", pieces.moment(group.first_seen, asked.zone), _changed(group), cls="stacked"),
        pieces.moment(group.last_seen, asked.zone),
        pieces.trace_link(asked, group.example_trace, step=group.example_span),
    ]  # fmt: skip


def _shared(counts: Mapping[str, int]) -> str:
    """Names, each with how often when there are several."""
    if len(counts) <= 1:
        return "".join(counts)
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def _changed(group: ErrorGroup) -> Html:
    """What was different from when it was seen first on."""
    since = group.first_seen.isoformat(timespec="seconds").replace("+00:00", "Z")
    agent = group.agents[0] if len(group.agents) == 1 else None
    return el("a", "what changed", href=address("/investigate", agent=agent, since=since))


PAGE = Page("/errors", "Errors", ask)

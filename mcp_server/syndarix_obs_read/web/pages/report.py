"""What can be taken along: a report of a run, an agent or a week, and the run in the form of other programs."""

from __future__ import annotations

from typing import Final

from syndarix_obs_read.answers.convert import FILES
from syndarix_obs_read.answers.report import Report, report_agent, report_run, report_week
from syndarix_obs_read.errors import FilterError
from syndarix_obs_read.web.asked import Asked, address, attempt
from syndarix_obs_read.web.html import Child, Html, el, joined
from syndarix_obs_read.web.parts import choosing, common, tables
from syndarix_obs_read.web.view import Page, View

FORMS: Final = ("html", "md", "pdf")
"""Forms of a report, as the ends of their names."""
_COLUMNS = tables.columns("form", "what it is for*", "")
_ABOUT: Final = {
    "html": "one file to send on: opens in any browser, without a network",
    "md": "for tickets and documents, drawings as Mermaid text",
    "pdf": "for paper; printed by Chromium where this server has it",
}
_SECTIONS = tables.columns("section*", ">parts")


async def ask(asked: Asked) -> View:
    """The report of what was named, and its files."""
    if not any(asked.word(name) for name in ("run", "agent", "week")):
        runs = await choosing.last_runs(asked)
        return View("Report", {"runs": runs}, lambda: joined((
            _form(asked), common.shown(runs, lambda answer: choosing.draw(
                answer, asked, "Report one of the last runs", lambda each: asked.here(run=each.session_id)
            )),
        )))  # fmt: skip
    found = await attempt(gather(asked))
    return View("Report", {"report": found}, lambda: joined((
        _form(asked), common.shown(found, lambda answer: _draw(asked, answer)),
    )))  # fmt: skip


async def gather(asked: Asked) -> Report:
    """The report that the address names."""
    if run := asked.word("run"):
        return await report_run(asked.backend, asked.settings, run)
    if agent := asked.word("agent"):
        return await report_agent(asked.backend, asked.settings, agent, asked.period())
    if asked.word("week"):
        return await report_week(asked.backend, asked.settings, asked.period())
    raise FilterError("what is the report about? Add ?run=, ?agent= or ?week=1 to the address")


def _form(asked: Asked) -> Html:
    """Each of the three is a form of its own, so that none gets in the way of another."""
    run = (
        el("label", "Session or trace", for_="report-run"),
        el("input", type="text", name="run", id="report-run", value=asked.word("run") or "", placeholder="id"),
    )
    agent = (
        el("label", "Agent", for_="report-agent"),
        el("input", type="text", name="agent", id="report-agent", value=asked.word("agent") or "",
           list="report-agents", autocomplete="off"),
        el("datalist", (el("option", value=each) for each in asked.known.get("agent", ())), id="report-agents"),
    )  # fmt: skip
    week = el("input", type="hidden", name="week", value="1")
    return el("div", (_asking(inside, words) for inside, words in (
        (run, "Report a run"), (agent, "Report an agent"), (week, "Report this time beside the one before"),
    )), cls="reports")  # fmt: skip


def _asking(inside: Child, words: str) -> Html:
    field = el("div", inside, cls="field")
    return el("form", field, el("div", el("button", words, type="submit"), cls="actions"), method="get",
              action=PAGE.path, cls="filters")  # fmt: skip


def _draw(asked: Asked, answer: Report) -> Html:
    words = {name: value for name, value in asked.given.items() if name in ("run", "agent", "week", "since", "until")}
    rows: list[tuple[list[Child], str]] = [
        ([form, _ABOUT[form], _file(address("/report/file", **{**words, "form": form}))], "") for form in FORMS
    ]
    if run := asked.word("run"):
        rows += [([name, each.about, _file(address("/convert/file", run=run, to=name))], "")
                 for name, each in FILES.items()]  # fmt: skip
    sections = (([section.title, f"{len(section.blocks)}"], "") for section in answer.sections)
    return joined((
        common.section(answer.title, tables.table(_COLUMNS, rows, caption="Files"), common.hints(answer)),
        common.section("What is in it", tables.table(_SECTIONS, sections, caption="Sections of the report")),
    ))  # fmt: skip


def _file(href: str) -> Html:
    return el("a", "download", href=href, cls="button", download=True)


PAGE = Page("/report", "Report", ask, since="7d")

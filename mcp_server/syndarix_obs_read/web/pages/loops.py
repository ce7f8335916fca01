"""Which agents went in circles: one tool, the same arguments, again and again?"""

from __future__ import annotations

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.loops import Loop, LoopList, list_loops
from syndarix_obs_read.answers.messages import brief
from syndarix_obs_read.web.asked import Asked, attempt
from syndarix_obs_read.web.html import Child, Html, el, joined
from syndarix_obs_read.web.parts import common, filters, tables
from syndarix_obs_read.web.view import Page, View

_WORDS = ("agent", "tool", "project", "user")
_RARE = ("session", "task_type")
_COLUMNS = tables.columns(
    "tool", "agent", ">equal calls", "arguments*", ">first seen?", ">last seen", "session?", "trace"
)
_WIDTH = 200


async def ask(asked: Asked) -> View:
    """The loops."""
    found = await attempt(list_loops(asked.backend, asked.filter(*_WORDS, *_RARE), asked.period(), asked.limit()))
    return View("Loops", {"loops": found}, lambda: joined((
        filters.form(asked, *_WORDS, rare=_RARE), common.shown(found, lambda answer: _draw(asked, answer)),
    )))  # fmt: skip


def _draw(asked: Asked, answer: LoopList) -> Child:
    if not answer.loops:
        return common.empty(answer, "loops")
    return table(asked, answer.loops), tables.larger(asked, answer, len(answer.loops)), common.hints(answer)


def table(asked: Asked, loops: tuple[Loop, ...]) -> Html:
    """Loops as a table."""
    return tables.table(_COLUMNS, ((_row(asked, each), "") for each in loops), caption="Loops, the last first")


def _row(asked: Asked, loop: Loop) -> list[Child]:
    arguments = _no_arguments() if loop.arguments is None else el("code", brief(loop.arguments, _WIDTH), cls="cut-line")
    return [
        common.chip(loop.tool, kind="tool_call"),
        common.name(loop.agent),
        f"{loop.calls:,}",
        arguments,
        common.moment(loop.first_detected, asked.zone),
        common.moment(loop.last_detected, asked.zone),
        common.session_link(asked, loop.session_id),
        common.trace_link(asked, loop.trace_id),
    ]


def _no_arguments() -> Html:
    """What stands where payloads are not kept."""
    return el("span", f.NOTHING, cls="dim", title="Arguments are not kept: SYNDARIX_OBS_CAPTURE")


PAGE = Page("/loops", "Loops", ask)

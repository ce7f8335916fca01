"""What is different between two runs? Aligned step by step; the address holds both, so that it can be sent on."""

from __future__ import annotations

import re
from typing import Final

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.base import Answer
from syndarix_obs_read.answers.diff import RunDiff, Side, StepChange, diff, words_of
from syndarix_obs_read.errors import NotFound
from syndarix_obs_read.replay.load import tape_named
from syndarix_obs_read.web.asked import Asked, attempt
from syndarix_obs_read.web.html import Child, Html, el, joined
from syndarix_obs_read.web.parts import common, tables
from syndarix_obs_read.web.view import Page, View

_COLUMNS = tables.columns("run", ">steps", ">model calls", ">tool calls", ">tokens", ">cost", ">time", "outcome*")
_WORDS: Final = re.compile(r"(\[-.*?-\]|\{\+.*?\+\})", re.DOTALL)


class Nothing(Answer):
    """Two runs have not been named yet."""


async def ask(asked: Asked) -> View:
    """Both runs, or a form that asks for them."""
    before, after = asked.word("a"), asked.word("b")
    if before is None or after is None:
        return View("Compare", {"diff": Nothing(backend=asked.backend.name)}, lambda: _form(before, after))
    found = await attempt(_compare(asked, before, after))
    return View("Compare", {"diff": found}, lambda: joined((_form(before, after), common.shown(found, draw))))


async def _compare(asked: Asked, before: str, after: str) -> RunDiff:
    if before.endswith(".json") or after.endswith(".json"):
        raise NotFound("a page compares what is stored; compare files with the command `syndarix-obs diff`")
    tapes = [await tape_named(asked.backend, asked.settings, name) for name in (before, after)]
    return diff(asked.backend.name, *tapes, limit=asked.limit(60, 500))


def _form(before: str | None, after: str | None) -> Html:
    fields: list[Child] = []
    for name, key, value in (("before", "a", before), ("after", "b", after)):
        field = el("input", type="text", id=f"run-{key}", name=key, value=value or "",
                   placeholder="session, trace or replay")  # fmt: skip
        fields.append(el("div", el("label", name, for_=f"run-{key}"), field, cls="field wide"))
    button = el("div", el("button", "Compare", type="submit"), cls="actions")
    return el("form", fields, button, method="get", action=PAGE.path, cls="filters")


def draw(answer: RunDiff) -> Html:
    """Two runs aligned."""
    return joined((
        el("ul", (el("li", line) for line in answer.summary), cls="events"),
        tables.table(_COLUMNS, ((_side(each), "") for each in (answer.before, answer.after)), caption="Both runs"),
        *(_step(each) for each in answer.steps),
        el("p", f"{answer.more_steps} more steps differ", cls="dim") if answer.more_steps else None,
    ))  # fmt: skip


def _side(side: Side) -> list[Child]:
    cost = f.money(side.cost_usd) if side.cost_usd is not None else f.NOTHING
    return [
        common.short(side.name), f.count(side.steps), f.count(side.model_calls), f.count(side.tool_calls),
        f.count(side.tokens), cost, f.duration(side.seconds * 1000), side.outcome or side.status,
    ]  # fmt: skip


def _step(step: StepChange) -> Html:
    number = " → ".join(str(each) for each in (step.before, step.after) if each is not None)
    money = None if step.cost_usd is None else el("span", f" {f.difference(step.cost_usd)}", cls="dim num")
    head = el("h3", common.chip(step.change), f" step {number}: {step.kind} ", el("b", step.title), money)
    places = (el("li", el("code", each.path), " ", _marked(words_of(each))) for each in step.changes)
    more = el("li", f"{step.more_changes} more places", cls="dim") if step.more_changes else None
    return el("section", head, el("ul", places, more, cls="events") if step.changes else None, cls="step-change")


def _marked(text: str) -> Html:
    """Words that went and came, as what they are."""
    return joined(_part(part) for part in _WORDS.split(text))


def _part(part: str) -> Child:
    if part.startswith("[-"):
        return el("del", part[2:-2])
    return el("ins", part[2:-2]) if part.startswith("{+") else part


PAGE = Page("/diff", "", ask, under="/compare", timed=False)

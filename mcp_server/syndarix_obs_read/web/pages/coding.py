"""Coding agents: what they cost by repository, branch, session, sub-agent or skill, what filled their context, and what
was refused."""

from __future__ import annotations

from typing import Final, cast

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.coding import CODING_DIMENSIONS, CodingDimension, CodingSummary, summarise_coding
from syndarix_obs_read.errors import FilterError
from syndarix_obs_read.web.asked import Asked, attempt
from syndarix_obs_read.web.html import Child, Html, el, joined
from syndarix_obs_read.web.parts import charts, common, filters, tables
from syndarix_obs_read.web.view import Page, View

_WORDS: Final = ("agent", "project", "model")
_RARE: Final = ("session",)
_COLUMNS: Final = (
    *tables.columns(">sessions", ">calls?", ">input"),
    tables.Column("cached", number=True, about="Share of the input that came from the provider's cache"),
    *tables.columns(">output?"),
    tables.Column("largest context", number=True, spare=True, about="Tokens of the largest request"),
    *tables.columns(">cost"),
)
_CONTEXT: Final = (
    tables.Column("source", grows=True),
    tables.Column("tokens", number=True, about="Estimated by length for tools; as billed for answers"),
    *tables.columns(">times", ">share"),
)


async def ask(asked: Asked) -> View:
    """The sums."""
    by = dimensions(asked.word("by") or CODING_DIMENSIONS[0])
    found = await attempt(
        summarise_coding(
            asked.backend, asked.filter(*_WORDS, *_RARE), asked.period(), by, limit=asked.limit()
        )
    )  # fmt: skip
    return View("Coding agents", {"coding": found}, lambda: joined((
        filters.form(asked, *_WORDS, rare=_RARE), _choice(asked, by),
        common.shown(found, lambda answer: _draw(asked, answer)),
    )))  # fmt: skip


def dimensions(text: str) -> tuple[CodingDimension, ...]:
    """The dimensions of `?by=`; FilterError for one that there is not."""
    found = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in found:
        if name not in CODING_DIMENSIONS:
            raise FilterError(
                f"coding agents cannot be grouped by {name!r}; possible: {', '.join(CODING_DIMENSIONS)}"
            )
    return cast(tuple[CodingDimension, ...], found)


def _choice(asked: Asked, by: tuple[CodingDimension, ...]) -> Html:
    links: list[Child] = [
        el("a", each, href=asked.here(by=each, limit=None), aria_current="true" if by == (each,) else None)
        for each in CODING_DIMENSIONS
    ]
    if len(by) > 1:
        links.append(el("span", ", ".join(by), aria_current="true"))
    return el("nav", el("span", "by", cls="dim"), links, cls="time", aria_label="Group by")


def _draw(asked: Asked, answer: CodingSummary) -> Child:
    if not (answer.groups or answer.context or answer.refused):
        return common.empty(answer, "coding agents")
    refused = sum(each.times for each in answer.refused)
    tiles = el(
        "div",
        common.tile(answer.period.text if answer.period else "all", common.money(answer.cost)),
        common.tile("calls", f.count(answer.cost.calls)),
        common.tile("compactions", f.count(answer.compactions), "a context was full"),
        common.tile("refused", f.count(refused), f"{len(answer.refused)} tools"),
        cls="tiles",
    )
    return (
        tiles, _groups(asked, answer), tables.larger(asked, answer, len(answer.groups)), _context(answer),
        _refused(asked, answer), common.hints(answer),
    )  # fmt: skip


def _groups(asked: Asked, answer: CodingSummary) -> Html:
    heads = (*(tables.Column(name, grows=at == 0) for at, name in enumerate(answer.by)), *_COLUMNS)
    rows: list[tuple[list[Child], str]] = [
        (
            [
                *(_key(asked, name, each.key[name]) for name in answer.by), f.count(each.sessions),
                f.count(each.cost.calls), f.count(each.input_tokens), f.percent(each.cache_read_share),
                f.count(each.output_tokens), f.count(each.largest_context), common.money(each.cost),
            ],
            "",
        )
        for each in answer.groups
    ]  # fmt: skip
    return tables.table(heads, rows, caption="Coding agents by " + ", ".join(answer.by))


def _key(asked: Asked, name: str, value: str | None) -> Child:
    if value is None:
        return el("span", "none named", cls="dim")
    if name == "session":
        return common.session_link(asked, value)
    words = {"repository": "project", "agent": "agent", "model": "model"}
    if name not in words:
        return common.name(value)
    return el("a", value, href=asked.here(**{words[name]: value, "by": "session", "limit": None}), title=value)


def _context(answer: CodingSummary) -> Child:
    if not answer.context:
        return None
    rows: list[tuple[list[Child], str]] = [
        ([common.name(each.source), f.count(each.tokens), f.count(each.times), charts.rate(each.share, "")], "")
        for each in answer.context
    ]
    return common.section("What filled the context", tables.table(_CONTEXT, rows, caption="Sources of the context"))


def _refused(asked: Asked, answer: CodingSummary) -> Child:
    if not answer.refused:
        return None
    rows: list[tuple[list[Child], str]] = [
        (
            [common.name(each.tool), f.count(each.times), f.count(each.sessions), common.moment(each.last, asked.zone),
             (*each.reasons, f.NOTHING)[0]], "",
        )
        for each in answer.refused
    ]  # fmt: skip
    heads = tables.columns("tool", ">times", ">sessions", "last?", "last reason*")
    return common.section("Refused", tables.table(heads, rows, caption="Tools that were refused"))


PAGE = Page("/coding", "Coding agents", ask, since="30d")

"""Does the money last? Each budget with what is spent, reserved and refused."""

from __future__ import annotations

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers import budget_words as words
from syndarix_obs_read.answers.budgets import BudgetList, BudgetState, budget_states
from syndarix_obs_read.budgets import known
from syndarix_obs_read.web.asked import Asked, attempt
from syndarix_obs_read.web.html import Child, el, joined
from syndarix_obs_read.web.parts import common, tables
from syndarix_obs_read.web.view import Page, View

_COLUMNS = (
    tables.Column("budget", grows=True),
    tables.Column("whose", grows=True),
    tables.Column("per"),
    tables.Column("spent", number=True, about="In the current period, by the ledger"),
    tables.Column("limit", number=True),
    tables.Column("used", number=True, about="Share of the limit that is nearest"),
    tables.Column("reserved", number=True, about="Held by the guard for calls that are under way"),
    tables.Column("refused", number=True, about="Times that the limit was met on this machine"),
    tables.Column("over", about="What becomes of a call that is over the limit"),
    tables.Column("ends", about="When the limit begins anew"),
)
_NEAR = 0.8


async def ask(asked: Asked) -> View:
    """All budgets."""
    found = await attempt(_states(asked))
    return View("Budgets", {"budgets": found}, lambda: joined((common.shown(found, lambda all_: _draw(asked, all_)),)))


async def _states(asked: Asked) -> BudgetList:
    return await budget_states(asked.backend, known(asked.settings), limit=asked.limit())


def _draw(asked: Asked, answer: BudgetList) -> Child:
    if not answer.budgets:
        return common.empty(answer, "budgets")
    rows = [(_cells(asked, each), "") for each in answer.budgets]
    return (
        tables.table(_COLUMNS, rows, caption="Budgets, the most used first"),
        tables.larger(asked, answer, len(answer.budgets)),
        common.hints(answer),
    )


def _used(found: BudgetState) -> Child:
    used = found.used or 0
    if used < _NEAR:
        return f.percent(found.used)
    return el("span", f.percent(found.used), cls=f"badge {'is-failing' if used >= 1 else 'is-warning'}")


def _cells(asked: Asked, found: BudgetState) -> list[Child]:
    return [
        common.name(found.name), words.whose(found), found.per, words.spent(found), words.limit(found),
        _used(found), f.money(found.reserved_usd), f.count(found.refused), found.on_exceed,
        common.moment(found.ends, asked.zone),
    ]  # fmt: skip


PAGE = Page("/budgets", "Budgets", ask)

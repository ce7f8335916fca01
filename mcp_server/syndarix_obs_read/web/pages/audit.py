"""Who read payloads, exported, archived and erased? For those whose token has the role `privacy`."""

from __future__ import annotations

from typing import Final

from syndarix_obs_read.answers.audit import AuditEntry, AuditTrail, OpenErasure, list_audit
from syndarix_obs_read.serving.roles import need
from syndarix_obs_read.web.asked import Asked, attempt
from syndarix_obs_read.web.html import Child, Html, el, joined
from syndarix_obs_read.web.parts import common, tables
from syndarix_obs_read.web.view import Page, View

_COLUMNS: Final = tables.columns("when", "who", "did", "what*")
_ERASURES: Final = tables.columns("person", "asked", "by", "not gone yet*")


async def ask(asked: Asked) -> View:
    """The trail of the time, and the state of erasures."""
    need("may_see_audit", "see the audit trail")
    found = await attempt(list_audit(asked.backend, asked.settings.home, asked.period(), asked.limit()))
    return View("Audit", {"audit": found}, lambda: common.shown(found, lambda answer: _draw(asked, answer)))


def _draw(asked: Asked, answer: AuditTrail) -> Child:
    said = f"{answer.receipts} receipts; the chain is {answer.chain}"
    return joined((
        common.section("Actions", _table(asked, answer) if answer.entries else common.empty(answer, "actions")),
        common.section("Erasures", el("p", said), _erasures(answer) if answer.erasures else None),
    ))  # fmt: skip


def _table(asked: Asked, answer: AuditTrail) -> Html:
    rows = ((_row(asked, each), "") for each in answer.entries)
    return tables.table(_COLUMNS, rows, caption="Actions, the last first")


def _row(asked: Asked, each: AuditEntry) -> list[Child]:
    return [common.moment(each.at, asked.zone), each.who, each.action, each.detail]


def _erasures(answer: AuditTrail) -> Html:
    rows = ((_erasure(each), "") for each in answer.erasures)
    return tables.table(_ERASURES, rows, caption="Erasures under way")


def _erasure(each: OpenErasure) -> list[Child]:
    return [common.name(each.pseudonym), each.asked_at, each.asked_by, "; ".join(each.left)]


PAGE = Page("/audit", "Audit", ask, since="30d")

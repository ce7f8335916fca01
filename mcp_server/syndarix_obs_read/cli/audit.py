"""`syndarix-obs audit`: the command and its drawing."""

from __future__ import annotations

from syndarix_obs_read import formats
from syndarix_obs_read.answers.audit import AuditTrail, list_audit
from syndarix_obs_read.cli.asking import ask
from syndarix_obs_read.cli.options import Common, Rows, When
from syndarix_obs_read.cli.screen import Screen


def audit(common: Common, when: When, rows: Rows) -> None:
    """List who read payloads, exported, archived and erased."""
    ask(
        common,
        lambda asker, backend: list_audit(backend, asker.settings.home, asker.period(when), asker.limit(rows)),
        draw_audit,
    )


def draw_audit(screen: Screen, answer: AuditTrail) -> None:
    """Actions, one a line, and the erasures that are under way."""
    screen.heading("Audit trail", answer)
    for each in answer.entries:
        screen.line(f"{formats.moment(each.at, screen.zone)}  {each.who}  {each.action}: {each.detail}")
    screen.line(f"{answer.receipts} receipts of erasures; the chain is {answer.chain}")
    for erasure in answer.erasures:
        screen.line(f"erasure of {erasure.pseudonym}, asked {erasure.asked_at} by {erasure.asked_by}: under way")
        for place in erasure.left:
            screen.line(f"  {place}", "dim")

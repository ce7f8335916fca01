"""`syndarix-obs reconcile`: the command and its drawing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers import reconcile as reconcile_answer
from syndarix_obs_read.answers.bill import BillRow, Reconciliation
from syndarix_obs_read.bills.lessons import as_file
from syndarix_obs_read.bills.sources import open_bill, provider_of
from syndarix_obs_read.cli.asking import ask
from syndarix_obs_read.cli.options import Common, Rows
from syndarix_obs_read.cli.screen import Screen, headers


def reconcile(
    common: Common,
    rows: Rows,
    provider: Annotated[str, typer.Option(help="Whose bill: openai or anthropic.")],
    month: Annotated[
        str | None, typer.Option(help="A month of UTC days, such as 2026-11. Default: the current one.")
    ] = None,
    csv: Annotated[
        list[Path] | None,
        typer.Option(help="Export of the provider's console in place of its API; once for costs, once for usage."),
    ] = None,
    admin_key_file: Annotated[
        Path | None, typer.Option(help="File with the admin key; the settings name one for each provider.")
    ] = None,
    watched: Annotated[
        list[str] | None,
        typer.Option(help="Key or project that is recorded here, once for each; unless given, they are found out."),
    ] = None,
    prices: Annotated[
        bool, typer.Option("--prices", help="Print only what the bill teaches, as entries for the prices file.")
    ] = False,
    base_url: Annotated[str | None, typer.Option(help="Base URL of the provider's admin API.")] = None,
) -> None:
    """Hold the ledger against the provider's bill by UTC day and model, tokens first; each difference has its cause."""
    whose = provider_of(provider)
    ask(
        common,
        lambda asker, backend: reconcile_answer.reconcile(
            backend,
            open_bill(asker.settings, whose, key_file=admin_key_file, files=csv or (), base_url=base_url),
            whose, month, watched=watched or (), prices_file=asker.settings.prices_file, limit=asker.limit(rows),
        ),
        draw_prices if prices else draw_reconciliation,
    )  # fmt: skip


def draw_prices(screen: Screen, answer: Reconciliation) -> None:
    """Entries for the prices file and nothing else, so that they can be written into it."""
    if answer.prices:
        print(as_file(answer.prices))
    elif not screen.piped:
        screen.line("the bill teaches no other price", "dim")


def draw_reconciliation(screen: Screen, answer: Reconciliation) -> None:
    """The sentence, the causes, the days with the largest differences, keys that are not seen."""
    screen.heading(f"Bill of {answer.provider}", answer)
    screen.text(answer.sentence, "bold" if not screen.piped else "")
    causes = [
        ([each.cause, f.difference(each.usd), f.count(each.tokens), "; ".join(each.who)], "") for each in answer.causes
    ]
    screen.line()
    screen.table(headers("cause", ">dollars", ">tokens", "about*"), causes)
    if causes:
        screen.line()
    columns = headers("day", "model*", ">seen", ">billed", ">difference", ">seen tokens", ">billed tokens", "cause*")
    screen.table(columns, ((_cells(row), "" if row.settled else "dim") for row in answer.rows))
    if screen.piped:
        return
    if answer.settled_through is None or any(not row.settled for row in answer.rows):
        through = f"through {answer.settled_through}" if answer.settled_through else "for no day"
        screen.line(f"the provider's report is final {through}; later days may still grow", "dim")
    for account in answer.accounts:
        if not account.seen:
            name = f"{account.key or 'no key'} of {account.project or 'the default project'}"
            screen.line(f"not recorded here: {name}, {account.tokens:,} tokens, {f.money(account.usd)}", "yellow")
    if answer.prices:
        screen.line(f"{len(answer.prices)} entries for the prices file: see them with --prices", "yellow")


def _cells(row: BillRow) -> list[str]:
    seen, billed = (sum(getattr(each, name) or 0 for each in row.classes) for name in ("seen", "billed"))
    causes = dict.fromkeys(each.cause for each in row.causes)
    return [
        f"{row.day}", row.model or "(fees)", f.money(row.seen_usd), f.money(row.billed_usd),
        f.difference(row.difference_usd), f.count(seen), f.count(billed), ", ".join(causes),
    ]  # fmt: skip

"""Does the provider bill what was seen? Its bill beside the ledger, with the cause of each difference."""

from __future__ import annotations

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.bill import BillRow, BillUnread, Reconciliation
from syndarix_obs_read.answers.reconcile import reconcile
from syndarix_obs_read.bills.admin_key import WHERE
from syndarix_obs_read.bills.lessons import as_file
from syndarix_obs_read.bills.model import PROVIDERS, Provider
from syndarix_obs_read.bills.sources import has_key, open_bill, provider_of
from syndarix_obs_read.settings import variable
from syndarix_obs_read.web.asked import Asked, attempt
from syndarix_obs_read.web.html import Child, Html, el, joined
from syndarix_obs_read.web.parts import common, tables
from syndarix_obs_read.web.view import Page, View

_CAUSES = (
    tables.Column("cause"), tables.Column("dollars", number=True, about="Billed without seen"),
    tables.Column("tokens", number=True, about="Billed without seen"), tables.Column("about", grows=True),
)  # fmt: skip
_ROWS = tables.columns(
    "day", "model*", ">seen", ">billed", ">difference", ">seen tokens?", ">billed tokens?", "cause"
)  # fmt: skip
_ACCOUNTS = tables.columns("project", "key*", ">tokens", ">dollars", "here")


async def ask(asked: Asked) -> View:
    """The bill of one provider and month."""
    provider = _provider(asked)
    if not has_key(asked.settings, provider):
        missing = BillUnread(backend=asked.backend.name, needs=WHERE[provider])
        return View("Bill", {"reconciliation": missing}, lambda: joined((_form(asked, provider), _no_key(provider))))
    found = await attempt(_reconciled(asked, provider))
    return View("Bill", {"reconciliation": found}, lambda: joined((
        _form(asked, provider), common.shown(found, lambda answer: _draw(asked, answer)),
    )))  # fmt: skip


def _provider(asked: Asked) -> Provider:
    """The one that was asked for, or the first whose bill can be read."""
    name = asked.word("provider")
    if name is not None:
        return provider_of(name)
    return next((each for each in PROVIDERS if has_key(asked.settings, each)), PROVIDERS[0])


async def _reconciled(asked: Asked, provider: Provider) -> Reconciliation:
    return await reconcile(
        asked.backend, open_bill(asked.settings, provider), provider, asked.word("month"),
        prices_file=asked.settings.prices_file, limit=asked.limit(),
    )  # fmt: skip


def _form(asked: Asked, provider: Provider) -> Html:
    links: list[Child] = [
        el("a", each, href=asked.here(provider=each), aria_current="true" if each == provider else None)
        for each in PROVIDERS
    ]
    month = el(
        "form",
        el("input", type="hidden", name="provider", value=provider),
        el("div", el("label", "month", for_="f-month"),
           el("input", name="month", id="f-month", value=asked.word("month") or "", placeholder="2026-11"),
           cls="fields"),
        el("div", el("button", "Apply", type="submit"), cls="actions"),
        method="get", action=asked.path, cls="filters",
    )  # fmt: skip
    return joined((el("nav", el("span", "bill of", cls="dim"), links, cls="time", aria_label="Provider"), month))


def _no_key(provider: Provider) -> Html:
    setting = variable(f"{provider}_admin_key_file")
    return el(
        "div",
        el("p", f"No admin key of {provider} is set.", cls="empty-title"),
        el("p", f"The bill is read with one: {WHERE[provider]}. Write it into a file and set ", el("code", setting),
           " to it. Without a key, export the bill in the console: ",
           el("code", f"syndarix-obs reconcile --provider {provider} --csv FILE"), "."),
        cls="empty",
    )  # fmt: skip


def _draw(asked: Asked, answer: Reconciliation) -> Child:
    through = f"final through {answer.settled_through}" if answer.settled_through else "no day is final yet"
    tone = "is-warning" if (answer.ratio or 0) > 0.01 else ""
    share = f"{f.percent(answer.ratio)} of the bill" if answer.ratio is not None else None
    return (
        el("p", answer.sentence),
        el(
            "div",
            common.tile("billed", f.money(answer.billed_usd), f"{answer.source}, {through}"),
            common.tile("seen", f.money(answer.seen_usd), f"{answer.seen_tokens:,} tokens"),
            common.tile("difference", f.difference(answer.difference_usd), share, tone=tone),
            cls="tiles",
        ),
        _causes(answer),
        _rows(answer),
        tables.larger(asked, answer, len(answer.rows)),
        _accounts(answer),
        _prices(answer),
        common.hints(answer),
    )


def _causes(answer: Reconciliation) -> Child:
    if not answer.causes:
        return None
    rows: list[tuple[list[Child], str]] = [
        ([el("abbr", each.cause, title=each.meaning), f.difference(each.usd), f.count(each.tokens),
          "; ".join(each.who)], "")
        for each in answer.causes
    ]  # fmt: skip
    return common.section("Causes", tables.table(_CAUSES, rows, caption="Causes of the difference"))


def _rows(answer: Reconciliation) -> Child:
    rows = [(_row(each), "" if each.settled else "dim") for each in answer.rows]
    return common.section("Days and models", tables.table(_ROWS, rows, caption="Seen and billed by day and model"))


def _row(row: BillRow) -> list[Child]:
    seen, billed = (sum(getattr(each, name) or 0 for each in row.classes) for name in ("seen", "billed"))
    causes = dict.fromkeys(each.cause for each in row.causes)
    return [
        f"{row.day}", row.model or common.dim("fees"), f.money(row.seen_usd), f.money(row.billed_usd),
        f.difference(row.difference_usd), f.count(seen), f.count(billed), ", ".join(causes),
    ]  # fmt: skip


def _accounts(answer: Reconciliation) -> Child:
    if not answer.accounts:
        return None
    rows: list[tuple[list[Child], str]] = [
        ([common.name(each.project), common.name(each.key), f.count(each.tokens), f.money(each.usd),
          "recorded" if each.seen else el("span", "not recorded", cls="is-warning")], "")
        for each in answer.accounts
    ]  # fmt: skip
    return common.section("Keys and projects", tables.table(_ACCOUNTS, rows, caption="Keys and projects of the bill"))


def _prices(answer: Reconciliation) -> Child:
    if not answer.prices:
        return None
    about = "What the bill teaches about prices. Nothing is applied: look at it, then write it into the prices file."
    return common.section("Prices", el("p", about), el("pre", as_file(answer.prices)))


PAGE = Page("/reconcile", "Bill", ask, timed=False)

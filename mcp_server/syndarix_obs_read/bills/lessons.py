"""What a bill teaches about prices: dated entries for the prices file, offered and never applied."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from syndarix_obs_read.amounts import Frozen, plain
from syndarix_obs_read.analysis.repricing import ZERO
from syndarix_obs_read.bills.model import CLASSES, STANDARD
from syndarix_obs_read.bills.money import Ratio, Valued

_FIELDS: Final = {
    "input": "input_per_mtok", "output": "output_per_mtok", "cache_read": "cache_read_per_mtok",
    "cache_write": "cache_write_per_mtok",
}  # fmt: skip
_DIGITS: Final = 5
_MILLION: Final = Decimal(1_000_000)


class PriceEntry(Frozen):
    """An entry for the prices file that would make the ledger say what the bill says."""

    provider: str
    model: str
    first_day: date
    rates: Mapping[str, str]
    why: str
    yaml: str


def entries(
    valued: Sequence[Valued], learned: Mapping[tuple[str, str], Ratio], *, provider: str, month: str, today: date
) -> tuple[PriceEntry, ...]:
    """Entries for models that the bill prices otherwise, and for those that no price was known of."""
    by_model: dict[str, list[Ratio]] = defaultdict(list)
    for (model, _), ratio in learned.items():
        by_model[model].append(ratio)
    found = []
    for model, ratios in sorted(by_model.items()):
        cells = [each for each in valued if each.cell.model == model and each.listed]
        if cells:
            found.append(_learned(model, ratios, cells, provider, month, today))
    for model in sorted({each.cell.model for each in valued if not each.listed and each.cell.costs}):
        cells = [each for each in valued if each.cell.model == model]
        found.append(_unknown(model, cells, provider, month, today))
    return tuple(found)


def _learned(
    model: str, ratios: Sequence[Ratio], cells: Sequence[Valued], provider: str, month: str, today: date
) -> PriceEntry:
    first = min(min(ratio.days) for ratio in ratios)
    usual = {ratio.token_class: Decimal(str(ratio.usual)) for ratio in ratios}
    at = next((each for each in cells if each.cell.day >= first), cells[-1])
    rates = {name: at.rates[STANDARD][name] * usual.get(name, Decimal(1)) for name in CLASSES}
    words = ", ".join(f"{ratio.token_class} × {ratio.usual:.4g}" for ratio in ratios)
    return _entry(model, first, rates, f"the bill has {words} of our rate since {first}", provider, month, today)


def _unknown(model: str, cells: Sequence[Valued], provider: str, month: str, today: date) -> PriceEntry:
    paid, tokens = dict.fromkeys(CLASSES, ZERO), dict.fromkeys(CLASSES, 0)
    for each in cells:
        for line in each.cell.costs:
            if line.token_class in paid:
                paid[line.token_class] += line.usd
        for name, count in each.cell.billed.by_class().items():
            tokens[name] += count
    rates = {name: paid[name] / tokens[name] for name in CLASSES if tokens[name]}
    rates = {"input": ZERO, "output": ZERO, **rates}
    first = min(each.cell.day for each in cells)
    return _entry(model, first, rates, "no price was known; these are dollars ÷ tokens of the bill", provider, month,
                  today)  # fmt: skip


def _entry(
    model: str, first: date, rates: Mapping[str, Decimal], why: str, provider: str, month: str, today: date
) -> PriceEntry:
    shown = {_FIELDS[name]: _rounded(rates[name] * _MILLION) for name in _FIELDS if name in rates}
    lines = [f"- provider: {provider}", f"  model: {model}", f"  from: {first}", "  until: null"]
    lines += [f"  {name}: {rate}" for name, rate in shown.items()]
    lines += ["  currency: USD", f"  checked: {today}", f"  source: bill of {provider} for {month}, by reconcile"]
    return PriceEntry(
        provider=provider, model=model, first_day=first, rates=shown, why=why, yaml="\n".join((f"# {why}", *lines))
    )


def _rounded(rate: Decimal) -> str:
    """Five digits: what dollars of a bill can tell."""
    return plain(rate.normalize() if not rate else round(rate, _DIGITS - 1 - rate.adjusted()))


def as_file(found: Iterable[PriceEntry]) -> str:
    """The entries as a prices file."""
    return "\n\n".join(each.yaml for each in found)

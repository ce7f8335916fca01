"""CSV exports of the providers' consoles in place of the API.

Four forms, told by their columns: OpenAI's costs (`amount_value`, `line_item`) and usage (`num_model_requests`,
`input_tokens`), Anthropic's costs (`token_type`, `cost_usd`) and usage (`usage_input_tokens_no_cache`). Several files
make one bill: with tokens only, or dollars only, only that is compared.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from syndarix_obs_read.bills.model import BATCH, Bill, CostLine, Provider, UsageLine, tier_of
from syndarix_obs_read.bills.openai_api import count, dollars, item_of, text, usage_line
from syndarix_obs_read.errors import BackendAnswer, SettingsError

Row = Mapping[str, str]

_MOST_BYTES: Final = 200 * 1024 * 1024
_TIMES: Final = ("start_time_iso", "start_time", "date")
_CLASSES: Final = {
    "input_no_cache": "input", "input": "input", "input_cache_read": "cache_read", "cache_read": "cache_read",
    "input_cache_write_5m": "cache_write", "input_cache_write_1h": "cache_write", "input_cache_write": "cache_write",
    "cache_write": "cache_write", "output": "output",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Form:
    """One kind of export.

    Args:
        provider: whose console writes it.
        what: `costs` or `usage`.
        needs: columns without which it cannot be read; of names in one text with `|` any one will do.
        line: makes a line of a row.
    """

    provider: Provider
    what: str
    needs: tuple[str, ...]
    line: Callable[[Row], CostLine | UsageLine]

    def lacks(self, columns: Iterable[str]) -> list[str]:
        """Columns that are missing."""
        return [each for each in self.needs if not set(each.split("|")) & set(columns)]


def _openai_cost(row: Row) -> CostLine:
    item = row.get("line_item") or "all"
    model, token_class, tier = item_of(item)
    return CostLine(
        day=_day(row, _TIMES), usd=dollars(row.get("amount_value")), item=item, model=model, token_class=token_class,
        tier=tier, project=text(row.get("project_id")), key=text(row.get("api_key_id")),
    )  # fmt: skip


def _openai_usage(row: Row) -> UsageLine:
    return usage_line(_day(row, _TIMES), row)


def _anthropic_cost(row: Row) -> CostLine:
    kind = row.get("cost_type") or "token"
    tokens = kind in ("token", "tokens")
    return CostLine(
        day=_day(row, ("usage_date_utc",)),
        usd=dollars(row.get("cost_usd")),
        item=kind if not tokens else f"{row.get('model')}, {row.get('token_type')}",
        model=_model(row.get("model")) if tokens else None,
        token_class=_CLASSES.get((row.get("token_type") or "").strip().lower()),
        tier=_usage_type(row) if tokens else None,
        project=text(row.get("workspace")),
        key=text(row.get("api_key_id") or row.get("api_key")),
    )


def _anthropic_usage(row: Row) -> UsageLine:
    written = ("usage_input_tokens_cache_write_5m", "usage_input_tokens_cache_write_1h")
    return UsageLine(
        day=_day(row, ("usage_date_utc",)),
        model=_model(row.get("model_version") or row.get("model")) or "unknown",
        tokens={
            "input": count(row.get("usage_input_tokens_no_cache")),
            "cache_read": count(row.get("usage_input_tokens_cache_read")),
            "cache_write": sum(count(row.get(name)) for name in written),
            "output": count(row.get("usage_output_tokens")),
        },
        tier=_usage_type(row),
        project=text(row.get("workspace")),
        key=text(row.get("api_key_id") or row.get("api_key")),
        long_writes=count(row.get("usage_input_tokens_cache_write_1h")),
        searches=count(row.get("web_search_count")),
    )


FORMS: Final = (
    Form("openai", "costs", ("start_time_iso|start_time|date", "amount_value", "line_item"), _openai_cost),
    Form("openai", "usage", ("start_time_iso|start_time|date", "model", "input_tokens", "output_tokens"),
         _openai_usage),
    Form("anthropic", "costs", ("usage_date_utc", "model", "token_type", "cost_usd"), _anthropic_cost),
    Form("anthropic", "usage", ("usage_date_utc", "model_version|model", "usage_input_tokens_no_cache",
                                "usage_output_tokens"), _anthropic_usage),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ConsoleExport:
    """Reads files that somebody exported."""

    provider: Provider
    files: Sequence[Path]

    async def read(self, first: date, end: date) -> Bill:
        """See `BillSource`."""
        usage: list[UsageLine] = []
        costs: list[CostLine] = []
        names = []
        for file in self.files:
            names.append(file.name)
            for line in lines_of(file, self.provider):
                if not first <= line.day < end:
                    continue
                if isinstance(line, UsageLine):
                    usage.append(line)
                else:
                    costs.append(line)
        remarks = []
        if not usage and not any(line.quantity for line in costs):
            remarks.append("the files hold no tokens: only dollars are compared; add the export of the usage")
        if not costs:
            remarks.append("the files hold no dollars: only tokens are compared; add the export of the costs")
        return Bill(
            provider=self.provider, source=", ".join(names), usage=tuple(usage), costs=tuple(costs),
            utc=self.provider == "anthropic", remarks=tuple(remarks),
        )  # fmt: skip


def lines_of(file: Path, provider: Provider) -> list[CostLine | UsageLine]:
    """The lines of one file.

    Raises:
        SettingsError: it cannot be read, or its columns are others; the message names them.
        BackendAnswer: a row cannot be read; the message names file, row and cause.
    """
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise SettingsError(f"{file} is larger than {_MOST_BYTES >> 20} MiB; export a shorter time")
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.DictReader(opened)
            columns = [name.strip().lower() for name in reader.fieldnames or ()]
            reader.fieldnames = columns
            form = form_of(file, provider, columns)
            return [_line(form, file, reader.line_num, row) for row in reader if any(row.values())]
    except OSError as error:
        raise SettingsError(f"the export {file} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(f"the export {file} is no CSV file: {error}") from None


def form_of(file: Path, provider: Provider, columns: Sequence[str]) -> Form:
    """The form that these columns have.

    Raises:
        SettingsError: none of this provider's; names the columns that are missing and those that are there.
    """
    fits = [form for form in FORMS if not form.lacks(columns)]
    mine = next((form for form in fits if form.provider == provider), None)
    if mine is not None:
        return mine
    if fits:
        raise SettingsError(f"{file} is an export of {fits[0].provider}, not of {provider}: say --provider differently")
    own = [form for form in FORMS if form.provider == provider]
    lacking = "; ".join(f"for {form.what} it lacks {_words(form.lacks(columns))}" for form in own)
    raise SettingsError(f"{file} has other columns ({', '.join(columns) or 'none'}): {lacking}")


def _words(columns: Iterable[str]) -> str:
    return ", ".join(each.replace("|", " or ") for each in columns)


def _line(form: Form, file: Path, number: int, row: Row) -> CostLine | UsageLine:
    try:
        return form.line(row)
    except BackendAnswer as error:
        raise BackendAnswer(f"{file}, line {number}: {error.message}") from None


def _day(row: Row, names: Sequence[str]) -> date:
    value = next((row[name].strip() for name in names if (row.get(name) or "").strip()), "")
    try:
        if value.isdecimal() and len(value) >= 10:
            return datetime.fromtimestamp(int(value), UTC).date()
        if len(value) == 10:
            return date.fromisoformat(value)
        moment = datetime.fromisoformat(value)
        return (moment.astimezone(UTC) if moment.tzinfo else moment).date()
    except (ValueError, OverflowError, OSError):
        raise BackendAnswer(f"{names[0]} is {value!r}, which is no date") from None


def _model(name: str | None) -> str | None:
    """`Claude Haiku 4.5` as the API calls it."""
    plain = (name or "").strip().lower()
    return plain.replace(" ", "-").replace(".", "-") if plain.startswith("claude ") else plain or None


def _usage_type(row: Row) -> str:
    """The column says `message`, `standard` or `batch`, by its age."""
    found = tier_of(row.get("service_tier") or row.get("usage_type"))
    return BATCH if "batch" in found else "standard" if found == "message" else found

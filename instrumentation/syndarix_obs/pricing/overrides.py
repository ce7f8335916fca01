"""Dated prices from a YAML file, for models that the price data does not know or for contracts of your own.

    - provider: openai
      model: gpt-4o-mini*        # exact, or a prefix with a star at the end
      from: 2026-01-01           # first day
      until: null                # first day on which it no longer holds, or null
      input_per_mtok: 0.12
      output_per_mtok: 0.48
      cache_read_per_mtok: 0.06  # without it, cache tokens cost what input costs
      cache_write_per_mtok: null
      currency: USD
      checked: 2026-01-05        # when somebody last compared it with the source
      source: contract 4711      # where the price stands

Further rates, where a contract has them: `cache_write_1h_per_mtok`, `input_audio_per_mtok`, `output_audio_per_mtok`,
`cache_audio_read_per_mtok`, `input_image_per_mtok`, `output_image_per_mtok`, `web_searches_per_thousand`,
`file_searches_per_thousand`, `code_executions_per_thousand`, `requests_per_thousand`, `input_per_mchars`,
`audio_per_hour`. Instead of rates, `priced_as: openai/gpt-5-mini` says what an Azure deployment or an inference profile
with a name of your own stands for.

An exact model wins over a prefix, a longer prefix over a shorter one, a later `from` over an earlier one. An
override holds for every service tier unless it names one with `service_tier:`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

from syndarix_obs.errors import SettingsError
from syndarix_obs.pricing.catalogue import OwnPrices
from syndarix_obs.pricing.providers import price_data_id
from syndarix_obs.pricing.rates import MILLION, ZERO, Rates

_REQUIRED: Final = ("provider", "model", "from", "input_per_mtok", "output_per_mtok", "checked", "source")
_PLAIN: Final = ("until", "cache_read_per_mtok", "cache_write_per_mtok", "currency", "service_tier", "priced_as")
FURTHER_RATES: Final[Mapping[str, str]] = {
    "cache_write_1h_per_mtok": "cache_write_1h_mtok",
    "input_audio_per_mtok": "input_audio_mtok",
    "output_audio_per_mtok": "output_audio_mtok",
    "cache_audio_read_per_mtok": "cache_audio_read_mtok",
    "input_image_per_mtok": "input_image_mtok",
    "output_image_per_mtok": "output_image_mtok",
    "web_searches_per_thousand": "web_searches_kcount",
    "file_searches_per_thousand": "storage_searches_kcount",
    "code_executions_per_thousand": "code_executions_kcount",
    "requests_per_thousand": "requests_kcount",
    "input_per_mchars": "input_mchars",
    "audio_per_hour": "audio_hours",
}
"""Fields beside text, and the price data's name of each rate."""
_OPTIONAL: Final = (*_PLAIN, *FURTHER_RATES)
_EXAMPLES: Final[Mapping[str, str]] = {
    "provider": "openai", "model": "gpt-4o-mini*", "from": "2026-01-01", "until": "2026-07-01",
    "input_per_mtok": "0.15", "output_per_mtok": "0.60", "cache_read_per_mtok": "0.075",
    "cache_write_per_mtok": "0.1875", "currency": "USD", "checked": "2026-01-05", "source": "https://example.com/prices",
    "service_tier": "flex", "priced_as": "openai/gpt-5-mini", **dict.fromkeys(FURTHER_RATES, "12.5"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PricedAs:
    """Another model, whose price holds: `provider/model`."""

    model: str


@dataclass(frozen=True, slots=True)
class Override:
    """One checked entry of the file."""

    provider: str | None
    model: str
    first_day: date
    end_day: date | None
    service_tier: str | None
    rates: Rates
    further: Mapping[str, Decimal] = field(default_factory=dict)
    priced_as: str | None = None

    def matches(self, provider: str | None, model: str, tier: str | None, day: date) -> bool:
        """Whether it holds for a provider of the price data, a lower-case model, a tier and a day."""
        if self.provider != provider or day < self.first_day or (self.end_day is not None and day >= self.end_day):
            return False
        if self.service_tier is not None and self.service_tier != tier:
            return False
        return model.startswith(self.model[:-1]) if self.model.endswith("*") else model == self.model

    @property
    def entry(self) -> Rates | OwnPrices | PricedAs:
        """What the price book prices calls with."""
        if self.priced_as is not None:
            return PricedAs(self.priced_as)
        rates = self.rates
        if not self.further:
            return rates
        text = (rates.input, rates.output, rates.cache_read, rates.cache_write)
        names = ("input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok")
        plain = {name: rate * MILLION for name, rate in zip(names, text, strict=True) if rate is not None}
        return OwnPrices({**plain, **self.further}, rates.source)

    @property
    def rank(self) -> tuple[bool, int, bool, date]:
        """Larger wins: exact, long, made for a tier, recent."""
        return (not self.model.endswith("*"), len(self.model), self.service_tier is not None, self.first_day)


def select(
    overrides: tuple[Override, ...], provider: str | None, model: str, tier: str | None, day: date
) -> Override | None:
    """The override that holds, None when none does; of equals the last in the file."""
    name = model.lower()
    matching = [override for override in reversed(overrides) if override.matches(provider, name, tier, day)]
    return max(matching, key=lambda override: override.rank, default=None)


def load(path: Path) -> tuple[Override, ...]:
    """Read and check a file of overrides.

    Raises:
        SettingsError: names the file, the entry, the field, what is allowed, and an example.
    """
    import yaml

    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"Price file {path} cannot be read: {error.strerror or error}.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"Price file {path} is not YAML: {error}") from None
    if entries is None:
        return ()
    if not isinstance(entries, list):
        raise SettingsError(f"Price file {path} must be a list of entries, each starting with `- provider: openai`.")
    return tuple(_Entry(path, number, entry).override() for number, entry in enumerate(entries, start=1))


class _Entry:
    """One entry while it is checked; knows how to complain."""

    def __init__(self, path: Path, number: int, fields: Any) -> None:
        self._path = path
        self._number = number
        self._fields: dict[Any, Any] = fields if isinstance(fields, dict) else {}
        if not isinstance(fields, dict):
            raise self._wrong("provider", fields, "an entry is a mapping of fields")

    def override(self) -> Override:
        self._check_names()
        first, end = self._day("from"), self._day("until")
        if first is None:
            raise self._wrong("from", None, "required, a date")
        if end is not None and end <= first:
            raise self._wrong("until", end, f"a date after `from` ({first}) or null")
        if self._fields.get("currency") not in (None, "USD"):
            raise self._wrong("currency", self._fields["currency"], "USD, the only currency there is")
        tier = self._fields.get("service_tier")
        return Override(
            provider=price_data_id(self._text("provider")),
            model=self._text("model").lower(),
            first_day=first,
            end_day=end,
            service_tier=None if tier is None else self._text("service_tier").lower(),
            rates=self._rates(),
            further={key: rate * MILLION for name, key in FURTHER_RATES.items() if (rate := self._rate(name))},
            priced_as=None if self._fields.get("priced_as") is None else self._text("priced_as"),
        )

    def _check_names(self) -> None:
        for name in self._fields:
            if name not in _REQUIRED and name not in _OPTIONAL:
                allowed = ", ".join((*_REQUIRED, *_OPTIONAL))
                raise SettingsError(f"{self._where()}: unknown field {name!r}. Allowed: {allowed}.")
        for name in _REQUIRED:
            if name.endswith("_per_mtok") and self._fields.get("priced_as") is not None:
                continue
            if self._fields.get(name) is None:
                raise self._wrong(name, None, "required")

    def _rates(self) -> Rates:
        checked = self._day("checked")
        self._text("source")
        return Rates(
            input=self._rate("input_per_mtok"),
            output=self._rate("output_per_mtok"),
            cache_read=self._rate("cache_read_per_mtok"),
            cache_write=self._rate("cache_write_per_mtok"),
            reasoning=None,
            per_request=ZERO,
            source=f"override {self._path.name} checked {checked}",
        )

    def _rate(self, name: str) -> Decimal | None:
        value = self._fields.get(name)
        if value is None:
            return None
        try:
            # YAML reads 0.15 as a float; its text is the number that was written.
            rate = Decimal(str(value)) if not isinstance(value, bool) else Decimal("NaN")
        except InvalidOperation:
            rate = Decimal("NaN")
        if not rate.is_finite() or rate < 0:
            raise self._wrong(name, value, "US dollars per million tokens, 0 or more")
        return rate / MILLION

    def _day(self, name: str) -> date | None:
        value = self._fields.get(name)
        if value is None:
            return None
        if isinstance(value, datetime):
            return value.date()
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            raise self._wrong(name, value, "a date as year-month-day") from None

    def _text(self, name: str) -> str:
        value = self._fields.get(name)
        if not isinstance(value, str) or not value.strip():
            raise self._wrong(name, value, "a text that is not empty")
        return value.strip()

    def _where(self) -> str:
        return f"Price file {self._path}, entry {self._number}"

    def _wrong(self, name: str, value: Any, allowed: str) -> SettingsError:
        got = "is missing" if value is None else f"is {value!r}"
        return SettingsError(f"{self._where()}: `{name}` {got}. Allowed: {allowed}. Example: {name}: {_EXAMPLES[name]}")

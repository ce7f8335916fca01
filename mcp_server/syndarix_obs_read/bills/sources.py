"""Which source a bill is read from: the API with the admin key of the settings, or exported files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import httpx

from syndarix_obs_read.bills import anthropic_api, openai_api
from syndarix_obs_read.bills.admin_key import WHERE
from syndarix_obs_read.bills.console_export import ConsoleExport
from syndarix_obs_read.bills.model import PROVIDERS, BillSource, Provider
from syndarix_obs_read.bills.pages import AdminPages
from syndarix_obs_read.errors import FilterError, SettingsError
from syndarix_obs_read.next_steps import Run
from syndarix_obs_read.settings import ReadSettings, variable


def provider_of(name: str) -> Provider:
    """A provider by name; FilterError for one whose bill cannot be read."""
    found = next((each for each in PROVIDERS if each == name.strip().lower()), None)
    if found is None:
        raise FilterError(f"the bill of {name!r} cannot be read; possible: {', '.join(PROVIDERS)}")
    return found


def open_bill(
    settings: ReadSettings,
    provider: Provider,
    *,
    key_file: Path | None = None,
    files: Sequence[Path] = (),
    base_url: str | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> BillSource:
    """The source of a provider's bill.

    Args:
        settings: have the file of the admin key, unless `key_file` names another, and the base URL.
        provider: whose bill.
        files: exports to read in place of the API.
        base_url: of the API, for tests and proxies.
        transport: how requests travel, for tests.

    Raises:
        SettingsError: there is neither a key nor a file; the message says where to get one.
    """
    if files:
        return ConsoleExport(provider, files)
    setting = f"{provider}_admin_key_file"
    key_file = key_file or getattr(settings, setting)
    if key_file is None:
        raise SettingsError(
            f"no admin key of {provider} is set, and its bill is read with one: {WHERE[provider]}",
            next=(
                f"write it into a file and set {variable(setting)} to it, or export the bill in the console for ",
                Run(f"syndarix-obs reconcile --provider {provider} --csv FILE"),
            ),
        )
    module = openai_api if provider == "openai" else anthropic_api
    url = (base_url or getattr(settings, f"{provider}_admin_url") or module.BASE_URL).rstrip("/")
    pages = AdminPages(provider, f"{url.removesuffix('/v1')}/v1", key_file, settings.timeout, transport)
    return openai_api.OpenAIBill(pages) if provider == "openai" else anthropic_api.AnthropicBill(pages)


def has_key(settings: ReadSettings, provider: Provider) -> bool:
    """Whether the settings name an admin key of a provider."""
    return getattr(settings, f"{provider}_admin_key_file") is not None

"""How far the bills lie from the ledger, for providers whose admin key the settings name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from syndarix_obs_read.answers.bill import Reconciliation
from syndarix_obs_read.answers.reconcile import reconcile
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.bills.model import PROVIDERS, Provider
from syndarix_obs_read.bills.sources import has_key, open_bill
from syndarix_obs_read.errors import ReadError
from syndarix_obs_read.settings import ReadSettings

_YOUNG: Final = timedelta(days=3)
"""Days of a month that say too little: until then the month before counts."""


async def bill_differences(
    backend: Backend, settings: ReadSettings, now_ns: int, transport: Any = None
) -> tuple[dict[Provider, float], list[str]]:
    """The ratio of each provider, and what could not be read, in words.

    Args:
        now_ns: nanoseconds since the epoch.
        transport: how requests travel, for tests.
    """
    found: dict[Provider, float] = {}
    trouble = []
    for provider in PROVIDERS:
        if not has_key(settings, provider):
            continue
        try:
            answer = await _asked(backend, settings, provider, now_ns, transport)
        except ReadError as error:
            trouble.append(f"the bill of {provider} was not read: {error}")
            continue
        if answer.ratio is not None:
            found[provider] = answer.ratio
    return found, trouble


async def _asked(
    backend: Backend, settings: ReadSettings, provider: Provider, now_ns: int, transport: Any
) -> Reconciliation:
    month = f"{datetime.fromtimestamp(now_ns / 1e9, UTC) - _YOUNG:%Y-%m}"
    source = open_bill(settings, provider, transport=transport)
    return await reconcile(
        backend, source, provider, month, prices_file=settings.prices_file, limit=1, now_ns=now_ns
    )  # fmt: skip

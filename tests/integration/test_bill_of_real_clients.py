"""One truth: a provider answers the real clients' calls and bills them; what was recorded is what is billed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import anthropic
import openai
import pytest
from bill_scene import key_file
from fake_bill import FakeProvider, served_on

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs.store.location import store_path
from syndarix_obs_read.answers.bill import Reconciliation
from syndarix_obs_read.answers.reconcile import reconcile
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.bills.model import Provider
from syndarix_obs_read.bills.sources import open_bill
from syndarix_obs_read.settings import ReadSettings

CALLS = 8
MODELS: dict[Provider, str] = {"openai": "gpt-4o-mini-2024-07-18", "anthropic": "claude-haiku-4-5-20251001"}


def call(provider: Provider, url: str, key: str) -> None:
    """Calls of the provider's own client."""
    question = [{"role": "user", "content": "Is it paid?"}]
    if provider == "openai":
        client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)
        for _ in range(CALLS):
            client.chat.completions.create(model=MODELS[provider], messages=question)  # type: ignore[arg-type]
    else:
        other = anthropic.Anthropic(base_url=url, api_key=key, max_retries=0)
        for _ in range(CALLS):
            other.messages.create(model=MODELS[provider], messages=question, max_tokens=10)  # type: ignore[arg-type]


async def bill_of(home: Path, provider: Provider, url: str) -> Reconciliation:
    """The bill of this month, read two days from now."""
    later = datetime.now(UTC) + timedelta(days=2)
    backend = EmbeddedBackend(store_path(home))
    source = open_bill(ReadSettings(home=home), provider, key_file=key_file(home, provider), base_url=url)
    month = f"{datetime.now(UTC):%Y-%m}"
    answer = await reconcile(backend, source, provider, month, now_ns=int(later.timestamp()) * 10**9)
    await backend.close()
    return answer


@pytest.mark.parametrize("provider", MODELS)
async def test_calls_of_the_real_clients_are_billed_as_they_were_recorded(provider: Provider, tmp_path: Path) -> None:
    served = FakeProvider(provider, datetime.now(UTC) + timedelta(days=2))
    with (
        served_on(served) as url,
        ObservabilityPlatform(Settings(home=tmp_path, backend="embedded", set_global=False)) as obs,
    ):
        obs.auto_instrument()
        call(provider, url, "key-app")
        obs.shutdown()  # from here on nobody watches
        call(provider, url, "key-script")
        answer = await bill_of(tmp_path, provider, url)

    assert CALLS == sum(each.key == "key-app" for each in served.served)
    assert ["unseen key or project"] == [each.cause for each in answer.causes if abs(each.usd or 0) > Decimal("1e-9")]
    assert [("key-script", False)] == [(each.key, each.seen) for each in answer.accounts if not each.seen]
    assert answer.seen_tokens == sum(sum(each.tokens.values()) for each in served.served if each.key == "key-app")

"""The watch reads bills, and tells how far they lie from the ledger; one that cannot be read is trouble, no end."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from bill_scene import AFTER, FIRST, Recorder, key_file, unseen
from fake_bill import FakeProvider, served_on

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs.store.location import store_path
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.watching.tell import Telling
from syndarix_obs_read.watching.watch import RECONCILES_NS, Watch

MINI = "gpt-4o-mini-2024-07-18"


async def test_a_look_sets_the_gauge_four_times_a_day_and_names_what_it_cannot_read(tmp_path: Path) -> None:
    recorder = Recorder(FakeProvider("openai", AFTER))
    recorder.days(MINI)
    unseen(recorder.provider, MINI, [3, 4], key="key_script")
    recorder.write(store_path(tmp_path))
    at = [int((FIRST + timedelta(days=20, hours=6)).timestamp()) * 10**9]
    backend = EmbeddedBackend(store_path(tmp_path))
    platform = ObservabilityPlatform(Settings(home=tmp_path, backend="embedded", set_global=False))
    with served_on(recorder.provider) as url:
        settings = ReadSettings(
            home=tmp_path, openai_admin_key_file=key_file(tmp_path, "openai"), openai_admin_url=url,
            anthropic_admin_key_file=tmp_path / "none",
        )  # fmt: skip
        watch = Watch(backend, platform, Telling(None), settings, lambda: at[0])
        looked = await watch.look()
        asked = len(recorder.provider.asked)
        await watch.look()
        assert asked == len(recorder.provider.asked), "the next look is too soon for the bill"
        at[0] += RECONCILES_NS
        await watch.look()
        assert asked < len(recorder.provider.asked)

    assert 0.02 < (platform.registry.get_sample_value("llm_bill_difference_ratio", {"provider": "openai"}) or 0) < 0.2
    assert None is platform.registry.get_sample_value("llm_bill_difference_ratio", {"provider": "anthropic"})
    assert ["the bill of anthropic was not read"] == [words.split(":")[0] for words in looked.trouble]
    platform.shutdown()
    await backend.close()


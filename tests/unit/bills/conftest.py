"""Asks what a bill comes to, of a month that a fake provider served."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from bill_scene import MONTH, Ask, Recorder, key_file

from syndarix_obs.store.location import store_path
from syndarix_obs_read.answers.bill import Reconciliation
from syndarix_obs_read.answers.reconcile import reconcile
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.bills.sources import open_bill
from syndarix_obs_read.settings import ReadSettings


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """Writes what was recorded, and holds it against the provider's reports."""

    async def asked(recorder: Recorder, now: datetime | None = None, **how: Any) -> Reconciliation:
        provider, files = recorder.provider, how.pop("files", ())
        recorder.write(store_path(tmp_path))
        backend = EmbeddedBackend(store_path(tmp_path))
        source = open_bill(
            ReadSettings(home=tmp_path), provider.name, key_file=key_file(tmp_path, provider.name),  # type: ignore[arg-type]
            transport=provider.transport, files=files,
        )  # fmt: skip
        moment = int((now or provider.now).timestamp()) * 10**9
        how = {"limit": 500, **how}
        answer = await reconcile(backend, source, provider.name, MONTH, now_ns=moment, **how)  # type: ignore[arg-type]
        await backend.close()
        return answer

    return asked

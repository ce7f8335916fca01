"""The watch beside a server: it looks from a thread of its own, and what fails is said in the log."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from syndarix_obs_read.errors import ReadError
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.watching import run as running
from syndarix_obs_read.watching.watch import Looked, Watch


@pytest.mark.parametrize("broken", [True, False])
def test_it_looks_from_another_thread_and_waits_in_silence_for_a_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, broken: bool
) -> None:
    threads: list[str] = []

    async def once(watch: Watch, report: Callable[[Looked], None], failed: Callable[[ReadError], None]) -> None:
        threads.append(threading.current_thread().name)
        try:
            report(await watch.look())
        except ReadError as error:
            failed(error)

    monkeypatch.setattr(running, "keep_looking", once)
    if broken:
        (tmp_path / "store.sqlite3").write_bytes(b"no database at all" * 99)
    with caplog.at_level(logging.WARNING):
        running.beside(ReadSettings(home=tmp_path, backend="embedded")).join(30)
    assert ["syndarix-obs-watch"] == threads
    assert broken == any(said.startswith("a look of the watch failed, the next one") for said in caplog.messages)

"""Processes that write the files of an export, several at once."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any, Final

from syndarix_obs_read.errors import BackendError, UsageError
from syndarix_obs_read.export.part import PartOrder, as_line
from syndarix_obs_read.settings import ReadSettings

MOST: Final = 2
"""Processes at most: with Parquet each takes 130 MB, and an export promises to stay under 512 MB."""
Told = tuple[int, dict[str, Any]]


def run_all(settings: ReadSettings, orders: Iterable[tuple[int, PartOrder]], tell: Callable[[int, Any], None]) -> None:
    """Write the files of all orders, by number; `tell` gets each number with what its process says, one at a time.

    Raises:
        UsageError: the format needs an extra.
        BackendError: a process ended, or cannot read the backend. Files that were told stay.
    """
    waiting: queue.SimpleQueue[tuple[int, PartOrder] | None] = queue.SimpleQueue()
    said: queue.SimpleQueue[Told | None] = queue.SimpleQueue()
    count = 0
    for each in orders:
        waiting.put(each)
        count += 1
    workers = [_Worker(settings, waiting, said) for _ in range(min(count, MOST, os.cpu_count() or 1))]
    running = len(workers)
    try:
        while running:
            found = said.get()
            if found is None:
                running -= 1
                continue
            if "error" in found[1]:
                raise (UsageError if found[1].get("wrong") else BackendError)(found[1]["error"])
            tell(*found)
    finally:
        for worker in workers:
            worker.stop()


class _Worker:
    def __init__(self, settings: ReadSettings, waiting: Any, said: Any) -> None:
        self._waiting, self._said = waiting, said
        command = [sys.executable, "-m", "syndarix_obs_read.export.part"]
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        given = settings.model_dump(mode="json", exclude_defaults=True)
        self._send(json.dumps(given) + "\n")
        threading.Thread(target=self._run, name="syndarix-obs-export", daemon=True).start()

    def stop(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.wait()

    def _send(self, line: str) -> None:
        assert self._process.stdin is not None  # noqa: S101 - asked for above
        self._process.stdin.write(line)
        self._process.stdin.flush()

    def _run(self) -> None:
        number = -1
        try:
            while True:
                number, order = self._waiting.get_nowait()
                self._send(as_line(order))
                self._read(number)
        except queue.Empty:
            pass
        except (OSError, ValueError) as error:
            why = f"a process of the export ended ({error}): run the same command again, it goes on"
            self._said.put((number, {"error": why}))
        self._said.put(None)

    def _read(self, number: int) -> None:
        """What the process says up to the end of one file."""
        assert self._process.stdout is not None  # noqa: S101 - asked for above
        while True:
            line = self._process.stdout.readline()
            if not line:
                raise OSError(f"exit status {self._process.wait()}")
            found = json.loads(line)
            self._said.put((number, found))
            if "rows" not in found:
                return

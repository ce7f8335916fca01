"""Transcripts of coding agents into the store: once, or for as long as it goes on."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from syndarix_obs_read.errors import BackendUnavailable, FilterError, NotFound
from syndarix_obs_read.settings import ReadSettings

if TYPE_CHECKING:
    from syndarix_obs.receivers.transcripts.importer import Taken

Tool = Literal["claude-code", "codex", "gemini"]
LOOK_EVERY_S: Final = 2.0


def import_transcripts(
    settings: ReadSettings,
    tool: Tool,
    paths: Sequence[Path],
    told: Callable[[Taken], None],
    stop: threading.Event | None = None,
) -> None:
    """Take what is new, tell of it, and go on until `stop` is set.

    Args:
        settings: the store, or the stack.
        tool: whose transcripts.
        paths: files and folders; without any where the tool keeps them.
        told: gets what each look found; of later looks only those that found something.
        stop: None looks once.

    Raises:
        NotFound: a path does not exist, or there is no transcript at all.
        BackendUnavailable: what was read could not be stored.
    """
    from syndarix_obs import ObservabilityPlatform, Settings
    from syndarix_obs.errors import StoreError
    from syndarix_obs.receivers.transcripts.importer import Importer, transcripts
    from syndarix_obs.receivers.transcripts.memory import Memory

    _check(paths)
    platform = ObservabilityPlatform(
        Settings(home=settings.home, backend=settings.backend, set_global=False, service_name="syndarix-obs-import")
    )
    try:
        with contextlib.closing(Memory(settings.home, tool)) as memory:
            importer = Importer(platform.runtime, tool, memory)
            first = True
            while True:
                found = transcripts(tool, paths)
                if first and not found and stop is None:
                    raise NotFound(f"there are no transcripts of {tool} here: name a file or a folder")
                taken = importer.take(found)
                importer.end_sessions()
                if first or taken.files:
                    told(taken)
                first = False
                if stop is None or stop.wait(LOOK_EVERY_S):
                    return
    except StoreError as error:
        raise BackendUnavailable(str(error)) from None
    except sqlite3.OperationalError as error:
        raise BackendUnavailable(
            f"another import is running, or its file cannot be used ({error}); try again"
        ) from None
    finally:
        platform.shutdown()


def _check(paths: Sequence[Path]) -> None:
    missing = [str(path) for path in paths if not path.expanduser().exists()]
    if missing:
        raise FilterError(f"there is no file or folder {missing[0]}")

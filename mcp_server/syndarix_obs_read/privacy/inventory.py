"""Every place that can hold a person's data, in the order of erasure: keys, then senders before what they send to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from syndarix_obs_read.privacy.archived import ArchiveSource
from syndarix_obs_read.privacy.budgets import BudgetsSource
from syndarix_obs_read.privacy.elsewhere import ForeignSource, PrometheusSource
from syndarix_obs_read.privacy.exported import ExportsSource, ReplaysSource
from syndarix_obs_read.privacy.files import CopiesSource, OtherFilesSource, SpoolSource, StoreSource, UsersSource
from syndarix_obs_read.privacy.loki import LokiSource
from syndarix_obs_read.privacy.payload_keys import PayloadKeysSource
from syndarix_obs_read.privacy.places import EraseSource
from syndarix_obs_read.privacy.tempo import TempoSource
from syndarix_obs_read.privacy.views import ViewsSource
from syndarix_obs_read.settings import ReadSettings

_FOREIGN: Final = {"zipkin": "SYNDARIX_OBS_ZIPKIN_URL", "otlp_extra": "SYNDARIX_OBS_EXTRA_OTLP_ENDPOINT"}


def every_source(settings: ReadSettings) -> list[EraseSource]:
    """All places that there are, whether these settings use them or not."""
    return [*_at_home(settings), *_servers(settings), *(ForeignSource(name, name) for name in _FOREIGN)]


def sources(settings: ReadSettings) -> list[EraseSource]:
    """The places that these settings, and the agent's variables where they are set here, use."""
    found = _at_home(settings)
    if settings.backend == "stack" or os.environ.get("SYNDARIX_OBS_BACKEND") == "both":
        found += _servers(settings)
    foreign = {name: url for name, variable in _FOREIGN.items() if (url := os.environ.get(variable))}
    return [*found, *(ForeignSource(name, url) for name, url in foreign.items())]


def _at_home(settings: ReadSettings) -> list[EraseSource]:
    home = settings.home
    owned: list[EraseSource] = [
        PayloadKeysSource(home), SpoolSource(home), StoreSource(settings.store_path), CopiesSource(settings.store_path),
        UsersSource(settings), ArchiveSource(settings), BudgetsSource(home), ExportsSource(home), ReplaysSource(home),
        ViewsSource(settings),
    ]  # fmt: skip
    return [*owned, OtherFilesSource(home, owned, _also(settings))]


def _also(settings: ReadSettings) -> list[Path]:
    """Files outside of the home folder that people write, and that may name somebody."""
    named = [Path(each.strip()) for each in settings.other_files.split(",") if each.strip()]
    return [*named, *([] if settings.budgets_file is None else [settings.budgets_file])]


def _servers(settings: ReadSettings) -> list[EraseSource]:
    return [LokiSource(settings), TempoSource(settings), PrometheusSource(settings)]

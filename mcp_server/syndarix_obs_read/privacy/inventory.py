"""Every place that can hold a person's data, in the order in which they are erased: senders before what they send to."""

from __future__ import annotations

from syndarix_obs_read.privacy.files import CopiesSource, OtherFilesSource, SpoolSource, StoreSource, UsersSource
from syndarix_obs_read.privacy.places import EraseSource
from syndarix_obs_read.settings import ReadSettings


def sources(settings: ReadSettings) -> list[EraseSource]:
    """The places that these settings use."""
    home = settings.home
    owned: list[EraseSource] = [
        SpoolSource(home), StoreSource(settings.store_path), CopiesSource(settings.store_path), UsersSource(settings),
    ]  # fmt: skip
    return [*owned, OtherFilesSource(home, list(owned))]

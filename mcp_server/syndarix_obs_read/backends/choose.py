"""The backend that the settings name."""

from __future__ import annotations

from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.errors import SettingsError
from syndarix_obs_read.settings import ReadSettings


def open_backend(settings: ReadSettings) -> Backend:
    """A backend for the settings; opening is lazy, so that a backend that is down shows at the first question."""
    if settings.backend == "stack":
        raise SettingsError(
            "the stack cannot be read yet in this version: set SYNDARIX_OBS_BACKEND=embedded, or leave --backend away"
        )
    from syndarix_obs_read.backends.embedded import EmbeddedBackend

    return EmbeddedBackend(settings.store_path, timeout_s=settings.timeout, stalled_after_s=settings.stalled_after)

"""The backend that the settings name."""

from __future__ import annotations

from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.outcomes import count_as_failed, words
from syndarix_obs_read.settings import ReadSettings


def open_backend(settings: ReadSettings, check_s: float = 2.0) -> Backend:
    """A backend for the settings; opening is lazy, so that a backend that is down shows at the first question.

    Args:
        check_s: seconds for which `health` may check the whole SQLite file.
    """
    count_as_failed(words(settings.failed_outcomes))
    if settings.backend == "stack":
        return _stack(settings)
    from syndarix_obs_read.backends.embedded import EmbeddedBackend

    found = EmbeddedBackend(
        settings.store_path, timeout_s=settings.timeout, stalled_after_s=settings.stalled_after, check_s=check_s
    )
    if not settings.with_archive:
        return found
    from syndarix_obs_read.archive.backend import ArchivedBackend

    return ArchivedBackend(settings, found)


def _stack(settings: ReadSettings) -> Backend:
    from syndarix_obs_read.backends.stack.backend import StackBackend, StackOptions
    from syndarix_obs_read.backends.stack.clients.http_client import Access

    return StackBackend(
        StackOptions(
            prometheus=settings.prometheus_url,
            loki=settings.loki_url,
            tempo=settings.tempo_url,
            alertmanager=settings.alertmanager_url,
            home=settings.home,
            access=Access(settings.tenant, settings.token_file, settings.basic_auth_file),
            timeout_s=settings.timeout,
            max_bytes=settings.max_response_bytes,
            retention_days=settings.retention_days,
            stalled_after_s=settings.stalled_after,
        )
    )

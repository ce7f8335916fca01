"""A watch from settings: its backend, its platform, and who is told."""

from __future__ import annotations

from collections.abc import Callable

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs_read.backends.choose import open_backend
from syndarix_obs_read.backends.protocols import AlertSource
from syndarix_obs_read.errors import ReadError
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.watching.tell import Telling, webhook_of
from syndarix_obs_read.watching.watch import Looked, Watch, keep_looking


async def run(
    settings: ReadSettings, report: Callable[[Looked], None], failed: Callable[[ReadError], None] | None
) -> None:
    """Look for ever, or once without `failed`.

    Args:
        settings: which backend, and where alerts go.
        report: is handed what each look came to.
        failed: is handed what a look failed with; None looks once, and lets the failure through.
    """
    webhook = webhook_of(settings.alert_webhook_file)
    backend = open_backend(settings)
    alerts = backend if isinstance(backend, AlertSource) and settings.writes else None
    platform = ObservabilityPlatform(
        Settings(home=settings.home, backend=settings.backend, set_global=False, service_name="syndarix-obs-watch")
    )
    try:
        watch = Watch(backend, platform, Telling(alerts, webhook), settings)
        if failed is None:
            report(await watch.look())
        else:
            await keep_looking(watch, report, failed)
    finally:
        await backend.close()
        platform.shutdown()

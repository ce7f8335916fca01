"""A watch from settings: its backend, its platform, and who is told."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs_read.backends.choose import open_backend
from syndarix_obs_read.backends.protocols import AlertSource
from syndarix_obs_read.errors import ReadError
from syndarix_obs_read.mailing.directives import load
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.watching.channels import Channel, Webhook
from syndarix_obs_read.watching.messages import Message, Unusual
from syndarix_obs_read.watching.routes import routes_of
from syndarix_obs_read.watching.tell import Route, Telling, webhook_of
from syndarix_obs_read.watching.told import Told
from syndarix_obs_read.watching.watch import Looked, Watch, keep_looking

_log = logging.getLogger(__name__)


async def run(
    settings: ReadSettings, report: Callable[[Looked], None], failed: Callable[[ReadError], None] | None
) -> None:
    """Look for ever, or once without `failed`.

    Args:
        settings: which backend, and where alerts go.
        report: is handed what each look came to.
        failed: is handed what a look failed with; None looks once, and lets the failure through.
    """
    route = route_of(settings)
    mails = None if settings.reports_file is None else load(settings.reports_file)
    backend = open_backend(settings)
    alerts = backend if isinstance(backend, AlertSource) and settings.may_write else None
    platform = ObservabilityPlatform(
        Settings(home=settings.home, backend=settings.backend, set_global=False, service_name="syndarix-obs-watch")
    )
    try:
        telling = Telling(alerts, route, Told(settings.home))
        watch = Watch(backend, platform, telling, settings, mails=mails)
        if failed is None:
            report(await watch.look())
        else:
            await keep_looking(watch, report, failed)
    finally:
        await backend.close()
        platform.shutdown()


def route_of(settings: ReadSettings) -> Route:
    """Who is told where there is no Alertmanager: by the file of routes, and the webhook beside it.

    Raises:
        SettingsError: a file is missing or wrong.
    """
    webhook = webhook_of(settings.alert_webhook_file)
    always: tuple[Channel, ...] = () if webhook is None else (Webhook("the webhook", webhook),)
    if settings.alert_routes_file is None:
        return lambda _labels: always
    routes = routes_of(settings.alert_routes_file)
    return lambda labels: (*always, *routes(labels))


async def rehearse(settings: ReadSettings) -> list[tuple[str, str | None]]:
    """Send a test message to everybody who would hear of an episode; each with what went wrong, or None.

    Raises:
        SettingsError: a file is missing or wrong.
    """
    now = time.time_ns()
    about = Unusual("rehearsal", now, ("this is a test of the way that alerts take, nothing is wrong",))
    found: list[tuple[str, str | None]] = []
    for channel in route_of(settings)(about.labels):
        try:
            await channel.send(Message(about, ends=False, at_ns=now))
            found.append((channel.name, None))
        except ReadError as error:
            found.append((channel.name, str(error)))
    return found


def beside(settings: ReadSettings) -> threading.Thread:
    """A watch in a thread beside a server; what fails goes to the log. It ends with the program.

    A store that is not there yet is no failure: the server waits for the first record.

    Raises:
        SettingsError: a file that says who is told is missing or wrong.
    """
    route_of(settings)

    def looked(found: Looked) -> None:
        for words in found.trouble:
            _log.warning("%s", words)

    def failed(error: ReadError) -> None:
        if not str(error).startswith(f"no store at {settings.store_path} yet"):
            _log.warning("a look of the watch failed, the next one tries again: %s", error)

    thread = threading.Thread(
        target=lambda: asyncio.run(run(settings, looked, failed)), name="syndarix-obs-watch", daemon=True
    )
    thread.start()
    return thread

"""Pushes the metrics of processes that end before anybody scrapes them to a Prometheus Pushgateway."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit, urlunsplit

from syndarix_obs.metrics.registry import Metrics
from syndarix_obs.metrics.scrape_endpoint import exposed_registry
from syndarix_obs.pipeline.destination import BaseDestination

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from syndarix_obs.records.finished import FinishedSpan
    from syndarix_obs.records.model import Record

_log = logging.getLogger("syndarix_obs")
DESTINATION: Final = "pushgateway"
"""Label value of this destination's failures."""


class PushgatewayDestination(BaseDestination):
    """Pushes at every flush and at close; never between.

    A push replaces what the same job and instance pushed before, so a process that runs once an hour shows
    its last run and leaves no trail of dead groups.

    Args:
        metrics: what to push; failures are counted there too.
        url: base URL of the gateway; `user:password@` in it becomes basic authentication.
        job: value of the `job` label, the service's name.
        grouping: further grouping labels; by default `instance` is the host's name.
        timeout: seconds that one push may take.
    """

    def __init__(
        self,
        metrics: Metrics,
        url: str,
        job: str,
        *,
        grouping: Mapping[str, str] | None = None,
        timeout: float = 2.0,
    ) -> None:
        self._metrics = metrics
        self._url, self._login = _split_login(url)
        self._job = job
        self._grouping = {"instance": socket.gethostname()} if grouping is None else dict(grouping)
        self._timeout = timeout
        self._warned = False

    def consume(self, span: FinishedSpan | None, records: Sequence[Record]) -> None:
        """Nothing to do: metrics are pushed as a whole."""

    def flush(self, timeout: float) -> bool:
        """Push now; False when the gateway did not take it in time."""
        return self.push(min(timeout, self._timeout))

    def close(self, timeout: float) -> None:
        """Push the last state."""
        self.push(min(timeout, self._timeout))

    def push(self, timeout: float) -> bool:
        """Push within `timeout` seconds; a failure is warned about once, counted, and never raised."""
        outcome: list[str] = []
        # A thread of its own: name resolution knows no timeout, and the process must be able to end.
        thread = threading.Thread(
            target=self._send, args=(timeout, outcome), name="syndarix-obs-pushgateway", daemon=True
        )
        thread.start()
        thread.join(timeout)
        failure = outcome[0] if outcome else f"no answer within {timeout:g} s"
        if failure:
            self._failed(failure)
        return not failure

    def _send(self, timeout: float, outcome: list[str]) -> None:
        from prometheus_client import push_to_gateway

        try:
            push_to_gateway(
                self._url,
                job=self._job,
                registry=exposed_registry(self._metrics.registry),
                grouping_key=dict(self._grouping),
                timeout=timeout,
                handler=self._handler(),
            )
        except Exception as error:  # noqa: BLE001 - urllib raises a dozen kinds; each is the same failed push
            outcome.append(f"{type(error).__name__}: {error}")
        else:
            outcome.append("")

    def _handler(self) -> Callable[..., Callable[[], None]]:
        from prometheus_client.exposition import basic_auth_handler, default_handler

        if self._login is None:
            return default_handler
        user, password = self._login

        def with_login(
            url: str, method: str, timeout: float | None, headers: list[tuple[str, str]], data: bytes
        ) -> Callable[[], None]:
            return basic_auth_handler(url, method, timeout, headers, data, user, password)

        return with_login

    def _failed(self, failure: str) -> None:
        self._metrics.export_failed(DESTINATION)
        if not self._warned:
            self._warned = True
            _log.warning(
                "syndarix-obs: the Pushgateway at %s did not take the metrics (%s); further failures are only counted.",
                self._url, failure,
            )  # fmt: skip


def _split_login(url: str) -> tuple[str, tuple[str, str] | None]:
    """The URL without its login, and the login."""
    parts: Any = urlsplit(url)
    if parts.username is None:
        return url, None
    host = parts.netloc.rpartition("@")[2]
    login = (unquote(parts.username), unquote(parts.password or ""))
    return urlunsplit(parts._replace(netloc=host)), login

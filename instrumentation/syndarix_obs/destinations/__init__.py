"""Destinations outside the process: each takes records or spans and sends them on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from syndarix_obs.errors import StoreError
from syndarix_obs.guard import record_failure

if TYPE_CHECKING:
    from syndarix_obs.delivery.spooled import Post
    from syndarix_obs.metrics.registry import Metrics
    from syndarix_obs.pipeline.destination import Destination
    from syndarix_obs.records.resource import Resource
    from syndarix_obs.settings import Settings

GRPC_PORT_FOR_HTTP_DEFAULT = ("http://127.0.0.1:4318", "http://127.0.0.1:4317")
"""The default OTLP endpoint, and what it means over gRPC, whose port is another one."""

_log = logging.getLogger("syndarix_obs")


def build_destinations(settings: Settings, metrics: Metrics, resource: Resource) -> list[Destination]:
    """The destinations that the settings name; what needs least time at exit comes first.

    A store that cannot be used is logged and counted, and the other destinations are built all the same.
    """
    found: list[Destination] = []
    if settings.backend in {"embedded", "both"}:
        found += _embedded(settings, metrics)
    if settings.pushgateway_url:
        from syndarix_obs.metrics.pushgateway import PushgatewayDestination

        found.append(PushgatewayDestination(metrics, settings.pushgateway_url, settings.service_name))
    if settings.backend in {"stack", "both"}:
        found += _network(settings, metrics, resource)
    return found


def _embedded(settings: Settings, metrics: Metrics) -> Iterator[Destination]:
    from syndarix_obs.destinations.sqlite import EmbeddedDestination

    failed: Callable[[], None] = lambda: metrics.export_failed("embedded")  # noqa: E731 - typed, as mypy wants it
    try:
        yield EmbeddedDestination(
            settings.store_path,
            on_drop=metrics.dropped,
            on_failure=failed,
            retention_days=settings.retention_days,
            retention=settings.retention,
        )
    except StoreError as error:
        record_failure("embedded", error)
        _log.error("syndarix-obs: nothing is stored: %s", error)


def _network(settings: Settings, metrics: Metrics, resource: Resource) -> Iterator[Destination]:
    from syndarix_obs.delivery.disk_budget import DiskBudget
    from syndarix_obs.delivery.spooled import Post
    from syndarix_obs.destinations.loki import LokiDestination
    from syndarix_obs.destinations.zipkin import ZipkinDestination

    post = Post(settings.home / "spool", DiskBudget(settings.spool_max_bytes), metrics, timeout=settings.send_timeout)
    yield _tempo(settings, post, resource)
    yield LokiDestination(settings.loki_url, post, tenant=settings.loki_tenant)
    if settings.extra_otlp_endpoint:
        from syndarix_obs.destinations.tempo import TempoDestination

        yield TempoDestination(settings.extra_otlp_endpoint, post, resource, name="otlp_extra")
    if settings.zipkin_url:
        yield ZipkinDestination(settings.zipkin_url, post, resource)


def _tempo(settings: Settings, post: Post, resource: Resource) -> Destination:
    from syndarix_obs.destinations.otlp import parse_headers
    from syndarix_obs.destinations.tempo import TempoDestination

    endpoint = settings.otlp_endpoint
    if settings.otlp_protocol == "grpc" and endpoint == GRPC_PORT_FOR_HTTP_DEFAULT[0]:
        endpoint = GRPC_PORT_FOR_HTTP_DEFAULT[1]
    return TempoDestination(
        endpoint,
        post,
        resource,
        protocol=settings.otlp_protocol,
        headers=parse_headers(settings.otlp_headers),
    )

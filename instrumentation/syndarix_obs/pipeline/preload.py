"""Imports everything that the worker and the senders are going to need, in the thread that makes the platform.

A module that one thread is importing is visible to all others half loaded: what looks into `sys.modules` or tries
`hasattr` on it then fails, as `openai` 2 does with `httpx2` in the middle of the agent's call. So no thread but the
program's own imports anything. Imports inside functions elsewhere only keep `import syndarix_obs` quick; by the time
they run on another thread, they find the module loaded.
"""

# ruff: noqa: F401 - imported to be there
from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from syndarix_obs.guard import guarded

if TYPE_CHECKING:
    from syndarix_obs.settings import Settings


def preload(settings: Settings, *, destinations: bool = True) -> None:
    """Import what a platform with these settings needs later on.

    Args:
        settings: the platform's settings.
        destinations: False when the destinations are not those that the settings name.
    """
    stack = destinations and settings.backend in {"stack", "both"}
    needed: list[tuple[bool, Callable[[], None]]] = [
        (True, _pipeline),
        (True, lambda: _prices(settings)),
        (settings.redaction != "off", _redaction),
        (settings.payload_keys, _encryption),
        (destinations and settings.backend in {"embedded", "both"}, _store),
        (stack or (destinations and bool(settings.pushgateway_url)), preload_network),
        (stack, lambda: _stack(settings)),
        (bool(settings.metrics_port), _scraping),
    ]
    for wanted, group in needed:
        if wanted:
            with guarded("preload"):  # a broken package is the worker's trouble, which says so, and not the agent's
                group()


def _pipeline() -> None:
    import ast
    import ctypes
    import encodings.ascii
    import linecache  # with `ast`, `tokenize` and `unicodedata` what formatting a stack trace needs
    import multiprocessing.process
    import multiprocessing.util
    import tokenize
    import unicodedata

    import prometheus_client

    from syndarix_obs import identity
    from syndarix_obs.guarding import declared, settling
    from syndarix_obs.metrics import measure, series, user_metrics
    from syndarix_obs.pipeline import (
        choices,
        decide,
        erased,
        fingerprints,
        identify,
        loops,
        normalise,
        payload,
        pipeline,
        processing,
    )
    from syndarix_obs.pricing import fees, ledger, price_step, token_step
    from syndarix_obs.redaction import leaving, step


def _prices(settings: Settings) -> None:
    from genai_prices.data_snapshot import get_snapshot

    from syndarix_obs.pricing import book, catalogue, overrides

    get_snapshot()  # imports the data
    if settings.prices_file or settings.budgets_file:
        import yaml


def _redaction() -> None:
    # Optional, and a package of another kind may carry the name: whoever uses it looks at what it is.
    with contextlib.suppress(Exception):
        importlib.import_module("re2")


def _encryption() -> None:
    import sqlite3

    import cryptography.exceptions
    import cryptography.hazmat.primitives.ciphers.aead

    from syndarix_obs.encryption import step


def _store() -> None:
    import sqlite3

    from syndarix_obs.destinations import sqlite
    from syndarix_obs.store import erase


def preload_network() -> None:
    """Import what sending over HTTP and counting its failures needs."""
    import encodings.ascii
    import encodings.idna  # imported by the standard library when it looks up the name of a host
    import netrc
    import ssl
    import urllib.request

    import prometheus_client

    with contextlib.suppress(ImportError):
        import certifi
    from syndarix_obs.delivery import http_route
    from syndarix_obs.metrics import pushgateway, series


def _stack(settings: Settings) -> None:
    from google.protobuf import message
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
    from opentelemetry.proto.trace.v1 import trace_pb2

    from syndarix_obs.destinations import loki, otlp, tempo, zipkin

    if settings.otlp_protocol == "grpc":
        import grpc
        import grpc._channel  # imported by grpc when it opens a channel
        from google.rpc import error_details_pb2, status_pb2

        from syndarix_obs.destinations import otlp_grpc


def _scraping() -> None:
    import prometheus_client.exposition
    import prometheus_client.multiprocess
    import prometheus_client.openmetrics.exposition

    from syndarix_obs.metrics import scrape_endpoint

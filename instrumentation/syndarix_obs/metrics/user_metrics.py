"""Metrics that the user declares: rules at declaration, silence at use."""

from __future__ import annotations

import re
from typing import Final, Generic

from prometheus_client import Counter, Gauge, Histogram

from syndarix_obs import vocabulary as v
from syndarix_obs.errors import MetricError
from syndarix_obs.guard import guarded
from syndarix_obs.metrics.series import Child, Family
from syndarix_obs.vocabulary import MetricSpec

__all__ = ["MetricError", "UserCounter", "UserGauge", "UserHistogram", "check_spec"]

_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_OWN_PREFIX: Final = "syndarix_obs_"
_RESERVED_SUFFIXES: Final = ("_total", "_count", "_sum", "_bucket", "_created", "_info")
_RESERVED_LABELS: Final = frozenset({"le", "quantile", "job", "instance"})


def check_spec(spec: MetricSpec) -> None:
    """Hold a declaration to Prometheus' naming rules and to ours.

    Raises:
        MetricError: says what is wrong and what would be right.
    """
    _check_name(spec)
    for label in spec.labels:
        _check_label(spec, label)
    if len(set(spec.labels)) != len(spec.labels):
        raise MetricError(f"Metric {spec.name!r} names a label twice: {', '.join(spec.labels)}.")
    if not spec.meaning.strip():
        raise MetricError(f"Metric {spec.name!r} needs a line of meaning, for example 'Orders that were placed.'.")
    if spec.kind == "histogram" and (not spec.buckets or list(spec.buckets) != sorted(set(spec.buckets))):
        raise MetricError(
            f"Metric {spec.name!r} needs rising buckets, for example (0.1, 0.5, 1.0), got {spec.buckets}."
        )


def _check_name(spec: MetricSpec) -> None:
    name = spec.name
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise MetricError(f"Metric name {name!r} is not allowed: letters, digits and _, as in 'orders_total'.")
    if name.startswith(_OWN_PREFIX):
        raise MetricError(f"Metric name {name!r} is not allowed: {_OWN_PREFIX}* is reserved.")
    if spec.kind == "counter":
        if not name.endswith("_total"):
            raise MetricError(f"Counter {name!r} must end in _total: call it {name + '_total'!r}.")
    elif name.endswith(_RESERVED_SUFFIXES):
        raise MetricError(f"{spec.kind.capitalize()} {name!r} must not end in {', '.join(_RESERVED_SUFFIXES)}.")


def _check_label(spec: MetricSpec, label: str) -> None:
    if not isinstance(label, str) or not _NAME.fullmatch(label) or label.startswith("__"):
        raise MetricError(f"Label {label!r} of {spec.name!r} is not allowed: letters, digits and _, as in 'region'.")
    if label in v.FORBIDDEN_LABELS:
        raise MetricError(
            f"Label {label!r} of {spec.name!r} is not allowed: it has as many values as there are sessions or "
            "users, and each would become a time series. Put it on a span instead."
        )
    if label in _RESERVED_LABELS:
        raise MetricError(f"Label {label!r} of {spec.name!r} is not allowed: Prometheus sets it itself.")


class _UserMetric(Generic[Child]):
    """What all kinds share. A wrong label set is counted as an internal error and changes nothing."""

    def __init__(self, family: Family[Child], labels: tuple[str, ...]) -> None:
        self._family: Family[Child] = family
        self._labels = labels

    def _child(self, given: dict[str, object]) -> Child:
        if len(given) != len(self._labels):
            raise ValueError(f"labels are {', '.join(self._labels) or 'none'}, got {', '.join(given) or 'none'}")
        return self._family.child(tuple([given[label] for label in self._labels]))


class UserCounter(_UserMetric[Counter]):
    """A counter of the user's."""

    def inc(self, amount: float = 1.0, /, **labels: object) -> None:
        """Add `amount`, which is not negative. Never raises: a wrong label is counted, not thrown."""
        with guarded("user_metric"):
            self._child(labels).inc(amount)


class UserGauge(_UserMetric[Gauge]):
    """A gauge of the user's."""

    def set(self, value: float, /, **labels: object) -> None:
        """Set to `value`. Never raises."""
        with guarded("user_metric"):
            self._child(labels).set(value)

    def inc(self, amount: float = 1.0, /, **labels: object) -> None:
        """Add `amount`, which may be negative. Never raises."""
        with guarded("user_metric"):
            self._child(labels).inc(amount)


class UserHistogram(_UserMetric[Histogram]):
    """A histogram of the user's."""

    def observe(self, value: float, /, **labels: object) -> None:
        """Count one value. Never raises."""
        with guarded("user_metric"):
            self._child(labels).observe(value)

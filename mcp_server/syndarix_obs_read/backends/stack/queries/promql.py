"""PromQL over our metrics: names, labels and kinds from the vocabulary, values quoted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from syndarix_obs.vocabulary import MetricSpec
from syndarix_obs_read.backends.stack.queries.quoting import quoted


def series(spec: MetricSpec, **labels: str) -> str:
    """The series of a metric with these label values.

    Raises:
        ValueError: the metric has no such label.
    """
    _known(spec, labels)
    matchers = ", ".join(f"{name}={quoted(value)}" for name, value in labels.items())
    return f"{spec.name}{{{matchers}}}" if matchers else spec.name


def increase(spec: MetricSpec, seconds: int, by: Sequence[str] = (), **labels: str) -> str:
    """How much a counter grew, for each value of the labels in `by`.

    Raises:
        ValueError: the metric is no counter, or has no such label.
    """
    if spec.kind != "counter":
        raise ValueError(f"{spec.name} is a {spec.kind}; only counters increase")
    _known(spec, by)
    return f"{_sum(by)} (increase({series(spec, **labels)}[{seconds}s]))"


def total(spec: MetricSpec, by: Sequence[str] = (), **labels: str) -> str:
    """The sum over all processes, for each value of the labels in `by`.

    Raises:
        ValueError: the metric has no such label.
    """
    _known(spec, by)
    return f"{_sum(by)} ({series(spec, **labels)})"


def _sum(by: Sequence[str]) -> str:
    return f"sum by ({', '.join(by)})" if by else "sum"


def _known(spec: MetricSpec, names: Sequence[str] | Mapping[str, str]) -> None:
    unknown = [name for name in names if name not in spec.labels]
    if unknown:
        raise ValueError(f"{spec.name} has no label {', '.join(unknown)}; it has {', '.join(spec.labels) or 'none'}")

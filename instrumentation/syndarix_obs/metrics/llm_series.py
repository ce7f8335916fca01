"""The series that one LLM call moves, found together: a call costs one lookup instead of a dozen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from syndarix_obs import vocabulary as v
from syndarix_obs.metrics.debts import amounts
from syndarix_obs.metrics.registry import Metrics
from syndarix_obs.records.model import LLMRecord

if TYPE_CHECKING:
    from prometheus_client import Counter


class LLMSeries:
    """All series of one provider, model, agent and project."""

    __slots__ = (
        "_cache_read", "_cache_write", "_cost", "_first_token", "_input", "_latency", "_output", "_reasoning",
        "_requests",
    )  # fmt: skip

    def __init__(self, metrics: Metrics, provider: Any, model: Any, agent: Any, project: Any) -> None:
        labels = (provider, model, agent, project)

        def requests(status: str) -> Counter:
            return metrics.counter_child(v.LLM_REQUESTS, (*labels, status))

        def tokens(kind: str) -> Counter:
            return metrics.counter_child(v.LLM_TOKENS, (*labels, kind))

        self._requests = {v.STATUS_OK: requests(v.STATUS_OK), v.STATUS_ERROR: requests(v.STATUS_ERROR)}
        self._input, self._output, self._cache_read, self._cache_write, self._reasoning = map(tokens, v.TOKEN_TYPES)
        self._cost = metrics.counter_child(v.LLM_COST, labels)
        self._latency = metrics.histogram_child(v.LLM_LATENCY, (provider, model, agent))
        self._first_token = metrics.histogram_child(v.LLM_FIRST_TOKEN, (provider, model, agent))

    def add(self, record: LLMRecord, exemplar: dict[str, str] | None) -> None:
        """Count one call."""
        self._requests[record.status].inc(1.0, exemplar)
        self._input.inc(record.input_tokens)
        self._output.inc(record.output_tokens)
        if record.cache_read_tokens:
            self._cache_read.inc(record.cache_read_tokens)
        if record.cache_write_tokens:
            self._cache_write.inc(record.cache_write_tokens)
        if record.reasoning_tokens:
            self._reasoning.inc(record.reasoning_tokens)
        if record.cost_usd is not None:
            self._cost.inc(float(record.cost_usd))
        self._observe(record, exemplar)

    def _observe(self, record: LLMRecord, exemplar: dict[str, str] | None) -> None:
        if record.operation != v.OPERATION_EMBEDDINGS:  # far quicker; they have a histogram of their own
            self._latency.observe(record.duration_ns / 1e9, exemplar)
        if record.first_token_s is not None:
            self._first_token.observe(record.first_token_s, exemplar)

    def add_less(self, record: LLMRecord, less: Mapping[str, float], observe: bool) -> None:
        """Count one call without what the counters are ahead already; see `Debts`."""
        counters = {
            v.STATUS_OK: self._requests[v.STATUS_OK], v.STATUS_ERROR: self._requests[v.STATUS_ERROR],
            "cost": self._cost, **dict(zip(v.TOKEN_TYPES, self._tokens(), strict=True)),
        }  # fmt: skip
        for name, amount in amounts(record):
            counters[name].inc(max(0.0, amount - less.get(name, 0.0)))
        if observe:
            self._observe(record, None)

    def _tokens(self) -> tuple[Counter, ...]:
        return self._input, self._output, self._cache_read, self._cache_write, self._reasoning

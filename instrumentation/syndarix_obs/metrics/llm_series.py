"""The series that one LLM call moves, found together: a call costs one lookup instead of a dozen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syndarix_obs import vocabulary as v
from syndarix_obs.metrics.registry import Metrics
from syndarix_obs.records.model import LLMRecord

if TYPE_CHECKING:
    from prometheus_client import Counter


class LLMSeries:
    """All series of one provider, model, agent and project."""

    __slots__ = (
        "_ahead", "_cache_read", "_cache_write", "_cost", "_first_token", "_input", "_latency", "_output", "_reasoning",
        "_requests", "_unseen",
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
        self._ahead: dict[Any, float] = {}
        self._unseen = 0
        self._latency = metrics.histogram_child(v.LLM_LATENCY, (provider, model, agent))
        self._first_token = metrics.histogram_child(v.LLM_FIRST_TOKEN, (provider, model, agent))

    def retract(self, record: LLMRecord) -> None:
        """Take one call back. Counters never fall: what they are ahead is made up for by the calls that follow."""
        for counter, amount in self._amounts(record):
            self._ahead[counter] = self._ahead.get(counter, 0.0) + amount
        self._unseen += 1

    def add(self, record: LLMRecord, exemplar: dict[str, str] | None) -> None:
        """Count one call."""
        if self._ahead:
            self._make_up(record, exemplar)
            return
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
        if record.operation != v.OPERATION_EMBEDDINGS:  # far quicker; they have a histogram of their own
            self._latency.observe(record.duration_ns / 1e9, exemplar)
        if record.first_token_s is not None:
            self._first_token.observe(record.first_token_s, exemplar)

    def _amounts(self, record: LLMRecord) -> list[tuple[Any, float]]:
        found = [
            (self._requests[record.status], 1.0), (self._input, record.input_tokens),
            (self._output, record.output_tokens), (self._cache_read, record.cache_read_tokens),
            (self._cache_write, record.cache_write_tokens), (self._reasoning, record.reasoning_tokens),
            (self._cost, float(record.cost_usd or 0)),
        ]  # fmt: skip
        return [(counter, amount) for counter, amount in found if amount]

    def _make_up(self, record: LLMRecord, exemplar: dict[str, str] | None) -> None:
        """Count a call less what the counters are ahead, and observe it unless it was observed before."""
        for counter, amount in self._amounts(record):
            less = min(self._ahead.get(counter, 0.0), amount)
            counter.inc(amount - less)
            if less:
                self._ahead[counter] -= less
        self._ahead = {counter: amount for counter, amount in self._ahead.items() if amount > 1e-12}
        if self._unseen:
            self._unseen -= 1
            return
        if record.operation != v.OPERATION_EMBEDDINGS:
            self._latency.observe(record.duration_ns / 1e9, exemplar)
        if record.first_token_s is not None:
            self._first_token.observe(record.first_token_s, exemplar)

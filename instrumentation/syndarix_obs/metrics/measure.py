"""Records → metrics. Every call counts here, whether or not its trace is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.metrics.debts import Debts
from syndarix_obs.metrics.llm_series import LLMSeries
from syndarix_obs.metrics.rate_limits import ratios
from syndarix_obs.metrics.registry import Metrics
from syndarix_obs.pipeline.destination import BaseDestination
from syndarix_obs.records import model as r
from syndarix_obs.records.finished import FinishedSpan

_MOST_SERIES: Final = 4096
_MOST_VERSIONS: Final = 20
_Exemplar = dict[str, str] | None


class Measure(BaseDestination):
    """The destination that moves the vocabulary's metrics. Runs on the worker only.

    Args:
        metrics: where the metrics live.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._llm: dict[tuple[Any, ...], LLMSeries] = {}
        self._debts = Debts()
        self._unpriced_ahead: dict[tuple[Any, Any], int] = {}
        self._running: dict[str, tuple[str | None, str | None]] = {}
        self._progress: dict[str, float] = {}
        self._versions: dict[str, set[str]] = {}
        self._sections: dict[str | None, frozenset[str]] = {}
        self._handlers: Mapping[type[r.Record], Callable[[Any, _Exemplar], None]] = {
            r.LLMRecord: self._llm_call,
            r.ToolRecord: self._tool_call,
            r.SessionRecord: self._session,
            r.TaskRecord: self._task,
            r.MemoryRecord: self._memory,
            r.ContextRecord: self._context,
            r.SafetyRecord: self._safety,
            r.DecisionRecord: self._decision,
            r.ScoreRecord: self._score,
            r.AnomalyRecord: self._anomaly,
        }

    def consume(self, span: FinishedSpan | None, records: Sequence[r.Record]) -> None:
        """Count one span's records. Series of kept traces get an exemplar that names the trace."""
        for record in records:
            if type(record) is r.CostRecord:  # a line about a step, no step itself
                self._cost_line(record)
                continue
            handler = self._handlers.get(type(record))
            if handler is not None:
                handler(record, {"trace_id": record.trace_id} if span is not None and span.keep else None)
                if isinstance(record, r.AnomalyRecord):  # said about the agent, by somebody else
                    continue
                self._progressed(record.agent, record.end_ns / 1e9)
                self._versioned(record.agent, record.agent_version)

    def retract(self, records: Sequence[r.Record]) -> None:
        """Take back a call that turned out to be counted elsewhere, or under other names."""
        for record in records:
            if isinstance(record, r.LLMRecord):
                self._debts.add(record)
            elif isinstance(record, r.CostRecord) and not record.priced:
                key = (record.provider, record.model)
                self._unpriced_ahead[key] = self._unpriced_ahead.get(key, 0) + 1

    def session_started(self, record: r.SessionRecord) -> None:
        """A session runs from now on, and its agent has made a first step."""
        if record.span_id not in self._running:
            self._running[record.span_id] = (record.agent, record.agent_type)
            self._active(record.agent, record.agent_type).inc()
        self._progressed(record.agent, record.start_ns / 1e9)

    def rate_limits(self, provider: str | None, model: str | None, headers: Mapping[str, str]) -> None:
        """Take what a provider's response headers say about its limits."""
        for limit, ratio in ratios(headers).items():
            self._metrics.set(v.LLM_RATE_LIMIT, (provider, model, limit), ratio)

    def _llm_call(self, record: r.LLMRecord, exemplar: _Exemplar) -> None:
        series = self._series_of(record)
        if self._debts:
            series.add_less(record, *self._debts.settle(record))
        else:
            series.add(record, exemplar)
        if record.operation == v.OPERATION_EMBEDDINGS:
            embedding = self._metrics.histogram_child(v.EMBEDDING_SECONDS, (record.provider, record.model))
            embedding.observe(record.duration_ns / 1e9, exemplar)

    def _series_of(self, record: r.LLMRecord) -> LLMSeries:
        key = (record.provider, record.model, record.agent, record.project)
        try:
            return self._llm[key]
        except (KeyError, TypeError):  # new, or a library set an attribute that is no text
            return self._new_llm_series(key)

    def _cost_line(self, record: r.CostRecord) -> None:
        if record.priced:
            return
        key = (record.provider, record.model)
        if self._unpriced_ahead.get(key):
            self._unpriced_ahead[key] -= 1
        else:
            self._metrics.unpriced(*key)

    def _new_llm_series(self, key: tuple[Any, ...]) -> LLMSeries:
        if len(self._llm) >= _MOST_SERIES:
            self._llm.clear()
        series = LLMSeries(self._metrics, *key)
        if all(part is None or isinstance(part, str) for part in key):
            self._llm[key] = series
        return series

    def _tool_call(self, record: r.ToolRecord, exemplar: _Exemplar) -> None:
        metrics, tool, agent = self._metrics, record.tool, record.agent
        metrics.counter_child(v.TOOL_INVOCATIONS, (tool, agent, record.status)).inc(1.0, exemplar)
        metrics.histogram_child(v.TOOL_LATENCY, (tool, agent)).observe(record.duration_ns / 1e9, exemplar)
        if record.loop_count is not None:
            metrics.count(v.AGENT_LOOPS, (agent, tool))

    def _session(self, record: r.SessionRecord, _exemplar: _Exemplar) -> None:
        if record.status == v.STATUS_RUNNING:
            return
        self._metrics.count(v.AGENT_SESSIONS, (record.agent, record.agent_type, record.status))
        started = self._running.pop(record.span_id, None)
        if started is not None:  # sessions of a library's spans were never announced
            self._active(*started).dec()

    def _active(self, agent: str | None, agent_type: str | None) -> Any:
        return self._metrics.gauge_child(v.AGENT_SESSIONS_ACTIVE, (agent, agent_type))

    def _task(self, record: r.TaskRecord, exemplar: _Exemplar) -> None:
        child = self._metrics.histogram_child(v.AGENT_TASK_DURATION, (record.agent, record.task_type, record.status))
        child.observe(record.duration_ns / 1e9, exemplar)

    def _memory(self, record: r.MemoryRecord, _exemplar: _Exemplar) -> None:
        operation, store = record.operation, record.store
        self._metrics.count(v.MEMORY_OPERATIONS, (operation, store, record.status))
        self._metrics.histogram_child(v.MEMORY_SECONDS, (operation, store)).observe(record.duration_ns / 1e9)

    def _context(self, record: r.ContextRecord, _exemplar: _Exemplar) -> None:
        metrics, agent = self._metrics, record.agent
        gone = self._sections.get(agent, frozenset()) - record.sections.keys()
        for section, tokens in (*record.sections.items(), *((name, 0) for name in gone)):
            metrics.set(v.CONTEXT_TOKENS_USED, (agent, section), tokens)
        self._sections[agent] = frozenset(record.sections)
        if record.limit:
            metrics.set(v.CONTEXT_UTILIZATION, (agent,), record.tokens / record.limit)
        metrics.histogram_child(v.CONTEXT_SECONDS, (agent,)).observe(record.duration_ns / 1e9)

    def _safety(self, record: r.SafetyRecord, _exemplar: _Exemplar) -> None:
        self._metrics.count(v.SAFETY_CHECKS, (record.check, "pass" if record.passed else "fail"))

    def _decision(self, record: r.DecisionRecord, _exemplar: _Exemplar) -> None:
        # A choice that is a text of somebody's is no label, and its token would be a new series each time.
        selected = "[encrypted]" if record.selected.startswith(v.ENCRYPTED_PREFIX) else record.selected
        self._metrics.count(v.AGENT_DECISIONS, (record.agent, record.decision_type, selected))

    def _score(self, record: r.ScoreRecord, _exemplar: _Exemplar) -> None:
        if record.value is not None:
            child = self._metrics.histogram_child(v.EVALUATION_SCORE, (record.agent, record.score_name, record.source))
            child.observe(record.value)

    def _anomaly(self, record: r.AnomalyRecord, _exemplar: _Exemplar) -> None:
        closed = record.state == v.ANOMALY_STATES[-1]
        self._metrics.set(v.AGENT_ANOMALY, (record.agent, record.series), 0 if closed else record.score or 1)

    def _progressed(self, agent: str | None, at_s: float) -> None:
        """Spans finish out of order; progress never goes back."""
        if agent and at_s > self._progress.get(agent, 0.0):
            self._progress[agent] = at_s
            self._metrics.set(v.AGENT_PROGRESS, (agent,), at_s)

    def _versioned(self, agent: str | None, version: str | None) -> None:
        """Versions are few, unless changing text stands in the system prompt: past the cap nothing is learnt."""
        if agent and version:
            seen = self._versions.setdefault(agent, set())
            if version not in seen and len(seen) < _MOST_VERSIONS:
                seen.add(version)
                self._metrics.set(v.AGENT_VERSION_INFO, (agent, version), 1)

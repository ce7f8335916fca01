"""Frozen records of finished things.

A record is what one finished span means. Every destination (metrics, Loki, SQLite, the test kit) consumes records and
nothing else. `conversion.from_span` is the only place where a span becomes records.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar

from syndarix_obs import vocabulary as v
from syndarix_obs.records.frozen import frozen
from syndarix_obs.records.record_line import json_line


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """One event on a span, for example an exception or a detected loop."""

    name: str
    timestamp_ns: int
    attributes: Mapping[str, Any] = field(default_factory=dict)


@frozen
class Record:
    """What every record says: when, where in the trace, for whom, and how it ended.

    Times are integer nanoseconds since the Unix epoch. Ids are lower-case hex as in W3C trace context. `record_id` is
    unique per record and stable: delivering a record twice counts once. `payload` is redacted JSON text of an object
    (messages, arguments, results, reasoning) or None.
    """

    kind: ClassVar[str] = v.KIND_SPAN

    record_id: str
    trace_id: str
    span_id: str
    parent_id: str | None = None
    name: str = ""
    start_ns: int = 0
    end_ns: int = 0
    status: str = v.STATUS_OK
    error_type: str | None = None
    error_message: str | None = None
    service: str = ""
    environment: str = ""
    session_id: str | None = None
    agent: str | None = None
    agent_type: str | None = None
    agent_version: str | None = None
    project: str | None = None
    user: str | None = None
    task_type: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    events: tuple[SpanEvent, ...] = ()
    payload: str | None = None

    @property
    def duration_ns(self) -> int:
        """Nanoseconds from start to end, never negative (a clock may step back)."""
        return max(0, self.end_ns - self.start_ns)

    @property
    def level(self) -> str:
        """Severity for log destinations: `error` for failures, else `info`."""
        return "error" if self.status == v.STATUS_ERROR else "info"

    def line(self, *, payload: bool = True) -> str:
        """One JSON line: kind, the fields that are set, `duration_ms`; and the payload's keys beside them unless
        `payload` is False.
        """
        head = json_line(self)
        if not payload or not self.payload or self.payload == "{}":
            return head
        return f"{head[:-1]},{self.payload[1:]}"


@frozen
class SpanRecord(Record):
    """Any span that is not an agent operation, for example an HTTP request."""


@frozen
class SessionRecord(Record):
    """One run of an agent. `status` is `running` on the pending row written when it starts."""

    kind: ClassVar[str] = v.KIND_SESSION
    outcome: str | None = None


@frozen
class TaskRecord(Record):
    """One task inside a session; `task_type` says which."""

    kind: ClassVar[str] = v.KIND_TASK
    outcome: str | None = None


@frozen
class LLMRecord(Record):
    """One call of a model (chat, completion, embeddings).

    `input_tokens` includes both cache classes and `output_tokens` includes reasoning, as in the GenAI conventions.
    `cost_usd` is None exactly when `priced` is False.
    """

    kind: ClassVar[str] = v.KIND_LLM_CALL
    operation: str = v.OPERATION_CHAT
    provider: str | None = None
    model: str | None = None
    request_model: str | None = None
    response_id: str | None = None
    finish_reason: str | None = None
    stream: bool = False
    first_token_s: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    estimated: bool = False
    priced: bool = False
    cost_usd: Decimal | None = None
    service_tier: str | None = None


@frozen
class ToolRecord(Record):
    """One call of a tool. `loop_count` is set when this call completed a loop."""

    kind: ClassVar[str] = v.KIND_TOOL_CALL
    tool: str = ""
    call_id: str | None = None
    loop_count: int | None = None


@frozen
class MemoryRecord(Record):
    """One memory operation (`search`, `upsert`, …) or a retrieval."""

    kind: ClassVar[str] = v.KIND_MEMORY
    operation: str = ""
    store: str | None = None
    found: int | None = None


@frozen
class ContextRecord(Record):
    """One assembly of a context window: tokens by section, and what did not fit."""

    kind: ClassVar[str] = v.KIND_CONTEXT
    sections: Mapping[str, int] = field(default_factory=dict)
    evicted: Mapping[str, int] = field(default_factory=dict)
    tokens: int = 0
    limit: int | None = None


@frozen
class SafetyRecord(Record):
    """One safety check; a failed check is a finding, not an error of the agent."""

    kind: ClassVar[str] = v.KIND_SAFETY
    check: str = ""
    passed: bool = True

    @property
    def level(self) -> str:
        """`warning` for a failed check."""
        return "info" if self.passed else "warning"


@frozen
class DecisionRecord(Record):
    """One decision: what could have been chosen, what was, how sure; reasoning is in the payload."""

    kind: ClassVar[str] = v.KIND_DECISION
    decision_id: str = ""
    decision_type: str = ""
    options: tuple[str, ...] = ()
    selected: str = ""
    confidence: float | None = None


@frozen
class CostRecord(Record):
    """One line of the ledger. Prices are US dollars as exact decimals; None means unpriced, never 0.

    The token classes here are disjoint: `tokens_input` excludes cache classes and `tokens_output` excludes reasoning,
    so that `tokens_total` is their sum.

    A line whose `record_id` ends in `:void` takes another back: its amounts are below zero, and `set_aside_reason` and
    `set_aside_by` (a span id) say why and what counts instead.
    """

    kind: ClassVar[str] = v.KIND_COST
    provider: str | None = None
    model: str | None = None
    tokens_input: int = 0
    tokens_output: int = 0
    tokens_cache_read: int = 0
    tokens_cache_write: int = 0
    tokens_reasoning: int = 0
    tokens_total: int = 0
    cost_per_input_token: Decimal | None = None
    cost_per_output_token: Decimal | None = None
    total_cost_usd: Decimal | None = None
    priced: bool = False
    estimated: bool = False
    service_tier: str | None = None
    price_source: str | None = None
    set_aside_reason: str | None = None
    set_aside_by: str | None = None


@frozen
class AnnotationRecord(Record):
    """A note on a trace, span or decision."""

    kind: ClassVar[str] = v.KIND_ANNOTATION
    target: str = ""
    label: str | None = None


@frozen
class ScoreRecord(Record):
    """A score, an outcome or feedback; `session_id` says for which session, `target` for which step of it.

    `score_type` is one of `vocabulary.SCORE_TYPES`. At least one of `value` (yes is 1, no is 0) and `label` is set.
    """

    kind: ClassVar[str] = v.KIND_SCORE
    score_type: str = "score"
    score_name: str = ""
    value: float | None = None
    label: str | None = None
    source: str = ""
    judge_version: str | None = None
    target: str | None = None


@frozen
class AnomalyRecord(Record):
    """Something that happened to an episode; the newest of the same `episode` says how it stands."""

    kind: ClassVar[str] = v.KIND_ANOMALY
    episode: str = ""
    series: str = ""
    state: str = v.ANOMALY_STATES[0]
    score: float | None = None
    opinion: str | None = None
    observed: float | None = None
    expected: float | None = None
    opened_ns: int = 0

    @property
    def level(self) -> str:
        """A warning while the episode lasts."""
        return "info" if self.state == v.ANOMALY_STATES[-1] else "warning"


@frozen
class ReplayRecord(Record):
    """A replay (`step` 0) or one of its steps; `session_id` is its own, `replay_of` the session that it plays again.

    What a step was is in the payload, its cost included, so that no sum over records can meet it.
    """

    kind: ClassVar[str] = v.KIND_REPLAY
    replay_of: str = ""
    step: int = 0
    mode: str | None = None
    result: str | None = None


@frozen
class LogRecord(Record):
    """A line that the application logged through `logging`; the message is in the payload as `message`."""

    kind: ClassVar[str] = v.KIND_APP
    logger: str = ""
    severity: str = "info"

    @property
    def level(self) -> str:
        """The level the application logged at."""
        return self.severity

"""What backends hand to answers: frozen rows without a trace of SQL or HTTP. Times are nanoseconds since the epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Literal, TypeVar, get_args

from pydantic import Field

from syndarix_obs import vocabulary as v
from syndarix_obs_read.amounts import Activity, Cost, Frozen, Quantiles, Tokens
from syndarix_obs_read.errors import ReadError
from syndarix_obs_read.next_steps import worded

T = TypeVar("T")

COUNTED_UP_TO: Final = 10_000
"""Rows beyond the limit are counted up to here; more are `10,000 or more`."""


@dataclass(frozen=True, slots=True)
class Rows(Generic[T]):
    """Some rows of an answer. `total` is how many there are, None when only `more` is known."""

    rows: tuple[T, ...] = ()
    more: bool = False
    total: int | None = None


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """One record as it was stored: `data` is the flat dict of its fields, `payload` the redacted payload."""

    data: Mapping[str, Any]
    level: str = "info"
    payload: Mapping[str, Any] = field(default_factory=dict)

    def get(self, name: str, default: Any = None) -> Any:
        """A field of the record, `default` when it is not set."""
        return self.data.get(name, default)

    def text(self, name: str) -> str:
        """A field as text, empty when it is not set."""
        value = self.data.get(name)
        return value if isinstance(value, str) else "" if value is None else str(value)

    def optional(self, name: str) -> str | None:
        """A field as text, None when it is not set."""
        return self.text(name) or None

    def count(self, name: str) -> int:
        """A field as a number, 0 when it is not set."""
        return int(self.data.get(name) or 0)

    @property
    def kind(self) -> str:
        """One of `vocabulary.KINDS`."""
        return str(self.data.get("kind") or "")

    @property
    def start_ns(self) -> int:
        """When it began."""
        return int(self.data.get("start_ns") or 0)

    @property
    def end_ns(self) -> int:
        """When it ended; the last progress of what still runs."""
        return self.count("end_ns") or self.start_ns

    @property
    def failed(self) -> bool:
        """Whether it ended in an error."""
        return self.data.get("status") == v.STATUS_ERROR


class TraceFacts(Frozen):
    """What a backend's row and an answer say of a trace in the same words."""

    trace_id: str
    name: str = Field(description="Name of its first span.")
    status: str = Field(description="`ok`, `error` or `running`: how its first span ended.")
    error_type: str | None = None
    agent: str | None = None
    project: str | None = None
    user: str | None = None
    session_id: str | None = None
    activity: Activity
    tokens: Tokens
    cost: Cost


class TraceRow(TraceFacts):
    """One trace in a list. `end_ns` is None while its session runs."""

    start_ns: int
    end_ns: int | None


class SessionFacts(Frozen):
    """What a backend's row and an answer say of a session in the same words."""

    session_id: str
    status: str = Field(description="`ok`, `error` or `running`.")
    outcome: str | None = Field(description="What it led to, in the caller's words.")
    error_type: str | None
    error_message: str | None
    agents: tuple[str, ...] = Field(description="The agent that began it first.")
    agent_type: str | None
    project: str | None
    user: str | None
    service: str | None
    environment: str | None
    trace_ids: tuple[str, ...]
    activity: Activity
    tokens: Tokens
    cost: Cost


class SessionRow(SessionFacts):
    """One session: all runs under one session id. `end_ns` is None while it runs."""

    start_ns: int
    end_ns: int | None
    last_progress_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRow:
    """One tool as one agent used it; durations in seconds."""

    tool: str
    calls: int
    errors: int
    loops: int
    duration: Quantiles


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRow:
    """One agent over a period. `runs` counts its runs by (status, outcome)."""

    agent: str
    runs: Mapping[tuple[str, str | None], int]
    first_ns: int | None
    last_ns: int | None
    requests: int
    request_errors: int
    latency: Quantiles
    first_token: Quantiles
    tools: tuple[ToolRow, ...]
    decisions: int
    confidence: float | None
    safety_checks: int
    safety_failures: int
    tokens: Tokens
    cost: Cost


Dimension = Literal["agent", "project", "user", "task_type", "model", "day"]
DIMENSIONS: Final[tuple[Dimension, ...]] = ("agent", "project", "user", "task_type", "model", "day")
"""What costs can be grouped by, in any combination."""

LedgerKey = Literal[
    "agent", "project", "user", "task_type", "model", "day",
    "provider", "service_tier", "agent_version", "session_id", "is_estimated", "is_priced", "hour", "prompt_size",
]  # fmt: skip
LEDGER_KEYS: Final[tuple[LedgerKey, ...]] = get_args(LedgerKey)
"""What answers can sum the ledger by. `is_estimated` and `is_priced` are `0` or `1`, `hour` counts hours since the
epoch, `prompt_size` is the largest of `PROMPT_SIZES` that the prompt is above."""

PROMPT_SIZES: Final = (0, 128_000, 200_000, 256_000, 272_000)
"""Tokens of a prompt from which on providers bill another rate: a sum of calls within two of them has one rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRow:
    """Costs of one group; `key` has the value of each dimension asked for, a day as `2026-03-01`."""

    key: Mapping[str, str | None]
    tokens: Tokens
    cost: Cost


class Check(Frozen):
    """One part of the pipeline that was looked at."""

    name: str
    state: Literal["ok", "warning", "failing"]
    finding: str
    mend: str | None = Field(default=None, description="How to mend it; null when it is fine.")


def broken(name: str, error: Exception) -> Check:
    """A part that could not be looked at: what happened, and the next step that the error carries."""
    if isinstance(error, ReadError):
        return Check(name=name, state="failing", finding=error.message, mend=worded(error.next, "cli") or None)
    return Check(name=name, state="failing", finding=str(error) or type(error).__name__)


@dataclass(frozen=True, slots=True)
class Series:
    """One series of a metric query: its labels, and (nanoseconds since the epoch, value) in order of time."""

    labels: Mapping[str, str]
    points: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    """One alert. `state` is `active`, `suppressed` (silenced or inhibited) or `unprocessed`."""

    fingerprint: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    state: str
    silenced_by: tuple[str, ...]
    inhibited_by: tuple[str, ...]
    receivers: tuple[str, ...]
    since_ns: int
    until_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceRow:
    """One silence that is (`active`) or will be (`pending`) in force."""

    silence_id: str
    state: str
    labels: Mapping[str, str]
    since_ns: int
    until_ns: int
    author: str
    comment: str


@dataclass(frozen=True, slots=True)
class RawLine:
    """One line of a raw log query, with all its labels."""

    ts_ns: int
    labels: Mapping[str, str]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketRow:
    """What one agent did for one project within one bucket of time; without a call of a model or tool, no row."""

    agent: str | None
    project: str | None
    at_ns: int
    """Beginning of the bucket."""
    calls: int = 0
    errors: int = 0
    seconds: tuple[float, ...] = ()
    """Durations of the calls of models."""
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    """To watch, not to bill: a binary fraction, unpriced calls left out."""
    tools: Mapping[str, int] = field(default_factory=dict)
    """Calls of each tool."""
    tool_errors: int = 0

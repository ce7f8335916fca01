"""What stays of a record when its person goes: the event, its version, its cost, and no text that anybody wrote.

An erasure must not take the books with it: what ran, when, in which version, how long and for how much stays. The user,
the session's name (callers choose it), payloads, attributes, events, error texts and free names go. A session is then
told by its trace.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.records import model
from syndarix_obs.records.model import Record

KEPT: Final = frozenset({
    "kind", "record_id", "trace_id", "span_id", "parent_id", "start_ns", "end_ns", "duration_ms", "status",
    "error_type", "service", "environment", "agent", "agent_type", "agent_version", "project", "task_type",
    "operation", "provider", "model", "request_model", "finish_reason", "stream", "tool", "first_token_s",
    "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "estimated",
    "priced", "cost_usd", "service_tier", "store", "found", "loop_count", "decision_id", "decision_type",
    "confidence", "check", "passed", "sections", "evicted", "tokens", "limit", "tokens_input", "tokens_output",
    "tokens_cache_read", "tokens_cache_write", "tokens_reasoning", "tokens_total", "cost_per_input_token",
    "cost_per_output_token", "total_cost_usd", "price_source", "severity", "score_type", "score_name", "value",
    "source", "judge_version", "episode", "series", "state", "score", "observed", "expected", "opened_ns",
    "step", "mode", "result",
})  # fmt: skip
"""Fields that stay as they are: numbers, ids that nobody chose, and names of parts of the agent."""

TOOL_SELECTION: Final = v.DECISION_TYPES[0]
"""The one type of decision whose choice is the name of a tool, and not a text."""

EXTRA_KEPT: Final = (
    "request_model", "finish_reason", "stream", "service_tier", "sections", "evicted", "limit", "score_type",
    "score_name", "value", "source", "judge_version", "episode", "series", "state", "score", "observed", "expected",
    "opened_ns", "step", "mode", "result",
)  # fmt: skip
"""Those of `KEPT` that the store has no column for."""


_FIELDS: Final = {
    kind.kind: frozenset({"kind", "duration_ms", *(each.name for each in fields(kind))})
    for kind in vars(model).values() if isinstance(kind, type) and issubclass(kind, Record)
}  # fmt: skip
"""Fields of each kind of record."""


def anonymous_line(line: Mapping[str, Any]) -> dict[str, Any]:
    """A record's line (`Record.line`, decoded) without its person.

    What is no field of the record's own kind is payload and goes, whatever its name: a tool has a `result`, too, and
    callers name the fields of a log line.
    """
    own = _FIELDS.get(str(line.get("kind")), _FIELDS[v.KIND_SPAN])
    found = {name: value for name, value in line.items() if name in KEPT and name in own}
    found["name"] = str(line.get("kind", v.KIND_SPAN))
    if line.get("session_id"):
        found["session_id"] = line.get("trace_id", "")
    if line.get("decision_type") == TOOL_SELECTION and line.get("selected"):
        found["selected"] = line["selected"]
    return found


def anonymous_record(record: Record) -> Record:
    """The same for a record that is not stored yet."""
    changes: dict[str, Any] = {"name": record.kind}
    if record.session_id:
        changes["session_id"] = record.trace_id
    for field in fields(record):
        name = field.name
        if name in KEPT or name in changes or name in ("session_id", "selected") or not field.init:
            continue
        changes[name] = _EMPTY.get(name)
    if getattr(record, "decision_type", None) != TOOL_SELECTION and hasattr(record, "selected"):
        changes["selected"] = ""
    return replace(record, **changes)


_EMPTY: Final[Mapping[str, Any]] = {
    "attributes": {}, "events": (), "options": (), "target": "", "logger": "",
}  # fmt: skip
"""What stands where a field cannot be None."""

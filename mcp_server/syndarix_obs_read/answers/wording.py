"""Every record in a few words: its title, and what happened. Trees, timelines, logs and explanations share it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from syndarix_obs import vocabulary as v
from syndarix_obs_read.amounts import plain, to_usd
from syndarix_obs_read.answers.messages import brief, last_text
from syndarix_obs_read.backends.rows import StoredRecord

WIDTH: Final = 160
"""Characters that the words about one record may take."""


def stack_trace(record: StoredRecord) -> str | None:
    """The stack trace of the exception that the record ended with, or that an application's line came with."""
    for event in reversed(tuple(record.get("events") or ())):
        if isinstance(event, Mapping) and (found := (event.get("attributes") or {}).get("exception.stacktrace")):
            return str(found)
    logged = record.payload.get("exception")
    return str(logged) if logged else None


def title(record: StoredRecord) -> str:
    """What the record is called: the model, the tool, the decision, …"""
    find = _TITLES.get(record.kind)
    return (find(record) if find else "") or record.text("name") or record.kind


def summary(record: StoredRecord, width: int = WIDTH) -> str:
    """What happened, on one line; the error, if there was one, comes first."""
    words = _SUMMARIES.get(record.kind)
    said = words(record) if words else ""
    if record.failed and record.kind != v.KIND_APP:
        said = f"{failure(record)}; {said}" if said else failure(record)
    return brief(said, width)


def failure(record: StoredRecord) -> str:
    """What went wrong: class, without its module, and message."""
    kind, message = record.text("error_type").rpartition(".")[2], record.text("error_message")
    return f"{kind}: {message}" if kind and message else kind or message or "failed"


def tokens(record: StoredRecord) -> str:
    """The tokens of a model call: `1,204→58`."""
    return f"{record.count('input_tokens'):,}→{record.count('output_tokens'):,}"


def price(record: StoredRecord) -> str:
    """What a model call cost: `$0.00042`, marked `~` when estimated, or `unpriced`."""
    amount = to_usd(record.get("cost_usd"))
    if amount is None:
        return "" if record.failed else "unpriced"
    return f"{'~' if record.get('estimated') else ''}${plain(amount)}"


def _llm(record: StoredRecord) -> str:
    answer = brief(last_text(record.payload.get("output")), 80)
    parts = [f"{tokens(record)} tokens", price(record), record.text("finish_reason")]
    said = ", ".join(part for part in parts if part)
    return f"{said}: {answer}" if answer else said


def _tool(record: StoredRecord) -> str:
    call = brief(record.payload.get("arguments", ""), 70)
    result = brief(record.payload["result"], 80) if "result" in record.payload else ""
    said = f"({call})" + (f" → {result}" if result else "")
    repeated = record.count("loop_count")
    return f"loop, {repeated} equal calls; {said}" if repeated else said if said != "()" else ""


def _decision(record: StoredRecord) -> str:
    others = [str(option) for option in record.get("options", ()) if str(option) != record.text("selected")]
    over = f" over {', '.join(others)}" if others else ""
    confidence = record.get("confidence")
    sure = f" ({confidence:.2f})" if isinstance(confidence, (int, float)) else ""
    why = brief(record.payload.get("reasoning", ""), 100)
    return f"chose {record.text('selected')}{over}{sure}" + (f": {why}" if why else "")


def _memory(record: StoredRecord) -> str:
    found = record.get("found")
    query = brief(record.payload.get("query", ""), 80)
    return ", ".join(part for part in (query, "" if found is None else f"found {found}") if part)


def _context(record: StoredRecord) -> str:
    sections = record.get("sections") or {}
    shown = ", ".join(f"{name} {count:,}" for name, count in sections.items())
    limit = f" of {record.count('limit'):,}" if record.get("limit") else ""
    evicted = sum((record.get("evicted") or {}).values())
    left_out = f"; {evicted:,} did not fit" if evicted else ""
    return f"{record.count('tokens'):,}{limit} tokens: {shown}{left_out}"


def _safety(record: StoredRecord) -> str:
    result = "failed" if record.get("passed") is False else "passed"
    detail = brief(record.payload.get("detail", ""), 100)
    return f"{result}: {detail}" if detail else result


def _run(record: StoredRecord) -> str:
    if record.get("status") == v.STATUS_RUNNING:
        return "running"
    return record.text("outcome")


def _cost(record: StoredRecord) -> str:
    amount = to_usd(record.get("total_cost_usd"))
    shown = "unpriced" if amount is None else f"{'~' if record.get('estimated') else ''}${plain(amount)}"
    return f"{shown}, {record.count('tokens_total'):,} tokens"


def _note(record: StoredRecord) -> str:
    label = record.text("label")
    note = brief(record.payload.get("note", ""), 120)
    return f"{label}: {note}" if label else note


def _score(record: StoredRecord) -> str:
    value = record.get("value")
    said = " ".join(filter(None, (f"{value:g}" if isinstance(value, (int, float)) else "", record.text("label"))))
    why = brief(record.payload.get("explanation", ""), 120)
    return ", ".join(filter(None, (said, f"by {record.text('source')}", why)))


def _anomaly(record: StoredRecord) -> str:
    return f"{record.text('series')} {record.text('state')}: {record.text('opinion')}"


def _replay(record: StoredRecord) -> str:
    return f"of {record.text('replay_of')}: {record.text('result') or record.text('name')}"


def _app(record: StoredRecord) -> str:
    return brief(record.payload.get("message") or record.text("error_message"), WIDTH)


_TITLES: Final[dict[str, Callable[[StoredRecord], str]]] = {
    v.KIND_SESSION: lambda r: r.text("agent"),
    v.KIND_TASK: lambda r: r.text("task_type"),
    v.KIND_LLM_CALL: lambda r: r.text("model"),
    v.KIND_TOOL_CALL: lambda r: r.text("tool"),
    v.KIND_MEMORY: lambda r: " ".join(filter(None, (r.text("operation"), r.text("store")))),
    v.KIND_CONTEXT: lambda _r: "context",
    v.KIND_SAFETY: lambda r: r.text("check"),
    v.KIND_DECISION: lambda r: r.text("decision_type"),
    v.KIND_COST: lambda r: r.text("model"),
    v.KIND_ANNOTATION: lambda r: r.text("label") or "note",
    v.KIND_SCORE: lambda r: r.text("score_name"),
    v.KIND_ANOMALY: lambda r: r.text("series"),
    v.KIND_REPLAY: lambda r: r.text("session_id"),
    v.KIND_APP: lambda r: r.text("logger"),
}

def _plain(record: StoredRecord) -> str:
    """A report of a model call that does not count says so."""
    attributes = record.get("attributes") or {}
    reason = attributes.get(v.SET_ASIDE_REASON)
    if not reason:
        return ""
    tokens_told, by = attributes.get(v.SET_ASIDE_TOKENS, ""), attributes.get(v.SET_ASIDE_BY)
    return f"not counted ({reason} as {by}), tells {tokens_told} tokens"


_SUMMARIES: Final[dict[str, Callable[[StoredRecord], str]]] = {
    v.KIND_SESSION: _run,
    v.KIND_TASK: _run,
    v.KIND_LLM_CALL: _llm,
    v.KIND_TOOL_CALL: _tool,
    v.KIND_MEMORY: _memory,
    v.KIND_CONTEXT: _context,
    v.KIND_SAFETY: _safety,
    v.KIND_DECISION: _decision,
    v.KIND_COST: _cost,
    v.KIND_ANNOTATION: _note,
    v.KIND_SCORE: _score,
    v.KIND_ANOMALY: _anomaly,
    v.KIND_REPLAY: _replay,
    v.KIND_APP: _app,
    v.KIND_SPAN: _plain,
}

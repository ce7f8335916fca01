"""Every question of the Protocols, with every kind of argument: both backends must give the same answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from behaviour_scene import BEFORE_NOW, HOSTILE, MINUTE

from syndarix_obs import vocabulary as v
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import DIMENSIONS, Rows, StoredRecord

Question = Callable[[Backend, int, Callable[[str], str]], Awaitable[Any]]
"""Asks a backend, given the scene's now and how a user's name becomes a pseudonym; gives something comparable."""

FIRST_TRACE = "0" * 31 + "1"
_ZONES = {"UTC": UTC, "Kathmandu": ZoneInfo("Asia/Kathmandu")}

_NARROWED: dict[str, dict[str, Any]] = {
    "everything": {},
    "one agent": {"agent": "support"},
    "one project": {"project": "shop-1"},
    "one session": {"session_id": "handover"},
    "one trace": {"trace_id": FIRST_TRACE},
    "one task type": {"task_type": "refund"},
    "one service": {"service": "desk"},
    "another environment": {"environment": "nowhere"},
    "a tool": {"tool": "refund"},
    "a model": {"model": "gpt-4o"},
    "what failed": {"status": v.STATUS_ERROR},
    "what worked": {"status": v.STATUS_OK},
    "a type of decision": {"decision_type": "tool_selection"},
    "at least a second": {"min_duration_ns": 10**9},
    "at least a tenth of a cent": {"min_cost_usd": Decimal("0.001")},
    "loops": {"looped": True},
    "a word in any case": {"text": "REFUND ORDER"},
    "letters beyond ASCII": {"text": "größe “3” ÄÄ"},
    "quotes and a line break": {"text": 'said "no"\nand'},
    "a line break": {"text": "\n"},
    "a text that is nowhere": {"text": "100%"},
    "a plain name": {"text": ".*"},
    "two filters": {"agent": "triage", "status": v.STATUS_ERROR},
    **{f"hostile {name}": {name: value} for name, value in HOSTILE.items()},
    "hostile text": {"text": HOSTILE["tool"]},
    "the first part": {"before_now_ns": 3 * MINUTE},
    "an agent in the first part": {"before_now_ns": 3 * MINUTE, "agent": "support"},
    "a word in the first part": {"before_now_ns": 3 * MINUTE, "text": "refund order"},
}
_ONLY_RECORDS: dict[str, dict[str, Any]] = {
    "warnings and worse": {"level": "warning"},
    "log lines": {"kinds": (v.KIND_APP,)},
    "decisions and tools": {"kinds": (v.KIND_DECISION, v.KIND_TOOL_CALL)},
    "anomalies": {"kinds": (v.KIND_ANOMALY,)},
    "anomalies of an agent": {"kinds": (v.KIND_ANOMALY,), "agent": "support"},
    "contexts": {"kinds": (v.KIND_CONTEXT, v.KIND_ANNOTATION)},
}
_NOT_OF_SESSIONS = ("running",)


def _where(now_ns: int, pseudonym: Callable[[str], str], **given: Any) -> Filter:
    given = dict(given)
    if "user" in given:
        given["user"] = pseudonym(given["user"])
    now_ns -= given.pop("before_now_ns", 0)
    return Filter(**{"since_ns": now_ns - BEFORE_NOW, "until_ns": now_ns, **given})


def _plain(page: Rows[StoredRecord]) -> list[tuple[Any, ...]]:
    return [(dict(each.data), each.level, dict(each.payload)) for each in page.rows]


def _records(given: dict[str, Any], limit: int, payloads: bool) -> Question:
    async def ask(backend: Backend, now_ns: int, pseudonym: Callable[[str], str]) -> Any:
        page = await backend.records(_where(now_ns, pseudonym, **given), limit=limit, payloads=payloads)
        return _plain(page), page.more

    return ask


def _listed(what: str, given: dict[str, Any], limit: int) -> Question:
    async def ask(backend: Backend, now_ns: int, pseudonym: Callable[[str], str]) -> Any:
        search = backend.search_traces if what == "traces" else backend.sessions
        page = await search(_where(now_ns, pseudonym, **given), limit)
        return page.rows, page.more

    return ask


def _costs(given: dict[str, Any], by: tuple[Any, ...], zone: str) -> Question:
    async def ask(backend: Backend, now_ns: int, pseudonym: Callable[[str], str]) -> Any:
        rows = await backend.costs(_where(now_ns, pseudonym, **given), by, _ZONES[zone])
        return sorted(rows, key=str)

    return ask


def _agents(given: dict[str, Any]) -> Question:
    async def ask(backend: Backend, now_ns: int, pseudonym: Callable[[str], str]) -> Any:
        return await backend.agents(_where(now_ns, pseudonym, **given))

    return ask


def _buckets(given: dict[str, Any], step_ns: int) -> Question:
    async def ask(backend: Backend, now_ns: int, pseudonym: Callable[[str], str]) -> Any:
        return await backend.buckets(_where(now_ns, pseudonym, **given), step_ns)

    return ask


def _trace(trace_id: str, limit: int, payloads: bool) -> Question:
    async def ask(backend: Backend, _now_ns: int, _pseudonym: Callable[[str], str]) -> Any:
        page = await backend.trace(trace_id, limit=limit, payloads=payloads)
        return _plain(page), page.more, page.total

    return ask


def _simple(ask_backend: Callable[[Backend], Awaitable[Any]]) -> Question:
    async def ask(backend: Backend, _now_ns: int, _pseudonym: Callable[[str], str]) -> Any:
        return await ask_backend(backend)

    return ask


def _names(field: str) -> Question:
    return _simple(lambda backend: backend.names(field, 100))


async def _unlimited(backend: Backend, _now_ns: int, _pseudonym: Callable[[str], str]) -> Any:
    """Questions that name a session or trace and no time."""
    one = Filter(session_id="handover")
    return (
        (await backend.sessions(one, 1)).rows,
        await backend.costs(one, (), UTC),
        await backend.costs(replace(one, session_id=None, trace_id=FIRST_TRACE), ("model",), UTC),
        await backend.agents(one),
    )


QUESTIONS: dict[str, Question] = {
    **{f"records: {name}": _records(given, 200, True) for name, given in {**_NARROWED, **_ONLY_RECORDS}.items()},
    **{f"records without payloads: {name}": _records(_NARROWED[name], 7, False) for name in ("everything", "a tool")},
    "records: the last few": _records({}, 5, True),
    **{f"traces: {name}": _listed("traces", given, 50) for name, given in _NARROWED.items()},
    "traces: the last few": _listed("traces", {}, 4),
    "traces: running": _listed("traces", {"status": v.STATUS_RUNNING}, 10),
    **{f"sessions: {name}": _listed("sessions", given, 50) for name, given in _NARROWED.items()},
    "sessions: the last few": _listed("sessions", {}, 3),
    "sessions: running": _listed("sessions", {"status": v.STATUS_RUNNING}, 10),
    **{f"costs by {name}": _costs({}, (name,), "UTC") for name in DIMENSIONS},
    "costs in all": _costs({}, (), "UTC"),
    "costs by day of another zone and agent": _costs({}, ("day", "agent"), "Kathmandu"),
    **{
        f"costs of {name}": _costs(_NARROWED[name], ("agent", "model"), "UTC")
        for name in ("one agent", "one session", "a model", "what failed", "hostile agent", "hostile model",
                     "the first part")
    },
    "lines of the ledger": _records({"kinds": (v.KIND_COST,)}, 4, False),
    "lines of the ledger of a model": _records({"kinds": (v.KIND_COST,), "model": "gpt-4o"}, 40, False),
    **{
        f"agents: {name}": _agents(_NARROWED[name])
        for name in ("everything", "one agent", "one project", "one session", "one task type", "hostile agent",
                     "the first part")
    },
    **{
        f"buckets: {name}": _buckets(_NARROWED[name], MINUTE)
        for name in ("everything", "one agent", "one project", "one session", "hostile agent", "the first part")
    },
    "buckets of five minutes": _buckets({}, 5 * MINUTE),
    "a trace": _trace(FIRST_TRACE, 100, True),
    "a trace without payloads": _trace(FIRST_TRACE, 100, False),
    "the beginning of a trace": _trace(FIRST_TRACE, 3, True),
    "a trace that begins with a plain span": _trace(f"{10 + 1:032x}", 100, True),
    "a trace of plain spans alone": _trace(f"{10 + 2:032x}", 100, True),
    "a trace that was not kept": _trace(f"{2**120:032x}", 100, True),
    "a trace that does not exist": _trace("f" * 32, 100, True),
    "something that is no trace id": _trace('x" | {', 100, True),
    "a whole trace id": _simple(lambda backend: backend.trace_ids(FIRST_TRACE, 5)),
    "the beginning of trace ids": _simple(lambda backend: backend.trace_ids("0" * 30, 5)),
    "the beginning of one trace id": _simple(lambda backend: backend.trace_ids("01000", 5)),
    "the beginning of no trace id": _simple(lambda backend: backend.trace_ids(".*", 5)),
    **{
        f"names of {field}": _names(field)
        for field in ("agent", "project", "user", "task_type", "model", "tool", "service", "environment",
                      "decision_type")
    },
    "since when": _simple(lambda backend: backend.extent()),
    "without a time": _unlimited,
}  # fmt: skip

LEDGER_SUMS: dict[str, Question] = {
    "what a bill is held against": _costs(
        {}, ("provider", "model", "service_tier", "is_estimated", "is_priced", "hour", "prompt_size"), "UTC"
    ),
    "what a success costs": _costs({}, ("session_id", "agent_version", "project"), "UTC"),
}
"""Sums by keys of the ledger that no face offers: asked of the real servers only, nothing of them is recorded."""

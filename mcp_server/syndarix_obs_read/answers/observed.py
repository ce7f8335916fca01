"""Calls as observations: what each measured, and the values it had in every dimension that may explain a change."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs_read.analysis.changes import Observation, Scale
from syndarix_obs_read.answers.errors import normalise
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import Rows, StoredRecord
from syndarix_obs_read.outcomes import is_success

MOST_CALLS: Final = 10_000
"""Calls of one period that are looked at, the newest."""
USER_BUCKETS: Final = 16
"""Users are told apart by bucket only: enough to see that some of them are concerned, too little to name one."""
REGION: Final = ("cloud.region", "region")
"""Attributes that say where something ran."""
_CONFIGURED: Final = ("prompt_hash", "tool_set_hash", "model", "provider", "agent_version")

Where = Mapping[str, tuple[str, ...]]
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Figure:
    """Something that can move.

    Args:
        name: `latency`, `errors`, …
        about: what it is, with its unit.
        scale: how values of two periods are compared.
        value: of a record; None for records that it says nothing about.
    """

    name: str
    about: str
    scale: Scale
    value: Callable[[StoredRecord], float | None]


def _of(kind: str, value: Callable[[StoredRecord], float | None]) -> Callable[[StoredRecord], float | None]:
    return lambda record: value(record) if record.kind == kind else None


def _seconds(record: StoredRecord) -> float:
    return (record.end_ns - record.start_ns) / 1e9


def _cost(record: StoredRecord) -> float | None:
    return None if record.get("cost_usd") is None else float(record.text("cost_usd"))


def _failed(record: StoredRecord) -> float | None:
    return float(record.failed) if record.kind in (v.KIND_LLM_CALL, v.KIND_TOOL_CALL) else None


def _unsuccessful(record: StoredRecord) -> float:
    return float(not is_success(record.text("status"), record.optional("outcome")))


def _chat(value: Callable[[StoredRecord], float | None]) -> Callable[[StoredRecord], float | None]:
    """Of model calls that answer; embeddings are quick, cheap, and have no prompt."""
    return _of(v.KIND_LLM_CALL, lambda r: None if r.get("operation") == v.OPERATION_EMBEDDINGS else value(r))


FIGURES: Final[Mapping[str, Figure]] = {
    each.name: each
    for each in (
        Figure("errors", "share of calls of models and tools that failed", "plain", _failed),
        Figure("failures", "share of sessions that did not succeed", "plain", _of(v.KIND_SESSION, _unsuccessful)),
        Figure("latency", "seconds of a model call", "log", _chat(_seconds)),
        Figure("input_tokens", "tokens sent with a model call", "log", _chat(lambda r: float(r.count("input_tokens")))),
        Figure("output_tokens", "tokens of an answer", "log", _chat(lambda r: float(r.count("output_tokens")))),
        Figure("cost", "dollars of a priced model call", "log", _chat(_cost)),
        Figure("tool_latency", "seconds of a tool call", "log", _of(v.KIND_TOOL_CALL, _seconds)),
    )
}  # fmt: skip
"""Figures that a change is looked for in."""


async def calls(backend: Backend, where: Filter, since_ns: int, until_ns: int) -> Rows[StoredRecord]:
    """Calls and sessions of a time, without payloads; `more` when only the newest were taken."""
    kinds = (v.KIND_LLM_CALL, v.KIND_TOOL_CALL, v.KIND_SESSION)
    wanted = replace(where, since_ns=since_ns, until_ns=until_ns, kinds=kinds)
    return await backend.records(wanted, limit=MOST_CALLS, payloads=False)


def configurations(records: Iterable[StoredRecord]) -> dict[Key, Where]:
    """What each agent of each session ran on: prompt, tools, model, …, from its model calls."""
    found: dict[Key, dict[str, dict[str, None]]] = {}
    for record in records:
        if record.kind == v.KIND_LLM_CALL:
            known = found.setdefault(_key(record), {name: {} for name in _CONFIGURED})
            for name in _CONFIGURED:
                if value := _own(record, name):
                    known[name][value] = None
    return {key: {name: tuple(values) for name, values in known.items()} for key, known in found.items()}


class Observed:
    """Records of one side of a comparison: what they say about a record is worked out once, for all figures."""

    def __init__(self, records: Sequence[StoredRecord]) -> None:
        self._records = records
        self._running_on = configurations(records)
        self._known: dict[int, tuple[Where, str]] = {}

    def of(self, figure: Figure) -> list[Observation]:
        """The observations of a figure."""
        return [
            Observation(value, *self._about(place, record), at)
            for place, record in enumerate(self._records)
            if (value := figure.value(record)) is not None and (at := record.start_ns)
        ]

    def _about(self, place: int, record: StoredRecord) -> tuple[Where, str]:
        if place not in self._known:
            run = record.text("session_id") or record.text("trace_id")
            self._known[place] = dimensions(record, self._running_on), run
        return self._known[place]


def observe(figure: Figure, records: Sequence[StoredRecord]) -> list[Observation]:
    """The observations of one figure."""
    return Observed(records).of(figure)


def dimensions(record: StoredRecord, running_on: Mapping[Key, Where]) -> Where:
    """The values of a record in every dimension; what it does not say itself comes from its session's model calls."""
    found = dict(running_on.get(_key(record), {}))
    found.update(_said(record))
    return {name: values for name, values in found.items() if values}


def _said(record: StoredRecord) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name in (*_CONFIGURED, "tool", "task_type", "environment"):
        if value := _own(record, name):
            yield name, (value,)
    region = next((str(found) for name in REGION if (found := attributes(record).get(name))), "")
    yield "region", (region,) if region else ()
    user = record.text("user")
    if user:
        yield "user_bucket", (user_bucket(user),)
    if record.failed:
        yield "error_pattern", (f"{record.text('error_type')}: {normalise(record.text('error_message'))}"[:120],)


def user_bucket(user: str) -> str:
    """The bucket of a user's pseudonym."""
    return f"bucket {hashlib.blake2b(user.encode(), digest_size=4).digest()[0] % USER_BUCKETS}"


def attributes(record: StoredRecord) -> Mapping[str, Any]:
    """Attributes that have no field of their own."""
    found = record.get("attributes")
    return found if isinstance(found, Mapping) else {}


def _own(record: StoredRecord, name: str) -> str:
    if name == "prompt_hash":
        return str(attributes(record).get(v.PROMPT_HASH) or "")
    if name == "tool_set_hash":
        return str(attributes(record).get(v.TOOLSET_HASH) or "")
    return record.text(name)


def _key(record: StoredRecord) -> Key:
    return record.text("session_id") or record.text("trace_id"), record.text("agent")

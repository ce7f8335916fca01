"""Which tools are offered and never chosen, chosen and failing, and what did a choice cost in every call after it?"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from pydantic import Field

from syndarix_obs import vocabulary as v
from syndarix_obs_read.amounts import Frozen
from syndarix_obs_read.answers.base import Answer, Period, some_fields
from syndarix_obs_read.answers.decisions import outcomes_of
from syndarix_obs_read.answers.empty import why_empty
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import COUNTED_UP_TO, StoredRecord
from syndarix_obs_read.backends.together import together
from syndarix_obs_read.outcomes import is_success
from syndarix_obs_read.timerange import TimeRange

_BYTES_OF_TOKEN: Final = 4
"""Bytes of English that make a token, roughly; what is worked out of it is marked as an estimate."""


class ToolChoice(Frozen):
    """One tool as models chose it."""

    tool: str
    offered: int = Field(description="Decisions in which it could be chosen.")
    chosen: int
    failed: int = Field(description="Chosen, and it failed.")
    success_rate: float | None = Field(description="Share of the ended sessions that chose it and succeeded.")
    result_tokens: int = Field(description="Tokens of its results, estimated from their size.")
    carried_tokens: int = Field(description="The same tokens, paid again in every later call of the session.")
    carried_usd: Decimal | None = Field(description="What that costs at the price of those calls; estimated.")


class ChoicePatterns(Answer):
    """Tools by how they were chosen, the dearest first."""

    decisions: int
    sessions: int
    tools: tuple[ToolChoice, ...]
    never_chosen: tuple[str, ...]


@dataclass(slots=True)
class _Tally:
    offered: int = 0
    chosen: int = 0
    failed: int = 0
    sessions: set[str] = field(default_factory=set)
    results: int = 0
    carried: int = 0
    dollars: Decimal = Decimal(0)
    priced: bool = False


async def choice_patterns(backend: Backend, where: Filter, period: TimeRange) -> ChoicePatterns:
    """Choices of tools in a period."""
    inside = where.within(period)
    besides = replace(inside, decision_type=None)
    made_of, tools, ledger = await together(
        _records(backend, inside, v.KIND_DECISION, _OF_DECISION),
        _records(backend, besides, v.KIND_TOOL_CALL, _OF_TOOL),
        _records(backend, besides, v.KIND_COST, _OF_LINE),
    )
    decisions = [record for record in made_of if record.text("decision_type") == "tool_selection"]
    tallies: defaultdict[str, _Tally] = defaultdict(_Tally)
    for record in decisions:
        _count(tallies, record)
    _carry(tallies, tools, ledger)
    outcomes = await outcomes_of(backend, decisions, where)
    made = [_tool(name, tally, outcomes) for name, tally in tallies.items() if name != v.DECISION_ANSWER]
    made.sort(key=lambda each: (-each.carried_tokens, -each.chosen, each.tool))
    return ChoicePatterns(
        backend=backend.name, period=Period.of(period), decisions=len(decisions),
        sessions=len({_run(record) for record in decisions}), tools=tuple(made),
        never_chosen=tuple(sorted(each.tool for each in made if each.offered and not each.chosen)),
        hints=() if decisions else tuple(await why_empty(backend, where, period)),
    )  # fmt: skip


async def _records(backend: Backend, where: Filter, kind: str, names: Sequence[str]) -> Sequence[StoredRecord]:
    return (await some_fields(backend, replace(where, kinds=(kind,)), (*_RUN, *names), COUNTED_UP_TO)).rows


_RUN: Final = ("session_id", "trace_id", "agent")
_OF_DECISION: Final = ("decision_type", "options", "selected", "attributes")
_OF_TOOL: Final = ("tool", "attributes")
_OF_LINE: Final = ("cost_per_input_token",)
"""Fields that are looked at: of everything, and of each kind."""


def _run(record: StoredRecord) -> str:
    return record.text("session_id") or record.text("trace_id")


def _count(tallies: Mapping[str, _Tally], record: StoredRecord) -> None:
    for option in record.get("options") or ():
        tallies[str(option)].offered += 1
    outcome = (record.get("attributes") or {}).get(v.DECISION_OUTCOME)
    for name in record.text("selected").split(v.DECISION_AND):
        tallies[name].chosen += 1
        tallies[name].failed += outcome == v.STATUS_ERROR
        tallies[name].sessions.add(record.text("session_id"))


def _carry(tallies: Mapping[str, _Tally], tools: Sequence[StoredRecord], ledger: Sequence[StoredRecord]) -> None:
    """A result stands in the history from then on: every later call of the same agent in the session pays for it."""
    calls: defaultdict[tuple[str, str], list[StoredRecord]] = defaultdict(list)
    for line in sorted(ledger, key=lambda each: each.start_ns):
        calls[_run(line), line.text("agent")].append(line)
    for record in tools:
        size = int((record.get("attributes") or {}).get(v.PAYLOAD_BYTES) or 0)
        tokens = math.ceil(size / _BYTES_OF_TOKEN)
        later = calls[_run(record), record.text("agent")]
        after = later[bisect_right([each.start_ns for each in later], record.end_ns) :]
        tally = tallies[record.text("tool")]
        tally.results += tokens
        tally.carried += tokens * len(after)
        for line in after:
            price = line.optional("cost_per_input_token")
            if price is not None:
                tally.priced = True
                tally.dollars += tokens * Decimal(price)


def _tool(name: str, tally: _Tally, outcomes: Mapping[str, tuple[str, str | None]]) -> ToolChoice:
    ended = [outcomes[s] for s in tally.sessions if s in outcomes and outcomes[s][0] != v.STATUS_RUNNING]
    return ToolChoice(
        tool=name, offered=tally.offered, chosen=tally.chosen, failed=tally.failed,
        success_rate=sum(is_success(*each) for each in ended) / len(ended) if ended else None,
        result_tokens=tally.results, carried_tokens=tally.carried,
        carried_usd=tally.dollars if tally.priced else None,
    )  # fmt: skip

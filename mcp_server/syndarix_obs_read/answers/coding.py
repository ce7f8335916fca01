"""What did coding agents cost, by repository, branch, session, sub-agent, skill? What filled the context, and what was
refused?"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final, Literal, get_args

from pydantic import Field

from syndarix_obs import vocabulary as v
from syndarix_obs_read.amounts import Cost, Frozen, share, to_usd
from syndarix_obs_read.answers.base import ListAnswer, Moment, Period, listing
from syndarix_obs_read.answers.empty import why_empty
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import Rows, StoredRecord
from syndarix_obs_read.timerange import TimeRange, to_datetime

CodingDimension = Literal["repository", "branch", "session", "agent", "skill", "model"]
CODING_DIMENSIONS: Final[tuple[CodingDimension, ...]] = get_args(CodingDimension)

_KINDS: Final = (v.KIND_LLM_CALL, v.KIND_TOOL_CALL, v.KIND_DECISION, v.KIND_CONTEXT)
_SLICE: Final = 10_000
_MOST: Final = 300_000
_CODING: Final = "coding"
_OWN_WORDS: Final = "the model's own answers"
_REASONS: Final = 3


class CodingGroup(Frozen):
    """What one group cost."""

    key: Mapping[str, str | None] = Field(description="Value of each dimension; null where the agent tells none.")
    sessions: int
    cost: Cost
    input_tokens: int = Field(description="Cache reads and writes included.")
    output_tokens: int
    cache_read_share: float | None = Field(description="Share of the input that came from the provider's cache.")
    largest_context: int = Field(description="Tokens of the largest request.")


class ContextSource(Frozen):
    """What put tokens into the context."""

    source: str = Field(description="A tool, or the model's own answers.")
    tokens: int = Field(description="Estimated by length for tools; as billed for answers.")
    times: int
    share: float | None = Field(description="Of everything that is listed, 0 to 1.")


class RefusedTool(Frozen):
    """A tool that was not allowed."""

    tool: str
    times: int
    sessions: int
    last: Moment
    reasons: tuple[str, ...] = Field(description="Some of them, the last first.")


class CodingSummary(ListAnswer):
    """Groups, the dearest first; sources of context, the largest first; refused tools, the most refused first."""

    by: tuple[str, ...]
    groups: tuple[CodingGroup, ...]
    cost: Cost = Field(description="Of the whole period, also of groups that are not listed.")
    context: tuple[ContextSource, ...]
    compactions: int = Field(description="How often a context was summarised because it was full.")
    refused: tuple[RefusedTool, ...]


async def summarise_coding(
    backend: Backend,
    where: Filter,
    period: TimeRange,
    by: Sequence[CodingDimension] = ("repository",),
    *,
    limit: int = 50,
) -> CodingSummary:
    """Sums over what coding agents did in the period.

    Args:
        by: dimensions to group by, in any combination and order.
        limit: most groups, sources and tools.
    """
    records, complete = await _coding_records(backend, where.within(period))
    by = tuple(dict.fromkeys(by))
    calls = [record for record in records if record.kind == v.KIND_LLM_CALL]
    groups = sorted(_groups(calls, by), key=lambda group: -(group.cost.total_usd or Decimal(0)))
    about = listing(Rows(tuple(groups[:limit]), len(groups) > limit, len(groups)), "a filter or fewer dimensions")
    if not complete:
        about["hints"] = (
            f"only the newest {_MOST:,} records were looked at; ask about a shorter time",
            *about.get("hints", ()),
        )
    if not records:
        about["hints"] = (
            "no coding agent has reported: syndarix-obs import claude-code, or up --install claude-code",
            *await why_empty(backend, where, period),
        )
    return CodingSummary(
        backend=backend.name, period=Period.of(period), by=by, groups=tuple(groups[:limit]), cost=_cost(calls),
        context=_context(records)[:limit], refused=_refused(records)[:limit],
        compactions=sum(record.kind == v.KIND_CONTEXT for record in records), **about,
    )  # fmt: skip


async def _coding_records(backend: Backend, where: Filter) -> tuple[list[StoredRecord], bool]:
    """All of them, slice by slice from the newest on; False when there are more than can be looked at."""
    found: list[StoredRecord] = []
    seen: set[str] = set()
    wanted = replace(where, kinds=_KINDS, agent_type=_CODING)
    while True:
        page = await backend.records(wanted, limit=_SLICE, payloads=False)
        fresh = [record for record in page.rows if record.text("record_id") not in seen]
        seen.update(record.text("record_id") for record in fresh)
        found += fresh
        if not page.more or not fresh:
            return await _with_reasons(backend, where, found), True
        if len(seen) >= _MOST:
            return found, False
        wanted = replace(wanted, until_ns=min(record.start_ns for record in fresh) + 1)


async def _with_reasons(backend: Backend, where: Filter, found: list[StoredRecord]) -> list[StoredRecord]:
    """The refusals again, with what was said about them."""
    if not any(_is_refusal(record) for record in found):
        return found
    wanted = replace(where, kinds=(v.KIND_DECISION,), decision_type="permission")
    page = await backend.records(wanted, limit=_SLICE, payloads=True)
    told = {record.text("record_id"): record for record in page.rows}
    return [told.get(record.text("record_id"), record) if _is_refusal(record) else record for record in found]


def _attribute(record: StoredRecord, name: str) -> Any:
    attributes = record.get("attributes")
    return attributes.get(name) if isinstance(attributes, Mapping) else None


def _value(record: StoredRecord, dimension: CodingDimension) -> str | None:
    if dimension == "repository":
        return record.optional("project")
    if dimension == "session":
        return record.optional("session_id")
    if dimension in ("branch", "skill"):
        found = _attribute(record, v.VCS_REF_HEAD_NAME if dimension == "branch" else v.GEN_AI_SKILL_NAME)
        return None if found is None else str(found)
    return record.optional(dimension)


def _groups(calls: Sequence[StoredRecord], by: tuple[CodingDimension, ...]) -> Iterable[CodingGroup]:
    groups: defaultdict[tuple[str | None, ...], list[StoredRecord]] = defaultdict(list)
    for call in calls:
        groups[tuple(_value(call, name) for name in by)].append(call)
    for key, found in groups.items():
        tokens = sum(call.count("input_tokens") for call in found)
        yield CodingGroup(
            key=dict(zip(by, key, strict=True)), sessions=len({call.get("session_id") for call in found}),
            cost=_cost(found), input_tokens=tokens, output_tokens=sum(call.count("output_tokens") for call in found),
            cache_read_share=share(sum(call.count("cache_read_tokens") for call in found), tokens),
            largest_context=max(call.count("input_tokens") for call in found),
        )  # fmt: skip


def _cost(calls: Sequence[StoredRecord]) -> Cost:
    billed = [call for call in calls if not call.failed or call.count("input_tokens")]
    priced = [call for call in billed if to_usd(call.get("cost_usd")) is not None]
    unpriced = [call for call in billed if to_usd(call.get("cost_usd")) is None]
    sums: dict[bool, Decimal] = {False: Decimal(0), True: Decimal(0)}
    for call in priced:
        sums[bool(call.get("estimated"))] += to_usd(call.get("cost_usd")) or Decimal(0)
    return Cost(
        calls=len(billed), exact_usd=sums[False], estimated_usd=sums[True],
        estimated_calls=sum(bool(call.get("estimated")) for call in priced), unpriced_calls=len(unpriced),
        unpriced_models=tuple(sorted({call.text("model") or "unknown" for call in unpriced})),
    )  # fmt: skip


def _context(records: Sequence[StoredRecord]) -> tuple[ContextSource, ...]:
    tokens: Counter[str] = Counter()
    times: Counter[str] = Counter()
    for record in records:
        if record.kind == v.KIND_TOOL_CALL:
            source, added = record.text("tool"), _attribute(record, v.CONTEXT_ADDED)
        elif record.kind == v.KIND_LLM_CALL:
            source, added = _OWN_WORDS, record.count("output_tokens")
        else:
            continue
        tokens[source] += added if isinstance(added, int) else 0
        times[source] += 1
    whole = sum(tokens.values())
    return tuple(
        ContextSource(source=source, tokens=number, times=times[source], share=share(number, whole))
        for source, number in tokens.most_common()
    )


def _is_refusal(record: StoredRecord) -> bool:
    return record.get("decision_type") == "permission" and record.get("selected") not in ("accept", "approved", "allow")


def _refused(records: Sequence[StoredRecord]) -> tuple[RefusedTool, ...]:
    groups: defaultdict[str, list[StoredRecord]] = defaultdict(list)
    for record in records:
        if _is_refusal(record):
            groups[_tool_of(record)].append(record)
    found = [_refused_tool(tool, refusals) for tool, refusals in groups.items()]
    return tuple(sorted(found, key=lambda each: (-each.times, each.tool)))


def _tool_of(record: StoredRecord) -> str:
    return record.optional("tool") or record.text("name").removeprefix("decision permission ") or "unknown"


def _refused_tool(tool: str, refusals: list[StoredRecord]) -> RefusedTool:
    newest = sorted(refusals, key=lambda record: -record.start_ns)
    reasons = (str(record.payload["reasoning"]) for record in newest if record.payload.get("reasoning"))
    return RefusedTool(
        tool=tool, times=len(refusals), sessions=len({record.get("session_id") for record in refusals}),
        last=to_datetime(newest[0].start_ns), reasons=tuple(dict.fromkeys(reasons))[:_REASONS],
    )  # fmt: skip

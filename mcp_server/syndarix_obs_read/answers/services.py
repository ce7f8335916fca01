"""What did each service do, and each version of its agents? Sessions, calls, failures, tokens, dollars."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import tzinfo
from typing import Final

from pydantic import Field

from syndarix_obs import vocabulary as v
from syndarix_obs_read.amounts import Cost, Frozen, Tokens, share
from syndarix_obs_read.answers.base import Answer, Moment, Period, some_fields
from syndarix_obs_read.answers.empty import why_empty
from syndarix_obs_read.answers.observed import MOST_CALLS, configurations
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import StoredRecord
from syndarix_obs_read.outcomes import failed_outcomes, is_success
from syndarix_obs_read.timerange import TimeRange, to_datetime

MOST_SERVICES: Final = 50
"""Services that are looked at: the first by name."""
_KINDS: Final = (v.KIND_SESSION, v.KIND_LLM_CALL, v.KIND_TOOL_CALL)
_FIELDS: Final = ("environment", "agent", "agent_version", "session_id", "trace_id", "outcome")


class ServiceVersion(Frozen):
    """One version of one agent of a service: what its calls state, and what ran in a session with them."""

    agent: str | None
    version: str | None
    sessions: int = Field(description="Ended sessions of this agent.")
    success_rate: float | None = Field(description="Those that succeeded, 0 to 1; null without any.")
    requests: int = Field(description="Calls of a model.")
    tool_calls: int
    failed: int = Field(description="Calls of models and tools that failed.")
    first: Moment
    last: Moment


class ServiceStatistics(Frozen):
    """One service over a period."""

    service: str
    environments: tuple[str, ...]
    tokens: Tokens
    cost: Cost
    versions: tuple[ServiceVersion, ...] = Field(description="The newest first.")


class ServiceList(Answer):
    """Services that did something in the period, by name."""

    services: tuple[ServiceStatistics, ...]
    failed_outcomes: tuple[str, ...] = Field(
        default_factory=failed_outcomes, description="Outcomes that count as failed: a setting."
    )


async def get_services(backend: Backend, where: Filter, period: TimeRange, zone: tzinfo) -> ServiceList:
    """What every service and version did. Costs are whole; versions are read from the newest calls of each service."""
    known = [where.service] if where.service else await backend.names("service", MOST_SERVICES)
    found: list[ServiceStatistics] = []
    cut = False
    for name in known:
        one = replace(where.within(period), service=name)
        page = await some_fields(backend, replace(one, kinds=_KINDS), _FIELDS, MOST_CALLS)
        cut = cut or page.more
        if page.rows:
            found.append(await _service(backend, one, name, page.rows, zone))
    hints = () if found else await why_empty(backend, where, period)
    if cut:
        hints = (
            *hints,
            f"only the newest {MOST_CALLS:,} steps of a service are counted by version; ask for a shorter time",
        )
    return ServiceList(backend=backend.name, period=Period.of(period), services=tuple(found), hints=hints)


async def _service(
    backend: Backend, where: Filter, name: str, records: Sequence[StoredRecord], zone: tzinfo
) -> ServiceStatistics:
    sums = await backend.costs(where, (), zone)
    return ServiceStatistics(
        service=name,
        environments=tuple(sorted({each.text("environment") for each in records} - {""})),
        tokens=sums[0].tokens if sums else Tokens(),
        cost=sums[0].cost if sums else Cost(),
        versions=_versions(records),
    )


def _versions(records: Sequence[StoredRecord]) -> tuple[ServiceVersion, ...]:
    found: defaultdict[tuple[str | None, str | None], list[StoredRecord]] = defaultdict(list)
    ran_on = configurations(records)
    for each in records:
        agent = each.optional("agent")
        of_session = ran_on.get((each.text("session_id"), agent or ""), {}).get("agent_version", ())
        found[agent, each.optional("agent_version") or " + ".join(of_session) or None].append(each)
    versions = (_version(*key, each) for key, each in found.items())
    return tuple(sorted(versions, key=lambda each: (each.last, each.agent or ""), reverse=True))


def _version(agent: str | None, version: str | None, records: Sequence[StoredRecord]) -> ServiceVersion:
    ended = [r for r in records if r.kind == v.KIND_SESSION and r.text("status") != v.STATUS_RUNNING]
    succeeded = sum(is_success(each.text("status"), each.optional("outcome")) for each in ended)
    return ServiceVersion(
        agent=agent,
        version=version,
        sessions=len(ended),
        success_rate=share(succeeded, len(ended)),
        requests=sum(each.kind == v.KIND_LLM_CALL for each in records),
        tool_calls=sum(each.kind == v.KIND_TOOL_CALL for each in records),
        failed=sum(each.failed for each in records if each.kind != v.KIND_SESSION),
        first=to_datetime(min(each.start_ns for each in records)),
        last=to_datetime(max(each.start_ns for each in records)),
    )

"""What led to what? Of one run every decision and tool in order; of many what follows what, failures first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from pydantic import Field

from syndarix_obs import vocabulary as v
from syndarix_obs_read.amounts import Frozen
from syndarix_obs_read.answers import flow
from syndarix_obs_read.answers.base import Answer, Period
from syndarix_obs_read.answers.decisions import outcomes_of
from syndarix_obs_read.answers.empty import why_empty
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import COUNTED_UP_TO, StoredRecord
from syndarix_obs_read.outcomes import is_success
from syndarix_obs_read.timerange import TimeRange

FAILED: Final = " ✗"
"""Ends the name of a node that is a failed call."""
_EDGES: Final = 40
_VARIANTS: Final = 10
_NODES: Final = 200


class GraphEdge(Frozen):
    """What came right after what."""

    before: str
    after: str
    count: int
    failed_runs: int
    other_runs: int
    lift: float | None = Field(description="How much more often in failed runs; null when one kind of run is missing.")


class Variant(Frozen):
    """Runs that did the same in the same order."""

    steps: tuple[str, ...]
    runs: int
    failed: int


class DecisionGraph(Answer):
    """Decisions and tools as a graph."""

    runs: int
    failed_runs: int
    single: bool = Field(description="Whether it is one run, with every step as a node of its own.")
    edges: tuple[GraphEdge, ...]
    starts: Mapping[str, int]
    ends: Mapping[str, int]
    variants: tuple[Variant, ...]
    total_variants: int
    mermaid: str = Field(description="The graph as Mermaid text.")


async def decision_graph(
    backend: Backend, where: Filter, period: TimeRange, *, least: int = 2, limit: int = _EDGES
) -> DecisionGraph:
    """The graph of the runs that fit; of a single trace or session step by step.

    Args:
        least: runs that an edge must occur in to be shown.
        limit: most edges.
    """
    single = bool(where.trace_id or where.session_id)
    kinds = (v.KIND_DECISION, v.KIND_TOOL_CALL)
    wanted = replace(where if single else where.within(period), kinds=kinds)
    page = await backend.records(wanted, limit=COUNTED_UP_TO, payloads=False)
    records = sorted(page.rows, key=lambda record: (record.start_ns, record.kind != v.KIND_DECISION, record.end_ns))
    runs: defaultdict[str, list[StoredRecord]] = defaultdict(list)
    for record in records:
        runs[record.text("session_id") or record.text("trace_id")].append(record)
    outcomes = await outcomes_of(backend, records, where)
    failed = {name for name in runs if name in outcomes and not is_success(*outcomes[name])}
    hints: tuple[str, ...] = ()
    if page.more:
        hints = (f"only the newest {COUNTED_UP_TO:,} decisions and tool calls were looked at",)
    if not records:
        hints = tuple(await why_empty(backend, where, period))
    make = _one_run if single and len(runs) <= 1 else _many_runs
    found = make(backend.name, runs, failed, least, limit)
    return found.model_copy(update={"hints": hints, "period": None if single else Period.of(period)})


def activities(records: Sequence[StoredRecord]) -> tuple[str, ...]:
    """What a run did, in order: its tools, marked when they failed, and answers in place of a tool. Of a run whose
    tools were not recorded what its models chose."""
    tools = [r for r in records if r.kind == v.KIND_TOOL_CALL]
    found = []
    for record in records:
        if record.kind == v.KIND_TOOL_CALL:
            found.append(record.text("tool") + (FAILED if record.failed else ""))
        elif record.text("decision_type") == "tool_selection":
            chosen = record.text("selected").split(v.DECISION_AND)
            found += [name for name in chosen if name == v.DECISION_ANSWER or not tools]
    return tuple(found)


def _many_runs(
    backend: str, runs: Mapping[str, list[StoredRecord]], failed: set[str], least: int, limit: int
) -> DecisionGraph:
    sequences = {name: flow.collapsed(activities(records)) for name, records in runs.items()}
    bad = [run for name, run in sequences.items() if name in failed and run]
    good = [run for name, run in sequences.items() if name not in failed and run]
    both = flow.directly_follows([*bad, *good])
    edges = flow.weighed(bad, good, least=min(least, max(1, len(bad) + len(good))))[:limit]
    known = bool(bad and good)
    drawn = [
        (e.edge, f"{e.count}× {e.failed_runs}/{e.other_runs}" if known else f"{e.count}×", known and e.lift >= 1.5)
        for e in edges
    ]
    by_variant = flow.directly_follows(bad).variants
    variants = both.variants.most_common(_VARIANTS)
    return DecisionGraph(
        backend=backend, runs=len(bad) + len(good), failed_runs=len(bad), single=False,
        edges=tuple(
            GraphEdge(before=e.edge[0], after=e.edge[1], count=e.count, failed_runs=e.failed_runs,
                      other_runs=e.other_runs, lift=round(e.lift, 3) if known else None)
            for e in edges
        ),
        starts=dict(both.starts.most_common()), ends=dict(both.ends.most_common()),
        variants=tuple(Variant(steps=steps, runs=count, failed=by_variant[steps]) for steps, count in variants),
        total_variants=len(both.variants), mermaid=flow.mermaid(drawn),
    )  # fmt: skip


def _one_run(
    backend: str, runs: Mapping[str, list[StoredRecord]], failed: set[str], _least: int, limit: int
) -> DecisionGraph:
    """Every decision and tool as a node, in order; parameters belong to their tool and are no nodes."""
    records = [r for each in runs.values() for r in each if r.text("decision_type") != "parameter_generation"][:_NODES]
    nodes = {str(at): _label(at, record) for at, record in enumerate(records, 1)}
    pairs = [(str(at), str(at + 1)) for at in range(1, len(records))]
    bad = {str(at) for at, record in enumerate(records, 1) if record.failed}
    edges = tuple(
        GraphEdge(before=nodes[a], after=nodes[b], count=1, failed_runs=int(bool(failed)), other_runs=int(not failed),
                  lift=None)
        for a, b in pairs[: max(limit, _NODES)]
    )  # fmt: skip
    drawn = [(pair, "", pair[1] in bad) for pair in pairs] or [
        ((flow.START, name), "", False) for name in list(nodes)[:1]
    ]
    run = flow.directly_follows([tuple(nodes.values())])
    return DecisionGraph(
        backend=backend, runs=len(runs), failed_runs=len(failed), single=True, edges=edges, starts=dict(run.starts),
        ends=dict(run.ends), variants=(), total_variants=len(run.variants), mermaid=flow.mermaid(drawn, nodes),
    )  # fmt: skip


def _label(number: int, record: StoredRecord) -> str:
    if record.kind == v.KIND_TOOL_CALL:
        return f"{number} {record.text('tool')}{FAILED if record.failed else ''}"
    return f"{number} {record.text('decision_type')}: {record.text('selected')}"

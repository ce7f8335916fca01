"""The embedded backend against a world whose sums are known."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace
from datetime import UTC
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import read_scene as scene

from syndarix_obs.records import model as r
from syndarix_obs.store.location import store_path
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import (
    AgentSource,
    HealthSource,
    LedgerSource,
    NameSource,
    RecordSource,
    SessionSource,
    TraceSource,
)
from syndarix_obs_read.backends.rows import StoredRecord
from syndarix_obs_read.backends.sql.pool import Pool
from syndarix_obs_read.errors import BackendError, BackendTimeout, BackendUnavailable, FilterError


@pytest.mark.parametrize(
    "protocol", [TraceSource, RecordSource, LedgerSource, SessionSource, AgentSource, NameSource, HealthSource]
)
def test_it_fulfils_every_protocol(backend: EmbeddedBackend, protocol: type) -> None:
    assert isinstance(backend, protocol)


async def test_a_trace_comes_whole_in_the_order_of_time(backend: EmbeddedBackend) -> None:
    page = await backend.trace(scene.REFUND, limit=100, payloads=True)
    assert 14 == len(page.rows) == page.total
    assert sorted(row.start_ns for row in page.rows) == [row.start_ns for row in page.rows]
    assert {"order": "4711"} == next(row for row in page.rows if row.get("tool")).payload["arguments"]


async def test_a_long_trace_is_cut_and_says_how_long_it_is(backend: EmbeddedBackend) -> None:
    page = await backend.trace(scene.REFUND, limit=5, payloads=False)
    assert (5, True, 14) == (len(page.rows), page.more, page.total)


async def test_a_running_session_is_part_of_its_trace(backend: EmbeddedBackend) -> None:
    page = await backend.trace(scene.LIVE, limit=100, payloads=False)
    assert [("session", "running"), ("tool_call", "ok")] == [(row.kind, row.get("status")) for row in page.rows]


async def test_ids_are_found_by_their_beginning(backend: EmbeddedBackend) -> None:
    assert [scene.REFUND, scene.LOOP] == await backend.trace_ids("a", 10)
    assert [scene.REFUND] == await backend.trace_ids("a", 1)
    assert [scene.LIVE] == await backend.trace_ids("cccc", 10)
    assert [] == await backend.trace_ids("f", 10)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (Filter(), [scene.LIVE, scene.REFUND, scene.LOOP]),
        (Filter(agent="triage"), [scene.REFUND]),
        (Filter(agent="support"), [scene.LIVE, scene.REFUND, scene.LOOP]),
        (Filter(project="globex"), [scene.LOOP]),
        (Filter(user=scene.USER), [scene.REFUND]),
        (Filter(session_id="s-loop"), [scene.LOOP]),
        (Filter(task_type="refund"), [scene.REFUND]),
        (Filter(model="house-1"), [scene.REFUND]),
        (Filter(tool="track"), [scene.LIVE, scene.LOOP]),
        (Filter(tool="track", model="claude"), [scene.LOOP]),
        (Filter(decision_type="tool_selection"), [scene.REFUND]),
        (Filter(status="error"), [scene.REFUND]),
        (Filter(status="running"), [scene.LIVE]),
        (Filter(status="ok"), [scene.REFUND, scene.LOOP]),
        (Filter(looped=True), [scene.LOOP]),
        (Filter(text="IN TRANSIT"), [scene.LOOP]),
        (Filter(text="refund 50% of"), [scene.REFUND]),
        (Filter(min_duration_ns=8 * scene.S), [scene.REFUND]),
        (Filter(min_cost_usd=Decimal("0.3")), [scene.LOOP]),
        (Filter(min_cost_usd=Decimal("0.021")), [scene.REFUND, scene.LOOP]),
        (Filter(trace_id=scene.LOOP), [scene.LOOP]),
        (Filter(since_ns=scene.T0), [scene.LIVE, scene.REFUND]),
        (Filter(until_ns=scene.T0), [scene.LOOP]),
        (Filter(service="desk", environment="prod"), []),
    ],
)
async def test_traces_are_found_by_what_is_in_them(
    backend: EmbeddedBackend, where: Filter, expected: list[str]
) -> None:
    page = await backend.search_traces(where, 10)
    assert expected == [row.trace_id for row in page.rows]


async def test_a_trace_in_a_list_carries_its_sums(backend: EmbeddedBackend) -> None:
    row = (await backend.search_traces(Filter(agent="triage"), 10)).rows[0]
    assert (14, 3, 1, 2, 2) == (
        row.activity.records, row.activity.llm_calls, row.activity.tool_calls, row.activity.decisions,
        row.activity.errors,
    )  # fmt: skip
    assert (375, Decimal("0.021"), 1) == (row.tokens.total, row.cost.total_usd, row.cost.unpriced_calls)


async def test_a_limit_is_kept_and_the_rest_counted(backend: EmbeddedBackend) -> None:
    page = await backend.search_traces(Filter(), 1)
    assert (1, True, 3) == (len(page.rows), page.more, page.total)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (Filter(), ["s-live", "s-refund", "s-loop"]),
        (Filter(agent="triage"), ["s-refund"]),
        (Filter(status="running"), ["s-live"]),
        (Filter(status="error"), []),
        (Filter(trace_id=scene.LOOP), ["s-loop"]),
        (Filter(user=scene.USER), ["s-refund"]),
        (Filter(model="claude"), ["s-refund", "s-loop"]),
        (Filter(text="2 of 5 stars"), ["s-refund"]),
        (Filter(min_duration_ns=8 * scene.S), ["s-refund"]),
        (Filter(looped=True), ["s-loop"]),
    ],
)
async def test_sessions_are_found(backend: EmbeddedBackend, where: Filter, expected: list[str]) -> None:
    assert expected == [row.session_id for row in (await backend.sessions(where, 10)).rows]


async def test_runs_of_one_session_are_one_row(backend: EmbeddedBackend) -> None:
    row = (await backend.sessions(Filter(session_id="s-refund"), 10)).rows[0]
    assert (("triage", "support"), (scene.REFUND,), "escalated") == (row.agents, row.trace_ids, row.outcome)
    assert (scene.T0, scene.T0 + 10 * scene.S) == (row.start_ns, row.end_ns)


async def test_a_running_session_has_no_end_but_progress(backend: EmbeddedBackend) -> None:
    row = (await backend.sessions(Filter(status="running"), 10)).rows[0]
    assert (None, scene.T0 + 103 * scene.S) == (row.end_ns, row.last_progress_ns)


async def test_sessions_are_limited_and_counted(backend: EmbeddedBackend) -> None:
    page = await backend.sessions(Filter(), 2)
    assert (2, True, 3) == (len(page.rows), page.more, page.total)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (Filter(kinds=("decision",)), 2),
        (Filter(kinds=("decision", "safety")), 3),
        (Filter(kinds=("span",)), 1),
        (Filter(), 21),
        (Filter(agent="triage"), 4),
        (Filter(session_id="s-loop"), 7),
        (Filter(trace_id=scene.LIVE), 1),
        (Filter(level="warning"), 4),
        (Filter(level="error"), 2),
        (Filter(status="error"), 2),
        (Filter(looped=True), 1),
        (Filter(min_cost_usd=Decimal("0.02")), 2),
        (Filter(min_duration_ns=3 * scene.S, kinds=("llm_call",)), 1),
        (Filter(text="in transit"), 4),
        (Filter(text="in transit", looped=True), 1),
        (Filter(kinds=("cost",)), 4),
        (Filter(kinds=("cost",), agent="support", model="claude"), 2),
        (Filter(kinds=("cost",), min_cost_usd=Decimal("0.02")), 2),
    ],
)
async def test_records_are_found(backend: EmbeddedBackend, where: Filter, expected: int) -> None:
    page = await backend.records(where, limit=100, payloads=False)
    assert expected == len(page.rows) == page.total
    assert sorted((row.start_ns for row in page.rows), reverse=True) == [row.start_ns for row in page.rows]


@pytest.mark.parametrize(
    "where", [Filter(), Filter(agent="support"), Filter(kinds=("cost",)), Filter(kinds=("tool_call",))]
)
async def test_records_beyond_the_limit_are_counted(backend: EmbeddedBackend, where: Filter) -> None:
    everything = await backend.records(where, limit=100, payloads=False)
    page = await backend.records(where, limit=2, payloads=True)
    assert (2, True, everything.total) == (len(page.rows), page.more, page.total)


async def test_a_text_beyond_the_limit_says_there_is_more(backend: EmbeddedBackend) -> None:
    page = await backend.records(Filter(text="in transit"), limit=1, payloads=False)
    assert (1, True, None) == (len(page.rows), page.more, page.total)


async def test_the_ledger_refuses_filters_it_does_not_know(backend: EmbeddedBackend) -> None:
    with pytest.raises(FilterError, match="costs cannot be filtered by tool"):
        await backend.costs(Filter(tool="refund"), (), UTC)


async def test_costs_are_summed_exactly_by_any_dimensions(backend: EmbeddedBackend) -> None:
    rows = await backend.costs(Filter(), ("project", "day", "model"), UTC)
    assert {
        ("acme", "2026-03-01", "claude"): Decimal("0.02"),
        ("acme", "2026-03-01", "gpt-4o-mini"): Decimal("0.001"),
        ("acme", "2026-03-01", "house-1"): None,
        ("globex", "2026-02-28", "claude"): Decimal("0.3"),
    } == {tuple(row.key.values()): row.cost.total_usd for row in rows}


async def test_days_begin_in_the_zone(backend: EmbeddedBackend) -> None:
    rows = await backend.costs(Filter(project="acme"), ("day",), ZoneInfo("Pacific/Kiritimati"))
    assert ["2026-03-02"] == [row.key["day"] for row in rows]


async def test_an_empty_ledger_has_no_row(backend: EmbeddedBackend) -> None:
    assert [] == await backend.costs(Filter(agent="nobody"), (), UTC)


async def test_an_unknown_dimension_is_refused(backend: EmbeddedBackend) -> None:
    with pytest.raises(FilterError, match="possible: agent, project"):
        await backend.costs(Filter(), ("colour",), UTC)  # type: ignore[arg-type]  # that is the point


async def test_sums_beyond_64_bits_stay_exact(tmp_path: Path) -> None:
    amounts = ("9000000", "9000000.000000000001", "20000000", "0.000000000001")
    lines = [scene.cost("dd" * 16, f"{i:02}", i, amount, model="m") for i, amount in enumerate(amounts)]
    scene.write(store_path(tmp_path), *lines)
    row = (await EmbeddedBackend(store_path(tmp_path)).costs(Filter(), (), UTC))[0]
    assert Decimal("38000000.000000000002") == row.cost.exact_usd


async def test_agents_have_their_statistics(backend: EmbeddedBackend) -> None:
    rows = {row.agent: row for row in await backend.agents(Filter())}
    support = rows["support"]
    assert {("ok", None): 1, ("ok", "failure"): 1, ("running", None): 1} == support.runs
    assert (3, 0, 2.0, 1) == (support.requests, support.request_errors, support.latency.p50, support.decisions)
    assert [("refund", 1, 1, 0), ("track", 5, 0, 1)] == [(t.tool, t.calls, t.errors, t.loops) for t in support.tools]
    assert (1, 1, Decimal("0.32")) == (support.safety_checks, support.safety_failures, support.cost.total_usd)
    assert (0.8, 0.25) == (rows["triage"].confidence, rows["triage"].first_token.p50)


async def test_names_can_be_listed(backend: EmbeddedBackend) -> None:
    assert ["support", "triage"] == await backend.names("agent", 10)
    assert ["claude", "gpt-4o-mini", "house-1"] == await backend.names("model", 10)
    assert ["refund"] == await backend.names("tool", 1)
    with pytest.raises(FilterError, match="there are no names for 'colour'"):
        await backend.names("colour", 1)


async def test_the_extent_spans_ledger_and_records(backend: EmbeddedBackend) -> None:
    assert (scene.T0 - scene.DAY, scene.T0 + 101 * scene.S) == await backend.extent()


async def test_an_empty_store_has_no_extent(empty: EmbeddedBackend) -> None:
    assert await empty.extent() is None


async def arrivals(path: Path, where: Filter, count: int) -> list[StoredRecord]:
    """The first records that a follower sees while the same session happens again and again."""
    found: list[StoredRecord] = []

    async def watch() -> None:
        async for record in EmbeddedBackend(path).follow(where):
            found.append(record)
            if len(found) == count:
                return

    watching = asyncio.ensure_future(watch())
    for again in range(200):
        trace = f"{again:032x}"
        again_now = (replace(e, trace_id=trace, record_id=f"{trace}:{e.span_id}") for e in scene.refund()[:4])
        scene.write(path, *again_now)
        if (await asyncio.wait([watching], timeout=0.05))[0]:
            break
    if watching.done():
        watching.result()
    watching.cancel()
    return found


async def test_following_sees_what_arrives_and_fits(tmp_path: Path) -> None:
    scene.write(store_path(tmp_path), *scene.loop())
    found = await arrivals(store_path(tmp_path), Filter(agent="triage", kinds=("session", "llm_call")), 2)
    assert [("session", "triage"), ("llm_call", "triage")] == [(record.kind, record.get("agent")) for record in found]


async def test_following_a_text_sees_only_lines_with_it(tmp_path: Path) -> None:
    scene.write(store_path(tmp_path), *scene.refund())
    found = await arrivals(store_path(tmp_path), Filter(text="TRIAGE"), 2)
    assert {"invoke_agent triage"} == {record.get("name") for record in found}


async def test_a_missing_store_says_how_to_fill_it(tmp_path: Path) -> None:
    with pytest.raises(BackendUnavailable, match="syndarix-obs demo"):
        await EmbeddedBackend(store_path(tmp_path)).search_traces(Filter(), 1)


async def test_health_of_a_missing_store_is_a_finding(tmp_path: Path) -> None:
    check = (await EmbeddedBackend(store_path(tmp_path)).health())[0]
    assert ("store", "failing") == (check.name, check.state)
    assert "syndarix-obs demo" in (check.mend or "")


async def test_health_names_what_to_mend(backend: EmbeddedBackend) -> None:
    states = {check.name: check.state for check in await backend.health()}
    assert {"store": "ok", "records": "ok", "text index": "ok", "sessions": "warning", "prices": "warning"} == {
        name: states[name] for name in ("store", "records", "text index", "sessions", "prices")
    }


async def test_health_of_an_empty_store_says_how_to_fill_it(empty: EmbeddedBackend) -> None:
    records = next(check for check in await empty.health() if check.name == "records")
    assert ("warning", True) == (records.state, "syndarix-obs demo" in (records.mend or ""))


async def test_a_question_that_takes_too_long_is_given_up(world: Path) -> None:
    pool = Pool(store_path(world), timeout_s=0.05)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    with pytest.raises(BackendTimeout, match="shorter time"):
        await pool.run(lambda connection: connection.execute(endless).fetchone())


async def test_a_cancelled_question_stops(world: Path) -> None:
    pool = Pool(store_path(world), timeout_s=60)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    task = asyncio.ensure_future(pool.run(lambda connection: connection.execute(endless).fetchone()))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_of_the_store_is_one_of_ours(world: Path) -> None:
    with pytest.raises(BackendError, match="cannot answer: no such table"):
        await Pool(store_path(world), 5).run(lambda connection: connection.execute("SELECT * FROM elsewhere"))


async def test_a_store_that_was_made_anew_is_opened_anew(tmp_path: Path) -> None:
    path = store_path(tmp_path)
    scene.write(path, *scene.loop())
    backend = EmbeddedBackend(path)
    assert ["globex"] == await backend.names("project", 10)
    for file in tmp_path.iterdir():
        file.unlink()
    scene.write(path, *scene.live())
    assert ["acme"] == await backend.names("project", 10)


async def test_a_payload_that_is_no_object_is_left_out(tmp_path: Path) -> None:
    path = store_path(tmp_path)
    scene.write(path, *scene.loop())
    connection = sqlite3.connect(path)
    connection.execute("UPDATE payloads SET body = 'not json'")
    connection.commit()
    connection.close()
    page = await EmbeddedBackend(path).records(Filter(kinds=("safety",)), limit=5, payloads=True)
    assert {} == page.rows[0].payload


async def test_a_trace_whose_root_is_elsewhere_is_known_by_its_session(tmp_path: Path) -> None:
    session = replace(scene.loop()[0], parent_id="ff")
    scene.write(store_path(tmp_path), session)
    page = await EmbeddedBackend(store_path(tmp_path)).search_traces(Filter(), 5)
    assert [(scene.LOOP, "ok")] == [(row.trace_id, row.status) for row in page.rows]


async def test_work_outside_every_agent_is_not_lost(tmp_path: Path) -> None:
    scene.write(store_path(tmp_path), scene.make(r.LLMRecord, "ee" * 16, "01", None, 0, 1, name="chat"))
    assert ["(no agent)"] == [row.agent for row in await EmbeddedBackend(store_path(tmp_path)).agents(Filter())]

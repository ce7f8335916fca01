"""The demo through the real clients: what it promises to contain is in the store, and the seed decides everything."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("openai", reason="the demo runs through the real openai client (extra `instrument`)")
pytest.importorskip("anthropic", reason="the demo runs through the real anthropic client (extra `instrument`)")

from syndarix_obs import vocabulary as v
from syndarix_obs.store.database import open_for_read
from syndarix_obs_demo import DemoPackagesMissing, DemoReport, run
from syndarix_obs_demo.alarm import look
from syndarix_obs_demo.cases import CUSTOMERS, Incident, plan
from syndarix_obs_demo.clock import DemoClock
from syndarix_obs_demo.findings import find
from syndarix_obs_demo.provider.model import Model
from syndarix_obs_demo.provider.server import FakeProvider
from syndarix_obs_demo.story import MOST_LINES, WIDTH, Shell, tell
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.errors import UsageError
from syndarix_obs_read.settings import ReadSettings

SESSIONS, SEED = 12, 7
Rows = list[dict[str, Any]]


def rows_of(home: Path, statement: str, *values: Any) -> Rows:
    connection = open_for_read(home / "store.sqlite3")
    connection.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in connection.execute(statement, values)]
    finally:
        connection.close()


@pytest.fixture(scope="module")
def progress() -> list[tuple[int, int]]:
    return []


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def report(home: Path, progress: list[tuple[int, int]]) -> DemoReport:
    return run(home, SESSIONS, SEED, lambda done, of: progress.append((done, of)))


@pytest.fixture
def rows(home: Path, report: DemoReport) -> Callable[..., Rows]:
    assert report.saved
    return lambda statement, *values: rows_of(home, statement, *values)


def test_progress_is_told_after_every_session(report: DemoReport, progress: list[tuple[int, int]]) -> None:
    assert [(number, SESSIONS) for number in range(1, SESSIONS + 1)] == progress


def test_both_clients_are_watched(report: DemoReport) -> None:
    assert ["anthropic", "openai"] == sorted(report.instrumented)


def test_every_incident_happens(report: DemoReport) -> None:
    assert {incident.value for incident in Incident} == set(report.incidents)


def test_every_model_call_that_was_served_is_recorded_once(report: DemoReport, rows: Callable[..., Rows]) -> None:
    [row] = rows("SELECT count(*) AS calls FROM records WHERE kind = ?", v.KIND_LLM_CALL)
    assert report.requests == row["calls"]


def test_every_kind_of_record_is_there(rows: Callable[..., Rows]) -> None:
    kinds = {row["kind"] for row in rows("SELECT DISTINCT kind FROM records")}
    # Episodes are found by `watch`, which looks at more time than a demo has; a replay is not kept by the demo.
    assert set(v.KINDS) - {v.KIND_COST, v.KIND_SPAN, v.KIND_ANOMALY, v.KIND_REPLAY} == kinds


def test_all_five_decision_types_are_there_with_options_choice_reason_and_confidence(
    rows: Callable[..., Rows],
) -> None:
    found = rows(
        "SELECT r.decision_type, r.selected, r.confidence, r.extra, unpack(p.body) AS body"
        " FROM records r JOIN payloads p USING (id)"
        " WHERE r.kind = ?",
        v.KIND_DECISION,
    )
    assert set(v.DECISION_TYPES) - {"permission"} == {row["decision_type"] for row in found}
    by_hand = [row for row in found if row["confidence"] is not None]
    assert len(by_hand) > len(found) / 2  # the others were read from answers
    for row in by_hand:
        assert row["selected"] in json.loads(row["extra"])["options"]
        assert 0 < row["confidence"] <= 1
        assert json.loads(row["body"] or "")["reasoning"]


def test_a_tool_fails(rows: Callable[..., Rows]) -> None:
    failed = rows("SELECT error_type FROM records WHERE kind = ? AND status = 'error'", v.KIND_TOOL_CALL)
    assert {"syndarix_obs_demo.tools.CarrierTimeout"} == {row["error_type"] for row in failed}


def test_a_loop_is_detected(rows: Callable[..., Rows]) -> None:
    looped = rows("SELECT tool FROM records WHERE loop_count >= 4")
    assert {"track_parcel"} == {row["tool"] for row in looped}


def test_the_provider_refuses_and_is_recovered_from(rows: Callable[..., Rows]) -> None:
    failed = rows("SELECT error_type FROM records WHERE kind = ? AND status = 'error'", v.KIND_LLM_CALL)
    assert {"rate_limit_exceeded", "overloaded_error"} == {row["error_type"] for row in failed}


def test_one_session_costs_many_times_the_usual(rows: Callable[..., Rows]) -> None:
    costs = [row["cost"] for row in rows("SELECT sum(cost_pico) AS cost FROM ledger GROUP BY session_id ORDER BY cost")]
    assert costs[-1] > 5 * costs[len(costs) // 2]


def test_unpriced_and_estimated_calls_are_named_as_such(rows: Callable[..., Rows]) -> None:
    assert [{"model": "deskling-7b"}] == rows("SELECT DISTINCT model FROM ledger WHERE NOT priced")
    estimated = rows("SELECT DISTINCT model FROM ledger WHERE estimated")
    assert [{"model": "gpt-4o-mini-2024-07-18"}] == estimated


def test_prompt_caching_and_reasoning_are_in_the_ledger(rows: Callable[..., Rows]) -> None:
    [row] = rows(
        "SELECT max(tokens_cache_read) AS read, max(tokens_cache_write) AS written, max(tokens_reasoning) AS reasoning"
        " FROM ledger"
    )
    assert row["read"] > 1_000
    assert row["written"] > 1_000
    assert 192 == row["reasoning"]


def test_a_rate_limit_runs_low(report: DemoReport) -> None:
    assert 0 < min(report.lowest_limits.values()) < 0.05


def test_the_only_warning_is_about_the_model_without_a_price(report: DemoReport) -> None:
    [warning] = report.warnings
    assert "deskling-7b" in warning


def test_costs_have_several_agents_projects_users_task_types_models_and_days(rows: Callable[..., Rows]) -> None:
    [row] = rows(
        'SELECT count(DISTINCT agent) AS agent, count(DISTINCT project) AS project, count(DISTINCT "user") AS "user",'
        " count(DISTINCT task_type) AS task_type, count(DISTINCT model) AS model,"
        " count(DISTINCT ts_ns / 86400000000000) AS day FROM ledger"
    )
    assert 3 == row["agent"]
    assert all(row[name] >= 3 for name in ("project", "user", "task_type", "model"))
    assert row["day"] >= 6


def test_streamed_answers_have_a_first_token_well_before_the_end(rows: Callable[..., Rows]) -> None:
    streamed = rows("SELECT first_token_s, duration_ns FROM records WHERE first_token_s IS NOT NULL")
    assert len(streamed) >= SESSIONS
    assert all(0 < row["first_token_s"] < row["duration_ns"] / 2e9 for row in streamed)


def test_nothing_lies_in_the_future_and_everything_has_a_sensible_duration(rows: Callable[..., Rows]) -> None:
    import time

    [row] = rows("SELECT max(end_ns) AS latest, max(duration_ns) AS longest FROM records")
    assert row["latest"] <= time.time_ns()
    assert row["longest"] < 120e9


def test_personal_data_of_the_prompts_is_masked(home: Path, report: DemoReport, rows: Callable[..., Rows]) -> None:
    bodies = "\n".join(row["body"] or "" for row in rows("SELECT unpack(body) AS body FROM payloads"))
    raw = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert "[REDACTED:email]" in bodies
    for customer in CUSTOMERS:
        for secret in (customer.email, customer.phone, customer.card):
            assert secret not in bodies
            assert secret.encode() not in raw


def test_the_trace_it_names_holds_all_agents_of_the_session(home: Path, report: DemoReport) -> None:
    async def ask() -> set[str]:
        backend = EmbeddedBackend(home / "store.sqlite3")
        try:
            page = await backend.trace(report.trace_id, limit=1_000, payloads=False)
            return {record.text("agent") for record in page.rows}
        finally:
            await backend.close()

    assert {"triage", "support"} <= asyncio.run(ask())


def test_log_lines_carry_the_ids_and_the_time_of_the_span_they_were_logged_in(rows: Callable[..., Rows]) -> None:
    lines = rows(
        "SELECT l.ts_ns AS at, s.ts_ns AS began, s.end_ns AS ended FROM records l JOIN records s"
        " ON s.trace_id = l.trace_id AND s.kind = 'session' AND s.parent_id IS NULL WHERE l.kind = ?",
        v.KIND_APP,
    )
    assert len(lines) >= 2 * SESSIONS
    assert all(line["began"] <= line["at"] <= line["ended"] for line in lines)


def test_the_same_seed_records_the_same(tmp_path: Path, home: Path, report: DemoReport) -> None:
    run(tmp_path, SESSIONS, SEED)

    assert contents(home) == contents(tmp_path)


def contents(home: Path) -> list[list[str]]:
    """Everything but ids, times and pseudonyms: sessions in order, their records in any order."""
    found = rows_of(
        home,
        "SELECT r.session_id, r.kind, r.name, r.status, r.error_type, r.agent, r.project, r.task_type, r.model,"
        " r.input_tokens, r.output_tokens, r.cost_usd, r.estimated, r.tool, r.outcome, r.selected, r.confidence,"
        " r.found, r.loop_count, r.label, unpack(p.body) AS body FROM records r LEFT JOIN payloads p USING (id)"
        " ORDER BY r.ts_ns",
    )
    sessions: dict[str, list[str]] = {}
    for row in found:
        sessions.setdefault(row.pop("session_id"), []).append(str({**row, "body": said(row.pop("body"))}))
    return [sorted(records) for records in sessions.values()]


def said(body: Any) -> Any:
    """A payload without what differs from run to run: fingerprints under the folder's own key, ids of the provider."""
    found = json.loads(body or "{}")
    return {name: value for name, value in found.items() if name not in ("hashes", "response", "calls")}


@pytest.fixture(scope="module")
def told(home: Path, report: DemoReport, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The story, as the demo prints it; on a copy, for the watch keeps what it finds."""
    home = shutil.copytree(home, tmp_path_factory.mktemp("told") / "home")
    found = find(ReadSettings(home=home, backend="embedded"), report)
    lines: list[str] = []
    tell(report, found, look(home), Shell({"SYNDARIX_OBS_HOME": "my demo"}), lines.append)
    return lines


def test_the_story_fits_a_terminal_of_a_hundred_columns(told: list[str]) -> None:
    assert len(told) <= MOST_LINES
    assert [] == [line for line in told if len(line) > WIDTH]


def test_the_story_tells_why_the_session_failed_what_it_decided_and_what_it_cost(
    told: list[str], rows: Callable[..., Rows], report: DemoReport
) -> None:
    text = "\n".join(told)
    [row] = rows("SELECT sum(cost_pico) AS cost FROM ledger WHERE session_id = ?", report.session_id)
    assert "track_parcel (12 times): CarrierTimeout" in text
    assert "hand over to a person, not retry, 95% sure" in text
    assert f"${row['cost'] / 1e12:.4f}" in text
    assert "times what a session usually costs" in text


def test_the_story_replays_the_session_and_shows_the_anomaly_it_caused(told: list[str]) -> None:
    text = "\n".join(told)
    assert "identical: 29 of 29 steps were answered from the record, nothing was live" in text
    assert re.search(r"support: cost of \$0\.30\d in five minutes, where \$0 is usual", text)
    assert "An alert arrived at a local receiver: support is unusual" in text


def test_the_story_ends_with_five_commands_and_the_explorer(told: list[str], report: DemoReport) -> None:
    tried = told[told.index("Try next:") :]
    assert "  $ export SYNDARIX_OBS_HOME='my demo'" == tried[1]
    assert 5 == sum(line.startswith("  $ syndarix-obs ") for line in tried)
    assert any(f"/session?id={report.session_id}" in line for line in tried[-2:])


def test_the_report_can_be_printed_as_json(report: DemoReport) -> None:
    assert report.sessions == json.loads(json.dumps(asdict(report), default=str))["sessions"]


def test_another_seed_makes_other_cases() -> None:
    assert plan(SESSIONS, 1) != plan(SESSIONS, 2)


@pytest.mark.parametrize("sessions", [1, 3, 50])
def test_every_incident_is_planned_however_few_the_sessions(sessions: int) -> None:
    assert set(Incident) == set().union(*(case.incidents for case in plan(sessions, SEED)))


@pytest.mark.parametrize("sessions", [0, -1])
def test_less_than_one_session_is_refused(tmp_path: Path, sessions: int) -> None:
    with pytest.raises(UsageError, match=r"at least 1, for example 50"):
        run(tmp_path, sessions, SEED)


@pytest.mark.parametrize("package", ["openai", "anthropic"])
def test_a_missing_client_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(DemoPackagesMissing, match=rf"{package} is not installed.*pip install"):
        run(tmp_path, 1, SEED)


def test_the_fake_provider_refuses_paths_it_does_not_know() -> None:
    import httpx

    with FakeProvider(Model(DemoClock().skip)) as provider, httpx.Client(trust_env=False) as client:
        answer = client.post(f"{provider.url}/v1/unknown", json={})

    assert 404 == answer.status_code
    assert "invalid_request_error" == answer.json()["error"]["type"]

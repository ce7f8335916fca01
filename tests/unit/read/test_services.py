"""What each service and version did: counted by version of the agent, with whole costs, in every face."""

from __future__ import annotations

import json
import time
from datetime import UTC
from decimal import Decimal
from pathlib import Path

import pytest

from syndarix_obs.records import model as r
from syndarix_obs.store.location import store_path
from syndarix_obs.store.writer import StoreWriter
from syndarix_obs_read.answers.services import ServiceList, get_services
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.cli.run import run
from syndarix_obs_read.outcomes import is_success
from syndarix_obs_read.timerange import parse_range

DAY = 86_400 * 10**9


def written(home: Path, service: str, version: str, days_ago: float, *, failed: bool = False) -> None:
    """A session with one call of a model, which costs a quarter of a dollar."""
    at, trace = time.time_ns() - round(days_ago * DAY), f"{service}{version}".encode().hex().ljust(32, "0")
    status = "error" if failed else "ok"
    who = {
        "trace_id": trace, "session_id": f"{service}-{version}", "agent": "support",
        "start_ns": at, "end_ns": at + 10**9, "service": service, "environment": "production", "status": status,
    }  # fmt: skip
    called = {"priced": True, "model": "gpt-4o", "provider": "openai"}
    writer = StoreWriter(store_path(home))
    writer.write([
        r.SessionRecord(record_id=f"{trace}:1", span_id="1", **who),
        r.LLMRecord(record_id=f"{trace}:2", span_id="2", parent_id="1", agent_version=version, **called, **who),
        r.CostRecord(record_id=f"{trace}:2:cost", span_id="2", total_cost_usd=Decimal("0.25"), **called, **who),
    ])  # fmt: skip
    writer.close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    written(tmp_path, "desk", "1.0", 3)
    written(tmp_path, "desk", "2.0", 1, failed=True)
    written(tmp_path, "billing", "7", 2)
    written(tmp_path, "old", "1", 40)
    return tmp_path


async def asked(home: Path, **words: str) -> ServiceList:
    backend = EmbeddedBackend(store_path(home))
    try:
        return await get_services(backend, Filter(**words), parse_range("7d", None), UTC)
    finally:
        await backend.close()


async def test_each_service_of_the_period_is_there_with_its_cost(home: Path) -> None:
    found = (await asked(home)).services
    assert [("billing", Decimal("0.25")), ("desk", Decimal("0.5"))] == [(s.service, s.cost.total_usd) for s in found]


async def test_versions_come_newest_first_with_what_ran_in_their_sessions(home: Path) -> None:
    (desk,) = (await asked(home, service="desk")).services
    told = [(each.version, each.sessions, each.success_rate, each.requests, each.failed) for each in desk.versions]
    assert [("2.0", 1, 0.0, 1, 1), ("1.0", 1, 1.0, 1, 0)] == told
    assert ("production",) == desk.environments


async def test_an_empty_time_says_what_to_try(tmp_path: Path) -> None:
    written(tmp_path, "old", "1", 40)
    answer = await asked(tmp_path)
    assert () == answer.services
    assert answer.hints


def test_the_command_draws_both_tables(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == run(["services", "--home", str(home), "--since", "7d"])
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("billing", "desk", "2.0", "$0.50"))


def test_outcomes_that_count_as_failed_are_a_setting_and_named(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNDARIX_OBS_READ_FAILED_OUTCOMES", "Failed, escalated,")
    assert 0 == run(["services", "--home", str(home), "--json"])
    assert ["failed", "escalated"] == json.loads(capsys.readouterr().out)["failed_outcomes"]
    assert not is_success("ok", "Escalated")
    assert is_success("ok", "failure")
    monkeypatch.delenv("SYNDARIX_OBS_READ_FAILED_OUTCOMES")
    assert 0 == run(["services", "--home", str(home), "--json"])
    assert ["failure", "failed", "error"] == json.loads(capsys.readouterr().out)["failed_outcomes"]

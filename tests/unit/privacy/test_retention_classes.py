"""Each class of data is kept for its own days, each project for its own, exactly."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from syndarix_obs import vocabulary as v
from syndarix_obs.errors import SettingsError
from syndarix_obs.records.model import CostRecord, DecisionRecord, LLMRecord, LogRecord, Record
from syndarix_obs.store import search
from syndarix_obs.store.classes import apply, loki_streams, preview, rules
from syndarix_obs.store.database import open_for_write
from syndarix_obs.store.writer import StoreWriter
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.backends.rows import Check

DAY = 86_400 * 10**9
NOW = 60 * DAY
DAYS = {"payloads": 7, "decisions": 20, "logs": 14, "records": 30, "ledger": 50, "acme.payloads": 3, "acme.ledger": 10}


def of_day(day: int, project: str) -> list[Record]:
    """One record of each class, an hour into its day."""
    common = {
        "trace_id": f"t{day}{project}", "start_ns": day * DAY + 3_600 * 10**9, "end_ns": day * DAY + 3_601 * 10**9,
        "project": project, "span_id": "s",
    }  # fmt: skip
    return [
        LLMRecord(record_id=f"l{day}{project}", payload='{"said":"a word"}', **common),
        DecisionRecord(record_id=f"d{day}{project}", **common),
        LogRecord(record_id=f"a{day}{project}", **common),
        CostRecord(record_id=f"c{day}{project}", priced=True, **common),
    ]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with closing(StoreWriter(tmp_path / "store.sqlite3")) as writer:
        writer.write([record for day in range(60) for project in ("acme", "other") for record in of_day(day, project)])
        writer.index(30)
    return tmp_path / "store.sqlite3"


def test_sixty_days_leave_exactly_the_days_of_each_class(path: Path) -> None:
    found = rules(DAYS)
    with closing(open_for_write(path)) as connection:
        wanted = {(rule.name, rule.project): count for rule, count in preview(connection, found, NOW)}
        removed = apply(connection, found, NOW)
        assert Counter(removed) == sum((Counter({name: n}) for (name, _), n in wanted.items()), Counter())
        kinds = "SELECT project, kind, count(*) FROM records GROUP BY 1, 2 ORDER BY 1, 2"
        kept = {(row[0], row[1]): row[2] for row in connection.execute(kinds)}
        assert {(p, k): n for p in ("acme", "other") for k, n in
                ((v.KIND_LLM_CALL, 30), (v.KIND_DECISION, 20), (v.KIND_APP, 14))} == kept  # fmt: skip
        ledger = "SELECT project, count(*) FROM ledger GROUP BY 1 ORDER BY 1"
        assert [("acme", 10), ("other", 50)] == connection.execute(ledger).fetchall()
        texts = "SELECT r.project, count(*) FROM payloads JOIN records r USING (id) GROUP BY 1 ORDER BY 1"
        assert [("acme", 3), ("other", 7)] == connection.execute(texts).fetchall()
        assert 10 == len(search.find(connection, "a word", limit=100))
        connection.execute("INSERT INTO search (search) VALUES ('integrity-check')")
        assert set(apply(connection, found, NOW).values()) == {0}


def test_a_dry_run_changes_nothing(path: Path) -> None:
    with closing(open_for_write(path)) as connection:
        assert any(count for _, count in preview(connection, rules(DAYS), NOW))
        assert (360, 120) == tuple(
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("records", "ledger")
        )


def test_the_strictest_rule_comes_first_and_what_is_not_named_keeps_to_the_default() -> None:
    found = rules({"payloads": 7, "ledger": 400, "acme.payloads": 3}, 30)
    assert [3, 7, 30, 30, 30, 400] == [rule.days for rule in found]


@pytest.mark.parametrize("wrong", [{"payload": 7}, {"ledger": 0}, {"acme.": 3}])
def test_a_retention_that_cannot_be_read_says_what_can(wrong: dict[str, int]) -> None:
    with pytest.raises(SettingsError, match=r"names are payloads, decisions"):
        rules(wrong)


def test_loki_gets_the_same_periods_by_kind() -> None:
    periods = {stream["selector"]: stream["period"] for stream in loki_streams(rules(DAYS))}
    assert ("1200h", "168h", "168h") == (
        periods['{kind=~"cost"}'], periods['{kind=~"decision"}'], periods['{kind=~"app"}'],
    )  # fmt: skip
    assert "168h" == next(period for selector, period in periods.items() if v.KIND_LLM_CALL in selector)


async def retention_of(path: Path) -> Check:
    backend = EmbeddedBackend(path)
    found = next(each for each in await backend.health() if each.name == "retention")
    await backend.close()
    return found


async def test_health_shows_what_the_store_is_kept_to_and_what_should_be_gone(path: Path) -> None:
    assert "no agent has removed anything" in (await retention_of(path)).finding
    now = time.time_ns()
    with closing(StoreWriter(path)) as writer:
        while not writer.keep_to(rules({"payloads": 7, "acme.ledger": 10}), now, 5):
            pass
    kept = await retention_of(path)
    assert "ok" == kept.state
    assert "payloads 7 d, acme: ledger 10 d; last kept to" in kept.finding
    with closing(StoreWriter(path)) as writer:
        writer.write(of_day(70, "acme"))
    late = await retention_of(path)
    assert "warning" == late.state
    assert "older than that: payloads, ledger" in late.finding
    assert "prune --keep" in (late.mend or "")

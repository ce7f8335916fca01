"""Costs that come from sums by the hour are those of the ledger, to the last digit, for any question."""

from __future__ import annotations

import contextlib
import random
import sqlite3
from collections.abc import Iterator
from datetime import UTC
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import read_scene as scene
from hypothesis import example, given, settings
from hypothesis import strategies as st

from syndarix_obs.records.model import Record
from syndarix_obs.store import hours
from syndarix_obs.store.database import open_for_read, open_for_write
from syndarix_obs_read.backends.filters import LARGEST_NS, Filter
from syndarix_obs_read.backends.rows import DIMENSIONS, CostRow
from syndarix_obs_read.backends.sql import ledger
from syndarix_obs_read.backends.sql.functions import add_functions
from syndarix_obs_read.backends.sql.lines import by_hour

HOUR = 3_600
ZONES = [UTC, ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata"), ZoneInfo("Australia/Lord_Howe")]


def _lines(dear: bool) -> Iterator[Record]:
    chance = random.Random(11)
    for i in range(240):
        amount = chance.choice([None, f"0.{chance.randrange(1, 10**9)}"])
        yield scene.cost(
            f"{i % 7:032x}", f"{i:04x}", chance.randrange(-30, 6) * HOUR + chance.randrange(HOUR), amount,
            agent=chance.choice(["support", "triage", None]), project=chance.choice(["acme", "globex"]),
            user=chance.choice(["u_1", "u_2"]), task_type=chance.choice(["refund", None]), session_id=f"s-{i % 7}",
            model=chance.choice(["claude", "house-1", None]), estimated=chance.random() < 0.2,
        )  # fmt: skip
    if dear:
        yield scene.cost("d" * 32, "d", 0, "2500000.000000000001", agent="support", model="dear")


@pytest.fixture(scope="module", params=[False, True], ids=["ordinary calls", "one of millions"])
def stores(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[sqlite3.Connection]]:
    """The same ledger with sums of most rows, and without."""
    folder: Path = tmp_path_factory.mktemp("hours")
    found = []
    for name in ("summed", "plain"):
        scene.write(folder / name, *_lines(request.param))
        if name == "summed":
            with contextlib.closing(open_for_write(folder / name)) as connection:
                hours.catch_up(connection, 30, rows=50)
        found.append(open_for_read(folder / name))
        add_functions(found[-1])
    yield found
    for connection in found:
        connection.close()


def asked(connection: sqlite3.Connection, where: Filter, by: list[Any], zone: Any) -> list[CostRow]:
    return sorted(ledger.grouped(connection, where, by, zone), key=lambda row: str(row.key))


moments = st.integers(-31 * HOUR, 7 * HOUR).map(lambda second: scene.T0 + second * scene.S)
filters = st.fixed_dictionaries(
    {},
    optional={
        "since_ns": moments, "until_ns": moments | st.just(LARGEST_NS), "agent": st.sampled_from(["support", "nobody"]),
        "project": st.just("acme"), "user": st.just("u_1"), "model": st.just("house-1"), "task_type": st.just("refund"),
        "service": st.just("desk"), "session_id": st.just("s-3"), "min_cost_usd": st.just(Decimal("0.5")),
    },
)  # fmt: skip


@given(filters=filters, by=st.lists(st.sampled_from(DIMENSIONS), unique=True), zone=st.sampled_from(ZONES))
@settings(max_examples=150, deadline=None)
@example(filters={}, by=[], zone=UTC)
@example(filters={}, by=["day"], zone=ZoneInfo("Asia/Kolkata"))
@example(filters={"since_ns": scene.T0 + 1}, by=["model"], zone=UTC)
def test_sums_by_hour_are_those_of_the_lines(
    stores: list[sqlite3.Connection], filters: dict[str, Any], by: list[Any], zone: Any
) -> None:
    summed, plain = stores

    assert asked(plain, Filter(**filters), by, zone) == asked(summed, Filter(**filters), by, zone)


@pytest.mark.parametrize(
    ("expected", "by", "zone"),
    [(True, ["agent", "model"], "UTC"), (True, ["day"], "Europe/Berlin"), (False, ["day"], "Asia/Kolkata"),
     (True, ["agent"], "Asia/Kolkata"), (False, ["user"], "UTC")],
)  # fmt: skip
def test_hours_serve_what_they_tell_apart(
    stores: list[sqlite3.Connection], expected: bool, by: list[str], zone: str
) -> None:
    assert expected == (by_hour(stores[0], Filter(since_ns=1), by, zone) is not None)

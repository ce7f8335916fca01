"""The exporter forgets what is too old, by itself."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from syndarix_obs.destinations import sqlite as embedded
from syndarix_obs.destinations.sqlite import EmbeddedDestination
from syndarix_obs.records.model import ToolRecord
from syndarix_obs.store.database import open_for_read

DAY_NS = 86_400 * 10**9


def _tool(name: str, age_days: float) -> ToolRecord:
    at = time.time_ns() - int(age_days * DAY_NS)
    return ToolRecord(record_id=name, trace_id="1" * 32, span_id="2" * 16, tool=name, start_ns=at, end_ns=at)


def _tools(path: Path) -> list[str]:
    connection = open_for_read(path)
    try:
        return [row[0] for row in connection.execute("SELECT tool FROM records ORDER BY tool")]
    finally:
        connection.close()


def test_records_past_their_retention_go_and_younger_ones_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "_PRUNE_AFTER_S", 0.0)
    path = tmp_path / "store.sqlite3"
    exporter = EmbeddedDestination(path, on_drop=lambda _reason, _count: None, retention_days=30)
    exporter.consume(None, [_tool("old", 31), _tool("young", 29)])
    exporter.flush(5)
    deadline = time.monotonic() + 10
    while _tools(path) != ["young"] and time.monotonic() < deadline:
        exporter.consume(None, [_tool("young", 29)])
        exporter.flush(5)
    exporter.close(5)
    assert "old" not in _tools(path)
    assert "young" in _tools(path)


def test_without_a_retention_nothing_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "_PRUNE_AFTER_S", 0.0)
    path = tmp_path / "store.sqlite3"
    exporter = EmbeddedDestination(path, on_drop=lambda _reason, _count: None)
    exporter.consume(None, [_tool("old", 4000)])
    exporter.flush(5)
    exporter.close(5)
    assert ["old"] == _tools(path)

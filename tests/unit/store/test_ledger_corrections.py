"""A late report corrects what the store has: sums of lines and of hours, and the records of the trace."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest
from tests.support.ledger_world import LANGCHAIN, OURS, Fields, openinference, semconv, span

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.store import hours
from syndarix_obs.store.database import open_for_write
from syndarix_obs.store.location import store_path
from syndarix_obs.store.schema import dollars
from syndarix_obs_read.answers.trace import get_trace
from syndarix_obs_read.backends.choose import open_backend
from syndarix_obs_read.settings import ReadSettings

TRACE = "a" * 32
OUTER = span(LANGCHAIN, "f" * 16, None, 0, 100, trace=TRACE, **openinference("gpt-4o-mini", (1000, 100)))
INNER = span(OURS, "c" * 16, "f" * 16, 10, 80, trace=TRACE, **semconv("gpt-4o-mini", (1000, 100)))
COST = Decimal("0.00021")


def record(home: Path, *batches: list[Fields], summed_between: bool = False) -> None:
    """Take batches of spans of another program into the store."""
    with ObservabilityPlatform(Settings(home=home, set_global=False, flush_interval=0.01)) as obs:
        for batch in batches:
            spans = [FinishedSpan(**{**each, "attributes": dict(each["attributes"])}) for each in batch]
            obs._runtime.submit(lambda pipeline, spans=spans: pipeline.process(spans))
            assert obs.flush()
            if summed_between:
                with open_for_write(store_path(home)) as connection:
                    hours.catch_up(connection, 1.0, rows=1)


@pytest.mark.parametrize("summed_between", [False, True], ids=["lines", "hours"])
def test_a_late_report_leaves_one_call_in_the_sums(tmp_path: Path, summed_between: bool) -> None:
    record(tmp_path, [OUTER], [INNER], summed_between=summed_between)
    answer = _trace(tmp_path)
    assert (1, COST) == (answer.cost.calls, answer.cost.exact_usd)
    assert (1000, 100) == (answer.tokens.input, answer.tokens.output)


def test_the_trace_says_who_else_reported_a_call_and_why_that_does_not_count(tmp_path: Path) -> None:
    for folder, batches in (("late", ([OUTER], [INNER])), ("early", ([INNER], [OUTER]))):
        home = tmp_path / folder
        record(home, *batches)
        spans = {each.span_id: each for each in _trace(home).spans}
        assert ("span", "llm_call") == (spans["f" * 16].kind, spans["c" * 16].kind)
        assert "(same_call)" in spans["c" * 16].also_reported_by[0]
        assert "also reported by" in spans["c" * 16].summary
        assert "not counted (same_call" in spans["f" * 16].summary


def test_the_sums_by_the_hour_take_a_line_back(tmp_path: Path) -> None:
    record(tmp_path, [OUTER], [INNER], summed_between=True)
    with open_for_write(store_path(tmp_path)) as connection:
        hours.catch_up(connection, 1.0, rows=1)
        calls, pico = connection.execute("SELECT sum(calls), sum(exact_pico) FROM ledger_hours").fetchone()
    assert (1, COST) == (calls, dollars(pico))


def _trace(home: Path) -> object:
    async def ask() -> object:
        backend = open_backend(ReadSettings(home=home), 5.0)
        try:
            return await get_trace(backend, TRACE)
        finally:
            await backend.close()

    return asyncio.run(ask())

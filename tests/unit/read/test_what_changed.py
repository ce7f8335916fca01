"""What changed, two sessions side by side, and who broke it: over a store, by answer and by command."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from syndarix_obs.records import model as r
from syndarix_obs.records.model import Record
from syndarix_obs.store.location import store_path
from syndarix_obs.store.writer import StoreWriter
from syndarix_obs_read.answers.blame import blame
from syndarix_obs_read.answers.compare import compare
from syndarix_obs_read.answers.investigate import investigate
from syndarix_obs_read.answers.observed import FIGURES, Observed, user_bucket
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.cli.run import run
from syndarix_obs_read.errors import FilterError, NotFound
from syndarix_obs_read.timerange import parse_range

MINUTE = 60 * 10**9


def session(number: int, minutes_ago: float, *, model: str, seconds: float, fails: bool) -> list[Record]:
    """A session with a model call and a tool call."""
    start, trace = time.time_ns() - round(minutes_ago * MINUTE), f"{number:032x}"
    end = start + round(seconds * 1e9)
    who: dict[str, Any] = {"trace_id": trace, "session_id": f"s-{number:03}", "agent": "support", "user": "u_1",
                           "environment": "test", "start_ns": start}  # fmt: skip
    failed = {"status": "error", "error_type": "Timeout", "error_message": "no answer after 5 s"} if fails else {}
    said = {"system": f"You are kind.\nYou use {model}.", "input": [{"role": "user", "content": "Where is it?"}],
            "output": [{"role": "assistant", "content": "I will assume it is in Leeds."}]}  # fmt: skip
    return [
        r.SessionRecord(record_id=f"{trace}:1", span_id="1", end_ns=end + 10**9, **failed, **who),
        r.LLMRecord(record_id=f"{trace}:2", span_id="2", parent_id="1", end_ns=end, model=model, provider="openai",
                    input_tokens=100, output_tokens=10, payload=json.dumps(said), **who),
        r.ToolRecord(record_id=f"{trace}:3", span_id="3", parent_id="1", tool="track", **failed,
                     payload=json.dumps({"arguments": {"n": 1}, "result": "" if fails else "here"}),
                     **{**who, "start_ns": end}, end_ns=end + 10**8),
    ]  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A day of a quick model, then an hour in which half of the sessions have a slow one, whose tool fails."""
    records: list[Record] = []
    for number in range(200):
        now = number >= 140
        slow = now and number % 2 == 1
        records += session(
            number, 59 - (number - 140) if now else 70 + number * 9, model="slow-1" if slow else "quick-1",
            seconds=(6 if slow else 1) * (1 + number % 7 / 20), fails=slow and number % 4 == 1,
        )  # fmt: skip
    writer = StoreWriter(store_path(tmp_path))
    writer.write(records)
    writer.close()
    return tmp_path


@pytest.fixture
async def backend(home: Path) -> AsyncIterator[EmbeddedBackend]:
    found = EmbeddedBackend(store_path(home))
    yield found
    await found.close()


async def test_the_model_that_slowed_it_down_is_named_with_sessions_to_open(backend: EmbeddedBackend) -> None:
    found = await investigate(backend, Filter(agent="support"), parse_range("1h"))
    latency = next(each for each in found.figures if each.figure == "latency")
    best = latency.explanations[0]
    assert (True, "model", "slow-1", 0.0) == (latency.changed, best.dimension, best.value, best.share_before)
    assert best.first_seen is not None
    assert all(int(each[2:]) >= 140 for each in best.sessions_after)
    assert all(int(each[2:]) < 140 for each in best.sessions_before)
    assert ["slow-1"] == [each.value for each in found.new if each.dimension == "model"]


async def test_what_did_not_move_is_said_to_be_quiet(backend: EmbeddedBackend) -> None:
    found = await investigate(backend, Filter(), parse_range("1h"), "input_tokens")
    (quiet,) = found.figures
    assert (False, ()) == (quiet.changed, quiet.explanations)
    assert found.period is not None
    assert found.baseline.until == found.period.since


async def test_the_time_before_can_be_given(backend: EmbeddedBackend) -> None:
    found = await investigate(backend, Filter(), parse_range("30m"), "latency", 30 * MINUTE)
    assert not found.figures[0].changed


async def test_one_session_that_ran_away_is_named_where_there_is_too_little_to_compare(tmp_path: Path) -> None:
    records = [each for number in range(5) for each in session(number, 90 + number, model="m", seconds=1, fails=False)]
    trace, start = f"{99:032x}", time.time_ns() - 10 * MINUTE
    records += [
        r.ToolRecord(record_id=f"{trace}:{step}", trace_id=trace, span_id=f"{step}", session_id="s-099", tool="track",
                     agent="support", start_ns=start + step, end_ns=start + step, status="error", error_type="Timeout",
                     error_message="no answer after 5 s")
        for step in range(40)
    ]  # fmt: skip
    StoreWriter(store_path(tmp_path)).write(records)
    backend = EmbeddedBackend(store_path(tmp_path))
    found = await investigate(backend, Filter(agent="support"), parse_range("1h"))
    await backend.close()
    (one,) = found.runaways
    assert ("s-099", "track", 40, "Timeout: no answer after <n> s") == (
        one.session_id, one.tool, one.tool_calls, one.error,
    )  # fmt: skip
    assert [("calls", 40.0, 2.0), ("errors", 40.0, 0.0)] == [
        (each.what, each.amount, each.largest_before) for each in one.sums
    ]
    assert {False} == {each.compared for each in found.figures}


def test_the_command_names_the_session_that_ran_away(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = [each for number in range(4) for each in session(number, 90 + number, model="m", seconds=1, fails=False)]
    for step in range(12):
        records += [replace(each, record_id=f"{each.record_id}:{step}") for each in
                    session(99, 10, model="m", seconds=1, fails=True)[1:]]  # fmt: skip
    StoreWriter(store_path(tmp_path)).write(records)
    assert 0 == run(["investigate", "--agent", "support", "--since", "1h", "--home", str(tmp_path)])
    shown = capsys.readouterr().out
    assert "one session made 100% of all calls, with 12 calls of track" in shown
    assert "syndarix-obs session s-099" in shown
    assert "too few sessions to compare, two on each side at least: errors" in shown


async def test_an_unknown_figure_is_answered_with_the_known_ones(backend: EmbeddedBackend) -> None:
    with pytest.raises(FilterError, match="there is no figure 'mood'; possible: errors"):
        await investigate(backend, Filter(), parse_range("1h"), "mood")


async def test_a_tool_call_has_the_configuration_of_its_session_s_model_calls(backend: EmbeddedBackend) -> None:
    records = (await backend.records(Filter(session_id="s-141"), limit=10, payloads=False)).rows
    (tool,) = Observed(records).of(FIGURES["tool_latency"])
    assert (("slow-1",), ("track",), ("Timeout: no answer after <n> s",)) == (
        tool.where["model"], tool.where["tool"], tool.where["error_pattern"],
    )  # fmt: skip
    assert (user_bucket("u_1"),) == tool.where["user_bucket"]


async def test_two_sessions_differ_in_model_prompt_and_steps(backend: EmbeddedBackend) -> None:
    found = await compare(backend, "s-000", "s-141")
    assert ("model",) == found.differs
    assert [("same", "You are kind."), ("gone", "You use quick-1."), ("new", "You use slow-1.")] == [
        (line.change, line.text) for line in found.prompt
    ]
    assert "new" in {line.change for line in found.steps}
    assert found.after is not None
    assert "I will assume it is in Leeds." == found.after.answer


async def test_a_session_equals_itself(backend: EmbeddedBackend) -> None:
    found = await compare(backend, "s-000", "s-000")
    assert ((), ()) == (found.differs, found.prompt)
    assert {"same"} == {line.change for line in found.steps}


async def test_the_steps_that_may_have_broken_a_session_come_with_evidence(backend: EmbeddedBackend) -> None:
    found = await blame(backend, "s-141")
    assert not found.succeeded
    assert "support" == found.suspects[0].agent
    assert any("assumed" in reason for each in found.suspects for reason in each.evidence)
    assert {"2", "3"} >= {each.span_id for each in found.suspects}


async def test_a_session_that_succeeded_is_said_to_have(backend: EmbeddedBackend) -> None:
    found = await blame(backend, "s-000")
    assert found.succeeded
    assert "ended as a success" in found.hints[0]
    with pytest.raises(NotFound):
        await blame(backend, "nobody")


def test_the_commands_answer(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--home", str(home)]
    assert 0 == run(["investigate", "--agent", "support", "--since", "1h", *where])
    assert 0 == run(["compare", "s-000", "s-141", *where])
    assert 0 == run(["blame", "s-141", *where])
    shown = capsys.readouterr().out
    assert "model slow-1 carries" in shown
    assert "syndarix-obs compare s-" in shown
    assert "+ You use slow-1." in shown
    assert "1. support" in shown

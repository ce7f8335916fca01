"""What money was spent for: successes by group with their interval, sums in vain, from the ledger of real sessions."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import read_scene as scene

from syndarix_obs.records import model as r
from syndarix_obs.records.model import Record
from syndarix_obs.store.location import store_path
from syndarix_obs_read.answers.spending import get_spending
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.cli.run import run
from syndarix_obs_read.errors import FilterError
from syndarix_obs_read.timerange import TimeRange

PERIOD = TimeRange(scene.T0 - scene.DAY, scene.T0 + scene.DAY, "then")


def session(
    number: int, amount: str, outcome: str | None = "success", version: str = "v1", **more: Any
) -> list[Record]:
    """A session with one call of that many dollars."""
    trace = f"{number:032x}"
    who = {"session_id": f"s-{number}", "agent": "support", "agent_version": version, "project": "acme"}
    return [
        scene.make(r.SessionRecord, trace, "1", None, number, 5, name="invoke_agent support", outcome=outcome,
                   **{**who, **more}),
        scene.make(r.LLMRecord, trace, "2", "1", number, 1, name="chat", provider="openai", model="gpt-4o",
                   input_tokens=1_000, output_tokens=100, priced=True, cost_usd=Decimal(amount), **who),
        scene.cost(trace, "2", number, amount, model="gpt-4o", provider="openai", **who),
    ]  # fmt: skip


def scored(number: int, value: float | None, label: str | None = None) -> Record:
    """Somebody's word on whether it was resolved."""
    found: Record = scene.make(
        r.ScoreRecord, f"{number:032x}", f"5{number:x}", None, 100 + number, record_id=f"score:{number}",
        session_id=f"s-{number}", score_type="outcome", score_name="resolved", value=value, label=label, source="user",
    )  # fmt: skip
    return found


@pytest.fixture
async def backend(tmp_path: Path) -> AsyncIterator[EmbeddedBackend]:
    """Ten sessions of v1 at a dollar, six of them successes; four of v2 at two dollars, all successes; one runs."""
    records = [
        *(each for number in range(10) for each in session(number, "1", "success" if number < 6 else "failure")),
        *(each for number in range(10, 14) for each in session(number, "2", version="v2")),
        *session(14, "5", None, status="running"),
        *(scored(number, float(number < 3)) for number in range(5)), scored(11, None, "no"), scored(12, None, "paid"),
    ]  # fmt: skip
    scene.write(store_path(tmp_path), *records)
    found = EmbeddedBackend(store_path(tmp_path))
    yield found
    await found.close()


async def test_a_success_costs_what_all_ended_sessions_cost_shared_by_the_successes(backend: EmbeddedBackend) -> None:
    answer = await get_spending(backend, Filter(), PERIOD, ("agent_version",))
    groups = {each.key["agent_version"]: each for each in answer.groups}

    assert (10, 6, 4) == (groups["v1"].sessions - 1, groups["v1"].successes, groups["v1"].failures)
    assert Decimal("1.666667") == groups["v1"].per_success_usd
    assert (Decimal(4), Decimal(5)) == (groups["v1"].failed_usd, groups["v1"].unknown_usd)
    assert groups["v1"].low_usd < Decimal("1.666667") < groups["v1"].high_usd  # type: ignore[operator]
    assert (Decimal(2), None) == (groups["v2"].per_success_usd, groups["v2"].low_usd)
    assert Decimal("1.8") == answer.whole.per_success_usd
    assert ("failure", "failed", "error") == answer.failed_outcomes


async def test_a_named_outcome_decides_and_sessions_without_it_are_left_out(backend: EmbeddedBackend) -> None:
    answer = await get_spending(backend, Filter(), PERIOD, (), outcome="resolved", now_ns=scene.T0 + scene.DAY)

    assert (4, 3) == (answer.whole.successes, answer.whole.failures)
    assert Decimal("2.25") == answer.whole.per_success_usd
    assert () == answer.groups


async def test_what_successes_cannot_be_grouped_by_is_refused(backend: EmbeddedBackend) -> None:
    with pytest.raises(FilterError, match="agent_version"):
        await get_spending(backend, Filter(), PERIOD, ("colour",))


async def test_loops_and_carried_results_come_from_the_calls_themselves(tmp_path: Path) -> None:
    who = {"session_id": "s-1", "agent": "support", "project": "acme"}
    trace, records = "ab" * 16, list[Record]()
    for place in range(5):
        at, span = place * 10.0, f"c{place}"
        records += [
            scene.make(r.LLMRecord, trace, span, "1", at, 1, name="chat", provider="openai", model="gpt-4o",
                       input_tokens=2_000 + place * 3_100, output_tokens=100, priced=True, cost_usd=Decimal("0.1"),
                       **who),
            scene.cost(trace, span, at, "0.1", model="gpt-4o", provider="openai", **who),
            scene.make(r.ToolRecord, trace, f"t{place}", "1", at + 5, 1, name="execute_tool search", tool="search",
                       loop_count=3 if place == 3 else None, **who),
        ]  # fmt: skip
    records.append(scene.make(r.SessionRecord, trace, "1", None, 0, 60, name="invoke", outcome="failure", **who))
    scene.write(store_path(tmp_path), *records)
    backend = EmbeddedBackend(store_path(tmp_path))
    answer = await get_spending(backend, Filter(), PERIOD)
    await backend.close()

    assert Decimal("0.2") == answer.whole.looping_usd
    assert (12_000, 3_000 * (1 + 2 + 3)) == (answer.context.result_tokens, answer.context.carried_tokens)
    assert Decimal("0.045") == answer.context.carried_usd == answer.context.by_tool["search"]
    assert answer.caching.could_save_usd > 0
    assert (Decimal("0.5"), None) == (answer.whole.failed_usd, answer.whole.per_success_usd)


async def test_nothing_spent_says_why(tmp_path: Path) -> None:
    scene.write(store_path(tmp_path))
    backend = EmbeddedBackend(store_path(tmp_path))
    answer = await get_spending(backend, Filter(agent="nobody"), PERIOD)
    await backend.close()

    assert (0, None) == (answer.whole.sessions, answer.whole.per_success_usd)
    assert answer.hints


def test_the_command_draws_groups_and_says_what_the_context_cost(
    backend: EmbeddedBackend, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    since = ["--since", "2026-02-28", "--until", "2026-03-02", "--home", str(tmp_path)]
    assert 0 == run(["spending", "--by", "agent-version", *since])
    assert ["v2", "100%", "$8.00", "$2.00"] == [word for word in capsys.readouterr().out.split() if word in
                                                ("v2", "100%", "$8.00", "$2.00")][:4]  # fmt: skip
    assert 0 == run(["spending", *since, "--json"])
    assert "1.8" == json.loads(capsys.readouterr().out)["whole"]["per_success_usd"]


async def test_a_backend_that_gives_whole_records_only_has_the_same_answer(backend: EmbeddedBackend) -> None:
    class Whole:
        """The same backend without its short cut."""

        def __getattr__(self, name: str) -> Any:
            if name == "some_fields":
                raise AttributeError(name)
            return getattr(backend, name)

    whole: Any = Whole()
    assert await get_spending(backend, Filter(), PERIOD) == await get_spending(whole, Filter(), PERIOD)

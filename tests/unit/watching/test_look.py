"""From buckets to what happened: which agent, which series, since when; once, and never about the very young."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC

import numpy as np
import pytest

from syndarix_obs_read.backends.rows import BucketRow, StoredRecord
from syndarix_obs_read.watching.look import CLOSED, OPENED, Event, Known, known_of, look
from syndarix_obs_read.watching.series import PER_DAY, STEP_NS, Work, series, works

MONDAY = 1_772_409_600 * 10**9
"""2026-03-02T00:00:00Z."""

Change = Callable[[int, BucketRow], BucketRow]


def rows(days: int, change: Change | None = None, calls: int = 30, agent: str = "support") -> list[BucketRow]:
    """So many days of an agent that is twice as busy by day as by night."""
    chance = np.random.default_rng(4)
    found = []
    for place in range(days * PER_DAY):
        busy = 1.0 if 96 <= place % PER_DAY < 216 else 0.5
        count = int(chance.poisson(calls * busy))
        row = BucketRow(
            agent=agent, project="acme", at_ns=MONDAY + place * STEP_NS, calls=count,
            errors=int(chance.binomial(count, 0.04)),
            seconds=tuple(sorted(chance.lognormal(0.5, 0.4, count))),
            input_tokens=int(chance.normal(1_000, 60) * count), output_tokens=int(chance.normal(200, 20) * count),
            cost_usd=float(chance.normal(0.02, 0.001) * count),
            tools={"search": int(chance.poisson(20)), "refund": int(chance.poisson(10))},
        )  # fmt: skip
        found.append(change(place, row) if change else row)
    return found


def seen(found: list[BucketRow], known: dict[tuple[str | None, str, str], Known] | None = None) -> list[Event]:
    return list(look(found, known or {}, found[-1].at_ns + STEP_NS, UTC))


def dearer(place: int, row: BucketRow) -> BucketRow:
    """Three times the cost a call from noon of the fifth day on, for two hours."""
    at = 4 * PER_DAY + PER_DAY // 2
    if not at <= place < at + 24:
        return row
    return BucketRow(agent=row.agent, project=row.project, at_ns=row.at_ns, calls=row.calls, errors=row.errors,
                     seconds=row.seconds, input_tokens=row.input_tokens, output_tokens=row.output_tokens,
                     cost_usd=3 * row.cost_usd, tools=row.tools)  # fmt: skip


def test_five_ordinary_days_are_not_worth_a_word() -> None:
    assert [] == seen(rows(5))


def test_what_became_dearer_is_told_within_three_buckets_with_what_was_expected() -> None:
    at = 4 * PER_DAY + PER_DAY // 2
    (event,) = seen(rows(5, dearer)[: at + 4])
    assert ("support", "acme", "cost", OPENED) == (event.agent, event.project, event.series, event.state)
    assert event.opinion in {"level", "spread"}
    assert at * STEP_NS + MONDAY <= event.opened_ns < event.at_ns <= (at + 4) * STEP_NS + MONDAY
    assert event.observed is not None
    assert event.expected is not None
    assert event.observed / event.expected == pytest.approx(3, rel=0.4)


def test_a_later_look_tells_only_what_is_new_and_closes_the_same_episode() -> None:
    whole = rows(5, dearer)
    at = 4 * PER_DAY + PER_DAY // 2
    (opened,) = seen(whole[: at + 4])
    known = {("acme", "support", "cost"): Known(opened.episode, OPENED, opened.opened_ns, opened.at_ns, opened.score)}
    assert [] == [event for event in seen(whole[: at + 5], known) if event.state == OPENED]
    later = seen(whole, known)
    assert (opened.episode, CLOSED) == (later[-1].episode, later[-1].state)
    known["acme", "support", "cost"] = Known(opened.episode, CLOSED, opened.opened_ns, later[-1].at_ns, 1.0)
    assert [] == seen(whole, known)


def test_nothing_is_told_on_the_first_day_or_of_an_agent_that_hardly_works() -> None:
    def burst(place: int, row: BucketRow) -> BucketRow:
        return dearer(place + 3 * PER_DAY + PER_DAY // 2, row)

    assert [] == seen(rows(1, burst))
    assert [] == seen(rows(5, dearer, calls=0))


def test_an_episode_that_the_baseline_has_moved_past_is_closed() -> None:
    quiet = rows(3)
    known = {("acme", "support", "cost"): Known("e1", OPENED, MONDAY, MONDAY + STEP_NS, 1.5)}
    assert [("e1", CLOSED)] == [(event.episode, event.state) for event in seen(quiet, known)]


def test_every_agent_and_project_is_a_work_of_its_own_and_gaps_are_filled() -> None:
    whole = [*rows(1)[::2], *rows(1, agent="triage")]
    found = {work.agent: work for work in works(whole, MONDAY + PER_DAY * STEP_NS)}
    assert {"support", "triage"} == set(found)
    assert [PER_DAY, PER_DAY] == [len(found["support"].rows), len(found["triage"].rows)]
    assert None is found["support"].rows[1]


def test_sums_have_zeros_and_sizes_of_few_calls_are_unknown() -> None:
    tools = {"x": 6, "y": 4}
    row = BucketRow(agent="a", project=None, at_ns=0, calls=2, seconds=(1.0, 2.0), tools=tools, tool_errors=5)
    by_name = {each.name: each for each in series(Work("a", None, 0, (row, None)))}
    assert [2.0, 0.0] == by_name["calls"].values.tolist()
    assert [10.0, 0.0] == by_name["tool_calls"].values.tolist()
    assert np.isnan(by_name["latency_p50"].values).all()
    assert (0.5, 0.6) == (by_name["tool_error_rate"].values[0], by_name["tool_share:x"].values[0])


def test_the_newest_record_says_how_an_episode_stands() -> None:
    def record(state: str, at: int) -> StoredRecord:
        return StoredRecord(
            {"agent": "a", "series": "cost", "episode": "e", "state": state, "start_ns": at, "opened_ns": 5, "score": 2,
             "observed": 3.0, "expected": 1, "opinion": "level"}
        )  # fmt: skip

    words = "cost is 3 where 1 was expected (level)"
    found = known_of([record("closed", 30), record("opened", 10), record("worse", 20)])
    assert {(None, "a", "cost"): Known("e", "closed", 5, 30, 2.0, words)} == found

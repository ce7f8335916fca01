"""Arithmetic of a conversation's past: results sent again, prompts that a cache could serve, calls within a loop."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from syndarix_obs_read.analysis.bootstrap import LEAST, ratio_interval
from syndarix_obs_read.analysis.context_costs import Call, ToolCall, caching, carried, looping

S = 10**9
RATES = {"input": Decimal("0.000003"), "cache_read": Decimal("0.0000003"), "cache_write": Decimal("0.00000375")}
THREAD = ("s-1", "support")


def call(at: int, sent: int, answer: int = 100, *, read: int = 0, write: int = 0, usd: str = "0.01") -> Call:
    """A call of a second."""
    return Call(
        thread=THREAD, start_ns=at * S, end_ns=(at + 1) * S, input=sent, cache_read=read, cache_write=write,
        answer=answer, rates=RATES, usd=Decimal(usd),
    )  # fmt: skip


def tool(at: int, name: str = "search", loop: int | None = None) -> ToolCall:
    """A call of a tool."""
    return ToolCall(THREAD, at * S, name, loop)


def test_a_result_is_paid_for_again_with_every_later_call_and_not_by_the_first_that_reads_it() -> None:
    calls = [call(0, 1_000), call(10, 6_100), call(20, 6_300), call(30, 6_500)]
    found = carried(calls, [tool(5)])

    assert (5_000, 10_000) == (found.results, found.tokens)
    assert Decimal("0.03") == found.usd == found.by_tool["search"]


def test_what_grows_without_a_tool_is_no_result() -> None:
    assert 0 == carried([call(0, 1_000), call(10, 6_100), call(20, 6_300)], []).tokens


def test_a_prompt_that_begins_anew_carries_nothing_on() -> None:
    found = carried([call(0, 1_000), call(10, 6_100), call(20, 900), call(30, 1_100)], [tool(5)])

    assert (5_000, 0) == (found.results, found.tokens)


def test_a_result_that_a_cache_serves_costs_what_reading_the_cache_costs() -> None:
    calls = [call(0, 1_000), call(10, 6_100), call(20, 6_100, read=6_100)]

    assert Decimal("0.0015") == carried(calls, [tool(5)]).usd


def test_two_tools_between_two_calls_share_what_came() -> None:
    found = carried([call(0, 1_000), call(10, 6_100), call(20, 6_300)], [tool(5), tool(6, "refund")])

    assert {"search": Decimal("0.0075"), "refund": Decimal("0.0075")} == found.by_tool


def test_caches_save_the_discount_less_what_writing_costs_more() -> None:
    found = caching([call(0, 10_000, write=10_000), call(10, 10_000, read=10_000)])

    assert (10_000, Decimal("0.027") - Decimal("0.0075")) == (found.read, found.saved)
    assert (0, Decimal(0)) == (found.could_read, found.could_save)


def test_a_prompt_that_is_sent_again_could_have_been_read_from_a_cache() -> None:
    found = caching([call(0, 10_000), call(10, 10_000), call(20, 10_000)])

    assert 20_000 == found.could_read
    assert 2 * Decimal("0.027") - Decimal("0.0075") == found.could_save


def test_old_short_and_other_prompts_could_not() -> None:
    assert 0 == caching([call(0, 10_000), call(400, 10_000)]).could_read
    assert 0 == caching([call(0, 1_000), call(10, 1_000)]).could_read
    assert 0 == caching([call(0, 10_000), call(10, 9_000)]).could_read


def test_the_first_of_equal_calls_is_no_loop_and_what_follows_is() -> None:
    calls = [call(at, 1_000) for at in (0, 10, 20, 30, 40)]
    tools = [tool(5), tool(15), tool(25), tool(35, loop=3)]

    assert {THREAD: Decimal("0.02")} == looping(calls, tools)
    assert {} == looping(calls, [tool(5), tool(15)])


def test_the_interval_of_a_ratio_lies_around_it_and_is_the_same_each_time() -> None:
    above, below = [1.0, 2.0, 3.0, 4.0] * 25, [1.0, 0.0, 1.0, 1.0] * 25
    low, high = ratio_interval(above, below)

    assert low is not None
    assert high is not None
    assert low < 250 / 75 < high
    assert (low, high) == ratio_interval(above, below)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:

    chance, hits = np.random.default_rng(3), 0
    for _ in range(60):
        spent, won = chance.lognormal(0, 0.5, 80), chance.random(80) < 0.6
        low, high = ratio_interval(spent.tolist(), won.astype(float).tolist())
        hits += (low or 0) <= np.exp(0.125) / 0.6 <= (high or 0)

    assert 52 <= hits


def test_many_sessions_are_drawn_in_blocks_and_have_the_same_interval() -> None:
    chance = np.random.default_rng(5)
    spent, won = chance.lognormal(0, 0.5, 4_000), (chance.random(4_000) < 0.6).astype(float)
    low, high = ratio_interval(spent.tolist(), won.tolist())

    spread = np.std(spent - won * (spent.sum() / won.sum())) / np.sqrt(4_000) / won.mean()
    assert low is not None
    assert high is not None
    assert 2 * 1.96 * spread == pytest.approx(high - low, rel=0.15)


def test_too_few_sessions_and_none_that_succeeded_have_no_interval() -> None:
    assert (None, None) == ratio_interval([1.0] * (LEAST - 1), [1.0] * (LEAST - 1))
    assert (None, None) == ratio_interval([1.0] * 50, [0.0] * 50)
    low, high = ratio_interval([1.0] * 20, [1.0] + [0.0] * 19)
    assert low is not None
    assert high is None

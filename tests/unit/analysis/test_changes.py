"""What changed: explanations of a figure that moved, firsts, and the answer that nothing explains it."""

from __future__ import annotations

import random
from collections.abc import Callable

from syndarix_obs_read.analysis.changes import Change, Observation, Scale, explain_change

Make = Callable[[random.Random, bool], tuple[float, dict[str, str]]]


def period(make: Make, later: bool, count: int, seed: int = 1) -> list[Observation]:
    """Observations of one period, two in a session."""
    rng = random.Random(f"{seed}{later}")
    made = [make(rng, later) for _ in range(count)]
    return [
        Observation(value, {name: (each,) for name, each in where.items()}, f"{'b' if later else 'a'}{at // 2}", at)
        for at, (value, where) in enumerate(made)
    ]


def explain(make: Make, scale: Scale = "log") -> Change:
    """The explanation of a change from 1,500 to 500 observations."""
    return explain_change(period(make, False, 1500), period(make, True, 500), scale)


def slow(rng: random.Random, factor: float) -> float:
    """A latency around `factor` seconds."""
    return factor * rng.lognormvariate(0, 0.4)


def region(rng: random.Random) -> str:
    return rng.choice(("eu", "us"))


def test_a_value_that_got_worse_is_first_before_one_that_only_came_along() -> None:
    def make(rng: random.Random, later: bool) -> tuple[float, dict[str, str]]:
        where = region(rng)
        new = later and rng.random() < (0.8 if where == "eu" else 0.2)
        return slow(rng, 2 if later and where == "eu" else 1), {"region": where, "prompt_hash": "p2" if new else "p1"}

    found = explain(make)
    assert ("region", "eu") == (found.factors[0].dimension, found.factors[0].value)
    assert 0.9 < found.factors[0].part < 1.1
    assert ["p2"] == [first.value for first in found.firsts]


def test_a_prompt_that_everybody_got_is_named_before_the_version_that_came_with_it() -> None:
    def make(rng: random.Random, later: bool) -> tuple[float, dict[str, str]]:
        name = "2" if later else "1"
        return slow(rng, 1 + later), {"agent_version": f"v{name}", "prompt_hash": f"p{name}", "region": region(rng)}

    found = explain(make)
    assert ("prompt_hash", "p2") == (found.factors[0].dimension, found.factors[0].value)
    assert None is found.factors[0].mean_before
    assert {"p2", "v2"} == {first.value for first in found.firsts}


def test_a_dear_value_that_became_more_frequent_explains_a_dearer_mean() -> None:
    def make(rng: random.Random, later: bool) -> tuple[float, dict[str, str]]:
        large = rng.random() < (0.6 if later else 0.1)
        return slow(rng, 4 if large else 1), {"model": "large" if large else "small", "region": region(rng)}

    best = explain(make).factors[0]
    assert "model" == best.dimension
    assert best.share_after > 2 * best.share_before or best.share_after < best.share_before


def test_when_everything_got_worse_alike_nothing_explains_it() -> None:
    def make(rng: random.Random, later: bool) -> tuple[float, dict[str, str]]:
        return slow(rng, 1 + later), {"region": region(rng), "model": "m", "environment": "prod"}

    found = explain(make)
    assert () == found.factors
    assert found.verdict.startswith("nothing explains it")


def test_without_a_change_there_is_no_answer_but_firsts_are_listed() -> None:
    def make(rng: random.Random, later: bool) -> tuple[float, dict[str, str]]:
        return slow(rng, 1), {"model": "new" if later and rng.random() < 0.5 else "old"}

    found = explain(make)
    assert () == found.factors
    assert "the figure did not change beyond chance" == found.verdict
    assert [("model", "new")] == [(first.dimension, first.value) for first in found.firsts]


def test_the_pattern_of_errors_gives_way_to_what_causes_them() -> None:
    def make(rng: random.Random, later: bool) -> tuple[float, dict[str, str]]:
        tool = rng.choice(("search", "pay", "mail"))
        failed = rng.random() < (0.5 if later and tool == "pay" else 0.03)
        return float(failed), {"tool": tool} | ({"error_pattern": "time-out"} if failed else {})

    names = [(each.dimension, each.value) for each in explain(make, "plain").factors]
    assert ("tool", "pay") == names[0]
    assert ("error_pattern", "time-out") in names


def test_an_explanation_comes_with_typical_sessions_of_both_periods() -> None:
    def make(rng: random.Random, later: bool) -> tuple[float, dict[str, str]]:
        where = region(rng)
        return slow(rng, 3 if later and where == "eu" else 1), {"region": where}

    best = explain(make).factors[0]
    assert 3 == len(best.sessions_after) == len(best.sessions_before)
    assert all(each.startswith("b") for each in best.sessions_after)
    assert all(each.startswith("a") for each in best.sessions_before)


def test_what_was_known_before_the_earlier_period_is_no_first() -> None:
    before = [Observation(1.0, {"model": ("a",)}, str(at)) for at in range(10)]
    after = [Observation(1.0, {"model": ("b",)}, str(at)) for at in range(10)]
    assert ["b"] == [first.value for first in explain_change(before, after).firsts]
    assert () == explain_change(before, after, known={"model": frozenset({"b"})}).firsts


def test_too_little_history_is_said() -> None:
    few = [Observation(1.0, {"model": ("a",)}, "one")]
    found = explain_change(few, few)
    assert found.verdict.startswith("too little to compare: 1 observations before and 1 after")
    assert () == found.factors


def test_equal_values_are_no_change() -> None:
    same = [Observation(0.0, {"model": ("a",)}, str(at)) for at in range(50)]
    assert "the figure did not change beyond chance" == explain_change(same, same).verdict


def test_what_lies_between_the_periods_is_compared_with_nothing_and_dates_what_is_new() -> None:
    def one(place: int, prompt: str, value: float) -> Observation:
        return Observation(value, {"prompt_hash": (prompt,)}, f"s{place}", place)

    before = [one(place, "p1", 1 + place % 7 / 10) for place in range(60)]
    between = [one(60 + place, "p2", 3) for place in range(5)]
    after = [one(70 + place, "p2", 3 + place % 7 / 10) for place in range(40)]
    found = explain_change(before, after, between=between)
    best = found.factors[0]
    assert ("p2", 0.0, 60) == (best.value, best.share_before, best.first_seen_ns)
    assert [("p2", 60, 1.0)] == [(each.value, each.first_seen_ns, each.share_after) for each in found.firsts]

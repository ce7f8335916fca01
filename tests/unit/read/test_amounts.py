"""Sums: exact, and honest about what they are not."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syndarix_obs_read.amounts import Cost, Quantiles, Tokens, plain

amounts = st.decimals(min_value=0, max_value=10**9, allow_nan=False, allow_infinity=False, places=12)


@given(amounts)
def test_json_keeps_amounts_exactly(amount: Decimal) -> None:
    read = json.loads(Cost(calls=1, exact_usd=amount).model_dump_json())
    assert amount == Decimal(read["exact_usd"])
    assert "E" not in read["exact_usd"]


@pytest.mark.parametrize(
    ("amount", "expected"), [("1E+2", "100"), ("0E-12", "0"), ("1.2300", "1.23"), ("1.23E-4", "0.000123")]
)
def test_amounts_are_plain_digits(amount: str, expected: str) -> None:
    assert expected == plain(Decimal(amount))


def test_a_sum_of_unpriced_calls_is_unknown_not_zero() -> None:
    assert Cost(calls=2, unpriced_calls=2).total_usd is None
    assert Decimal(0) == Cost().total_usd


def test_exact_and_estimated_stay_apart() -> None:
    both = Cost(calls=1, exact_usd=Decimal("0.1")) + Cost(
        calls=2, estimated_calls=1, estimated_usd=Decimal("0.2"), unpriced_calls=1, unpriced_models=("x",)
    )
    assert (Decimal("0.1"), Decimal("0.2"), Decimal("0.3")) == (both.exact_usd, both.estimated_usd, both.total_usd)
    assert (3, 1, ("x",)) == (both.calls, both.unpriced_calls, both.unpriced_models)


def test_tokens_add_up_by_class() -> None:
    assert Tokens(input=3, output=5, total=8) == Tokens(input=1, output=2, total=3) + Tokens(input=2, output=3, total=5)


def test_quantiles_interpolate_as_prometheus_does() -> None:
    found = Quantiles.of([4.0, 1.0, 3.0, 2.0])
    assert (4, 2.5, 2.5) == (found.count, found.mean, found.p50)
    assert 3.85 == pytest.approx(found.p95)


def test_quantiles_of_nothing_are_unknown() -> None:
    assert Quantiles(count=0) == Quantiles.of([])

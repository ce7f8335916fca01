"""Rate-limit headers become ratios; garbage becomes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syndarix_obs.metrics.rate_limits import LIMITS, ratios

RECORDINGS = Path(__file__).parents[3] / ".." / "shared" / "data" / "provider_recordings.jsonl"


def test_openai_headers_are_read() -> None:
    headers = {
        "x-ratelimit-limit-requests": "10000", "x-ratelimit-remaining-requests": "9999",
        "x-ratelimit-reset-requests": "8.64s", "x-ratelimit-limit-tokens": "200000",
        "x-ratelimit-remaining-tokens": "50000", "x-ratelimit-limit-input-images": "5",
        "x-ratelimit-remaining-input-images": "5",
    }  # fmt: skip
    assert {"requests": 0.9999, "tokens": 0.25} == ratios(headers)


def test_anthropic_headers_are_read_in_any_case() -> None:
    headers = {
        "Anthropic-RateLimit-Requests-Limit": "50", "Anthropic-RateLimit-Requests-Remaining": "0",
        "anthropic-ratelimit-input-tokens-limit": "1000", "anthropic-ratelimit-input-tokens-remaining": "500",
        "anthropic-ratelimit-output-tokens-limit": "400", "anthropic-ratelimit-output-tokens-remaining": "100",
        "anthropic-ratelimit-input-tokens-reset": "2025-01-01T00:00:00Z",
    }  # fmt: skip
    assert {"requests": 0.0, "input_tokens": 0.5, "output_tokens": 0.25} == ratios(headers)


@pytest.mark.parametrize(
    ("limit", "left"), [("0", "0"), ("-1", "5"), ("ten", "5"), ("nan", "5"), ("10", "inf"), ("10", ""), ("", "1")]
)
def test_numbers_that_make_no_sense_are_left_out(limit: str, left: str) -> None:
    assert {} == ratios({"x-ratelimit-limit-tokens": limit, "x-ratelimit-remaining-tokens": left})


def test_a_half_of_the_pair_alone_tells_nothing() -> None:
    assert {} == ratios({"x-ratelimit-limit-tokens": "10"})
    assert {} == ratios({"x-ratelimit-remaining-tokens": "10"})


def test_more_left_than_allowed_is_all_of_it() -> None:
    assert {"tokens": 1.0} == ratios({"x-ratelimit-limit-tokens": "10", "x-ratelimit-remaining-tokens": "12"})


@pytest.mark.parametrize("headers", [None, 3, [], {1: 2}, {"x-ratelimit-": None}])
def test_what_is_no_headers_has_no_ratios(headers: Any) -> None:
    assert {} == ratios(headers)


NAMES = st.one_of(
    st.text(), st.sampled_from([f"x-ratelimit-{part}-{limit}" for part in ("limit", "remaining") for limit in LIMITS])
)


@given(st.dictionaries(NAMES, st.one_of(st.text(), st.floats().map(str), st.integers().map(str))))
def test_a_ratio_is_always_between_0_and_1(headers: dict[str, str]) -> None:
    assert all(limit in LIMITS and 0 <= ratio <= 1 for limit, ratio in ratios(headers).items())


def test_every_real_answer_that_tells_its_limits_is_read() -> None:
    if not RECORDINGS.exists():
        pytest.skip("../shared/data is not there")
    rows = [json.loads(line) for line in RECORDINGS.read_text(encoding="utf-8").splitlines()]
    told = [row for row in rows if any("ratelimit" in name for name in row["headers"])]
    assert len(told) > 100
    for row in told:
        assert ratios(row["headers"]), row["id"]

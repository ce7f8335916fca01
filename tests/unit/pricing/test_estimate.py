"""A provider that sends no usage gets an estimate from the text."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from syndarix_obs.pricing.estimate import MESSAGE_TOKENS, estimate_messages, estimate_tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 0), ("a", 1), ("four", 1), ("fives", 2), ("ä" * 4, 2), ("訳" * 4, 3), ("\ud800", 1)],
)
def test_four_bytes_are_a_token(text: str, tokens: int) -> None:
    assert tokens == estimate_tokens(text)


@pytest.mark.parametrize(
    "messages",
    [
        "hello world!",
        [{"role": "user", "content": "hello world!"}],
        {"role": "user", "content": [{"type": "text", "text": "hello world!"}]},
        [{"role": "user", "parts": [{"type": "text", "content": "hello world!"}]}],
        (SimpleNamespace(model_dump=lambda: {"content": "hello world!"}),),
    ],
)
def test_every_shape_of_message_counts_its_text_and_its_frame(messages: Any) -> None:
    assert estimate_messages(messages) == 3 + MESSAGE_TOKENS


@pytest.mark.parametrize("nothing", [None, [], "", {}])
def test_nothing_has_no_tokens(nothing: Any) -> None:
    assert estimate_messages(nothing) == 0


def test_what_is_no_text_counts_as_its_frame_alone() -> None:
    assert estimate_messages([object()]) == MESSAGE_TOKENS


def test_a_message_that_contains_itself_ends() -> None:
    endless: dict[str, Any] = {"content": "word"}
    endless["self"] = endless
    assert estimate_messages([endless]) > MESSAGE_TOKENS

"""Budgets in watched clients: a call without room is never sent, and a stream settles when it ends."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from fake_provider import (
    CHUNKS,
    MESSAGE,
    QUESTION,
    USAGE_CHUNK,
    anthropic_client,
    ask,
    ask_claude,
    async_anthropic_client,
    async_openai_client,
    chat_body,
    openai_client,
    sse,
)

from syndarix_obs import BudgetExceeded
from syndarix_obs.guarding.accounts import Account, read
from syndarix_obs.guarding.budgets import NANO
from syndarix_obs.testing import Kit

COST = 9 * 150 + 3 * 600  # gpt-4o-mini, billionths of a dollar: 9 tokens in, 3 out


def account(kit: Kit) -> Account:
    for _ in range(2):  # what was leased beside a call goes back a round later
        assert kit.obs.flush()
    (found,) = read(kit.obs.settings.home)[1]
    return found


def test_a_call_that_has_no_room_is_never_sent(watched: Kit) -> None:
    sent: list[Any] = []
    watched.obs.budget("none", usd="0.0000001")
    client = openai_client(chat_body(), sent=sent)
    with pytest.raises(BudgetExceeded):
        ask(client, max_tokens=5)
    assert [] == sent
    (record,) = watched.records("llm_call")
    assert ("error", "syndarix_obs.errors.BudgetExceeded", 0) == (record.status, record.error_type, record.input_tokens)


def test_an_answer_settles_with_its_real_cost(watched: Kit) -> None:
    watched.obs.budget("all", usd=1)
    ask(openai_client(chat_body()), max_tokens=5)
    found = account(watched)
    assert ((COST, 12, 1), (0, 0, 0)) == (found.spent, found.held)


def test_what_the_request_allows_is_what_is_reserved(watched: Kit) -> None:
    watched.obs.budget("all", usd="0.01")
    with pytest.raises(BudgetExceeded) as raised:
        ask(openai_client(chat_body()), max_tokens=100_000)
    assert 0.06 == pytest.approx(float(raised.value.needed), rel=0.01)


def test_a_stream_is_held_until_it_has_been_read(watched: Kit) -> None:
    watched.obs.budget("all", usd=1)
    stream = ask(openai_client(sse([*CHUNKS, USAGE_CHUNK])), stream=True, max_tokens=5)
    found = account(watched)
    assert (0, True) == (found.spent.usd, found.held.usd > 0)
    list(stream)
    found = account(watched)
    assert (COST, 0) == (found.spent.usd, found.held.usd)


def test_a_stream_that_is_dropped_settles_too(watched: Kit) -> None:
    watched.obs.budget("all", usd=1)
    stream = ask(openai_client(sse([*CHUNKS, USAGE_CHUNK])), stream=True, max_tokens=5)
    next(iter(stream))
    stream.close()
    found = account(watched)
    assert (1, 0) == (found.spent.calls, found.held.usd)


def test_a_refused_request_of_the_provider_costs_nothing(watched: Kit) -> None:
    watched.obs.budget("all", usd=1)
    with pytest.raises(openai.RateLimitError):
        ask(openai_client({"error": {"message": "slow down"}}, 429), max_tokens=5)
    found = account(watched)
    assert ((0, 0, 1), (0, 0, 0)) == (found.spent, found.held)


async def test_async_clients_are_held_too(watched: Kit) -> None:
    watched.obs.budget("two", calls=2)
    await async_openai_client(chat_body()).chat.completions.create(model="gpt-4o-mini", messages=QUESTION)  # type: ignore[arg-type]
    claude = async_anthropic_client(MESSAGE)
    await claude.messages.create(model="claude-sonnet-4-5", max_tokens=9, messages=QUESTION)  # type: ignore[arg-type]
    with pytest.raises(BudgetExceeded):
        await claude.messages.create(model="claude-sonnet-4-5", max_tokens=9, messages=QUESTION)  # type: ignore[arg-type]
    assert 2 == account(watched).spent.calls


def test_a_watched_client_inside_of_a_call_of_ours_is_held_once(watched: Kit) -> None:
    watched.obs.budget("all", usd=1)
    with watched.obs.llm(provider="openai", model="gpt-4o-mini", messages=QUESTION) as call:
        ask(openai_client(chat_body()), max_tokens=5)
        call.response("Hello!", usage={"input_tokens": 9, "output_tokens": 3})
    found = account(watched)
    assert ((COST, 12, 1), (0, 0, 0)) == (found.spent, found.held)


def test_claude_is_refused_before_it_is_asked(watched: Kit) -> None:
    watched.obs.budget("none", usd=1 / NANO)
    with pytest.raises(BudgetExceeded):
        ask_claude(anthropic_client(MESSAGE))

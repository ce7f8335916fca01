"""LiteLLM's callbacks: every route is a call of the session that asked, once, however many tell of it."""

from __future__ import annotations

import asyncio
import sys
import threading
import types
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace as Thing

import pytest

from syndarix_obs.integrations import litellm
from syndarix_obs.testing import Kit, recording


class Library:
    """LiteLLM's side: it tells its callbacks in the order and from the threads that LiteLLM does."""

    def __init__(self, module: types.ModuleType) -> None:
        self.module = module

    def complete(self, provider: str = "anthropic", *, fails: bool = False, asynchronous: bool = False) -> None:
        kwargs = {"litellm_call_id": "c1", "custom_llm_provider": provider, "call_type": "completion"}
        for each in self.module.callbacks:
            each.log_pre_api_call("claude-sonnet-4-5", [{"role": "user", "content": "hi"}], kwargs)
        usage = {"prompt_tokens": 1000, "completion_tokens": 100, "prompt_tokens_details": {"cached_tokens": 200}}
        answer = Thing(id="msg_1", model="claude-sonnet-4-5", usage=usage, choices=[])
        times = {"start_time": datetime.now(UTC), "end_time": datetime.now(UTC)}
        told = {"kwargs": {**kwargs, "exception": ValueError("no")}, "response_obj": answer, **times}

        def tell() -> None:
            for each in self.module.callbacks:
                if asynchronous:
                    asyncio.run(each.async_log_success_event(**told))
                elif fails:
                    each.log_failure_event(**told)
                else:
                    each.log_success_event(**told)

        thread = threading.Thread(target=tell)
        thread.start()
        thread.join()


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    """In the place of `litellm`."""
    module = types.ModuleType("litellm")
    module.callbacks = []  # type: ignore[attr-defined]  # a stand-in
    logger = types.ModuleType("litellm.integrations.custom_logger")
    logger.CustomLogger = object  # type: ignore[attr-defined]  # a stand-in
    monkeypatch.setitem(sys.modules, "litellm", module)
    monkeypatch.setitem(sys.modules, "litellm.integrations", types.ModuleType("litellm.integrations"))
    monkeypatch.setitem(sys.modules, "litellm.integrations.custom_logger", logger)
    return Library(module)


@pytest.fixture
def kit(library: Library) -> Iterator[Kit]:
    with recording() as made:
        undo = litellm.watch(made.obs.runtime)
        yield made
        undo()
        assert [] == library.module.callbacks


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_call_belongs_to_the_session_that_made_it(kit: Kit, library: Library, asynchronous: bool) -> None:
    with kit.obs.session(agent="a", session_id="s"):
        library.complete(asynchronous=asynchronous)
    call = kit.record("llm_call")
    assert ("s", "a", "anthropic", 1000, 200, 100) == (
        call.session_id, call.agent, call.provider, call.input_tokens, call.cache_read_tokens, call.output_tokens
    )  # fmt: skip
    assert call.priced


def test_a_call_that_a_watched_client_makes_as_well_counts_once(kit: Kit, library: Library) -> None:
    with kit.obs.session(agent="a"), kit.obs.llm(provider="anthropic", model="claude-sonnet-4-5") as client:
        library.complete()
        client.response(
            "hi", response_id="msg_1", usage={"input_tokens": 800, "cache_read_input_tokens": 200, "output_tokens": 100}
        )
    lines = kit.records("cost")
    assert 1100 == sum(line.tokens_total for line in lines)
    assert 1 == sum(-1 if line.record_id.endswith(":void") else 1 for line in lines)


def test_a_failed_call_costs_nothing(kit: Kit, library: Library) -> None:
    library.complete(fails=True)
    assert ("error", "ValueError", []) == (
        kit.record("llm_call").status, kit.record("llm_call").error_type, kit.records("cost")
    )  # fmt: skip

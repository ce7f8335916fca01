"""The `google-genai` client: each request is a call with tokens, also those that its function calling makes."""

from __future__ import annotations

import asyncio
import sys
import types
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace as Thing
from typing import Any

import pytest

from syndarix_obs.integrations import google_genai
from syndarix_obs.testing import Kit, recording


class Content:
    """As the client's models: it can be dumped."""

    def model_dump(self, **_: Any) -> dict[str, Any]:
        return {"role": "model", "parts": [{"text": "sunny"}]}


def answer(output: int) -> Any:
    """A response, or a part of a streamed one with the usage so far."""
    usage = Thing(prompt_token_count=1000, candidates_token_count=output, cached_content_token_count=200)
    candidate = Thing(content=Content(), finish_reason=Thing(value="STOP"))
    return Thing(candidates=[candidate], usage_metadata=usage, response_id="g1", model_version="gemini-2.5-flash")


class Models:
    """The sync half of the client."""

    _api_client = Thing(vertexai=False)

    def _generate_content(self, *, model: str, contents: Any, config: Any = None) -> Any:
        if contents == "refuse":
            raise ValueError("refused")
        return answer(100)

    def _generate_content_stream(self, *, model: str, contents: Any, config: Any = None) -> Iterator[Any]:
        yield answer(10)
        yield answer(100)


class AsyncModels:
    """The async half, of Vertex AI."""

    _api_client = Thing(vertexai=True)

    async def _generate_content(self, *, model: str, contents: Any, config: Any = None) -> Any:
        return answer(100)

    async def _generate_content_stream(self, *, model: str, contents: Any, config: Any = None) -> AsyncIterator[Any]:
        async def read() -> AsyncIterator[Any]:
            yield answer(10)
            yield answer(100)

        return read()


@pytest.fixture
def kit(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kit]:
    """A platform that watches the stand-in."""
    module = types.ModuleType("google.genai.models")
    module.Models, module.AsyncModels = Models, AsyncModels  # type: ignore[attr-defined]  # a stand-in
    monkeypatch.setitem(sys.modules, "google.genai", types.ModuleType("google.genai"))
    monkeypatch.setitem(sys.modules, "google.genai.models", module)
    with recording() as made:
        undo = google_genai.watch(made.obs.runtime.source, lambda *_: None)
        yield made
        undo()


def ask(kind: str) -> None:
    asked: dict[str, Any] = {"model": "models/gemini-2.5-flash", "contents": "hi", "config": {"temperature": 0.5}}
    if kind == "whole":
        Models()._generate_content(**asked)
    elif kind == "streamed":
        list(Models()._generate_content_stream(**asked))
    elif kind == "async":
        asyncio.run(AsyncModels()._generate_content(**asked))
    else:
        asyncio.run(_read(AsyncModels()._generate_content_stream(**asked)))


async def _read(stream: Any) -> None:
    async for _ in await stream:
        pass


@pytest.mark.parametrize("kind", ["whole", "streamed", "async", "async streamed"])
def test_a_request_is_a_call_with_its_last_usage(kit: Kit, kind: str) -> None:
    with kit.obs.session(agent="a"):
        ask(kind)
    call = kit.record("llm_call")
    assert ("gemini-2.5-flash", 1000, 200, 100) == (
        call.model, call.input_tokens, call.cache_read_tokens, call.output_tokens
    )  # fmt: skip
    assert ("gcp.vertex_ai" if "async" in kind else "gcp.gemini") == call.provider
    assert (True, "streamed" in kind, "a") == (call.priced, call.stream, call.agent)
    assert "sunny" in str(kit.payload("llm_call")["output"])


def test_a_refused_request_fails_and_costs_nothing(kit: Kit) -> None:
    with pytest.raises(ValueError, match="refused"):
        Models()._generate_content(model="gemini-2.5-flash", contents="refuse")
    assert ("error", 0) == (kit.record("llm_call").status, len(kit.records("cost")))


def test_a_stream_that_is_left_counts_what_it_told(kit: Kit) -> None:
    stream = Models()._generate_content_stream(model="gemini-2.5-flash", contents="hi")
    next(stream)
    stream.close()
    assert (10, "ok") == (kit.record("llm_call").output_tokens, kit.record("llm_call").status)

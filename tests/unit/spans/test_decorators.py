"""Decorator forms and the default platform."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

import syndarix_obs
from syndarix_obs.testing import Capture, Kit


def test_a_decorated_function_is_a_tool_call_with_arguments_and_result(kit: Kit) -> None:
    @kit.obs.tool_call
    def search(query: str, limit: int = 3) -> list[str]:
        return [query] * limit

    assert ["a", "a"] == search("a", limit=2)
    assert "search" == kit.record("tool_call").tool
    assert {"arguments": {"query": "a", "limit": 2}, "result": ["a", "a"]} == kit.payload("tool_call")


async def test_coroutines_are_awaited_inside_the_span(kit: Kit) -> None:
    @kit.obs.tool_call("lookup")
    async def find(key: str) -> str:
        return key.upper()

    assert "A" == await find("a")
    assert ("lookup", "ok") == (kit.record("tool_call").tool, kit.record("tool_call").status)


def test_an_exception_passes_through_a_decorated_function(kit: Kit) -> None:
    @kit.obs.tool_call
    def broken() -> None:
        raise KeyError("gone")

    with pytest.raises(KeyError, match="gone"):
        broken()
    assert "KeyError" == kit.record("tool_call").error_type


def test_wrong_arguments_are_the_callers_error(kit: Kit) -> None:
    @kit.obs.tool_call
    def search(query: str) -> str:
        return query

    with pytest.raises(TypeError):
        search()  # type: ignore[call-arg]


def test_methods_do_not_record_self(kit: Kit) -> None:
    class Shop:
        @kit.obs.tool_call
        def stock(self, item: str) -> int:
            return len(item)

    assert 3 == Shop().stock("cup")
    assert {"item": "cup"} == kit.payload("tool_call")["arguments"]


def test_generators_are_sessions_until_exhausted(kit: Kit) -> None:
    @kit.obs.agent_session("streamer", project="acme")
    def numbers() -> Iterator[int]:
        with kit.obs.tool("inner"):
            yield 1
        yield 2

    assert [1, 2] == list(numbers())
    assert ("streamer", "acme") == (kit.record("session").agent, kit.record("tool_call").project)


async def test_async_generators_are_sessions_too(kit: Kit) -> None:
    @kit.obs.agent_session("streamer")
    async def numbers() -> AsyncIterator[int]:
        yield 1
        yield 2

    assert [1, 2] == [number async for number in numbers()]
    assert 1 == len(kit.records("session"))


def test_the_plain_functions_use_one_default_platform(tmp_path: object) -> None:
    capture = Capture()
    settings = syndarix_obs.Settings(home=tmp_path, backend="none", set_global=False)
    obs = syndarix_obs.configure(settings, consumers=[capture])
    assert obs is syndarix_obs.get_platform()
    headers: dict[str, str] = {}

    @syndarix_obs.tool_call
    def decorated() -> None: ...

    @syndarix_obs.agent_session("inner")
    def run() -> None:
        decorated()

    with syndarix_obs.session("a"), syndarix_obs.task("t"), syndarix_obs.span("step", size=1):
        syndarix_obs.inject(headers)
        with syndarix_obs.llm(provider="openai", model="gpt-4o"), syndarix_obs.tool("x"):
            pass
        with syndarix_obs.embeddings(provider="openai", model="text-embedding-3-small", inputs="x") as call:
            call.response(usage={"input_tokens": 5, "output_tokens": 0})
        with syndarix_obs.memory("search"), syndarix_obs.retrieval("docs"), syndarix_obs.context_assembly():
            pass
        syndarix_obs.decision("tool_selection", options=["a"], selected="a")
        syndarix_obs.safety_check("pii", passed=True)
        syndarix_obs.annotate("note")
        run()
    with syndarix_obs.extract(headers):
        pass
    assert syndarix_obs.flush()
    kinds = {record.kind for record in capture.records}
    expected = {"session", "task", "span", "llm_call", "cost", "tool_call", "memory", "context", "decision", "safety"}
    assert expected | {"annotation"} == kinds
    assert syndarix_obs.shutdown()
    assert syndarix_obs.shutdown()

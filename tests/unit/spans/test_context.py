"""Context survives threads, executors, tasks and abandoned streams."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from opentelemetry import trace

from syndarix_obs.testing import Kit


def test_a_thread_that_runs_in_a_copied_context_belongs_to_the_session(kit: Kit) -> None:
    with kit.obs.session(agent="a", session_id="s-1"):
        context = contextvars.copy_context()
        thread = threading.Thread(target=lambda: context.run(_use_tool, kit))
        thread.start()
        thread.join()
    assert "s-1" == kit.record("tool_call").session_id


def _use_tool(kit: Kit) -> None:
    with kit.obs.tool("x"):
        pass


def test_executor_jobs_in_copied_contexts_belong_to_the_session(kit: Kit) -> None:
    with kit.obs.session(agent="a", session_id="s-1"), ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(contextvars.copy_context().run, _use_tool, kit) for _ in range(20)]
        for job in jobs:
            job.result()
    assert ["s-1"] * 20 == [record.session_id for record in kit.records("tool_call")]


def test_bound_jobs_of_an_executor_belong_to_the_session(kit: Kit) -> None:
    with kit.obs.session(agent="a", session_id="s-1"), ThreadPoolExecutor(4) as pool:
        list(pool.map(kit.obs.bind(lambda _: _use_tool(kit)), range(20)))
    assert ["s-1"] * 20 == [record.session_id for record in kit.records("tool_call")]


async def test_concurrent_tasks_keep_their_own_sessions(kit: Kit) -> None:
    async def agent(number: int) -> None:
        async with kit.obs.session(agent="a", session_id=f"s-{number}"):
            await asyncio.sleep(0)
            async with kit.obs.tool(f"t-{number}"):
                await asyncio.sleep(0)

    await asyncio.gather(*(agent(number) for number in range(50)))
    pairs = {(record.tool, record.session_id) for record in kit.records("tool_call")}
    assert {(f"t-{n}", f"s-{n}") for n in range(50)} == pairs


async def test_an_abandoned_async_stream_ends_its_span_without_a_warning(
    kit: Kit, caplog: pytest.LogCaptureFixture
) -> None:
    async def stream() -> AsyncIterator[int]:
        with kit.obs.llm(provider="openai", model="gpt-4o") as call:
            for number in range(10):
                call.first_token()
                yield number

    async def reader() -> None:
        async for _ in stream():
            break

    with caplog.at_level(logging.WARNING):
        await asyncio.create_task(reader())
        gc.collect()
        await asyncio.sleep(0)
    assert 1 == len(kit.records("llm_call"))
    assert "detach" not in caplog.text


def test_a_generator_closed_in_another_thread_ends_without_a_warning(
    kit: Kit, caplog: pytest.LogCaptureFixture
) -> None:
    def stream() -> Iterator[int]:
        with kit.obs.tool("stream"):
            yield 1
            yield 2

    generator = stream()
    next(generator)
    with caplog.at_level(logging.WARNING):
        thread = threading.Thread(target=generator.close)
        thread.start()
        thread.join()
    assert 1 == len(kit.records("tool_call"))
    assert "ok" == kit.record("tool_call").status
    assert "detach" not in caplog.text


def test_leaving_restores_the_span_that_was_current_before(kit: Kit) -> None:
    before = trace.get_current_span()
    with kit.obs.session(agent="a") as session:
        with kit.obs.tool("x"):
            pass
        assert trace.get_current_span() is session
    assert trace.get_current_span() is before


def test_stopping_inside_a_copied_context_gives_the_parent_back_there(kit: Kit) -> None:
    with kit.obs.session(agent="a") as session:
        tool = kit.obs.tool("x").start()

        def stop_elsewhere() -> bool:
            tool.stop()
            return trace.get_current_span() is session

        assert contextvars.copy_context().run(stop_elsewhere)


async def test_ten_thousand_concurrent_tasks_lose_nothing(kit: Kit) -> None:
    async def work(number: int) -> None:
        with kit.obs.tool(f"t{number % 7}"):
            await asyncio.sleep(0)

    await asyncio.gather(*(work(number) for number in range(10_000)))
    assert 10_000 == len(kit.records("tool_call"))
    assert 10_000 == len({record.record_id for record in kit.records("tool_call")})


def test_two_platforms_in_one_process_do_not_mix() -> None:
    from syndarix_obs.testing import recording

    with recording() as one, recording() as two:
        with one.obs.session(agent="a"), two.obs.tool("x"):
            pass
        assert ["session"] == [record.kind for record in one.records()]
        assert ["tool_call"] == [record.kind for record in two.records()]
        assert one.record("session").trace_id == two.record("tool_call").trace_id

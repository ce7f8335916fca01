"""Values whose own code raises, hangs or never ends: they cost themselves or their record, and nobody else."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from syndarix_obs import ObservabilityPlatform, Settings, foreign, guard
from syndarix_obs.pipeline import watchdog
from syndarix_obs.redaction.jsonable import dumps
from syndarix_obs.testing import Capture, recording

never = threading.Event()


class Raises:
    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __str__(self) -> str:
        raise self.error


class Spins:
    def __str__(self) -> str:
        while True:
            pass


class Sleeps:
    def __str__(self) -> str:
        never.wait(60)
        return "woken up"


class SleepsInAProperty:
    @property
    def content(self) -> str:
        never.wait(60)
        return "x"

    role = "user"

    def __str__(self) -> str:
        return "fine"


class EndlessList(list):  # type: ignore[type-arg]
    def __iter__(self) -> Iterator[int]:
        return itertools.count()


class EndlessMapping(Mapping[str, int]):
    def __getitem__(self, key: str) -> int:
        return 1

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[str]:
        return map(str, itertools.count())


class EndlessSet(frozenset):  # type: ignore[type-arg]
    def __iter__(self) -> Iterator[int]:
        return itertools.count()


class Slow:
    def __str__(self) -> str:
        time.sleep(0.2)
        return "slow"


def names(kit: Any) -> set[str]:
    return {record.name for record in kit.capture.records}


def after(count: int) -> set[str]:
    return {f"execute_tool after{n}" for n in range(count)}


def use(kit: Any, value: Any) -> None:
    with kit.obs.tool("bad", arguments={"v": value}):
        pass
    for number in range(20):
        with kit.obs.tool(f"after{number}"):
            pass


@pytest.mark.parametrize(
    "error",
    [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError(), GeneratorExit(), BaseException("panic")],
    ids=lambda error: type(error).__name__,
)
def test_a_value_that_raises_anything_costs_only_itself(error: BaseException) -> None:
    with recording(reraise=False) as kit:
        use(kit, Raises(error))
        assert kit.obs.flush(10)
        assert after(20) | {"execute_tool bad"} == names(kit)
        (record,) = (each for each in kit.records("tool_call") if each.tool == "bad")
        assert '{"arguments":{"v":"[unreadable Raises]"}}' == record.payload


def test_an_error_whose_text_raises_costs_only_its_text() -> None:
    class Odd(Exception):
        def __str__(self) -> str:
            raise SystemExit

    with recording(reraise=False) as kit:
        with pytest.raises(Odd), kit.obs.tool("bad"):
            raise Odd
        assert kit.obs.flush(10)
        (record,) = kit.records("tool_call")
        assert "<Odd has no readable message>" == record.error_message


def test_a_value_that_computes_for_ever_is_ended_and_its_record_kept() -> None:
    with recording(reraise=False) as kit:
        use(kit, Spins())
        assert kit.obs.flush(15)
        assert after(20) | {"execute_tool bad"} == names(kit)
        (record,) = (each for each in kit.records("tool_call") if each.tool == "bad")
        assert '{"arguments":{"v":"[Spins took too long to read]"}}' == record.payload


def test_a_value_that_sleeps_costs_its_record_and_another_thread_takes_over() -> None:
    with recording(reraise=False) as kit:
        use(kit, Sleeps())
        assert kit.obs.flush(15)
        assert after(20) == names(kit)
        assert 1 == kit.metric("syndarix_obs_records_dropped_total", reason="hung")
        assert 1 == guard.failures()["worker"]
        with kit.obs.tool("later"):
            pass
        assert kit.obs.flush(10)
        assert "execute_tool later" in names(kit)


def test_a_thread_that_comes_back_after_it_was_given_up_does_nothing() -> None:
    release = threading.Event()
    threads: list[threading.Thread] = []

    class Wakes:
        def __str__(self) -> str:
            threads.append(threading.current_thread())
            release.wait(30)
            return "woken up"

    with recording(reraise=False) as kit:
        use(kit, Wakes())
        assert kit.obs.flush(15)
        release.set()
        threads[0].join(5)
        assert not threads[0].is_alive()
        assert kit.obs.flush(10)
        assert after(20) == names(kit)


def test_a_property_that_sleeps_does_not_stop_the_worker() -> None:
    with recording(reraise=False) as kit:
        with kit.obs.llm(provider="openai", model="gpt-4o", messages=[SleepsInAProperty()]) as call:
            call.response("ok", usage={"input_tokens": 1, "output_tokens": 1})
        for number in range(20):
            with kit.obs.tool(f"after{number}"):
                pass
        assert kit.obs.flush(15)
        assert after(20) <= names(kit)


def test_a_redaction_of_ones_own_that_sleeps_does_not_stop_the_worker(tmp_path: Path) -> None:
    def redact(text: str) -> str:
        if "bad" in text:
            never.wait(60)
        return text

    capture = Capture()
    obs = ObservabilityPlatform(
        Settings(home=tmp_path, backend="none", set_global=False), consumers=[capture], redact_with=redact
    )
    for name in ("bad", "after0", "after1"):
        with obs.tool(name):
            pass
    assert obs.flush(20)
    assert after(2) == {record.name for record in capture.records}
    obs.shutdown()


class EndlessDict(dict):  # type: ignore[type-arg]
    def items(self) -> Any:
        return ((str(number), number) for number in itertools.count())


@dataclass
class Holds:
    value: Any


@pytest.mark.parametrize(
    "value",
    [EndlessMapping(), EndlessSet(), EndlessList(), EndlessDict(), [EndlessList(), float("nan")], Holds(EndlessList())],
    ids=["mapping", "set", "list", "dict", "list beside NaN", "list in an object"],
)
def test_what_never_ends_is_read_up_to_a_bound(value: Any) -> None:
    text = dumps({"v": value})
    assert len(text) < 32_000_000
    assert "[too many values]" in text or isinstance(value, EndlessSet)


def test_a_text_of_a_values_own_making_is_bounded() -> None:
    class Huge:
        def __str__(self) -> str:
            return "x" * 50_000_000

    assert len(dumps(Huge())) < 17_000_000
    assert dumps(Huge()).endswith('…truncated 50000000 characters"')


def test_many_slow_values_of_one_record_have_a_bound_together() -> None:
    began = time.monotonic()
    with recording(reraise=False) as kit:
        use(kit, [Slow() for _ in range(100)])
        assert kit.obs.flush(15)
        assert after(20) | {"execute_tool bad"} == names(kit)
    assert time.monotonic() - began < 10


# --- the watchdog ---


class Dead(threading.Thread):
    """A thread that has ended."""


def looks(count: int, look: Callable[[], None]) -> None:
    for _ in range(count):
        look()


def test_calls_that_come_back_are_left_alone() -> None:
    told: list[str] = []
    dog, mark = watchdog.Watchdog(told.append), foreign.Mark()
    dog.look_after(threading.current_thread(), mark)
    for number in range(1, 100):
        mark.call = number
        dog.look()
    mark.call = 0
    looks(100, dog.look)
    assert [] == told


def test_a_thread_that_died_is_replaced() -> None:
    told: list[str] = []
    dog = watchdog.Watchdog(told.append)
    thread = Dead()
    thread.start()
    thread.join()
    dog.look_after(thread, foreign.Mark())
    dog.look()
    assert ["the worker died"] == told

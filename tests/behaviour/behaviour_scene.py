"""A small world told through the platform, to SQLite and, where it runs, to the stack: the same records in both."""

from __future__ import annotations

import contextvars
import itertools
import logging
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FunctionType
from typing import Any
from unittest.mock import patch

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs.spans.span import _random as ids_of_log_lines
from syndarix_obs.testing import CountingIds

MINUTE = 60 * 10**9
STEP = MINUTE // 10
BEFORE_NOW = 4 * MINUTE
"""All within minutes: Tempo finds spans that come later than that only after it has looked at its disk again."""
HOSTILE = {
    "agent": 'sup"port} |= "x',
    "project": "p{r}o`j\\ect",
    "user": 'o\'brien\n"x"',
    "tool": "find.*(a|b)+[c]\\d$^",
    "model": '{{ __line__ }} " | json',
    "task_type": "50% off' OR 1=1 --",
    "decision_type": 'a"b\\c',
    "session_id": 's "1" {a} | b',
}
LOGGER = "behaviour.scene"


class Clock:
    """A clock that moves by a millisecond at every look, and by what it is told to skip."""

    def __init__(self, start_ns: int) -> None:
        self._now = start_ns

    def __call__(self) -> int:
        self._now += 1_000_000
        return self._now

    def skip(self, ns: int) -> None:
        self._now += ns


class LaterIds(CountingIds):
    """Ids that do not meet those of the first platform."""

    def __init__(self) -> None:
        self._traces = itertools.count(2**120)
        self._spans = itertools.count(2**60)


@contextmanager
def counted_uuids() -> Iterator[None]:
    """Every run makes the same decision ids and ids of log lines."""
    ids_of_log_lines.seed(1)
    numbers = itertools.count(1)
    with patch("uuid.uuid4", lambda: uuid.UUID(int=next(numbers))):
        yield


def _wherever(told: Callable[..., None]) -> Callable[..., None]:
    """The function as if it began on the first line of a file that is nowhere: what it raises has the same stack trace
    in every checkout, under every Python, and after any change above it."""
    code = told.__code__.replace(co_filename="<scene>", co_firstlineno=1)
    return FunctionType(code, told.__globals__, told.__name__, told.__defaults__, told.__closure__)


def tell(home: Path, now_ns: int, **settings: Any) -> None:
    """Tell the story that ends a moment before `now_ns`. `settings` say where it goes to besides SQLite."""
    key = home / "key"
    key.write_bytes(b"0123456789abcdef0123456789abcdef")
    chosen = {
        "home": home, "user_key_file": key, "set_global": False, "service_name": "desk", "environment": "test",
        "backend": "embedded", **settings,
    }  # fmt: skip
    # In a context of its own, because one session never ends.
    contextvars.copy_context().run(_tell, chosen, Clock(now_ns - BEFORE_NOW))


def _tell(settings: dict[str, Any], clock: Clock) -> None:
    with counted_uuids(), ExitStack() as last:
        obs = _platform(last, settings, clock, CountingIds())
        for number in range(6):
            _refund(obs, clock, number)
            clock.skip(3 * STEP)
        _looping(obs, clock)
        _handover(obs, clock)
        _request(obs, clock)
        _hostile(obs, clock)
        _logs(obs, clock)
        obs.session(agent="night", project="acme", session_id="running").start()
        with obs.task("watch"), obs.tool("look"):
            clock.skip(STEP)
        _flush(obs)
        _not_kept({**settings, "sample_ratio": 0.0}, clock)


def _platform(last: ExitStack, settings: dict[str, Any], clock: Clock, ids: Any) -> ObservabilityPlatform:
    return last.enter_context(ObservabilityPlatform(Settings(**settings), ids=ids, clock=clock, monotonic=clock))


def _flush(obs: ObservabilityPlatform) -> None:
    assert obs.flush(20), "not everything could be brought to safety"


@_wherever
def _refund(obs: ObservabilityPlatform, clock: Clock, number: int) -> None:
    """Sessions of two agents; every third fails, and each has a dearer model than the one before."""
    model = ("gpt-4o-mini", "gpt-4o", "claude-sonnet-4-5")[number % 3]
    provider = "anthropic" if number % 3 == 2 else "openai"
    with (
        suppress(TimeoutError),
        obs.session(agent=("support", "triage")[number % 2], agent_type="assistant", project=f"shop-{number % 2}",
                    user=f"user-{number % 3}", session_id=f"session-{number}") as session,
        obs.task("refund" if number % 2 else "question"),
    ):  # fmt: skip
        obs.safety_check("prompt_injection", passed=number != 4, detail="looked at the question")
        with obs.context_assembly(limit=128_000) as context:
            context.add("system", tokens=24 + number)
            context.evicted("history", tokens=10)
        with obs.memory("search", store="orders", query=f"order {number}") as memory:
            memory.found(number)
        with obs.llm(
            provider=provider, model=model, messages=[{"role": "user", "content": f"Größe “{number}” äÄ"}]
        ) as call:
            clock.skip((number + 1) * 200_000_000)
            call.first_token()
            usage = {"input_tokens": 1_000 + 7 * number, "output_tokens": 101 + number}
            call.response([{"role": "assistant", "content": f"I refund order #{number}."}], usage=usage)
        obs.decision("tool_selection", options=["refund", "search"], selected="refund", confidence=0.1 * number,
                     reasoning="the order is late")  # fmt: skip
        with obs.tool("refund", arguments={"order": number}) as tool:
            clock.skip(50_000_000 * (number + 1))
            if number % 3 == 1:
                raise TimeoutError(f"no answer for order {number}")
            tool.result({"ok": True, "text": 'He said "no"\nand left'})
        obs.annotate("well done", label="feedback")
        session.outcome("success")


def _looping(obs: ObservabilityPlatform, clock: Clock) -> None:
    with obs.session(agent="support", project="shop-0", user="user-0", session_id="looping"), obs.task("question"):
        for _ in range(5):
            with obs.tool("search", arguments={"q": "same"}):
                clock.skip(10_000_000)
        with obs.llm(provider="in_house", model="model-without-price") as call:
            call.response("?", usage={"input_tokens": 10, "output_tokens": 1})
    episode = {"agent": "support", "project": "shop-0", "episode": "e-1", "opened_ns": clock()}
    obs.anomaly("tool_calls", "opened", score=1.5, opinion="level", observed=5.0, expected=1.25, **episode)
    clock.skip(1_000_000)
    obs.anomaly("tool_calls", "closed", score=1.5, opinion="level", **episode)


def _handover(obs: ObservabilityPlatform, clock: Clock) -> None:
    """Two runs under one session id, minutes apart: two traces, one session."""
    for agent in ("triage", "support"):
        with obs.session(agent=agent, project="shop-1", user="user-1", session_id="handover"):
            with obs.llm(provider="openai", model="gpt-4o") as call:
                call.response("ok", usage={"input_tokens": 500, "output_tokens": 50})
            clock.skip(2 * STEP)


@_wherever
def _request(obs: ObservabilityPlatform, clock: Clock) -> None:
    """Plain spans: a trace that begins with one, a trace of nothing else, one below a model call."""
    with obs.span("POST /chat", route="/chat"), obs.llm(provider="openai", model="gpt-4o-mini") as call:
        with obs.span("POST api.openai.com"):
            clock.skip(5_000_000)
        call.response("ok", usage={"input_tokens": 20, "output_tokens": 2})
    clock.skip(STEP)
    with suppress(ConnectionError), obs.span("GET /health"), obs.span("ping"):
        raise ConnectionError("gone")


def _hostile(obs: ObservabilityPlatform, clock: Clock) -> None:
    clock.skip(STEP)
    h = HOSTILE
    with (
        obs.session(agent=h["agent"], project=h["project"], user=h["user"], session_id=h["session_id"]),
        obs.task(h["task_type"]),
    ):
        with obs.llm(provider="openai", model=h["model"], messages=[{"role": "user", "content": h["agent"]}]) as call:
            call.response("ok", usage={"input_tokens": 1, "output_tokens": 1})
        with obs.tool(h["tool"], arguments={"pattern": h["tool"], "text": h["user"]}):
            clock.skip(1_000_000)
        obs.decision(h["decision_type"], options=["a"], selected="a")


def _logs(obs: ObservabilityPlatform, clock: Clock) -> None:
    logger = logging.getLogger(LOGGER)
    logger.propagate = False
    obs.capture_logs(LOGGER)
    try:
        with obs.session(agent="support", project="shop-0", user="user-2", session_id="logging"):
            for level in (logging.INFO, logging.WARNING, logging.ERROR):
                record = logger.makeRecord(LOGGER, level, "scene.py", 1, "disk %s%% full {a}", (level,), None)
                record.created = clock() / 1e9
                logger.handle(record)
                clock.skip(10_000_000)
    finally:
        logger.handlers.clear()


def _not_kept(settings: dict[str, Any], clock: Clock) -> None:
    """A trace that is not kept: its session and its cost are there all the same."""
    with ExitStack() as last:
        obs = _platform(last, settings, clock, LaterIds())
        with (
            obs.session(agent="sampled", project="shop-0", user="user-0", session_id="sampled"),
            obs.llm(provider="openai", model="gpt-4o") as call,
        ):
            call.response("ok", usage={"input_tokens": 9_000, "output_tokens": 9})
        _flush(obs)

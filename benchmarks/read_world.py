"""What the read benchmark asks about: agents at work for 29 days, told through the platform to SQLite, Loki and Tempo.

Every trace is one session of a support agent with ten log lines: its start and its end, a task, a context, a model
call and its cost, a decision, a tool call, a safety check, and a line of the application.
"""

from __future__ import annotations

import itertools
import logging
import random
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from store import sentence
from syndarix_obs import ObservabilityPlatform, Settings

LINES_PER_TRACE: Final = 10
DAYS: Final = 29
NEEDLE: Final = "the-needle-in-the-hay"
DAY_NS: Final = 86_400 * 10**9
_MODELS: Final = (("openai", "gpt-4o-mini"), ("openai", "gpt-4o"), ("anthropic", "claude-sonnet-4-5"))
_TOOLS: Final = ("search", "refund", "book", "cancel", "lookup")
_LOGGER: Final = "benchmark.world"
_PROMPT: Final = 1_500


class Clock:
    """Simulated time: it moves by a microsecond at every look, and by what it is told to skip."""

    def __init__(self, start_ns: int) -> None:
        self.now = start_ns

    def __call__(self) -> int:
        """Nanoseconds since the epoch."""
        self.now += 1_000
        return self.now


def trace_id(number: int) -> str:
    """Id of the trace with this number, from 0."""
    return f"{random.Random(number).getrandbits(128):032x}"


def key_file(home: Path) -> Path:
    """The file with the key of the users' pseudonyms, made when it is missing."""
    path = home / "key"
    path.write_bytes(b"0123456789abcdef0123456789abcdef")
    return path


def tell(home: Path, now_ns: int, traces: int, loki: str, otlp: str) -> None:
    """Tell everything and return once every destination has it.

    Args:
        home: folder for the SQLite file.
        now_ns: end of the 29 days.
        traces: how many.
        loki: base URL of Loki.
        otlp: OTLP/HTTP endpoint of Tempo.
    """
    clock = Clock(now_ns - DAYS * DAY_NS)
    settings = Settings(
        home=home, backend="both", loki_url=loki, otlp_endpoint=otlp, set_global=False, service_name="support-desk",
        environment="production", user_key_file=key_file(home), spool_max_bytes=4 * 1024**3, shutdown_timeout=60,
    )  # fmt: skip
    with ObservabilityPlatform(settings, ids=_Ids(), clock=clock, monotonic=clock) as obs, _logger(obs) as logger:
        chance = random.Random(1)
        step = DAYS * DAY_NS // traces
        for number in range(traces):
            clock.now = now_ns - DAYS * DAY_NS + number * step
            _session(obs, clock, logger, chance, number)
            if number % 200 == 199:
                _settle(obs)
            if (number + 1) % (traces // DAYS) == 0:
                _cut_chunks(obs, loki)
        _cut_chunks(obs, loki)


class _Ids:
    """Ids that look random, and are known to who asks for the traces later."""

    def __init__(self) -> None:
        self._traces = itertools.count()
        self._chance = random.Random(2)

    def trace_id(self) -> int:
        """The next trace id."""
        return int(trace_id(next(self._traces)), 16)

    def span_id(self) -> int:
        """The next span id."""
        return self._chance.getrandbits(64) or 1


@contextmanager
def _logger(obs: ObservabilityPlatform) -> Iterator[logging.Logger]:
    logger = logging.getLogger(_LOGGER)
    logger.propagate = False
    obs.capture_logs(_LOGGER)
    try:
        yield logger
    finally:
        logger.handlers.clear()


def _session(
    obs: ObservabilityPlatform, clock: Clock, logger: logging.Logger, chance: random.Random, number: int
) -> None:
    provider, model = _MODELS[number % 3]
    tool = _TOOLS[number % 5]
    with (
        suppress(TimeoutError),
        obs.session(agent=f"agent-{number % 5}", project=f"project-{number % 7}", user=f"user-{number % 997}",
                    session_id=f"session-{number}") as session,
        obs.task(("refund", "booking", "question")[number % 3]),
    ):  # fmt: skip
        with obs.context_assembly(limit=128_000) as context:
            context.add("system", tokens=310)
            context.add("history", tokens=chance.randrange(4_000))
        with obs.llm(
            provider=provider, model=model, messages=[{"role": "user", "content": sentence(chance, _PROMPT)}]
        ) as call:
            clock.now += chance.randrange(200, 2_000) * 1_000_000
            call.first_token()
            clock.now += chance.randrange(200, 6_000) * 1_000_000
            call.response(sentence(chance, 400), usage=_usage(chance))
        obs.decision("tool_selection", options=list(_TOOLS), selected=tool, confidence=chance.random(),
                     reasoning=sentence(chance, 200))  # fmt: skip
        obs.safety_check("pii", passed=chance.random() < 0.99)
        _log(logger, clock, sentence(chance, 120) + (f" {NEEDLE}" if number % 10_000 == 1_000 else ""))
        with obs.tool(tool, arguments={"query": sentence(chance, 100)}) as ran:
            clock.now += chance.randrange(10, 3_000) * 1_000_000
            if chance.random() < 0.02:
                raise TimeoutError(f"no answer for order {number}")
            ran.result({"found": sentence(chance, 300)})
        session.outcome("success")


def _usage(chance: random.Random) -> dict[str, int]:
    """One call in a hundred reads a whole archive: it is what a search for dear traces finds."""
    dear = 20 if chance.random() < 0.01 else 1
    return {"input_tokens": dear * chance.randrange(500, 5_000), "output_tokens": chance.randrange(50, 800)}


def _log(logger: logging.Logger, clock: Clock, text: str) -> None:
    record = logger.makeRecord(_LOGGER, logging.INFO, "world.py", 1, text, (), None)
    record.created = clock() / 1e9
    logger.handle(record)


def _settle(obs: ObservabilityPlatform) -> None:
    assert obs.flush(60), "what was recorded could not be brought to safety"


def _cut_chunks(obs: ObservabilityPlatform, loki: str) -> None:
    """Wait until every destination has everything, then have Loki write its chunks, as it does within two hours.

    Loki looks for lines older than three hours in its storage alone.
    """
    _settle(obs)
    deadline = time.monotonic() + 120
    while _waiting(obs) > 0:
        assert time.monotonic() < deadline, "the servers do not take what was recorded"
        time.sleep(0.02)
    urllib.request.urlopen(urllib.request.Request(f"{loki}/flush", method="POST"), timeout=60).close()


def _waiting(obs: ObservabilityPlatform) -> float:
    names = ("loki", "tempo")
    found: list[Any] = [obs.registry.get_sample_value("syndarix_obs_spool_bytes", {"destination": n}) for n in names]
    return sum(value or 0.0 for value in found)

"""An office beside the demo, so that every panel has something to show: two weeks of calls that were billed, an hour in
which an agent became slow and costly, agents at work right now, a budget, scores, and the watch over all of it."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import json
import math
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from fake_bill import ADMIN, FakeProvider, served_on

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs_demo.run import run
from syndarix_obs_read.backends.choose import open_backend
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.watching.tell import Telling
from syndarix_obs_read.watching.watch import Looked, Watch
from syndarix_obs_stack.options import Options

MODEL = "gpt-4o-mini-2024-07-18"
QUIET_DAYS, BUSY_HOURS, WORSE_HOURS = 16, 27, 1.0
"""A forecast needs two weeks; an episode a day of some twenty calls an hour and a change at its end."""
ENVIRONMENT = "demo"
_SECRET = "sk-proj-" + "a1B2" * 12  # no key of anybody, but of a key's form: it has to be masked


_OUTCOMES = ("booked", "booked", "declined")


class Calendar:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now_ns = time.time_ns()

    def wall(self) -> int:
        """Nanoseconds since 1970."""
        return self.now_ns


def settings(options: Options, home: str, metrics_port: int = 0, **more: Any) -> Settings:
    """Settings of a process whose records go to these servers."""
    return Settings(
        home=options.data / home, backend="stack", set_global=False, environment=ENVIRONMENT, service_name=home,
        loki_url=f"http://127.0.0.1:{options.ports.loki}", metrics_port=metrics_port,
        otlp_endpoint=f"http://127.0.0.1:{options.ports.otlp_http}", **more,
    )  # fmt: skip


def live_through(options: Options, provider: FakeProvider) -> None:
    """Two weeks of an agent's calls, as many in the ledger as on the bill, and slow, costly ones at the end."""
    calendar, now = Calendar(), time.time()
    with ObservabilityPlatform(
        settings(options, "past"), clock=calendar.wall, monotonic=calendar.wall
    ) as obs:  # fmt: skip
        for number, ago in enumerate(_moments()):
            calendar.now_ns = int((now - ago) * 1e9)
            worse = ago < WORSE_HOURS * 3600
            _billed_call(obs, provider, calendar, number, 30.0 if ago > BUSY_HOURS * 3600 else 8.0 if worse else 1.0)
            if number % 200 == 0:
                obs.flush(60)
        obs.flush(60)
    _write_down(f"http://127.0.0.1:{options.ports.loki}", number + 1)


def _write_down(loki: str, calls: int) -> None:
    """Let Loki write its chunks: of lines that come late it finds the old ones only then."""
    urllib.request.urlopen(urllib.request.Request(f"{loki}/flush", method="POST"), timeout=30).close()
    counted = f'sum(count_over_time({{kind="llm_call",service_name="past"}}[{QUIET_DAYS - 1}d] offset 1h))'
    url = f"{loki}/loki/api/v1/query?{urllib.parse.urlencode({'query': counted})}"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with urllib.request.urlopen(url, timeout=30) as answer:
            found = json.load(answer)["data"]["result"]
        if found and int(found[0]["value"][1]) >= 0.9 * calls:
            return
        time.sleep(0.5)
    raise AssertionError("Loki does not find what lies days back")


def _moments() -> Iterator[float]:
    """Seconds before now, oldest first: every two hours, then every two minutes."""
    for hours in range(QUIET_DAYS * 24, BUSY_HOURS, -2):
        yield hours * 3600.0
    for minutes in range(BUSY_HOURS * 60, 3, -2):
        yield minutes * 60.0


def _billed_call(
    obs: ObservabilityPlatform, provider: FakeProvider, calendar: Calendar, number: int, times: float
) -> None:
    at = datetime.fromtimestamp(calendar.now_ns / 1e9, UTC)
    size = times * (3 + math.sin(at.hour / 24 * 2 * math.pi) + number % 3)
    with obs.session("concierge", project="hotel", user=f"guest-{number % 5}"):
        with obs.task("booking"), obs.llm(provider="openai", model=MODEL, messages=_asked("a room, please")) as call:
            body = provider.call(MODEL, at, input=round(4_000 * size), cached=1_000, output=round(600 * size))
            calendar.now_ns += round((1 + number % 7 / 10) * times * 1e9)
            call.response("Booked.", usage=body["usage"], model=body["model"], response_id=body["id"])
        obs.score("answer_correct", number % 9 != 0, source="judge", judge_version="house-1")


def _asked(words: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": words}]


class Work:
    """Agents at work until `stop`: calls, tools, decisions, a budget that is spent, secrets, one session that waits."""

    def __init__(self, obs: ObservabilityPlatform, pause_s: float) -> None:
        self._obs = obs
        self._pause_s = pause_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=contextvars.copy_context().run, args=(self._run,), daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the step that is being made."""
        self._ended.set()
        self._thread.join(30)

    def _run(self) -> None:
        self._obs.budget("night shift", calls=2, per="day", project="hotel", on_exceed="warn")
        number = 0
        with self._obs.session("porter", project="hotel"), self._obs.tool("carry", arguments={"bags": 3}):
            pass
        with self._obs.session("porter", project="hotel"):
            while not self._ended.wait(self._pause_s):
                number += 1
                contextvars.Context().run(self._step, number)

    def _step(self, number: int) -> None:
        obs, agent = self._obs, "concierge" if number % 3 else "valet"
        with obs.session(agent, project="hotel", user=f"guest-{number % 5}") as session:
            outcome = _OUTCOMES[number % len(_OUTCOMES)]
            with contextlib.suppress(TimeoutError), obs.task("booking" if number % 3 else "parking"):
                self._answer(number)
                obs.decision(
                    "tool_selection", options=["book", "park", "answer"], confidence=0.6 + number % 4 / 10,
                    selected="answer" if number % 4 == 0 else "book" if number % 3 else "park",
                    reasoning="the guest asks for a room" if number % 3 else "the guest came by car",
                )  # fmt: skip
                self._use(number)
            obs.safety_check("jailbreak", passed=number % 4 != 0)
            obs.score("answer_correct", number % 5 != 0, source="judge", judge_version="house-1")
            session.outcome(outcome)

    def _answer(self, number: int) -> None:
        asked = _asked(f"my key is {_SECRET}, room {number}")
        with self._obs.llm(provider="openai", model=MODEL, messages=asked) as call:
            self._ended.wait(0.2 + number % 5 / 8)
            call.response(usage={"prompt_tokens": 4_000, "completion_tokens": 300, "total_tokens": 4_300})

    def _use(self, number: int) -> None:
        note = "quiet " * 40_000 if number % 5 == 0 else "quiet"
        with self._obs.tool("book" if number % 3 else "park", arguments={"room": number % 7, "note": note}):
            self._ended.wait(0.05 + number % 3 / 20)
            if number % 11 == 0:
                raise TimeoutError("no answer from the desk within 5 s")


def look(options: Options, obs: ObservabilityPlatform, provider: FakeProvider) -> Looked:
    """One look of the watch, whose numbers the metrics of `obs` show from then on."""
    key = options.data / "admin.key"
    key.write_text(ADMIN["openai"], "utf-8")
    with served_on(provider) as url:
        found = ReadSettings(
            backend="stack", home=options.data / "past", openai_admin_key_file=key, openai_admin_url=url,
            **{f"{name}_url": f"http://127.0.0.1:{getattr(options.ports, name)}"
               for name in ("prometheus", "loki", "tempo", "alertmanager")},
        )  # fmt: skip

        async def once() -> Looked:
            backend = open_backend(found)
            try:
                return await Watch(backend, obs, Telling(None, None), found).look()
            finally:
                await backend.close()

        return asyncio.run(once())


def demo(options: Options, metrics_port: int, sessions: int) -> None:
    """The demo into the stack, so slow that each session is scraped."""
    given = {
        "BACKEND": "stack", "METRICS_PORT": str(metrics_port),
        "LOKI_URL": f"http://127.0.0.1:{options.ports.loki}",
        "OTLP_ENDPOINT": f"http://127.0.0.1:{options.ports.otlp_http}",
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as environment:
        for name, value in given.items():
            environment.setenv(f"SYNDARIX_OBS_{name}", value)
        run(options.data / "home", sessions, 7, on_progress=lambda _done, _of: time.sleep(1.5))


@contextlib.contextmanager
def at_work(options: Options, metrics_port: int, pause_s: float = 3.0) -> Iterator[Looked]:
    """The office, for the length of a `with` block; what the watch saw when it began.

    Args:
        options: of the stack that runs.
        metrics_port: where its metrics are scraped.
        pause_s: seconds between two steps of the agents.
    """
    provider = FakeProvider("openai", datetime.now(UTC))
    with ObservabilityPlatform(settings(options, "office", metrics_port)) as obs:
        work = Work(obs, pause_s)
        work.start()
        try:
            live_through(options, provider)
            yield look(options, obs, provider)
        finally:
            work.stop()

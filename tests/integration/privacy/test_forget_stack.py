"""A person goes from a real Loki and a real Tempo, in the bytes of their files; sums and everybody else stay.

The servers have short periods. Loki's index comes to its storage by a restart: it is cut at quarters of an hour
otherwise.
"""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from canaries import canaries, files_with, needles, say
from short_servers import short_servers

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs_read.answers.costs import summarise_costs
from syndarix_obs_read.backends.choose import open_backend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.privacy.forget import Outcome, forget
from syndarix_obs_read.privacy.loki import delete_requests
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.timerange import parse_range
from syndarix_obs_read.users import pseudonym_of
from syndarix_obs_stack.launcher import Stack

pytestmark = [pytest.mark.real_servers, pytest.mark.slow]
TEXTS = canaries()
PATIENCE_S = 420.0


@dataclass(frozen=True)
class Servers:
    """Loki in a stack of its own, so that it can be started anew alone."""

    loki: Stack
    rest: Stack

    @property
    def data(self) -> list[Path]:
        rest = self.rest.options.data
        return [self.loki.options.data / "loki", rest / "tempo", rest / "prometheus"]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    for name in ("loki", "tempo", "prometheus"):
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not on the PATH")
    folder = tmp_path_factory.mktemp("short")
    with short_servers(folder / "a", ["loki"]) as loki, short_servers(folder / "b", ["tempo", "prometheus"]) as rest:
        yield Servers(loki, rest)


def settings_of(stack: Servers, home: Path) -> ReadSettings:
    ports, loki = stack.rest.options.ports, stack.loki.options
    data = stack.rest.options.data
    local = "http://127.0.0.1"
    return ReadSettings(
        backend="stack", home=home, loki_url=f"{local}:{loki.ports.loki}", tempo_url=f"{local}:{ports.tempo}",
        prometheus_url=f"{local}:{ports.prometheus}", tempo_grpc=f"127.0.0.1:{ports.tempo_grpc}",
        loki_data=loki.data / "loki", tempo_data=data / "tempo", loki_delete_seconds=20, retention_days=2,
    )  # fmt: skip


def record(stack: Servers, home: Path) -> None:
    ports, loki = stack.rest.options.ports, stack.loki.options.ports
    obs = ObservabilityPlatform(Settings(
        home=home, set_global=False, redaction="off", backend="both", loki_url=f"http://127.0.0.1:{loki.loki}",
        otlp_endpoint=f"http://127.0.0.1:{ports.otlp_http}", preview_chars=240,
    ))  # fmt: skip
    for start in range(0, len(TEXTS), 20):
        say(obs, "ada", TEXTS[start : start + 20], "chat of ada")
    say(obs, "bob", ["bob's words", "more of bob"], "chat of bob")
    obs.feedback("down", comment=TEXTS[3], session_id="chat of ada")  # somebody else's, who names no user
    assert obs.flush(60)
    obs.shutdown()


def until(condition: Callable[[], Any], seconds: float, pause_s: float = 2.0) -> Any:
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        pause.wait(pause_s)
    return found


def sums(settings: ReadSettings) -> tuple[Any, ...]:
    async def ask() -> tuple[Any, ...]:
        backend = open_backend(settings)
        try:
            found = await summarise_costs(backend, Filter(), parse_range("1d"), by=("agent", "project"))
            return tuple(group.model_dump_json() for group in found.groups)
        finally:
            await backend.close()

    return asyncio.run(ask())


def lines_of(settings: ReadSettings, user: str) -> list[str]:
    params = {"query": f'{{service_name=~".+"}} | user="{user}"', "limit": "5000"}
    found = httpx.get(f"{settings.loki_url}/loki/api/v1/query_range", params=params).json()["data"]["result"]
    return sorted(value[1] for stream in found for value in stream["values"])


def test_two_hundred_canaries_leave_loki_and_tempo_and_the_sums_stay(stack: Servers, tmp_path: Path) -> None:
    home = tmp_path / "home"
    record(stack, home)
    settings = settings_of(stack, home)
    ada, bob = pseudonym_of(settings, "ada"), pseudonym_of(settings, "bob")
    sought = [*needles(TEXTS), ada.encode(), b"chat of ada"]
    until(lambda: len(lines_of(settings, ada)) > 0, 30)
    httpx.post(f"{settings.loki_url}/flush")
    # Else lines come out of the log once more, as second chunks that the index does not know for a quarter of an hour.
    until(lambda: not files_with([ada.encode()], [stack.data[0] / "wal"]), 60)
    stack.loki.down()  # Loki ships its index when it starts again
    stack.loki.up(["loki"])
    money, others = sums(settings), lines_of(settings, bob)
    loki, tempo, _ = stack.data
    assert files_with(needles(TEXTS), [loki / "chunks"]), "the canaries never reached Loki's chunks"
    until(lambda: files_with([ada.encode()], [tempo / "blocks"]), 90)

    first = forget(settings, ada)
    assert not first.complete, "Loki deletes nothing at once"
    waiting = {each["place"]: each["gone_by"] for each in first.receipt["places"] if not each["gone"]}
    assert waiting.get("loki"), waiting
    assert money == sums(settings)

    def again() -> Outcome | None:
        outcome = forget(settings, ada)
        return outcome if outcome.complete else None

    done = until(again, PATIENCE_S, 10)
    assert {"loki", "tempo", "store", "spool"} <= {each["place"] for each in done.receipt["places"]}
    requests = [path for path in loki.rglob("*") if "delet" in str(path.relative_to(loki))]
    everything = [path for each in stack.data for path in each.rglob("*") if path.is_file()]
    left = files_with(sought, [path for path in everything if path not in requests])
    assert {} == left
    assert {} == files_with(needles(TEXTS), requests)
    assert ([], money, others) == (lines_of(settings, ada), sums(settings), lines_of(settings, bob))
    assert "processed" == delete_requests(settings)[0]["status"]


def test_a_server_that_cannot_be_reached_leaves_the_request_open(tmp_path: Path) -> None:
    home = tmp_path / "home"
    obs = ObservabilityPlatform(Settings(home=home, set_global=False))
    with obs.session(agent="a", user="ada"):
        pass
    assert obs.flush(60)
    obs.shutdown()
    settings = ReadSettings(
        backend="stack", home=home, loki_url="http://127.0.0.1:9", tempo_url="http://127.0.0.1:9", timeout=2,
        prometheus_url="http://127.0.0.1:9",
    )  # fmt: skip
    outcome = forget(settings, pseudonym_of(settings, "ada"))
    open_places = {each["place"] for each in outcome.receipt["places"] if not each["gone"]}
    assert {"loki", "tempo", "prometheus"} == open_places

"""Each look of `syndarix-obs doctor`: what it finds on a broken part, and how to mend it."""

from __future__ import annotations

import fcntl
import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.rows import Check, Rows, StoredRecord, broken
from syndarix_obs_read.doctor import agents, chain, machine, servers, spool
from syndarix_obs_read.doctor.examine import examine
from syndarix_obs_read.errors import ReadError
from syndarix_obs_read.next_steps import Run
from syndarix_obs_read.settings import ReadSettings


def named(checks: Iterator[Check] | list[Check]) -> dict[str, Check]:
    """Checks by name."""
    return {each.name: each for each in checks}


# --- the machine ---


def test_a_home_that_can_be_written_to_is_fine(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    found = named(machine.checks(ReadSettings(home=tmp_path)))

    assert "ok" == found["home"].state
    assert [] == list(tmp_path.iterdir())


def test_a_home_that_is_open_to_everybody_is_a_warning(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)

    assert f"chmod 700 {tmp_path}" in (named(machine.checks(ReadSettings(home=tmp_path)))["home"].mend or "")


def test_a_home_that_is_not_there_yet_is_a_warning(tmp_path: Path) -> None:
    found = named(machine.checks(ReadSettings(home=tmp_path / "a" / "b")))["home"]

    assert ("warning", True) == (found.state, "syndarix-obs demo" in (found.mend or ""))


def test_a_home_that_is_a_file_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    assert "failing" == named(machine.checks(ReadSettings(home=tmp_path / "file")))["home"].state


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_home_below_a_locked_folder_is_a_failure(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    assert "failing" == named(machine.checks(ReadSettings(home=tmp_path / "new")))["home"].state


def test_a_key_that_the_settings_name_must_be_there(tmp_path: Path) -> None:
    assert (
        "failing" == named(machine.checks(ReadSettings(home=tmp_path, user_key_file=tmp_path / "no")))["user key"].state
    )
    assert "ok" == named(machine.checks(ReadSettings(home=tmp_path)))["user key"].state


def test_a_key_that_is_there_is_found(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"k" * 32)
    settings = ReadSettings(home=tmp_path, user_key_file=tmp_path / "key")

    assert "raw id" in named(machine.checks(settings))["user key"].finding


def test_installed_packages_are_named_with_their_version(tmp_path: Path) -> None:
    assert "mcp" in named(machine.checks(ReadSettings(home=tmp_path)))["packages"].finding


# --- the spool ---


def waiting(home: Path, size: int, age_s: float = 0.0) -> Path:
    """A process's folder for Loki with something in it."""
    folder = home / "spool" / "loki" / "p1"
    folder.mkdir(parents=True)
    (folder / "lock").write_text("")
    (folder / "0000000001.seg1").write_bytes(b"x" * size)
    then = time.time() - age_s
    os.utime(folder / "0000000001.seg1", (then, then))
    return folder


def test_an_empty_spool_is_fine(tmp_path: Path) -> None:
    waiting(tmp_path, 0)

    assert ["nothing waits on disk"] == [each.finding for each in spool.checks(tmp_path)]


def test_what_a_dead_process_left_is_a_warning(tmp_path: Path) -> None:
    waiting(tmp_path, 4096)
    (found,) = spool.checks(tmp_path)

    assert "warning" == found.state
    assert "4 KiB are of 1 processes that ended" in found.finding


@pytest.mark.parametrize(("age_s", "state"), [(0.0, "ok"), (600.0, "warning")])
def test_what_a_living_process_holds_is_fine_for_a_while(age_s: float, state: str, tmp_path: Path) -> None:
    folder = waiting(tmp_path, 4096, age_s)
    with (folder / "lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        (found,) = spool.checks(tmp_path)

    assert state == found.state


def test_a_folder_without_a_lock_has_no_owner(tmp_path: Path) -> None:
    (waiting(tmp_path, 10) / "lock").unlink()

    assert "processes that ended" in next(iter(spool.checks(tmp_path))).finding


# --- the scrape endpoint ---


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[int, str]]]:
    """A scrape endpoint on loopback that answers with what is put in the list."""
    answers: list[tuple[int, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, text = answers[0]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("SYNDARIX_OBS_METRICS_PORT", str(server.server_port))
    yield answers
    server.shutdown()
    server.server_close()


async def test_counted_failures_are_warnings_by_reason(endpoint: list[tuple[int, str]], tmp_path: Path) -> None:
    endpoint.append((200, """# TYPE syndarix_obs_records_dropped_total counter
syndarix_obs_records_dropped_total{reason="queue_full"} 7.0
syndarix_obs_records_dropped_total{reason="rejected"} 0.0
"""))  # fmt: skip
    found = named(await agents.checks(ReadSettings(home=tmp_path)))

    assert "ok" == found["metrics"].state == found["exports"].state == found["internal errors"].state
    assert "since the agent's start: 7 queue_full" == found["records lost"].finding


@pytest.mark.parametrize("answer", [(500, "no"), (200, "this is { no metric")])
async def test_an_endpoint_that_answers_nonsense_is_a_warning(
    answer: tuple[int, str], endpoint: list[tuple[int, str]], tmp_path: Path
) -> None:
    endpoint.append(answer)

    assert ["warning"] == [each.state for each in await agents.checks(ReadSettings(home=tmp_path))]


async def test_an_endpoint_that_is_down_is_a_warning_that_names_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("SYNDARIX_OBS_METRICS_PORT", str(port))
    (found,) = await agents.checks(ReadSettings(home=tmp_path))

    assert "warning" == found.state
    assert f"http://127.0.0.1:{port}/metrics" in found.finding


@pytest.mark.parametrize(("backend", "state"), [("embedded", "ok"), ("stack", "warning")])
async def test_no_endpoint_matters_to_the_stack_alone(backend: Any, state: str, tmp_path: Path) -> None:
    assert [state] == [each.state for each in await agents.checks(ReadSettings(home=tmp_path, backend=backend))]


# --- the servers ---


def stack(versions: dict[int, str], skew_s: float = 0.0) -> httpx.MockTransport:
    """Servers of these versions by port; one that is not named is down."""

    def answer(request: httpx.Request) -> httpx.Response:
        version = versions.get(request.url.port or 0)
        if version is None:
            raise httpx.ConnectError("Connection refused")
        body = {"version": version, "data": {"version": version}, "versionInfo": {"version": version}}
        return httpx.Response(200, json=body, headers={"Date": formatdate(time.time() + skew_s, usegmt=True)})

    return httpx.MockTransport(answer)


GOOD = {9090: "3.5.0", 3100: "3.7.1", 3200: "v3.0.3", 9093: "0.33.0"}


async def test_servers_of_known_versions_are_fine(tmp_path: Path) -> None:
    found = await servers.checks(ReadSettings(home=tmp_path), stack(GOOD))

    assert ["ok"] * 4 == [each.state for each in found]


async def test_a_version_that_the_files_are_not_for_is_a_warning(tmp_path: Path) -> None:
    found = named(await servers.checks(ReadSettings(home=tmp_path), stack({**GOOD, 3200: "2.8.0"})))

    assert "2.8.0; the stack's files are written for 3.0 to 3.0" == found["Tempo version"].finding


async def test_a_clock_that_is_off_is_a_warning(tmp_path: Path) -> None:
    found = await servers.checks(ReadSettings(home=tmp_path), stack(GOOD, skew_s=120))

    assert {"warning"} == {each.state for each in found}
    assert "from this machine's" in found[0].finding


async def test_a_server_that_is_down_is_a_failure_beside_the_others(tmp_path: Path) -> None:
    settings = ReadSettings(home=tmp_path)
    found = named(await servers.checks(settings, stack({port: each for port, each in GOOD.items() if port != 3100})))

    assert ["failing", "ok"] == [found["Loki version"].state, found["Tempo version"].state]
    assert "http://127.0.0.1:3100" in found["Loki version"].finding
    assert "SYNDARIX_OBS_READ_LOKI_URL" in (found["Loki version"].mend or "")


async def test_a_version_that_nobody_says_is_shown_as_unknown(tmp_path: Path) -> None:
    found = await servers.checks(ReadSettings(home=tmp_path), stack({**GOOD, 9093: ""}))

    assert "unknown" == named(found)["Alertmanager version"].finding


# --- from end to end ---


@dataclass
class Ends:
    """A backend with one record, and its trace or not."""

    start_ns: int | None = None
    trace_rows: tuple[StoredRecord, ...] = ()
    asked: list[str] = field(default_factory=list)

    async def records(self, _where: Filter, **_: Any) -> Rows[StoredRecord]:
        if self.start_ns is None:
            return Rows()
        return Rows((StoredRecord({"trace_id": "ab", "start_ns": self.start_ns}),))

    async def trace(self, trace_id: str, **_: Any) -> Rows[StoredRecord]:
        self.asked.append(trace_id)
        return Rows(self.trace_rows, total=len(self.trace_rows))


async def follow(ends: Any) -> dict[str, Check]:
    """What following the newest record finds."""
    return named(await chain.checks(ends))


async def test_without_a_record_there_is_nothing_to_follow() -> None:
    assert "syndarix-obs demo" in ((await follow(Ends()))["last trace"].mend or "")


async def test_a_record_without_its_trace_is_a_warning() -> None:
    ends = Ends(time.time_ns())
    found = await follow(ends)

    assert ["ab"] == ends.asked
    assert ["warning", "ok"] == [found["last trace"].state, found["agent clock"].state]


async def test_a_record_of_the_future_means_a_wrong_clock() -> None:
    found = await follow(Ends(time.time_ns() + 3_600 * 10**9, (StoredRecord({}),)))

    assert ["ok", "warning"] == [found["last trace"].state, found["agent clock"].state]


# --- all of it ---


async def test_a_stack_that_is_down_is_told_once_for_each_server(tmp_path: Path) -> None:
    urls = {f"{name}_url": "http://127.0.0.1:9" for name in ("prometheus", "loki", "tempo", "alertmanager")}
    report = await examine(ReadSettings(home=tmp_path, backend="stack", **urls))

    failing = [each for each in report.checks if each.state == "failing"]
    told = " ".join(each.finding for each in failing)
    assert "failing" == report.state
    assert len(failing) == len({each.finding for each in failing})
    assert ["last trace" in told, "Loki at http://127.0.0.1:9 cannot be reached" in told] == [True, True]


async def test_a_setting_that_cannot_work_is_a_finding(tmp_path: Path) -> None:
    report = await examine(ReadSettings(home=tmp_path, backend="stack", loki_url="http://127.0.0.1:port"))

    assert any("SYNDARIX_OBS_READ_LOKI_URL" in each.finding for each in report.checks)


@pytest.mark.parametrize(
    ("error", "finding", "mend"),
    [
        (ReadError("Loki cannot be reached", next=("start it",)), "Loki cannot be reached", "start it"),
        (ReadError("no store", next=("run ", Run("syndarix-obs demo"))), "no store", "run `syndarix-obs demo`"),
        (ValueError("broken"), "broken", None),
        (ValueError(""), "ValueError", None),
    ],
)
def test_an_error_becomes_a_finding_and_a_next_step(error: Exception, finding: str, mend: str | None) -> None:
    assert (finding, mend) == ((found := broken("x", error)).finding, found.mend)

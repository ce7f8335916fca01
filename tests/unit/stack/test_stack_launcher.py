"""Start, status and stop, with programs that stand in for the servers."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from stack_fakes import free_options, program

from syndarix_obs_stack import launcher, servers
from syndarix_obs_stack.launcher import Stack, running_stack
from syndarix_obs_stack.problems import StackError

PROMETHEUS = servers.SERVERS[0]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands first on the PATH; what is needed of the system comes after it."""
    folder = tmp_path / "bin"
    program(folder, "prometheus", "prometheus, version 2.50.0 (branch: x)")
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def test_what_was_started_is_ready_and_ends_with_the_block(tmp_path: Path, programs: Path) -> None:
    options = free_options(tmp_path)
    with running_stack(options, ["prometheus"]) as stack:
        assert launcher.is_ready(options.ports.prometheus, "/-/ready")
        assert [PROMETHEUS] == stack.running()
        pid = stack.pid_of(PROMETHEUS)
    assert [] == stack.running()
    assert not launcher.is_ready(options.ports.prometheus, "/-/ready")
    assert pid is not None


def test_another_object_stops_what_this_one_started(tmp_path: Path, programs: Path) -> None:
    options = free_options(tmp_path)
    Stack(options).up(["prometheus"])
    assert ["prometheus"] == Stack(options).down()
    assert [] == Stack(options).down()


def test_a_server_that_ignores_the_signal_is_killed(
    tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(programs, "prometheus", "prometheus, version 2.50.0", stubborn=True)
    monkeypatch.setattr(launcher, "SERVERS", (replace(PROMETHEUS, stop_seconds=0.2),))
    options = free_options(tmp_path)
    stack = Stack(options)
    stack.up(["prometheus"])
    assert ["prometheus"] == stack.down()
    assert [] == stack.running()


def test_a_server_that_ends_at_once_is_reported_with_its_last_words(tmp_path: Path, programs: Path) -> None:
    program(programs, "prometheus", "prometheus, version 2.50.0", broken=True)
    stack = Stack(free_options(tmp_path))
    with pytest.raises(StackError, match=r"prometheus ended instead of starting:\n    cannot read my configuration"):
        stack.up(["prometheus"])
    assert [] == stack.running()


def test_a_server_that_is_not_here_is_named_and_nothing_starts(tmp_path: Path, programs: Path) -> None:
    stack = Stack(free_options(tmp_path))
    with pytest.raises(StackError, match="no-such-server is not on the PATH"):
        stack.up(["prometheus", "no-such-server"])
    assert not stack.options.data.exists()


def test_a_second_start_adds_what_is_missing_and_leaves_what_runs(tmp_path: Path, programs: Path) -> None:
    program(programs, "pushgateway", "pushgateway, version 1.11.1")
    options = free_options(tmp_path)
    with running_stack(options, ["prometheus"]) as stack:
        first = stack.pid_of(PROMETHEUS)
        stack.up(["prometheus", "pushgateway"])
        assert first == stack.pid_of(PROMETHEUS)
        assert ["prometheus", "pushgateway"] == [server.name for server in stack.running()]
        written = (options.etc / "prometheus" / "targets" / "pushgateway.yml").read_text("utf-8")
        assert f"127.0.0.1:{options.ports.pushgateway}" in written


def test_a_second_start_that_fails_stops_only_what_it_started(tmp_path: Path, programs: Path) -> None:
    program(programs, "pushgateway", "pushgateway, version 1.11.1", broken=True)
    with running_stack(free_options(tmp_path), ["prometheus"]) as stack:
        with pytest.raises(StackError, match="pushgateway ended"):
            stack.up(["prometheus", "pushgateway"])
        assert [PROMETHEUS] == stack.running()


def test_a_process_id_that_belongs_to_something_else_is_forgotten(tmp_path: Path) -> None:
    stack = Stack(free_options(tmp_path))
    file = stack.options.data / "run" / "loki.pid"
    file.parent.mkdir(parents=True)
    file.write_text(str(os.getpid()))
    assert [] == stack.down()
    assert not file.exists()


def test_a_server_that_never_gets_ready_is_reported(tmp_path: Path, programs: Path) -> None:
    options = free_options(tmp_path)
    with running_stack(options, ["prometheus"]) as stack:
        alertmanager = servers.SERVERS[1]
        (options.data / "run" / "alertmanager.pid").write_text((options.data / "run" / "prometheus.pid").read_text())
        with pytest.raises(StackError, match="alertmanager"):
            stack.wait_ready(alertmanager, seconds=0)

"""Bad input: what is wrong and how to mend it, before anything starts."""

from __future__ import annotations

import shutil
import socket
from dataclasses import replace
from pathlib import Path

import pytest
from stack_fakes import ROOT, free_options, program, repository

from syndarix_obs_stack import check, secret_files, servers
from syndarix_obs_stack.__main__ import main
from syndarix_obs_stack.options import Options, Ports, read_env_file
from syndarix_obs_stack.problems import StackError

PROMETHEUS, ALERTMANAGER, LOKI, TEMPO, PUSHGATEWAY, GRAFANA = servers.SERVERS


def test_an_unrelated_program_with_a_servers_name_is_not_taken(tmp_path: Path) -> None:
    program(tmp_path / "bin", "loki", "Loki genetics 2.4.7")
    found, strangers = servers.find([LOKI], str(tmp_path / "bin"))
    assert [] == found
    assert ["Loki genetics 2.4.7"] == [each.said for each in strangers]
    (problem,) = check.programs(found, strangers)
    assert "is no loki: it says 'Loki genetics 2.4.7'" in problem.what


@pytest.mark.parametrize(("version", "right"), [("2.9.1", False), ("3.0.3", True), ("4.0.0", False)])
def test_a_version_that_cannot_read_our_files_is_not_taken(tmp_path: Path, version: str, right: bool) -> None:
    program(tmp_path / "bin", "tempo", f"tempo, version {version} (branch: HEAD)")
    found, _ = servers.find([TEMPO], str(tmp_path / "bin"))
    assert right == bool(found)


def test_a_program_that_cannot_run_is_not_taken(tmp_path: Path) -> None:
    file = tmp_path / "tempo"
    file.write_text("#!/does/not/exist\n")
    file.chmod(0o755)
    assert [] == servers.find([TEMPO], str(tmp_path))[0]


def test_the_second_name_of_a_server_is_tried_too(tmp_path: Path) -> None:
    program(tmp_path / "bin", "prometheus-alertmanager", "alertmanager, version 0.25.0")
    (found,), _ = servers.find([ALERTMANAGER], str(tmp_path / "bin"))
    assert "0.25.0" == found.version


def test_a_port_in_use_is_named_with_the_variable_that_moves_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        options = replace(free_options(tmp_path), ports=Ports(loki_grpc=port))
        problems = check.ports(options, [servers.Found(LOKI, Path("loki"), "3.4.6")])
    assert any(f"Port {port} for loki is in use" in each.what and "LOKI_GRPC_PORT" in each.mend for each in problems)


@pytest.mark.parametrize(
    ("environment", "secrets", "said"),
    [
        ({"ALERT_WEBHOOK_URL": "example.org/x"}, {}, "ALERT_WEBHOOK_URL: 'example.org/x' is no URL"),
        ({"GRAFANA_URL": "https://"}, {}, "GRAFANA_URL: 'https://' is no URL"),
        ({}, {"slack_api_url": "xoxb-secret-token"}, "slack_api_url: its content is no URL"),
        ({"SMTP_USERNAME": "me"}, {}, "SMTP_USERNAME is set, but there is no password"),
        ({"ALERT_EMAIL_TO": "a@b", "SMTP_SMARTHOST": "mail"}, {}, "SMTP_SMARTHOST='mail' is no host:port"),
    ],
)
def test_a_channel_that_cannot_work_is_named(
    tmp_path: Path, environment: dict[str, str], secrets: dict[str, str], said: str
) -> None:
    options = free_options(tmp_path, **environment)
    for name, text in secrets.items():
        (options.secrets / name).write_text(text)
    (problem,) = check.channels(options)
    assert said in problem.what
    assert "xoxb-secret-token" not in str(problem)


@pytest.mark.parametrize("days", ["0", "-1", "a month", "1.5"])
def test_retention_must_be_whole_days(tmp_path: Path, days: str) -> None:
    (problem,) = check.retention(free_options(tmp_path, RETENTION_DAYS=days))
    assert f"RETENTION_DAYS={days!r} is no number of days." == problem.what


@pytest.mark.parametrize("port", ["http", "0", "70000"])
def test_a_port_must_be_a_port(port: str) -> None:
    with pytest.raises(StackError, match=f"LOKI_PORT='{port}' is no port"):
        Ports.from_environment({"LOKI_PORT": port})


def test_the_repositorys_own_files_have_no_problem(tmp_path: Path) -> None:
    found, strangers = servers.find()
    if not found:
        pytest.skip("no server is on the PATH")
    assert [] == check.everything(free_options(tmp_path), found, strangers)


def test_a_folder_that_is_not_the_repository_is_refused(tmp_path: Path) -> None:
    problems = check.everything(replace(free_options(tmp_path), root=tmp_path), [])
    assert 4 == len(problems)
    assert "Run this in the repository's root" in problems[0].mend


def test_a_rule_with_an_unknown_metric_is_refused(tmp_path: Path) -> None:
    root = repository(tmp_path)
    file = root / "prometheus" / "rules" / "5-behaviour.yml"
    file.write_text(file.read_text().replace("agent_loops_detected_total", "agent_loop_detected_total"))
    problems = check.rule_files(root)
    assert {"5-behaviour.yml: LoopDetected reads the metric agent_loop_detected_total, which nobody emits."} == {
        each.what for each in problems
    }


def test_a_rule_file_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    root = repository(tmp_path)
    (root / "prometheus" / "rules" / "6-mine.yml").write_text("groups: [")
    (problem,) = check.rule_files(root)
    assert "is no rule file" in problem.what


def test_a_configuration_that_amtool_refuses_is_refused(tmp_path: Path) -> None:
    if not shutil.which("amtool"):
        pytest.skip("amtool is not on the PATH")
    root = repository(tmp_path)
    file = root / "alertmanager" / "alertmanager.yml"
    file.write_text(file.read_text().replace("receiver: page", "receiver: nobody"))
    (problem,) = check.configurations(replace(free_options(tmp_path), root=root), [])
    assert "nobody" in problem.what


def test_secrets_are_made_once_random_and_closed_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    assert {*secret_files.GENERATED, *secret_files.OPTIONAL} == set(secret_files.create(folder))
    password = (folder / "grafana_admin_password").read_text()
    assert [] == secret_files.create(folder)
    assert password == (folder / "grafana_admin_password").read_text()
    assert 24 <= len(password)
    assert 0o700 == folder.stat().st_mode & 0o777
    assert [] == secret_files.problems(folder)


def test_missing_and_short_secrets_are_refused(tmp_path: Path) -> None:
    (tmp_path / "mcp_token").write_text("admin")
    missing, short = secret_files.problems(tmp_path)
    assert "grafana_admin_password is missing" in missing.what
    assert "shorter than 12 characters" in short.what
    assert "make secrets" in missing.mend


def test_env_files_are_read_as_compose_reads_them(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# note\nA=1\nB = two # comment\nC='#three'\nD=#four\nE=\nno line\n")
    assert {"A": "1", "B": "two", "C": "#three", "D": "#four", "E": ""} == read_env_file(file)


def test_init_makes_settings_and_secrets_that_render_accepts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SECRETS_DIR", raising=False)
    root = repository(tmp_path)
    assert 0 == main(["--root", str(root), "init"])
    assert "made .env from .env.example" in capsys.readouterr().out
    assert root / "secrets" == Options.from_root(root).secrets.resolve()
    to = tmp_path / "rendered"
    assert 0 == main(["--root", str(root), "render", "--to", str(to), "--secrets", str(root / "secrets")])
    assert (to / "alertmanager.yml").is_file()


def test_render_without_secrets_writes_nothing_and_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    to = tmp_path / "rendered"
    assert 1 == main(["--root", str(ROOT), "render", "--to", str(to), "--secrets", str(tmp_path)])
    assert "make secrets creates it" in capsys.readouterr().err
    assert not to.exists()


def test_check_up_status_and_down_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = repository(tmp_path)
    program(tmp_path / "bin", "prometheus", "prometheus, version 2.50.0")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin")
    monkeypatch.setenv("PROMETHEUS_PORT", str(free_options(tmp_path).ports.prometheus))
    only = (PROMETHEUS,)
    monkeypatch.setattr("syndarix_obs_stack.launcher.SERVERS", only)
    command = ["--root", str(root)]
    found, _ = servers.find(only)
    assert ["2.50.0"] == [each.version for each in found]
    assert 0 == main([*command, "up"])
    assert "✓ prometheus 2.50.0 http://127.0.0.1:" in capsys.readouterr().out
    assert 0 == main([*command, "status"])
    assert "prometheus: http://127.0.0.1:" in capsys.readouterr().out
    assert 0 == main([*command, "down"])
    assert "stopped prometheus" in capsys.readouterr().out
    assert 0 == main([*command, "down"])
    assert "nothing was running" in capsys.readouterr().out


def test_check_says_every_problem_and_starts_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = repository(tmp_path)
    monkeypatch.setenv("ALERT_WEBHOOK_URL", "nonsense")
    assert 1 == main(["--root", str(root), "check"])
    assert "✗ ALERT_WEBHOOK_URL: 'nonsense' is no URL.\n  → Give it in full" in capsys.readouterr().err
    assert not (root / ".native").exists()

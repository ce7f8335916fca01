"""Alertmanager's configuration and Prometheus' targets, as one machine gets them."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from syndarix_obs_stack import grafana, render
from syndarix_obs_stack.options import Options, Ports

ROOT = Path(__file__).parents[3]
CONFIG = (ROOT / "alertmanager" / "alertmanager.yml").read_text("utf-8")


def _receiver(text: str, name: str) -> dict[str, object]:
    return next(each for each in yaml.safe_load(text)["receivers"] if each["name"] == name)


def test_without_any_channel_the_receivers_stay_and_send_nothing(tmp_path: Path) -> None:
    text = render.alertmanager_config(CONFIG, {}, tmp_path)
    assert [{"name"}] * 7 == [set(each) for each in yaml.safe_load(text)["receivers"]]
    assert "slack_api_url_file" not in yaml.safe_load(text)["global"]


def test_a_slack_secret_switches_slack_on_everywhere(tmp_path: Path) -> None:
    (tmp_path / "slack_api_url").write_text("https://hooks.example.org/x")
    text = render.alertmanager_config(CONFIG, {"SLACK_CHANNEL_COST": "#money"}, tmp_path)
    assert f"{tmp_path}/slack_api_url" == yaml.safe_load(text)["global"]["slack_api_url_file"]
    assert "#money" == _receiver(text, "team-cost")["slack_configs"][0]["channel"]  # type: ignore[index]
    assert "#agents-safety" == _receiver(text, "team-safety")["slack_configs"][0]["channel"]  # type: ignore[index]


def test_a_webhook_without_a_token_is_called_without_authorization(tmp_path: Path) -> None:
    text = render.alertmanager_config(CONFIG, {"ALERT_WEBHOOK_URL": "http://host:1/x"}, tmp_path)
    assert [{"url": "http://host:1/x", "send_resolved": True}] == _receiver(text, "webhook")["webhook_configs"]


def test_a_value_cannot_break_out_of_its_line(tmp_path: Path) -> None:
    nasty = 'x"\nroute: {receiver: evil}'
    text = render.alertmanager_config(CONFIG, {"ALERT_WEBHOOK_URL": nasty}, tmp_path)
    assert nasty == _receiver(text, "webhook")["webhook_configs"][0]["url"]  # type: ignore[index]
    assert "team-agents" == yaml.safe_load(text)["route"]["receiver"]


def test_switches_stay_booleans(tmp_path: Path) -> None:
    text = render.alertmanager_config(CONFIG, {"SMTP_REQUIRE_TLS": "false"}, tmp_path)
    assert yaml.safe_load(text)["global"]["smtp_require_tls"] is False


def test_templates_get_the_addresses_of_the_environment() -> None:
    line = '{{ define "base.grafana" }}http://127.0.0.1:3000{{ end }}{{/* env: GRAFANA_URL */}}'
    expected = '{{ define "base.grafana" }}https://g{{ end }}{{/* env: GRAFANA_URL */}}'
    assert expected == render.template_text(line, {"GRAFANA_URL": "https://g"})
    assert line == render.template_text(line, {})


def test_targets_are_loopback_addresses_of_the_servers_that_run() -> None:
    text = '# note\n- targets: ["loki:3100"]\n  labels: {job: loki}\n- targets: ["tempo:3200"]\n'
    assert '# note\n- targets: ["127.0.0.1:1"]\n  labels: {job: loki}\n' == render.targets(
        text, {"loki": "127.0.0.1:1"}, {"tempo"}
    )


def test_without_any_target_the_file_is_an_empty_list() -> None:
    assert [] == yaml.safe_load(render.targets('# note\n- targets: ["loki:3100"]\n', {}, {"loki"}))


def test_foreign_hosts_are_left_as_they_are() -> None:
    assert '- targets: ["agent.example.org:9464"]\n' == render.targets(
        '- targets: ["agent.example.org:9464"]\n', {"loki": "127.0.0.1:1"}, set()
    )


def test_agents_on_the_machine_are_found_on_loopback(tmp_path: Path) -> None:
    options = Options(ROOT, tmp_path, tmp_path, Ports(prometheus=1234))
    render.write_prometheus(options, {"prometheus"})
    render.write_prometheus(options, {"prometheus"})  # a second start writes over the first
    written = options.etc / "prometheus"
    (agents, *_) = yaml.safe_load((written / "prometheus.yml").read_text())["scrape_configs"]
    (relabelling,) = agents["relabel_configs"]
    stack = yaml.safe_load((written / "targets" / "stack.yml").read_text())
    address = re.fullmatch(relabelling["regex"], "host.docker.internal:9465")
    assert "127.0.0.1:9465" == address.expand(relabelling["replacement"].replace("$", "\\"))  # type: ignore[union-attr]
    assert ["prometheus", "mcp"] == [each["labels"]["job"] for each in stack]
    assert ["127.0.0.1:1234"] == stack[0]["targets"]
    assert (written / "rules" / "0-thresholds.yml").is_file()


def test_an_edit_of_the_agents_in_the_repository_counts_without_a_restart(tmp_path: Path) -> None:
    options = Options(ROOT, tmp_path, tmp_path, Ports())
    render.write_prometheus(options, {"prometheus"})
    read = options.etc / "prometheus" / "targets" / "agents.yml"
    assert read.samefile(ROOT / "prometheus" / "targets" / "agents.yml")


def test_grafana_gets_loopback_addresses_and_the_boards_of_the_repository(tmp_path: Path) -> None:
    options = Options(ROOT, tmp_path, tmp_path, Ports(loki=1234))
    grafana.write(options)
    sources = yaml.safe_load((options.etc / "grafana" / "datasources" / "stack.yml").read_text())["datasources"]
    assert "http://127.0.0.1:1234" == next(each["url"] for each in sources if each["uid"] == "loki")
    assert not [each["url"] for each in sources if "127.0.0.1" not in each["url"]]
    (boards,) = yaml.safe_load((options.etc / "grafana" / "dashboards" / "stack.yml").read_text())["providers"]
    assert str(ROOT / "grafana" / "dashboards") == boards["options"]["path"]


def test_grafana_has_the_settings_of_docker_and_listens_on_loopback_with_a_password_of_its_own(tmp_path: Path) -> None:
    found = grafana.environment(Options(ROOT, tmp_path / "data", tmp_path / "secrets", Ports(grafana=1234)))
    assert ("127.0.0.1", "1234") == (found["GF_SERVER_HTTP_ADDR"], found["GF_SERVER_HTTP_PORT"])
    assert "false" == found["GF_ANALYTICS_REPORTING_ENABLED"] == found["GF_AUTH_ANONYMOUS_ENABLED"]
    # A name that ends in __FILE is read by the image's start script only: natively the default password would stay.
    assert f"$__file{{{tmp_path}/secrets/grafana_admin_password}}" == found["GF_SECURITY_ADMIN_PASSWORD"]
    assert "GF_SECURITY_ADMIN_PASSWORD__FILE" not in found
    assert not [value for value in found.values() if "${" in value]


def test_grafanas_own_pages_are_found_around_its_program(tmp_path: Path) -> None:
    (tmp_path / "home" / "public").mkdir(parents=True)
    program = tmp_path / "home" / "bin" / "grafana"
    program.parent.mkdir()
    program.touch()
    (tmp_path / "grafana").symlink_to(program)
    assert tmp_path / "home" == grafana.home_of(tmp_path / "grafana")


def test_grafanas_own_pages_may_lie_beside_its_program(tmp_path: Path) -> None:
    (tmp_path / "public").mkdir()
    (tmp_path / "grafana").touch()
    assert tmp_path == grafana.home_of(tmp_path / "grafana")

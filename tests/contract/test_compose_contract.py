"""docker-compose.yml: loopback only, nothing privileged, nothing unpinned, no default password."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
TEXT = (ROOT / "docker-compose.yml").read_text("utf-8")
EXAMPLE = dict(
    line.split("=", 1)
    for line in (ROOT / ".env.example").read_text("utf-8").splitlines()
    if "=" in line and not line.startswith("#")
)
ONE_SHOT = {"config", "demo"}
IN_IMAGE = {"mcp"}
"""Services whose health check stands in our own Dockerfile."""


def _compose() -> list[str] | None:
    if shutil.which("docker"):
        done = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
        if done.returncode == 0:
            return ["docker", "compose"]
    found = shutil.which("docker-compose", path=os.environ["PATH"] + ":/usr/libexec/docker/cli-plugins")
    return [found] if found else None


def _config(secrets_dir: str, env_file: str) -> subprocess.CompletedProcess[str]:
    command = _compose()
    if command is None:
        pytest.skip("docker compose is not on the PATH")
    environment = {"PATH": os.environ["PATH"], "SECRETS_DIR": secrets_dir}
    arguments = [*command, "-f", "docker-compose.yml", "--env-file", env_file, "config", "--quiet"]
    return subprocess.run(arguments, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", SERVICES)
def test_every_port_is_published_on_loopback_only(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert re.match(r"^127\.0\.0\.1:\$\{\w+_PORT:-\d+\}:\d+$", port)


@pytest.mark.parametrize("name", SERVICES)
def test_no_container_has_a_privilege_root_or_a_writable_image(name: str) -> None:
    service = SERVICES[name]
    assert ["ALL"] == service["cap_drop"]
    assert ["no-new-privileges:true"] == service["security_opt"]
    assert service["read_only"] is True
    assert "0" != service["user"].partition(":")[0]
    assert service["mem_limit"]
    assert not {"privileged", "cap_add", "network_mode", "pid", "devices"} & set(service)


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_pinned_to_an_exact_version_in_the_example_settings(name: str) -> None:
    image = SERVICES[name]["image"]
    found = re.match(r"^[\w./-]+:\$\{(\w+):\?[^}]+\}$", image)
    assert found is not None, image
    assert re.search(r"\d+\.\d+", EXAMPLE[found[1]])
    assert "latest" not in EXAMPLE[found[1]]


@pytest.mark.parametrize("name", sorted(set(SERVICES) - ONE_SHOT))
def test_every_server_has_a_health_check(name: str) -> None:
    if name in IN_IMAGE:
        assert "HEALTHCHECK" in (ROOT / "mcp_server" / "Dockerfile").read_text("utf-8")
    else:
        assert "CMD" == SERVICES[name]["healthcheck"]["test"][0]


@pytest.mark.parametrize("name", SERVICES)
def test_configuration_is_mounted_read_only_and_data_goes_to_named_volumes(name: str) -> None:
    for volume in SERVICES[name].get("volumes", []):
        source, _, rest = volume.partition(":")
        assert rest.endswith(":ro") if source.startswith(".") else source in COMPOSE["volumes"]


def test_every_mounted_file_is_in_the_repository() -> None:
    sources = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert [] == [each for each in sorted(sources) if each.startswith(".") and not (ROOT / each).exists()]


def test_one_number_of_days_rules_every_store() -> None:
    assert "--storage.tsdb.retention.time=${RETENTION_DAYS:-30}d" in SERVICES["prometheus"]["command"]
    for name in ("loki", "tempo"):
        assert "${RETENTION_DAYS:-30}" == SERVICES[name]["environment"]["RETENTION_DAYS"]
        assert "${RETENTION_DAYS:-30}d" in (ROOT / name / f"{name}.yml").read_text("utf-8")


def test_every_variable_is_explained_in_the_example_settings() -> None:
    assert set() == set(re.findall(r"\$\{(\w+)", TEXT)) - set(EXAMPLE)


def test_no_password_stands_in_any_committed_file() -> None:
    assert "" == EXAMPLE["SECRETS_DIR"]
    assert not re.search(r"(?i)(password|token):\s*['\"]?[a-z0-9]{4,}['\"]?$", TEXT, re.MULTILINE)
    assert "secrets/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()


def test_compose_accepts_the_file_with_the_example_settings() -> None:
    done = _config("./secrets", ".env.example")
    assert 0 == done.returncode, done.stderr


def test_compose_refuses_to_start_without_a_password_and_says_how_to_make_one() -> None:
    done = _config("", ".env.example")
    assert 0 != done.returncode
    assert "no default password. Run make secrets" in done.stderr


def test_compose_without_settings_says_where_they_come_from() -> None:
    done = _config("./secrets", os.devnull)
    assert 0 != done.returncode
    assert "copy .env.example to .env" in done.stderr


def test_data_sources_have_the_uids_that_boards_and_links_name() -> None:
    text = (ROOT / "grafana" / "provisioning" / "datasources" / "stack.yml").read_text("utf-8")
    sources = {each["uid"]: each["url"] for each in yaml.safe_load(text)["datasources"]}
    assert ["alertmanager", "loki", "prometheus", "tempo"] == sorted(sources)
    named = set(re.findall(r"[dD]atasourceUid: (\w+)|alertmanagerUid: (\w+)", text))
    assert {name for pair in named for name in pair if name} <= set(sources)


def test_every_address_in_targets_and_data_sources_is_a_service() -> None:
    texts = [file.read_text("utf-8") for file in (ROOT / "prometheus" / "targets").glob("*.yml")]
    hosts = {host for text in texts for host in re.findall(r'"([\w.-]+):\d+"', text)} - {"host.docker.internal"}
    sources = (ROOT / "grafana" / "provisioning" / "datasources" / "stack.yml").read_text("utf-8")
    assert hosts | set(re.findall(r"url: http://(\w+):\d+", sources)) <= set(SERVICES)

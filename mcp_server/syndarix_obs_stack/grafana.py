"""Grafana as a process of this user: where it is installed, and its provisioning with loopback addresses.

What holds for Docker and natively alike (no sign-up, nothing phones home) is read from docker-compose.yml.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import yaml

from syndarix_obs_stack.options import HOST, Options

PASSWORD = "grafana_admin_password"  # noqa: S105 - a file's name
_READ_BY_THE_IMAGE = "GF_SECURITY_ADMIN_PASSWORD__FILE"
"""Only the start script of the Docker image knows it; Grafana itself would fall back to the default password."""
_PACKAGED_HOME = Path("/usr/share/grafana")
_BOARDS_IN_DOCKER = "/var/lib/grafana/dashboards"
_ADDRESS = re.compile(r"url: http://(\w+):\d+")


def arguments(options: Options) -> list[str]:
    """The server's command line after the program."""
    home = home_of(Path(options.environment.get("GF_PATHS_HOME") or shutil.which("grafana") or ""))
    return ["server", f"--homepath={home}"]


def home_of(program: Path) -> Path:
    """The folder with Grafana's own web pages: given, beside or around the program, or where packages put it."""
    real = program.resolve()
    for folder in (real, real.parent, real.parent.parent, _PACKAGED_HOME):
        if (folder / "public").is_dir():
            return folder
    return _PACKAGED_HOME


def environment(options: Options) -> dict[str, str]:
    """Settings: those of docker-compose.yml that name no variable of compose, and this machine's own."""
    compose = yaml.safe_load((options.root / "docker-compose.yml").read_text("utf-8"))
    shared = {name: value for name, value in compose["services"]["grafana"]["environment"].items() if "$" not in value}
    shared.pop(_READ_BY_THE_IMAGE, None)
    return {
        **shared,
        "GF_SECURITY_ADMIN_PASSWORD": f"$__file{{{(options.secrets / PASSWORD).resolve()}}}",
        "GF_SERVER_HTTP_ADDR": HOST,
        "GF_SERVER_HTTP_PORT": str(options.ports.grafana),
        "GF_SERVER_ROOT_URL": f"http://{HOST}:{options.ports.grafana}",
        "GF_PATHS_DATA": str(options.data / "grafana"),
        "GF_PATHS_PLUGINS": str(options.data / "grafana" / "plugins"),
        "GF_PATHS_LOGS": str(options.data / "log"),
        "GF_PATHS_PROVISIONING": str(options.etc / "grafana"),
    }


def write(options: Options) -> None:
    """Write the provisioning; the boards are the repository's own."""
    source, to = options.root / "grafana" / "provisioning", options.etc / "grafana"
    (options.data / "grafana" / "plugins").mkdir(parents=True, exist_ok=True)
    for folder in sorted(each for each in source.iterdir() if each.is_dir()):
        (to / folder.name).mkdir(parents=True, exist_ok=True)
        for file in sorted(folder.glob("*.yml")):
            text = _ADDRESS.sub(lambda match: f"url: http://{HOST}:{_port(options, match[1])}", file.read_text("utf-8"))
            text = text.replace(_BOARDS_IN_DOCKER, str((options.root / "grafana" / "dashboards").resolve()))
            (to / folder.name / file.name).write_text(text, "utf-8")


def _port(options: Options, name: str) -> int:
    port: int = getattr(options.ports, name)
    return port

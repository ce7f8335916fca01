"""What is wrong and how to mend it, found before anything starts."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from syndarix_obs_stack import render, rules
from syndarix_obs_stack.options import HOST, Options, variable
from syndarix_obs_stack.problems import Problem, StackError
from syndarix_obs_stack.servers import Found, Server, Stranger

URL_VARIABLES = ("ALERT_WEBHOOK_URL", "GRAFANA_URL")
_HOST_PORT = re.compile(r"^[\w.-]+:\d{1,5}$")


def everything(
    options: Options,
    found: Sequence[Found],
    strangers: Sequence[Stranger] = (),
    running: Sequence[Server] = (),
) -> list[Problem]:
    """Every problem of a native start with the servers found. Writes to a temporary folder only.

    `running` are servers of this very stack, whose ports are rightly in use.
    """
    if missing := files(options.root) or retention(options):
        return missing
    idle = [each for each in found if each.server not in running]
    return [
        *programs(found, strangers),
        *ports(options, idle),
        *channels(options),
        *rule_files(options.root),
        *configurations(options, found),
    ]


def files(root: Path) -> list[Problem]:
    """The configuration files are where they are expected."""
    names = (
        "prometheus/prometheus.yml", "alertmanager/alertmanager.yml", "loki/loki.yml", "tempo/tempo.yml",
    )  # fmt: skip
    return [
        Problem(f"{root / name} is missing.", "Run this in the repository's root, or name that by --root.")
        for name in names
        if not (root / name).is_file()
    ]


def retention(options: Options) -> list[Problem]:
    """RETENTION_DAYS is a number."""
    try:
        _ = options.retention_days
    except StackError as error:
        return list(error.problems)
    return []


def programs(found: Sequence[Found], strangers: Sequence[Stranger]) -> list[Problem]:
    """At least one server is here."""
    if found:
        return []
    seen = "".join(f" {each.path} is no {each.server.product}: it says {each.said!r}." for each in strangers)
    return [
        Problem(
            "None of Prometheus, Alertmanager, Loki and Tempo is on the PATH." + seen,
            "Install them (Debian: prometheus, prometheus-alertmanager), or run docker compose up.",
        )
    ]


def ports(options: Options, found: Iterable[Found]) -> list[Problem]:
    """Every port that the servers will listen on is free."""
    return [
        Problem(
            f"Port {number} for {each.server.name} is in use on {HOST}.",
            "Stop what listens there (is the stack running already? make native-down), "
            f"or set {variable(name)} to a free port in .env.",
        )
        for each in found
        for name in each.server.ports
        for number in [getattr(options.ports, name)]
        if not is_free(number)
    ]


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def channels(options: Options) -> list[Problem]:
    """Addresses and secrets of the alert channels that are configured."""
    given = options.environment
    smarthost = given.get("SMTP_SMARTHOST", "")
    found = [_url(name, given.get(name, "")) for name in URL_VARIABLES]
    slack = options.secrets / "slack_api_url"
    if render.is_configured("slack_api_url", given, options.secrets):
        found.append(_url(str(slack), slack.read_text("utf-8").strip(), secret=True))
    if given.get("SMTP_USERNAME") and not render.is_configured("smtp_password", given, options.secrets):
        found.append(
            Problem(
                "SMTP_USERNAME is set, but there is no password for it.",
                f"Write it to {options.secrets / 'smtp_password'}, or unset SMTP_USERNAME.",
            )
        )
    if given.get("ALERT_EMAIL_TO") and not _HOST_PORT.match(smarthost):
        found.append(
            Problem(
                f"ALERT_EMAIL_TO is set, but SMTP_SMARTHOST={smarthost!r} is no host:port.",
                "Set SMTP_SMARTHOST, e.g. smtp.example.org:587.",
            )
        )
    return [problem for problem in found if problem]


def _url(name: str, text: str, *, secret: bool = False) -> Problem | None:
    parts = urlsplit(text)
    if not text or (parts.scheme in {"http", "https"} and parts.hostname):
        return None
    shown = "its content" if secret else repr(text)
    return Problem(f"{name}: {shown} is no URL.", "Give it in full, e.g. https://example.org/path.")


def rule_files(root: Path) -> list[Problem]:
    """Prometheus' rules are valid and read metrics that exist."""
    paths = sorted((root / "prometheus" / "rules").glob("*.yml"))
    try:
        known = rules.own_metrics(root / "prometheus" / "own-metrics.txt")
        unknown = rules.unknown_metrics(rules.read(paths), known)
    except (yaml.YAMLError, AttributeError, TypeError) as error:
        return [Problem(f"A file in prometheus/rules is no rule file: {error}", "Compare it with its neighbours.")]
    return unknown + _asked("promtool", ["check", "rules", *map(str, paths)], "Mend the rule that it names.")


def configurations(options: Options, found: Iterable[Found]) -> list[Problem]:
    """Each server accepts the configuration that it would get."""
    with tempfile.TemporaryDirectory() as folder:
        trial = replace(options, data=Path(folder))
        to = trial.etc / "alertmanager"
        render.write_alertmanager(options.root, to, options.environment, options.secrets)
        mend = "Mend alertmanager/alertmanager.yml or the variables that it names."
        problems = _asked("amtool", ["check-config", str(to / "alertmanager.yml")], mend)
        for each in found:
            flag = {"loki": "-verify-config", "tempo": "-config.verify=true"}.get(each.server.name)
            if flag:
                arguments = [*each.server.arguments(trial), flag]
                mend = f"Mend {each.server.name}/{each.server.name}.yml."
                problems += _asked(str(each.path), arguments, mend, each.server.environment(trial))
    return problems


def _asked(program: str, arguments: list[str], mend: str, environment: dict[str, str] | None = None) -> list[Problem]:
    """What a program that checks files objects to; nothing when the program is not installed."""
    path = shutil.which(program)
    if path is None:
        return []
    done = subprocess.run([path, *arguments], capture_output=True, text=True, timeout=60, check=False, env=environment)
    if done.returncode == 0:
        return []
    said = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return [Problem(f"{Path(program).name}: {' '.join(said[-3:])[:500]}", mend)]

"""Files that differ between two machines: Alertmanager's configuration and Prometheus' targets.

The committed files are valid as they stand. Markers in comments (see the top of `alertmanager.yml`) say
what the environment replaces, and what goes when it is not configured.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from pathlib import Path

from syndarix_obs_stack.options import HOST, Options

_ENV = re.compile(r"# env: (\w+)")
_NEEDS = re.compile(r"# needs: (\w+)")
_VALUE = re.compile(r"^(\s*(?:- )?[\w]+: )(.*?)(\s+# .*)$")
_TEMPLATE_ENV = re.compile(r"(\{\{ define \"[\w.]+\" \}\}).*?(\{\{ end \}\})(\{\{/\* env: (\w+) \*/\}\})")
_TARGET = re.compile(r'"([\w.-]+):(\d+)"')
_AGENTS = "agents.yml"
_ON_LOOPBACK = """\
    # Without Docker, the machine that runs Docker is this one.
    relabel_configs:
      - source_labels: [__address__]
        regex: host\\.docker\\.internal:(\\d+)
        target_label: __address__
        replacement: 127.0.0.1:$1
"""
_SECRET = "secrets/"  # noqa: S105 - a folder's name, not a secret


def alertmanager_config(text: str, environment: Mapping[str, str], secrets: Path) -> str:
    """The configuration to run with: unconfigured channels left out, values and secrets' paths put in."""
    kept: list[str] = []
    dropped_indent: int | None = None
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        if dropped_indent is not None and (not line.strip() or indent > dropped_indent):
            continue
        dropped_indent = None
        needs = None if line.lstrip().startswith("#") else _NEEDS.search(line)
        if needs and not is_configured(needs[1], environment, secrets):
            dropped_indent = indent
            continue
        kept.append(_with_value(line, environment).replace(f" {_SECRET}", f" {secrets}/"))
    return "\n".join(kept) + "\n"


def is_configured(name: str, environment: Mapping[str, str], secrets: Path) -> bool:
    """Whether the variable, or the secret file for a name in small letters, is there and not empty."""
    if name.isupper():
        return bool(environment.get(name))
    file = secrets / name
    return file.is_file() and bool(file.read_text("utf-8").strip())


def _with_value(line: str, environment: Mapping[str, str]) -> str:
    marker = _ENV.search(line)
    value = environment.get(marker[1], "") if marker else ""
    parts = _VALUE.match(line)
    if not value or parts is None:
        return line
    literal = value if value in {"true", "false"} else json.dumps(value)  # JSON text is YAML text
    return f"{parts[1]}{literal}{parts[3]}"


def template_text(text: str, environment: Mapping[str, str]) -> str:
    """A template file with the addresses of the environment."""

    def replace(match: re.Match[str]) -> str:
        value = environment.get(match[4], "").replace("{{", "")
        return f"{match[1]}{value}{match[2]}{match[3]}" if value else match[0]

    return _TEMPLATE_ENV.sub(replace, text)


def write_alertmanager(root: Path, to: Path, environment: Mapping[str, str], secrets: Path) -> None:
    """Write `alertmanager.yml` and `templates/` below `to`."""
    source = root / "alertmanager"
    (to / "templates").mkdir(parents=True, exist_ok=True)
    config = alertmanager_config((source / "alertmanager.yml").read_text("utf-8"), environment, secrets)
    (to / "alertmanager.yml").write_text(config, "utf-8")
    for template in sorted((source / "templates").glob("*.tmpl")):
        text = template_text(template.read_text("utf-8"), environment)
        (to / "templates" / template.name).write_text(text, "utf-8")


def targets(text: str, addresses: Mapping[str, str], absent: Collection[str]) -> str:
    """A targets file with loopback addresses instead of compose names, without absent servers."""

    def address(match: re.Match[str]) -> str:
        return '"' + addresses.get(match[1], match[1] + ":{port}").format(port=match[2]) + '"'

    entries = re.split(r"(?m)^(?=- )", text)
    kept = [entry for entry in entries if not _names(entry) & set(absent)]
    mapped = _TARGET.sub(address, "".join(kept))
    return mapped if any(entry.startswith("- ") for entry in kept) else mapped + "[]\n"


def _names(entry: str) -> set[str]:
    return {match[1] for match in _TARGET.finditer(entry)} if entry.startswith("- ") else set()


def prometheus_config(text: str) -> str:
    """The configuration of a native start, for which Docker's name for this machine means loopback."""
    job = "  - job_name: agents\n"
    return text.replace(job, job + _ON_LOOPBACK)


def write_prometheus(options: Options, running: Collection[str]) -> None:
    """Write `prometheus.yml` and its targets; rules and agents are the repository's own, by link: an edit counts."""
    source, to = options.root / "prometheus", options.etc / "prometheus"
    (to / "targets").mkdir(parents=True, exist_ok=True)
    (to / "prometheus.yml").write_text(prometheus_config((source / "prometheus.yml").read_text("utf-8")), "utf-8")
    for name in ("rules", f"targets/{_AGENTS}"):
        (to / name).unlink(missing_ok=True)
        (to / name).symlink_to((source / name).resolve())
    ports = options.ports
    names = ("prometheus", "alertmanager", "loki", "tempo", "pushgateway", "grafana", "mcp")
    addresses = {name: f"{HOST}:{getattr(ports, name)}" for name in names}
    # The MCP server may be started by hand at any time, and a target that never answered alerts nobody.
    absent = set(names) - set(running) - {"mcp"}
    for file in sorted(set((source / "targets").glob("*.yml")) - {source / "targets" / _AGENTS}):
        (to / "targets" / file.name).write_text(targets(file.read_text("utf-8"), addresses, absent), "utf-8")

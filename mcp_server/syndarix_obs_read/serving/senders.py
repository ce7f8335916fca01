"""What to set in other programs so that they send here, and the settings files of coding agents."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from syndarix_obs_read.errors import SettingsError

CodingAgent = Literal["claude-code", "codex", "gemini"]


def instructions(url: str) -> list[tuple[str, str]]:
    """Programs, and what to set for each, in the order in which they are shown."""
    endpoint = f"OTEL_EXPORTER_OTLP_ENDPOINT={url}"
    return [
        ("any program with OpenTelemetry", f"{endpoint} OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"),
        ("Python, no code", "syndarix-obs run python app.py"),
        ("Node", f"{endpoint} node --import @opentelemetry/auto-instrumentations-node/register app.js"),
        ("Go", f"{endpoint} with otlptracehttp.New(ctx)"),
        ("Claude Code", "syndarix-obs up --install claude-code"),
        ("Codex", "syndarix-obs up --install codex"),
        ("Gemini CLI", "syndarix-obs up --install gemini"),
        ("Copilot", f"COPILOT_OTEL_ENABLED=true {endpoint}"),
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """A settings file and what it will hold."""

    path: Path
    before: str
    after: str

    @property
    def added(self) -> str:
        """The lines that are new, for a person to look at."""
        known = set(self.before.splitlines())
        return "\n".join(line for line in self.after.splitlines() if line not in known)

    def write(self) -> None:
        """Write the file; what it held goes to a file beside it that ends with `.before-syndarix-obs`."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.before:
            self.path.with_name(self.path.name + ".before-syndarix-obs").write_text(self.before, encoding="utf-8")
        self.path.write_text(self.after, encoding="utf-8")


def change_for(agent: CodingAgent, url: str, home: Path | None = None) -> Change:
    """What makes a coding agent send its telemetry to `url`; its other settings stay.

    Raises:
        SettingsError: the settings file cannot be read or changed safely.
    """
    folder, name, edit = _FILES[agent]
    base = Path(os.environ.get(_FOLDERS[agent]) or (home or Path.home()) / folder)
    path = base / name
    try:
        before = path.read_text(encoding="utf-8") if path.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read {path}: {error}") from None
    return Change(path, before, edit(path, before, url))


def _claude(path: Path, before: str, url: str) -> str:
    settings = _json(path, before)
    environment = settings.setdefault("env", {})
    environment |= {
        "CLAUDE_CODE_ENABLE_TELEMETRY": "1", "OTEL_LOGS_EXPORTER": "otlp", "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_EXPORTER_OTLP_ENDPOINT": url,
    }  # fmt: skip
    return json.dumps(settings, indent=2) + "\n"


def _gemini(path: Path, before: str, url: str) -> str:
    settings = _json(path, before)
    settings["telemetry"] = {
        **(settings.get("telemetry") or {}), "enabled": True, "target": "local", "otlpEndpoint": url,
        "otlpProtocol": "http",
    }  # fmt: skip
    return json.dumps(settings, indent=2) + "\n"


def _codex(path: Path, before: str, url: str) -> str:
    try:
        known = tomllib.loads(before)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is no TOML: {error}; correct it first") from None
    exporter = {"endpoint": f"{url}/v1/logs", "protocol": "binary"}
    if known.get("otel", {}).get("exporter") == {"otlp-http": exporter}:
        return before
    if "otel" in known:
        raise SettingsError(
            f"{path} has an [otel] section already: set exporter.otlp-http.endpoint to {exporter['endpoint']!r} there, "
            "and its protocol to 'binary'"
        )
    lines = ["[otel]", "", '[otel.exporter."otlp-http"]', *(f'{key} = "{value}"' for key, value in exporter.items())]
    return before + ("\n" if before else "") + "\n".join(lines) + "\n"


def _json(path: Path, text: str) -> dict[str, Any]:
    try:
        found = json.loads(text) if text.strip() else {}
    except ValueError as error:
        raise SettingsError(f"{path} is no JSON: {error}; correct it first") from None
    if not isinstance(found, dict):
        raise SettingsError(f"{path} holds no JSON object; correct it first")
    return found


_FILES: Final[Mapping[CodingAgent, tuple[str, str, Callable[[Path, str, str], str]]]] = {
    "claude-code": (".claude", "settings.json", _claude),
    "codex": (".codex", "config.toml", _codex),
    "gemini": (".gemini", "settings.json", _gemini),
}
_FOLDERS: Final[Mapping[CodingAgent, str]] = {
    "claude-code": "CLAUDE_CONFIG_DIR", "codex": "CODEX_HOME", "gemini": "GEMINI_HOME",
}  # fmt: skip
"""Variables with which the tools themselves move their folder."""

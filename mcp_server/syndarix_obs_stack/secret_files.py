"""Secrets as files: made once, never with a default, never in an environment or a command line."""

from __future__ import annotations

import secrets
from pathlib import Path

from syndarix_obs_stack.problems import Problem

GENERATED = ("grafana_admin_password", "mcp_token")
"""Made by `init`: the stack refuses to start without them."""
OPTIONAL = ("slack_api_url", "smtp_password", "webhook_token")
"""Created empty: an empty one leaves its channel or its authentication out."""
SHORTEST = 12
"""Characters; whatever is shorter can be guessed."""


def create(folder: Path) -> list[str]:
    """Make what is missing and keep what is there; returns the names of the files made.

    The folder is closed to others (0700). The files inside are readable (0644): containers that do not run as
    root get them as bind mounts, past the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    made: list[str] = []
    for name in (*GENERATED, *OPTIONAL):
        file = folder / name
        if not file.exists():
            file.write_text(secrets.token_urlsafe(24) if name in GENERATED else "", "utf-8")
            file.chmod(0o644)
            made.append(name)
    return made


def problems(folder: Path, required: tuple[str, ...] = GENERATED) -> list[Problem]:
    """Required secrets that are missing or too short to be any."""
    return [problem for name in required if (problem := _required(folder / name))]


def _required(file: Path) -> Problem | None:
    if not file.is_file():
        return Problem(f"The secret {file} is missing.", "make secrets creates it with a random value.")
    if len(file.read_text("utf-8").strip()) < SHORTEST:
        return Problem(
            f"The secret in {file} is shorter than {SHORTEST} characters.",
            "Write a longer one, or delete the file and let make secrets create it.",
        )
    return None

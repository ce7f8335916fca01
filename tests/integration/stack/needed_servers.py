"""Skip by name where a server is missing; targets of a test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from syndarix_obs_stack.servers import SERVERS, find


def require(*names: str) -> None:
    """Skip, naming what is missing, unless each of these servers is on the PATH."""
    found, _ = find([server for server in SERVERS if server.name in names])
    missing = sorted(set(names) - {each.server.name for each in found})
    if missing:
        pytest.skip(f"not on the PATH: {', '.join(missing)}")


def write_agents(etc: Path, text: str) -> None:
    """Targets of a test's own in place of the link to the repository's."""
    file = etc / "targets" / "agents.yml"
    file.unlink(missing_ok=True)
    file.write_text(text, "utf-8")

"""Skip by name where a server is missing."""

from __future__ import annotations

import pytest

from syndarix_obs_stack.servers import SERVERS, find


def require(*names: str) -> None:
    """Skip, naming what is missing, unless each of these servers is on the PATH."""
    found, _ = find([server for server in SERVERS if server.name in names])
    missing = sorted(set(names) - {each.server.name for each in found})
    if missing:
        pytest.skip(f"not on the PATH: {', '.join(missing)}")

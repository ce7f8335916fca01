"""Skip by name where a server is missing; targets and intervals of a test's own."""

from __future__ import annotations

import json
import re
import shutil
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from syndarix_obs_stack.launcher import Stack
from syndarix_obs_stack.options import Options
from syndarix_obs_stack.servers import SERVERS, find


def require(*names: str) -> None:
    """Skip, naming what is missing, unless each of these servers is on the PATH."""
    found, _ = find([server for server in SERVERS if server.name in names])
    missing = sorted(set(names) - {each.server.name for each in found})
    if missing:
        pytest.skip(f"not on the PATH: {', '.join(missing)}")


def scrape(options: Options, *ports: int) -> None:
    """Agents of the environment `demo` on these ports."""
    where = ", ".join(f'"127.0.0.1:{port}"' for port in ports)
    write_agents(options.etc / "prometheus", f"[{{targets: [{where}], labels: {{environment: demo}}}}]")


def write_agents(etc: Path, text: str) -> None:
    """Targets of a test's own in place of the link to the repository's."""
    file = etc / "targets" / "agents.yml"
    file.unlink(missing_ok=True)
    file.write_text(text, "utf-8")


@contextmanager
def without(stack: Stack, server: str) -> Iterator[None]:
    """One server down for the length of a `with` block; then all is as before, targets and quick rules too."""
    etc = stack.options.etc / "prometheus"
    agents = (etc / "targets" / "agents.yml").read_text("utf-8")
    stack.down([server])
    try:
        yield
    finally:
        shutil.rmtree(etc / "rules", ignore_errors=True)  # the copy of speed_up_boards
        stack.up([server])
        write_agents(etc, agents)
        speed_up_boards(stack.options)
        # The targets were away for a moment, which makes their series stale: a scrape after that counts.
        await_metric(stack.options, f'timestamp(up{{job="agents"}} == 1) > {time.time() + 6:.0f}')


def await_metric(options: Options, query: str, seconds: float = 120) -> None:
    """Until Prometheus has an answer."""
    asked = urllib.parse.urlencode({"query": query})
    url = f"http://127.0.0.1:{options.ports.prometheus}/api/v1/query?{asked}"
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with urllib.request.urlopen(url, timeout=10) as answer:
            if json.load(answer)["data"]["result"]:
                return
        time.sleep(0.5)
    raise AssertionError(f"Prometheus has no {query}")


def speed_up_boards(options: Options) -> None:
    """Let a running Prometheus evaluate the boards' rules every 5 s instead of every few minutes."""
    rules = options.etc / "prometheus" / "rules"
    source = rules.resolve()
    rules.unlink()
    shutil.copytree(source, rules)
    file = rules / "dashboards.yml"
    text = file.read_text("utf-8")
    text = re.sub(r"interval: \dm", "interval: 5s", text)
    file.write_text(text, "utf-8")
    url = f"http://127.0.0.1:{options.ports.prometheus}/-/reload"
    urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=10).close()

"""Programs in other languages report without a library of ours: the examples, run against a receiver."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from syndarix_obs.receivers.receiver import Receiver
from syndarix_obs.receivers.server import ReceiverServer
from syndarix_obs.testing import Kit, recording

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def listening() -> Iterator[tuple[Kit, dict[str, str]]]:
    """A platform behind a receiver, and the environment that sends there."""
    with recording() as kit:
        server = ReceiverServer(Receiver(kit.obs.runtime), port=0)
        server.start()
        endpoint = f"http://127.0.0.1:{server.port}"
        yield (
            kit,
            {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"},
        )
        server.close()


def shown(kit: Kit) -> dict[str, Any]:
    """What the examples are about."""
    session, call, decision = kit.record("session"), kit.record("llm_call"), kit.record("decision")
    return {
        "session": (session.session_id, session.agent, session.outcome, session.project),
        "call": (call.model, call.input_tokens, call.output_tokens, float(call.cost_usd)),
        "decision": (decision.selected, decision.confidence, tuple(decision.options)),
        "tool": kit.record("tool_call").tool,
    }


def expected(name: str) -> dict[str, Any]:
    return {
        "session": (name, "support", "refunded", "acme"),
        "call": ("gpt-4o-mini", 1200, 80, 0.000228),
        "decision": ("search", 0.8, ("search", "refund")),
        "tool": "search",
    }


@pytest.mark.slow
def test_a_program_in_go_needs_no_library_of_ours(listening: tuple[Kit, dict[str, str]]) -> None:
    if shutil.which("go") is None:
        pytest.skip("go is not on the PATH")
    kit, environment = listening
    done = subprocess.run(
        ["go", "run", "."], cwd=EXAMPLES / "go", env={**environment, "GOPROXY": "off", "GOFLAGS": "-mod=mod"},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    if "module lookup disabled" in done.stderr:
        pytest.skip("the modules of the example are not in Go's cache: go mod download in examples/go")
    assert 0 == done.returncode, done.stderr
    assert expected("go-1") == shown(kit)


@pytest.mark.slow
def test_a_program_in_node_needs_no_library_of_ours(listening: tuple[Kit, dict[str, str]]) -> None:
    if shutil.which("node") is None or not (EXAMPLES / "node" / "node_modules").is_dir():
        pytest.skip("node and its packages are not there: npm install in examples/node")
    kit, environment = listening
    done = subprocess.run(
        ["node", "agent.mjs"],
        cwd=EXAMPLES / "node",
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    assert expected("node-1") == shown(kit)

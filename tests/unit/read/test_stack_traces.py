"""The stack trace of what failed is shown where somebody looks for the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs_read.cli.run import run


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A store with one failed session and one logged exception."""
    obs = ObservabilityPlatform(Settings(home=tmp_path, set_global=False))

    def look_up_the_order() -> None:
        raise LookupError("no such order")

    try:
        with obs.session(agent="support", session_id="s-1"), obs.tool("search", arguments={}):
            look_up_the_order()
    except LookupError:
        pass
    obs.shutdown()
    return tmp_path


@pytest.mark.parametrize(
    "command", [["explain"], ["trace", "--payloads"], ["explain", "--json"], ["trace", "--payloads", "--json"]]
)
def test_the_function_that_failed_is_named(home: Path, command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == run(["traces", "--home", str(home), "--json"])
    trace = capsys.readouterr().out.split('"trace_id": "')[1][:32]
    assert 0 == run([command[0], trace, *command[1:], "--home", str(home)])
    assert "look_up_the_order" in capsys.readouterr().out

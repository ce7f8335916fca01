"""The next step of an error is data: each face words it as its own readers would do it."""

from __future__ import annotations

import json

import pytest

from syndarix_obs_read.catalogue import Face, find
from syndarix_obs_read.cli.run import run
from syndarix_obs_read.errors import NotFound, ReadError
from syndarix_obs_read.mcp.server import TOOLS
from syndarix_obs_read.next_steps import _TOOLS, NARROW, Argument, Ask, Run, Steps, worded


@pytest.mark.parametrize(
    ("steps", "face", "expected"),
    [
        ((Ask("traces"), " lists"), "cli", "`syndarix-obs traces` lists"),
        ((Ask("traces"), " lists"), "mcp", "search_traces lists"),
        ((Ask("traces"), " lists"), "web", "the page Traces lists"),
        ((Ask("sessions", {"status": "running"}),), "cli", "`syndarix-obs sessions --status running`"),
        ((Ask("sessions", {"status": "running"}),), "mcp", "list_sessions(status=running)"),
        ((Ask("sessions", {"status": "running"}),), "web", "the page Sessions with status running"),
        ((Ask("trace", id="ID"),), "cli", "`syndarix-obs trace ID`"),
        ((Ask("trace", id="ID"),), "mcp", "get_trace"),
        (NARROW, "cli", "ask for a shorter time (--since) or add a filter"),
        (NARROW, "mcp", "ask for a shorter time (`since`) or add a filter"),
        ((Argument("kind", "span"),), "mcp", "`kind=span`"),
        ((Argument("task_type"),), "cli", "--task-type"),
        ((Run("syndarix-obs demo"),), "mcp", "`syndarix-obs demo`"),
    ],
)
def test_a_step_is_worded_for_its_reader(steps: Steps, face: Face, expected: str) -> None:
    assert expected == worded(steps, face)


def test_every_tool_that_a_step_names_exists_and_answers_that_question() -> None:
    assert set(_TOOLS.values()) <= {tool.name for tool in TOOLS}
    for question, name in _TOOLS.items():
        found = find(question)
        assert found is not None
        assert name in {tool.name for tool in found.tools()}


def test_an_error_says_what_happened_and_then_what_to_do() -> None:
    error = ReadError("it is late", next=("go to ", Ask("health")))
    assert "it is late: go to `syndarix-obs health`" == str(error)
    assert "it is late: go to get_health" == error.for_face("mcp")


def test_an_error_with_json_is_json(capsys: pytest.CaptureFixture[str], tmp_path: object) -> None:
    assert 2 == run(["traces", "--since", "never", "--json", "--home", str(tmp_path)])
    shown = capsys.readouterr()
    assert "TimeRangeError" == json.loads(shown.out)["error"]["type"]
    assert "never" in shown.err


def test_the_nearest_ids_are_data() -> None:
    assert ("a",) == NotFound("no", ("a",), next=(Ask("traces"),)).nearest

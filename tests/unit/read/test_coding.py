"""`import` and `coding`: what coding agents cost, what filled their context, what was refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client

from syndarix_obs_read.cli.run import run
from syndarix_obs_read.mcp.server import build_server
from syndarix_obs_read.serving.address import Address
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.web.app import build_app

Call = Callable[..., Any]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with two sessions of Claude Code on two branches."""
    folder = tmp_path_factory.mktemp("coding")
    rows: list[dict[str, Any]] = []
    for number, (branch, skill, tokens) in enumerate([("main", None, 100), ("fix", "tax", 900)], start=1):
        common = {"sessionId": f"s{number}", "cwd": "/src/shop", "gitBranch": branch, "attributionSkill": skill}
        block = {"type": "tool_use", "id": f"t{number}", "name": "Read", "input": {"path": "x"}}
        refused = {"type": "tool_use", "id": f"u{number}", "name": "Bash", "input": {"command": "rm"}}
        message = {
            "id": f"m{number}", "model": "claude-sonnet-4-5", "content": [block, refused],
            "usage": {"input_tokens": tokens, "cache_read_input_tokens": tokens, "output_tokens": 10},
        }  # fmt: skip
        moment = f"2026-03-0{number}T10:00:0"
        results = [
            {"type": "tool_result", "tool_use_id": f"t{number}", "content": "x" * 400},
            {"type": "tool_result", "tool_use_id": f"u{number}", "is_error": True,
             "content": "The user doesn't want to proceed with this tool use. The tool use was rejected."},
        ]  # fmt: skip
        rows += [
            {**common, "type": "assistant", "timestamp": f"{moment}1Z", "requestId": f"r{number}", "message": message},
            {**common, "type": "user", "timestamp": f"{moment}2Z", "message": {"role": "user", "content": results}},
        ]
    (folder / "s.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert 0 == run(["import", "claude-code", str(folder / "s.jsonl"), "--home", str(folder)])
    return folder


@pytest.fixture
def coding(home: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    """The answer of `coding` as JSON."""

    def call(*arguments: str) -> Any:
        capsys.readouterr()
        assert 0 == run(["coding", "--since", "2026-02", "--home", str(home), "--json", *arguments])
        return json.loads(capsys.readouterr().out)

    return call


@pytest.mark.parametrize(
    ("by", "keys"),
    [
        ("repository", [{"repository": "shop"}]),
        ("branch", [{"branch": "fix"}, {"branch": "main"}]),
        ("session,skill", [{"session": "s2", "skill": "tax"}, {"session": "s1", "skill": None}]),
        ("agent,model", [{"agent": "claude-code", "model": "claude-sonnet-4-5"}]),
    ],
)
def test_costs_are_grouped_by_what_a_person_asks_for(coding: Call, by: str, keys: list[dict[str, str]]) -> None:
    answer = coding("--by", by)
    assert keys == [group["key"] for group in answer["groups"]]
    assert 2 == answer["cost"]["calls"]
    # (1,000 x $3 + 1,000 x $0.30 + 20 x $15) a million each
    assert "0.0036" == answer["cost"]["total_usd"]


def test_the_context_is_told_by_what_filled_it(coding: Call) -> None:
    assert [("Read", 200, 2), ("the model's own answers", 20, 2)] == [
        (each["source"], each["tokens"], each["times"]) for each in coding()["context"]
    ]


def test_refused_tools_are_told_with_their_reason(coding: Call) -> None:
    [refused] = coding()["refused"]
    assert ("Bash", 2, 2) == (refused["tool"], refused["times"], refused["sessions"])
    assert ["Bash: The user doesn't want to proceed with this tool use"] == refused["reasons"]


def test_tables_show_the_same(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == run(["coding", "--since", "2026-02", "--home", str(home), "--by", "branch"])
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("fix", "main", "Read", "Bash", "largest context"))


async def test_an_assistant_is_told_the_same(home: Path) -> None:
    async with Client(build_server(ReadSettings(home=home))) as client:
        told = await client.call_tool("get_coding_summary", {"since": "2026-02", "by": ["branch"]})
    answer = told.structured_content
    assert answer is not None
    assert [{"branch": "fix"}, {"branch": "main"}] == [group["key"] for group in answer["groups"]]
    assert [("Bash", 2)] == [(each["tool"], each["times"]) for each in answer["refused"]]
    assert {"groups[].key", "refused[].reasons[]"} <= set(answer["untrusted"]["fields"])


async def test_the_page_shows_the_same(home: Path) -> None:
    app = build_app(ReadSettings(home=home, rate_limit=0), Address(port=8766))
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8766") as browser:
        page = unescape((await browser.get("/coding?since=2026-02&by=branch")).text)
        wrong = (await browser.get("/coding?by=planet")).text
    for said in ("fix", "main", "What filled the context", "Read", "doesn't want to proceed", "$0.0036"):
        assert said in page
    assert "possible: repository, branch" in wrong


def test_a_dimension_that_there_is_not_names_those_that_are(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == run(["coding", "--home", str(home), "--by", "planet"])
    assert "possible: repository, branch, session, agent, skill, model" in capsys.readouterr().err


def test_what_was_read_is_told(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == run(["import", "claude-code", str(home / "s.jsonl"), "--home", str(home), "--json"])
    assert 0 == json.loads(capsys.readouterr().out)["calls"]


def test_an_import_of_what_is_not_there_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 != run(["import", "codex", str(tmp_path / "gone"), "--home", str(tmp_path)])
    assert "there is no file or folder" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert 0 != run(["import", "codex", str(tmp_path / "empty"), "--home", str(tmp_path)])
    assert "there are no transcripts of codex here" in capsys.readouterr().err

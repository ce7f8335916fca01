"""The commands replay, diff, step and decisions --graph on a recorded session; the pytest fixture."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from airline_agent import scripted_client

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs_read.cli.run import run

pytest_plugins = ["pytester"]

AGENT = '''
from airline_agent import scripted_client
from syndarix_obs import ObservabilityPlatform, Settings

SAYS = {says!r}

def answer(question):
    obs = ObservabilityPlatform(Settings(backend="none", set_global=False))
    client = scripted_client(iter([{{"role": "assistant", "content": "cheaper"}}]))
    with obs.session("a"):
        for words in SAYS:
            client.chat.completions.create(model="gpt-4o", messages=[{{"role": "user", "content": words + question}}])
        obs.call_tool("look", lambda q: q, {{"q": 1}})
    return "done"
'''


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A store with one session: two model calls and a tool."""
    settings = Settings(home=tmp_path, backend="embedded", set_global=False)
    with ObservabilityPlatform(settings) as obs:
        obs.auto_instrument()
        answers = [{"role": "assistant", "content": text} for text in ("one", "two")]
        client = scripted_client(iter(answers))
        with obs.session("a", session_id="s-one") as session:
            for words in ("First: ", "Second: "):
                client.chat.completions.create(
                    model="gpt-4o", messages=[{"role": "user", "content": words + "why?"}],
                    tools=[{"type": "function", "function": {"name": "look"}}],
                )  # fmt: skip
            obs.call_tool("look", lambda q: q, {"q": 1})
            session.outcome("failure")
        assert obs.flush(30)
    return tmp_path


def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: list[str], tools: str = "") -> str:
    """A module with the agent; returns its place."""
    text = AGENT.format(says=says).replace(
        '"content": words + question}]',
        '"content": words + question}], tools=[{"type": "function", "function": {"name": "look"}}]',
    )
    name = f"agent_{abs(hash((str(tmp_path), tuple(says))))}"
    (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    return f"{name}:answer"


def asked(home: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = run([*arguments, "--home", str(home)])
    output = capsys.readouterr()
    return code, output.out + output.err


SAME = ["First: ", "Second: "]


def test_replay_verifies_with_the_recorded_question(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = agent(home, monkeypatch, SAME)
    code, said = asked(home, capsys, "replay", "s-one", "--with", place, "--args", '["why?"]')
    assert (0, True) == (code, "identical" in said), said
    assert "3 of 3 steps" in said


def test_replay_names_the_step_and_exits_with_1(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = agent(home, monkeypatch, ["First: ", "2nd: "])
    code, said = asked(home, capsys, "replay", "s-one", "--with", place, "--args", '["why?"]', "--doctor")
    assert 1 == code
    assert "diverged" in said
    assert "$.input[0].content" in said
    assert "the text itself changed" in said


def test_a_fork_says_what_it_would_have_cost_and_can_be_compared(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = agent(home, monkeypatch, SAME)
    code, text = asked(
        home, capsys, "replay", "s-one", "--with", place, "--args", '["why?"]', "--fork-at", "2", "--live", "llm",
        "--set", "model=gpt-4o-mini", "--json",
    )  # fmt: skip
    report = json.loads(text)
    assert (0, "finished", 2, 1) == (code, report["result"], report["replayed"], report["live_steps"])
    code, said = asked(home, capsys, "diff", "s-one", report["replay_id"])
    assert 0 == code
    assert "$.output[0].content: [-two-] {+cheaper+}" in said
    assert "2 steps are the same, 1 changed" in said


def test_an_export_keeps_the_functions_that_were_named(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _said = asked(home, capsys, "replay", "s-one", "--tool", "shop:ask=llm", "--export", str(home / "a.json"))
    assert 0 == code
    assert {"shop:ask": "llm"} == json.loads((home / "a.json").read_text("utf-8"))["tools_at"]


@pytest.mark.slow
def test_an_exported_session_plays_in_a_test_without_any_store(
    home: Path, capsys: pytest.CaptureFixture[str], pytester: pytest.Pytester
) -> None:
    code, said = asked(home, capsys, "replay", "s-one", "--export", str(pytester.path / "replays" / "why.json"))
    assert (0, True) == (code, "every step can be replayed" in said)
    pytester.makepyfile(
        conftest="import sys; sys.path.insert(0, {!r})".format(str(Path(__file__).parents[2] / "support")),
        test_it=AGENT.format(says=SAME).replace(
            '"content": words + question}]',
            '"content": words + question}], tools=[{"type": "function", "function": {"name": "look"}}]',
        )
        + """

def test_as_recorded(replayed_session):
    with replayed_session("replays/why.json"):
        answer("why?")

def test_changed(replayed_session):
    with replayed_session("replays/why.json"):
        answer("what?")
""",
    )
    plugin = "syndarix_obs.replaying.pytest_plugin"
    loads_itself = any(each.value == plugin for each in entry_points(group="pytest11"))  # when it is installed
    result = pytester.runpytest_subprocess(*([] if loads_itself else ["-p", plugin]), "-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*step 1 (model gpt-4o) is not as recorded at $.input*content*"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--with", "nosuch_module:f"], "cannot be imported"),
        (["--with", "json:nosuch"], "its functions are: "),
        (["--with", "json"], "is not module:function"),
        (["--with", "json:dumps", "--live", "everything"], "--live 'everything' is not known"),
        (["--with", "json:dumps", "--set", "model=x"], "--fork-at"),
        (["--with", "json:dumps", "--fork-at", "1", "--live", "llm", "--set", "model"], "is not name=value"),
        (["--with", "json:dumps", "--fork-at", "1"], "say so with --live llm"),
        (["--with", "json:dumps", "--fork-at", "4", "--live", "llm"], "the session s-one has 3 steps"),
        (["--fork-at", "1", "--live", "llm"], "nothing was named to run"),
        (["--doctor"], "nothing was named to run"),
        (["--with", "builtins:iter"], "give a JSON list with --args"),
        (["--requests-only"], "--live llm"),
        (["--with", "json:dumps", "--args", "{"], "--args is no JSON"),
    ],
)
def test_what_is_wrong_with_a_call_is_said(
    home: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    code, said = asked(home, capsys, "replay", "s-one", *arguments)
    assert (2, True) == (code, words in said), said


def test_a_fork_is_listed_and_stepped_through_with_its_choices(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = agent(home, monkeypatch, SAME)
    _code, text = asked(
        home, capsys, "replay", "s-one", "--with", place, "--args", '["why?"]', "--fork-at", "2", "--live", "llm",
        "--json",
    )  # fmt: skip
    name = json.loads(text)["replay_id"]
    _code, text = asked(home, capsys, "replay", "s-one", "--json")
    assert [(name, "fork", "finished")] == [
        (each["replay_id"], each["mode"], each["result"]) for each in json.loads(text)["replays"]
    ]
    _code, text = asked(home, capsys, "step", name, "2", "--json")
    step = json.loads(text)
    assert (["look", "answer"], "answer", "none") == (step["options"], step["selected"], step["reason_source"])
    assert 0 < step["seconds"] < step["seconds_so_far"] < 60
    code, said = asked(home, capsys, "session", name)
    assert (1, True) == (code, f"`syndarix-obs step {name}` shows it" in said), said


def test_a_session_that_is_not_there_is_said(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = asked(home, capsys, "replay", "s-two", "--with", "json:dumps")
    assert (1, True) == (code, "there is no session 's-two'" in said)


def test_step_shows_what_the_model_saw_and_takes_a_note(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = asked(home, capsys, "step", "s-one")
    assert (0, True) == (code, "3 steps" in said or "3" in said)
    code, said = asked(home, capsys, "step", "s-one", "2", "--annotate", "here it goes wrong", "--label", "bug")
    assert 0 == code
    assert "Second: why?" in said
    assert "answer  over  look" in said
    assert "no reason was given" in said
    _code, text = asked(home, capsys, "step", "s-one", "2", "--json")
    found = json.loads(text)
    assert [("bug", "here it goes wrong")] == [(note["label"], note["note"]) for note in found["notes"]]
    assert (220, ["look", "answer"], "answer") == (found["tokens_so_far"], found["options"], found["selected"])


def test_a_step_beyond_the_end_is_said(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = asked(home, capsys, "step", "s-one", "9")
    assert (1, True) == (code, "has 3 steps" in said)


def test_the_graph_of_one_session_is_its_steps_and_of_many_what_follows_what(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _code, text = asked(home, capsys, "decisions", "--graph", "--session", "s-one", "--json")
    one = json.loads(text)
    assert one["single"] is True
    assert "3 look" in one["mermaid"]
    code, said = asked(home, capsys, "decisions", "--mermaid")
    assert 0 == code
    assert said.startswith("flowchart TD")


def test_tools_and_confidence_have_answers(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _code, text = asked(home, capsys, "decisions", "--tools", "--json")
    found = json.loads(text)
    assert ["look"] == found["never_chosen"]
    assert [(2, 0)] == [(each["offered"], each["chosen"]) for each in found["tools"]]
    code, text = asked(home, capsys, "decisions", "--confidence", "--json")
    assert (0, []) == (code, json.loads(text)["groups"])


def test_requests_are_sent_again_through_a_sender(home: Path) -> None:
    import asyncio

    from syndarix_obs_read.backends.embedded import EmbeddedBackend
    from syndarix_obs_read.replay.load import tape_of
    from syndarix_obs_read.replay.requests_only import Answered, send_again

    async def load() -> Any:
        backend = EmbeddedBackend(home / "store.sqlite3")
        try:
            return await tape_of(backend, "s-one")
        finally:
            await backend.close()

    sent: list[Any] = []

    def send(_step: Any, body: Any) -> Answered:
        sent.append(body)
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "short"}}
        usage = {"prompt_tokens": 10, "completion_tokens": 1, "total_tokens": 11}
        said = {"id": "x", "model": body["model"], "choices": [choice], "usage": usage}
        return Answered(200, json.dumps(said).encode())

    ran = send_again(asyncio.run(load()), {"model": "gpt-4o-mini"}, send)
    assert ["gpt-4o-mini", "gpt-4o-mini"] == [body["model"] for body in sent]
    assert ["First: why?", "Second: why?"] == [body["messages"][0]["content"] for body in sent]
    assert [{"type": "function", "function": {"name": "look"}}] == sent[0]["tools"]
    assert frozenset({1, 2}) == ran.live
    assert all(step.cost_usd for step in ran.run.models())

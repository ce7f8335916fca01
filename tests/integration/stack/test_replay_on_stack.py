"""Replaying a session out of real Loki and Tempo: the same tape, reports and comparisons as from the embedded store."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from airline_agent import scripted_client
from alert_sinks import HOST
from needed_servers import require

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs_read.cli.run import run
from syndarix_obs_stack.launcher import running_stack
from syndarix_obs_stack.options import Options

pytestmark = [pytest.mark.real_servers, pytest.mark.slow]

NAMES = ("loki", "tempo")
WAIT_S = 20
AGENT = """
from airline_agent import scripted_client
from syndarix_obs import ObservabilityPlatform, Settings

def answer(question, first="First: "):
    obs = ObservabilityPlatform(Settings(backend="none", set_global=False))
    client = scripted_client(iter([{"role": "assistant", "content": "cheaper"}]))
    tools = [{"type": "function", "function": {"name": "look"}}]
    with obs.session("a"):
        for words in (first, "Second: "):
            client.chat.completions.create(
                model="gpt-4o", messages=[{"role": "user", "content": words + question}], tools=tools
            )
        obs.call_tool("look", lambda q: q, {"q": 1})
    return "done"

def changed(question):
    return answer(question, "1st: ")
"""


@dataclass(frozen=True)
class Desk:
    """A home with one session in both backends, and the addresses of the servers."""

    home: Path
    loki: str
    tempo: str
    otlp: str


@pytest.fixture(scope="module")
def desk(
    make_options: Callable[[dict[str, str], dict[str, str]], Options], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    require(*NAMES)
    options = make_options({}, {})
    with running_stack(options, only=NAMES):
        home, ports = tmp_path_factory.mktemp("home"), options.ports
        loki, tempo, otlp = (f"http://{HOST}:{port}" for port in (ports.loki, ports.tempo, ports.otlp_http))
        settings = Settings(backend="both", home=home, set_global=False, loki_url=loki, otlp_endpoint=otlp)
        with ObservabilityPlatform(settings) as obs:
            obs.auto_instrument()
            told = [{"role": "assistant", "content": text} for text in ("one", "two: write to ann@example.com")]
            client = scripted_client(iter(told))
            with obs.session("a", session_id="s-one", user="u-1") as session:
                for words in ("First: ", "Second: "):
                    client.chat.completions.create(
                        model="gpt-4o", messages=[{"role": "user", "content": words + "why?"}],
                        tools=[{"type": "function", "function": {"name": "look"}}],
                    )  # fmt: skip
                obs.call_tool("look", lambda q: q, {"q": 1})
                session.outcome("failure")
            assert obs.flush(30)
        (home / "desk_agent.py").write_text(AGENT, "utf-8")
        yield Desk(home, loki, tempo, otlp)


@pytest.fixture
def asked(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, Any]]:
    """A command with `--json` on a backend: exit code and answer."""
    monkeypatch.chdir(desk.home)
    for name, value in (("READ_LOKI_URL", desk.loki), ("READ_TEMPO_URL", desk.tempo), ("OTLP_ENDPOINT", desk.otlp)):
        monkeypatch.setenv(f"SYNDARIX_OBS_{name}", value)

    def ask(backend: str, *arguments: str) -> tuple[int, Any]:
        monkeypatch.setenv("SYNDARIX_OBS_BACKEND", backend)
        capsys.readouterr()
        code = run([*arguments, "--home", str(desk.home), "--json"])
        out = capsys.readouterr()
        return code, json.loads(out.out) if out.out else out.err

    return ask


Ask = Callable[..., tuple[int, Any]]
WITH = ("--with", "desk_agent:answer", "--args", '["why?"]')


def test_both_backends_give_the_same_recording(asked: Ask, desk: Desk) -> None:
    for backend in ("embedded", "stack"):
        code, found = asked(backend, "replay", "s-one", "--export", str(desk.home / f"{backend}.json"))
        assert (0, [], 3) == (code, found["problems"], found["steps"])
    embedded, stack = ((desk.home / f"{name}.json").read_text("utf-8") for name in ("embedded", "stack"))
    assert embedded == stack
    assert "ann@example.com" not in stack


def test_a_session_of_the_stack_is_verified_and_a_change_is_named(asked: Ask) -> None:
    code, found = asked("stack", "replay", "s-one", *WITH)
    assert (0, "identical", 3) == (code, found["result"], found["replayed"]), found
    code, found = asked("stack", "replay", "s-one", "--with", "desk_agent:changed", "--args", '["why?"]', "--doctor")
    first = found["divergences"][0]
    assert (1, "diverged", 1, "$.input[0].content") == (code, found["result"], first["step"], first["path"])


def test_a_step_of_the_stack_is_shown_and_takes_a_note(asked: Ask) -> None:
    code, found = asked("stack", "step", "s-one", "2", "--annotate", "here it goes wrong", "--label", "bug")
    assert (0, ["look", "answer"], "answer", 220) == (
        code, found["options"], found["selected"], found["tokens_so_far"],
    )  # fmt: skip
    found = until(lambda: asked("stack", "step", "s-one", "2")[1], lambda each: each["notes"])
    assert [("bug", "here it goes wrong")] == [(note["label"], note["note"]) for note in found["notes"]]


@pytest.mark.parametrize("backend", ["embedded", "stack"])
def test_a_fork_is_a_session_of_its_own_and_no_work(asked: Ask, backend: str) -> None:
    before = [asked(backend, command)[1] for command in ("sessions", "costs", "agents", "traces")]
    code, report = asked(
        backend, "replay", "s-one", *WITH, "--fork-at", "2", "--live", "llm", "--set", "model=gpt-4o-mini"
    )
    assert (0, "finished", 2, 1, f"the {backend} backend") == (
        code, report["result"], report["replayed"], report["live_steps"], report["saved"],
    )  # fmt: skip
    name = report["replay_id"]
    listed = until(
        lambda: asked(backend, "replay", "s-one")[1]["replays"], lambda each: name in {r["replay_id"] for r in each}
    )
    assert "fork" == next(each["mode"] for each in listed if each["replay_id"] == name)
    code, found = asked(backend, "diff", "s-one", name)
    assert (0, "s-one", (2, 1, 0, 0)) == (
        code, found["after"]["replay_of"], tuple(found[key] for key in ("same", "changed", "added", "removed")),
    )  # fmt: skip
    assert "gpt-4o-mini" in json.dumps(asked(backend, "step", name, "2")[1])
    after = [asked(backend, command)[1] for command in ("sessions", "costs", "agents", "traces")]
    assert [_without_time(each) for each in before] == [_without_time(each) for each in after]


def test_the_recorded_requests_of_the_stack_are_sent_again(asked: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {
        "id": "x",
        "model": "gpt-4o-mini",
        "usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10},
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "short"}}],
    }
    answer = httpx.MockTransport(lambda _request: httpx.Response(200, json=said))
    monkeypatch.setattr(
        openai, "OpenAI", lambda: openai.Client(api_key="k", http_client=httpx.Client(transport=answer))
    )
    code, found = asked("stack", "replay", "s-one", "--requests-only", "--live", "llm", "--set", "model=gpt-4o-mini")
    assert (0, "requests", "finished", 2) == (code, found["mode"], found["result"], found["live_steps"])


def until(ask: Callable[[], Any], arrived: Callable[[Any], Any]) -> Any:
    """The answer once it has arrived."""
    deadline = time.monotonic() + WAIT_S
    while not arrived(found := ask()):
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    return found


def _without_time(answer: Any) -> str:
    return json.dumps({name: value for name, value in answer.items() if name != "period"}, sort_keys=True)

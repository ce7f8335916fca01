"""Playing a recorded session again: what is answered, what is refused, and which step is named."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from airline_agent import scripted_client

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs.errors import Divergence, LiveForbidden, NotReplayable, ReplayError
from syndarix_obs.replaying.session import replaying
from syndarix_obs.replaying.sockets import ConnectionRefusedInReplay
from syndarix_obs.replaying.tape import ModelStep, Tape, ToolStep, from_json, load
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.replay.load import tape_of
from syndarix_obs_read.replay.run import Ran, run

TOOLS = [{"type": "function", "function": {"name": name}} for name in ("search", "refund")]


def asks(*calls: tuple[str, Any]) -> dict[str, Any]:
    wanted = [
        {"id": f"c{at}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
        for at, (name, arguments) in enumerate(calls)
    ]
    return {"role": "assistant", "content": None, "tool_calls": wanted}


class Broken(Exception):
    """A tool's own exception."""


@pytest.fixture
def obs(tmp_path: Path) -> Iterator[ObservabilityPlatform]:
    with ObservabilityPlatform(Settings(home=tmp_path, backend="embedded", set_global=False)) as platform:
        platform.auto_instrument()
        yield platform


def recorded(obs: ObservabilityPlatform, tmp_path: Path, agent: Callable[[Any], Any], *answers: Any) -> Tape:
    """The tape of an agent that is run once, with these answers of its model."""
    client = scripted_client(iter(answers))
    with obs.session("a", session_id="s1"):
        agent(client)
    assert obs.flush(30)

    async def ask() -> Tape:
        backend = EmbeddedBackend(tmp_path / "store.sqlite3")
        try:
            return await tape_of(backend, "s1")
        finally:
            await backend.close()

    return asyncio.run(ask())


def again(obs: ObservabilityPlatform, tape: Tape, agent: Callable[[Any], Any], **options: Any) -> Ran:
    """The agent run along the tape; its provider would say "Done."."""

    def inside() -> Any:
        with obs.session("a", session_id="s1"):
            return agent(scripted_client(iter(())))

    return run(tape, inside, **options)


def simple(obs: ObservabilityPlatform, *, prompt: str = "Find 7.", tool: Any = None) -> Callable[[Any], str]:
    """One tool call, then an answer."""
    body = tool or (lambda q: f"found {q}")

    def agent(client: openai.OpenAI) -> str:
        messages: list[Any] = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": prompt}]
        for _turn in range(2):
            answer = client.chat.completions.create(model="gpt-4o", messages=messages, tools=TOOLS, temperature=0.5)  # type: ignore[call-overload]
            message = answer.choices[0].message
            if not message.tool_calls:
                break
            messages.append(message.model_dump(exclude_none=True))
            for call in message.tool_calls:
                try:
                    result = obs.call_tool(call.function.name, body, json.loads(call.function.arguments))
                except Broken as error:
                    result = f"failed: {error}"
                messages.append({"role": "tool", "tool_call_id": call.id, "content": str(result)})
        return message.content or ""

    return agent


ANSWERS = (asks(("search", {"q": 7})), {"role": "assistant", "content": "It is 7."})


def test_a_session_is_played_again_without_running_its_tools(obs: ObservabilityPlatform, tmp_path: Path) -> None:
    ran: list[int] = []
    tape = recorded(obs, tmp_path, simple(obs), *ANSWERS)
    found = again(obs, tape, simple(obs, tool=lambda q: ran.append(q)))
    assert (None, "It is 7.", []) == (found.error, found.output, ran)
    assert [1, 2, 3] == [step.number for step in tape.steps]


def test_the_first_difference_is_named_with_its_path(obs: ObservabilityPlatform, tmp_path: Path) -> None:
    tape = recorded(obs, tmp_path, simple(obs), *ANSWERS)
    error = again(obs, tape, simple(obs, prompt="Find 8.")).error
    assert isinstance(error, Divergence)
    assert (1, "$.input[1].content", "Find 7.", "Find 8.") == (error.step, error.path, error.recorded, error.live)


@pytest.mark.parametrize(
    ("before", "after", "cause"),
    [
        ("Today is 2026-03-01.", "Today is 2027-03-02.", "clock"),
        ("It is Monday, March 2nd.", "It is Friday, April 3rd.", "clock"),
        ("id 7c9e6679-7425-40de-944b-e07fc1f90ae7", "id 16fd2706-8baf-433b-82eb-8c7fada847da", "random id"),
        ("run job_a8f93kd02m", "run job_9slk2md0x1", "random id"),
        ("Files are in /home/ann/work.", "Files are in /srv/agent/files.", "environment"),
        ("use a, b, c", "use c, a, b", "order"),
        ("Refund it.", "Do not refund it.", "content"),
    ],
)
def test_the_doctor_tells_the_likely_cause(
    obs: ObservabilityPlatform, tmp_path: Path, before: str, after: str, cause: str
) -> None:
    tape = recorded(obs, tmp_path, simple(obs, prompt=before), *ANSWERS)
    error = again(obs, tape, simple(obs, prompt=after)).error
    assert isinstance(error, Divergence)
    assert cause == error.cause


def test_lenient_goes_on_and_reports_every_difference(obs: ObservabilityPlatform, tmp_path: Path) -> None:
    tape = recorded(obs, tmp_path, simple(obs), *ANSWERS)
    found = again(obs, tape, simple(obs, prompt="Find 8."), lenient=True)
    assert None is found.error
    assert [1, 3] == [each.step for each in found.divergences]


def test_a_step_that_nobody_asks_for_fails(obs: ObservabilityPlatform, tmp_path: Path) -> None:
    tape = recorded(obs, tmp_path, simple(obs), *ANSWERS)
    error = again(obs, tape, lambda _client: "nothing").error
    assert isinstance(error, Divergence)
    assert (1, "missing call") == (error.step, error.cause)


def test_a_call_that_was_not_recorded_fails(obs: ObservabilityPlatform, tmp_path: Path) -> None:
    tape = recorded(obs, tmp_path, simple(obs), *ANSWERS)

    def more(client: Any) -> Any:
        simple(obs)(client)
        obs.call_tool("refund", lambda: None, {})

    error = again(obs, tape, more).error
    assert isinstance(error, Divergence)
    assert (4, "extra call") == (error.step, error.cause)


def test_a_broad_except_of_the_agent_does_not_hide_a_divergence(obs: ObservabilityPlatform, tmp_path: Path) -> None:
    tape = recorded(obs, tmp_path, simple(obs), *ANSWERS)

    def careless(client: Any) -> str:
        try:
            return simple(obs, prompt="Find 8.")(client)
        except Exception:  # noqa: BLE001 - what many agents do
            return "sorry"

    assert isinstance(again(obs, tape, careless).error, Divergence)


def test_a_tool_that_failed_fails_again_with_its_own_exception(obs: ObservabilityPlatform, tmp_path: Path) -> None:
    def fails(q: int) -> None:
        raise Broken(f"no {q}")

    tape = recorded(obs, tmp_path, simple(obs, tool=fails), *ANSWERS)
    assert None is again(obs, tape, simple(obs)).error


def test_a_tool_block_is_refused_before_its_body_runs(obs: ObservabilityPlatform, tmp_path: Path) -> None:
    tape, ran = recorded(obs, tmp_path, simple(obs), *ANSWERS), []

    def blocks(_client: Any) -> None:
        with obs.tool("search"):
            ran.append(1)

    error = again(obs, tape, blocks).error
    assert isinstance(error, LiveForbidden)
    assert "@obs.tool_call" in str(error)
    assert [] == ran


def test_an_allowed_tool_runs_and_is_part_of_the_run(obs: ObservabilityPlatform, tmp_path: Path) -> None:
    tape, ran = recorded(obs, tmp_path, simple(obs), *ANSWERS), []
    client = scripted_client(iter([asks(("refund", {"q": 1})), {"role": "assistant", "content": "Paid."}]))
    agent = simple(obs, tool=lambda q: ran.append(q) or "paid")
    found = run(tape, lambda: agent(client), fork_at=1, live=("llm",), allow=("refund",))
    assert (None, [1]) == (found.error, ran)
    assert ["model", "tool", "model"] == [step.kind for step in found.run.steps]


def test_parallel_tools_match_in_whatever_order_they_come(obs: ObservabilityPlatform, tmp_path: Path) -> None:
    both = threading.Barrier(2)

    def parallel(names: list[str], wait: bool) -> Callable[[Any], str]:
        def agent(client: Any) -> str:
            client.chat.completions.create(model="m", messages=[{"role": "user", "content": "go"}])
            jobs = [threading.Thread(target=obs.bind(work), args=(name, wait)) for name in names]
            for job in jobs:
                job.start()
                if not wait:
                    job.join()
            for job in jobs:
                job.join()
            return "ok"

        return agent

    def work(name: str, wait: bool) -> None:
        obs.call_tool("search", lambda q: both.wait(5) if wait else q, {"q": name})

    tape = recorded(obs, tmp_path, parallel(["a", "b"], True), {"role": "assistant", "content": "hm"})
    assert None is again(obs, tape, parallel(["b", "a"], False)).error


def test_sequential_tools_in_another_order_are_a_divergence(obs: ObservabilityPlatform, tmp_path: Path) -> None:
    def agent(names: str) -> Callable[[Any], Any]:
        def inside(client: Any) -> None:
            client.chat.completions.create(model="m", messages=[{"role": "user", "content": "go"}])
            for name in names:
                obs.call_tool("search", lambda q: q, {"q": name})

        return inside

    tape = recorded(obs, tmp_path, agent("ab"), {"role": "assistant", "content": "hm"})
    error = again(obs, tape, agent("ba")).error
    assert isinstance(error, Divergence)
    assert (2, "$.arguments.q", "a", "b") == (error.step, error.path, error.recorded, error.live)


def test_no_connection_leaves_and_afterwards_all_is_as_before(obs: ObservabilityPlatform, tmp_path: Path) -> None:
    tape = recorded(obs, tmp_path, simple(obs), *ANSWERS)
    before = socket.socket.connect

    def curious(client: Any) -> str:
        for reach in (
            lambda: socket.create_connection(("127.0.0.1", 9), timeout=1),
            lambda: httpx.get("http://127.0.0.1:9/"),
            lambda: urllib.request.urlopen("http://127.0.0.1:9/", timeout=1),
        ):
            with pytest.raises(Exception, match="nothing is live in a replay"):
                reach()
        return simple(obs)(client)

    assert None is again(obs, tape, curious).error
    assert before is socket.socket.connect
    assert issubclass(ConnectionRefusedInReplay, OSError)


async def test_an_async_agent_with_an_async_client_is_played_again(obs: ObservabilityPlatform, tmp_path: Path) -> None:
    def answering(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={
            "id": "x", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}})  # fmt: skip

    async def look(q: int) -> str:
        return f"seen {q}"

    async def agent() -> str:
        transport = httpx.MockTransport(answering)
        client = openai.AsyncOpenAI(api_key="k", http_client=httpx.AsyncClient(transport=transport))
        with obs.session("a", session_id="s1"):
            said = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "go"}])
            return f"{said.choices[0].message.content} {await obs.call_tool('look', look, {'q': 1})}"

    assert "hi seen 1" == await agent()
    obs.flush()
    backend = EmbeddedBackend(tmp_path / "store.sqlite3")
    tape = await tape_of(backend, "s1")
    await backend.close()
    with replaying(tape):
        assert "hi seen 1" == await agent()


def test_a_functions_place_is_enough_where_it_is_not_decorated(obs: ObservabilityPlatform, tmp_path: Path) -> None:
    tape = Tape("s", [ToolStep(number=1, tool="dumps", arguments={"obj": 1}, result="recorded")])
    with replaying(tape, tools_at={"json:dumps": "dumps"}):
        assert "recorded" == json.dumps(1)
    assert "1" == json.dumps(1)


def test_a_file_names_the_functions_that_it_answers_for(tmp_path: Path) -> None:
    steps: list[Any] = [ToolStep(number=1, tool="dumps", arguments={"obj": 1}, result="recorded")]
    Tape("s", steps, tools_at={"json:dumps": "dumps"}).save(tmp_path / "s.json")
    with replaying(tmp_path / "s.json"):
        assert "recorded" == json.dumps(1)


def test_a_function_that_does_not_exist_is_named() -> None:
    tape = Tape("s", [ToolStep(number=1, tool="t")])
    message = "there is no function 'json:nosuch'"
    with pytest.raises(ReplayError, match=message), replaying(tape, tools_at={"json:nosuch": "t"}):
        pass


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (ModelStep(number=1, endpoint="chat.completions", output=[]), "its recorded answer is empty"),
        (ModelStep(number=1, endpoint="chat.completions", problem="truncated"), "cannot be replayed: truncated"),
        (ModelStep(number=1, endpoint="embeddings"), "neither its vectors nor their size"),
    ],
)
def test_a_step_without_an_answer_says_so_and_does_not_pass(step: ModelStep, words: str) -> None:
    step.request = {"input": [{"role": "user", "content": "x"}]}
    body: Any = {"model": "m", "messages": step.request["input"]}
    if step.endpoint == "embeddings":
        step.request, body = {"input": "x"}, {"model": "m", "input": "x"}

    def ask() -> None:
        client = scripted_client(iter(()))
        (client.embeddings if step.endpoint == "embeddings" else client.chat.completions).create(**body)

    error = run(Tape("s", [step]), ask).error
    assert isinstance(error, NotReplayable)
    assert words in str(error)


def test_what_was_truncated_is_not_replayable(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, backend="embedded", set_global=False, max_payload_bytes=1_000)
    with ObservabilityPlatform(settings) as obs:
        obs.auto_instrument()
        tape = recorded(obs, tmp_path, simple(obs, prompt="x" * 5_000), *ANSWERS)
    assert ["truncated" in str(step.problem) for step in tape.models()] == [True, True]


def test_without_content_every_step_says_why(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, backend="embedded", set_global=False, capture="metadata")
    with ObservabilityPlatform(settings) as obs:
        obs.auto_instrument()
        tape = recorded(obs, tmp_path, simple(obs), *ANSWERS)
    assert all("content was not kept" in str(step.problem) for step in tape.steps)


def test_a_files_form_and_its_errors_are_told(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match="there is no recording"):
        load(tmp_path / "none.json")
    with pytest.raises(ReplayError, match="is no recording"):
        from_json("{}")
    with pytest.raises(NotReplayable, match="has no steps"):
        from_json('{"format": 1, "session_id": "s", "steps": []}')
    with pytest.raises(ReplayError, match="newer version"):
        from_json('{"format": 99, "session_id": "s", "steps": []}')


def test_a_saved_run_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    Tape("s", [ToolStep(number=1, tool="t")]).save(tmp_path / "s.json")
    assert 0o600 == (tmp_path / "s.json").stat().st_mode & 0o777

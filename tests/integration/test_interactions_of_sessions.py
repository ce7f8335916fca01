"""60 real sessions as sequences, conversations and steps: every arrow, utterance and step is a record, and every
record is there, in JSON and as drawn.

What is expected is worked out from the conversations themselves, not from what was stored.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from test_tau_bench import Conversation, conversation, drive

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs.store.location import store_path
from syndarix_obs_read.answers.walk import walk
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.serving.address import Address
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.web.app import build_app

Step = tuple[str, str, str]
AGENT = "agent:airline"
SESSIONS = 60
_SAID = re.compile(r'<li class="utterance u-(\w+)(?: is-error)?"[^>]*><p class="who"><b>([^<]+)</b>')
_MASKED = "[REDACTED"
_ARROW = re.compile(
    r'<g class="arrow [^"]*" data-kind="(\w+)" data-from="([^"]+)" data-to="([^"]+)" data-count="(\d+)"'
)


@pytest.fixture(scope="module")
def conversations(shared_data: Path) -> list[Conversation]:
    """What was said."""
    path = shared_data / "tau_bench_airline_gpt4o.jsonl"
    if not path.is_file():
        pytest.skip(f"{path.name} is not on this machine")
    return [conversation(json.loads(line)) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def home(conversations: list[Conversation], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with all of them."""
    folder = tmp_path_factory.mktemp("airline")
    obs = ObservabilityPlatform(Settings(home=folder, backend="embedded", set_global=False))
    for one in conversations:
        drive(obs, one)
        assert obs.flush(60)
    assert obs.shutdown(60)
    return folder


@pytest.fixture
async def client(home: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Asks an explorer over it."""
    app = build_app(ReadSettings(home=home, rate_limit=0), Address(port=8766))
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8766") as found:
        yield found


def expected(one: Conversation) -> Iterator[Step]:
    """What passed, in order: each message of user and agent, each call and its result."""
    last = max(at for at, message in enumerate(one.messages) if message["role"] == "assistant")
    for at, message in enumerate(one.messages):
        if message["role"] == "user" and at < last:
            yield "said", "user", AGENT
        elif message["role"] == "assistant" and not message.get("tool_calls"):
            yield "answered", AGENT, "user"
        elif message["role"] == "tool":
            asked = {call["id"]: call["function"]["name"] for call in one.messages[at - 1]["tool_calls"]}
            tool = f"tool:{asked[message['tool_call_id']]}"
            yield "called", AGENT, tool
            yield "returned", tool, AGENT


def unfolded(arrows: Iterable[tuple[Step, int, Any]]) -> list[Step]:
    """Arrows with the repeats taken apart again: (step, how often, block) → steps."""
    found: list[Step] = []
    for _, group in groupby(arrows, key=lambda each: each[2]):
        drawn = list(group)
        found += [step for step, _, _ in drawn] * (drawn[0][1] if drawn[0][2] is not None else 1)
    return found


def drawn(page: str) -> list[tuple[Step, int, Any]]:
    """The arrows of the page's SVG, from their attributes alone."""
    return [((kind, source, target), int(count), None) for kind, source, target, count in _ARROW.findall(page)]


async def test_what_is_said_in_json_is_what_was_said_in_the_same_order(
    client: httpx.AsyncClient, conversations: list[Conversation]
) -> None:
    wrong = []
    for one in conversations:
        answer = (await client.get("/interactions.json", params={"run": one.session_id, "limit": 1_000})).json()
        arrows = [((m["kind"], m["source"], m["target"]), m["count"], m["block"]) for m in answer["messages"]]
        if unfolded(arrows) != list(expected(one)):
            wrong.append(one.session_id)
        sums = {(e["kind"], e["source"], e["target"]): e["count"] for e in answer["edges"]}
        assert Counter(expected(one)) == sums
        assert len(one.of("assistant")) == answer["model_calls"] == sum(m["model_calls"] for m in answer["messages"])

    assert [] == wrong
    assert SESSIONS == len(conversations)


async def test_what_is_drawn_is_what_was_said(client: httpx.AsyncClient, conversations: list[Conversation]) -> None:
    missing: Counter[Step] = Counter()
    extra: Counter[Step] = Counter()
    for one in conversations:
        page = await client.get("/interactions", params={"run": one.session_id, "limit": 1_000})
        found: Counter[Step] = Counter()
        for step, count, _ in drawn(page.text):
            found[step] += count
        missing += Counter(expected(one)) - found
        extra += found - Counter(expected(one))

    assert {} == dict(missing)
    assert {} == dict(extra)


async def test_the_flow_has_an_edge_for_each_step_and_no_other(
    client: httpx.AsyncClient, conversations: list[Conversation]
) -> None:
    names = {"said": "user speaks", "answered": "answer"}
    for one in conversations:
        steps = [names.get(kind) or target.partition(":")[2] for kind, _, target in expected(one) if kind != "returned"]
        whole = ["(start)", *steps, "(end)"]
        answer = (await client.get("/interactions.json", params={"run": one.session_id})).json()
        flow = {(e["before"], e["after"]): e["count"] for e in answer["flow"]}
        assert Counter(pairwise(whole)) == flow


def told(one: Conversation) -> Iterator[tuple[str, str, Any]]:
    """What the page of a session says, in order: role, who, and the text where it is one."""
    last = max(at for at, message in enumerate(one.messages) if message["role"] == "assistant")
    asked: dict[str, str] = {}
    for at, message in enumerate(one.messages):
        asked |= {call["id"]: call["function"]["name"] for call in message.get("tool_calls") or ()}
        if message["role"] == "system":
            yield "instructions", "instructions", message["content"]
        elif message["role"] == "user" and at < last:
            yield "user", "user", message["content"]
        elif message["role"] == "assistant":
            yield "agent", "airline", message["content"]
        elif message["role"] == "tool":
            yield "tool", asked[message["tool_call_id"]], None


async def test_a_session_reads_as_the_conversation_that_it_was(
    client: httpx.AsyncClient, conversations: list[Conversation]
) -> None:
    wrong, texts = [], 0
    for one in conversations:
        said = (await client.get("/session.json", params={"id": one.session_id, "limit": 1_000})).json()["conversation"]
        page = (await client.get("/session", params={"id": one.session_id, "limit": 1_000})).text
        every = list(told(one))
        if [(role, who) for role, who, _ in every] != [(each["role"], each["who"]) for each in said["utterances"]]:
            wrong.append(f"{one.session_id} in JSON")
        if [(role, who) for role, who, _ in every] != _SAID.findall(page):
            wrong.append(f"{one.session_id} as drawn")
        for (_, _, text), each in zip(every, said["utterances"], strict=False):
            shown = "".join(part["value"] for part in each["parts"] if part["kind"] == "text")
            if text and _MASKED not in shown:
                texts += 1
                assert text == shown

    assert [] == wrong
    assert texts > 400, "most texts have nothing that is masked"


async def test_a_session_is_stepped_through_call_by_call(
    home: Path, client: httpx.AsyncClient, conversations: list[Conversation]
) -> None:
    backend = EmbeddedBackend(store_path(home))
    for one in conversations:
        found = await walk(backend, ReadSettings(home=home), one.session_id, None)
        calls = [
            ("model", "gpt-4o") if message["role"] == "assistant" else ("tool", name)
            for message, name in called(one)
        ]  # fmt: skip
        assert calls == [(each.kind, each.title) for each in found.steps], one.session_id
        last = (await client.get("/walk.json", params={"run": one.session_id, "n": len(calls)})).json()
        assert (len(calls), len(calls)) == (last["number"], last["total_steps"])
        assert calls[-1] == (last["kind"], last["title"])
    await backend.close()


def called(one: Conversation) -> Iterator[tuple[Mapping[str, Any], str]]:
    """The calls of models and tools in order, each with the tool's name."""
    names: dict[str, str] = {}
    for message in one.messages:
        names |= {call["id"]: call["function"]["name"] for call in message.get("tool_calls") or ()}
        if message["role"] in ("assistant", "tool"):
            yield message, names.get(message.get("tool_call_id", ""), "")

"""60 real sessions as sequence diagrams: every arrow is a record and every record an arrow, in JSON and in SVG.

What is expected is worked out from the conversations themselves, not from what was stored.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from test_tau_bench import Conversation, conversation, drive

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs_read.serving.address import Address
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.web.app import build_app

Step = tuple[str, str, str]
AGENT = "agent:airline"
SESSIONS = 60
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

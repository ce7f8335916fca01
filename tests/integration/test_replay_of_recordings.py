"""Every recorded exchange of real providers, recorded and played again through the real client: the same object comes.

The client parses both times. Streams are put together by the test, without code of ours, because pieces are cut anew.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from provider_playback import Exchange, exchanges, sync_create

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs.errors import NotReplayable
from syndarix_obs.redaction.step import Redactor
from syndarix_obs.replaying.session import replaying
from syndarix_obs.replaying.tape import ModelStep, Tape
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.replay.load import tape_of

REFUSED_BY_THE_CLIENT = {"98ed7f51249f"}
"""Asks for `output_format`, which today's client of Anthropic does not know any more."""
ALL = {exchange.id: exchange for exchange in exchanges() if exchange.id not in REFUSED_BY_THE_CLIENT}
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not ALL, reason="../shared/data/provider_recordings.jsonl is not on this machine"),
    pytest.mark.filterwarnings("ignore:The model .* is deprecated"),
    pytest.mark.filterwarnings("ignore:Pydantic serializer warnings"),  # vectors in base64, where it expects numbers
]


@dataclass(frozen=True)
class World:
    obs: ObservabilityPlatform
    heard: dict[str, Any]
    tapes: dict[str, Tape]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """What each exchange gave, and its tape."""
    home = tmp_path_factory.mktemp("recordings")
    with ObservabilityPlatform(Settings(home=home, backend="embedded", set_global=False)) as obs:
        obs.auto_instrument()
        heard = {}
        for exchange in ALL.values():
            with obs.session("a", session_id=exchange.id):
                heard[exchange.id] = hear(exchange)
        assert obs.flush(60)
        yield World(obs, heard, asyncio.run(tapes_of(home)))


async def tapes_of(home: Path) -> dict[str, Tape]:
    backend = EmbeddedBackend(home / "store.sqlite3")
    try:
        return {name: await tape_of(backend, name) for name in ALL}
    finally:
        await backend.close()


def hear(exchange: Exchange) -> Any:
    """What the client makes of the answer: one object, the object of a stream, or its exception."""
    try:
        result = sync_create(exchange)(**exchange.request)
        if not exchange.stream:
            return plain(result)
        return WHOLE[exchange.endpoint]([plain(event) for event in result])
    except (openai.APIStatusError, anthropic.APIStatusError) as error:
        return {"class": type(error).__name__, "status": error.status_code, "body": error.body}


def again(world: World, exchange: Exchange, tape: Tape | None = None) -> Any:
    """The same out of the record: the provider's own answer is out of reach, because nothing is live."""
    with replaying(tape or world.tapes[exchange.id]), world.obs.session("a"):
        return hear(exchange)


def plain(given: Any) -> Any:
    return given.model_dump(mode="json")


def of_chat(events: list[Any]) -> Any:
    """Chunks as one answer: texts and arguments joined, the last of everything else."""
    found: dict[str, Any] = {}
    for event in events:
        merged(found, {name: value for name, value in event.items() if name != "choices"})
        for choice in event["choices"]:
            merged(found.setdefault("choices", {}).setdefault(choice["index"], {}), choice)
    return found


def merged(found: dict[str, Any], new: dict[str, Any]) -> None:
    for name, value in new.items():
        if value is None or name in ("index", "obfuscation"):  # padding of one piece, which says nothing
            continue
        if isinstance(value, dict):
            merged(found.setdefault(name, {}), value)
        elif name == "tool_calls":
            for call in value:
                merged(found.setdefault(name, {}).setdefault(call["index"], {}), call)
        elif name in ("content", "arguments", "refusal"):
            found[name] = found.get(name, "") + value
        else:
            found[name] = value


def of_messages(events: list[Any]) -> Any:
    """Anthropic's events as one message."""
    found: dict[str, Any] = {}
    for event in events:
        kind = event["type"]
        if kind == "message_start":
            found = {**event["message"], "content": {}}
        elif kind == "content_block_start":
            found["content"][event["index"]] = {**event["content_block"], "input_json": ""}
        elif kind == "content_block_delta":
            block = found["content"][event["index"]]
            for name, value in event["delta"].items():
                if name in ("text", "thinking", "signature", "partial_json"):
                    at = "input_json" if name == "partial_json" else name
                    block[at] = block.get(at, "") + value
                elif name == "citation":
                    block["citations"] = [*(block.get("citations") or ()), value]
        elif kind == "message_delta":
            merged(found, event["delta"])
            merged(found["usage"], event["usage"])
    for block in found["content"].values():
        text = block.pop("input_json")
        if text:
            block["input"] = json.loads(text)
    return found


WHOLE = {
    "/v1/chat/completions": of_chat, "/v1/messages": of_messages,
    "/v1/responses": lambda events: {"ends": events[-1]["type"], **events[-1]["response"]},
}  # fmt: skip


def comparable(heard: Any) -> Any:
    """Vectors by their number and size, which is all that is kept of them; what is secret masked, as it is kept."""
    if isinstance(heard, dict) and heard.get("object") == "list":
        sizes = [len(each["embedding"]) for each in heard["data"]]
        return {**heard, "data": sizes}
    return Redactor("all").value(heard)


@pytest.mark.parametrize("kind", ["/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1/embeddings"])
def test_the_real_client_gets_the_same_object_out_of_the_record(world: World, kind: str) -> None:
    chosen = [exchange for exchange in ALL.values() if exchange.endpoint == kind]
    different = {
        exchange.id for exchange in chosen
        if comparable(world.heard[exchange.id]) != comparable(again(world, exchange))
    }  # fmt: skip
    assert set() == different


def test_every_recording_but_the_one_that_the_client_refuses_was_played(world: World) -> None:
    assert {exchange.id for exchange in exchanges()} - REFUSED_BY_THE_CLIENT == set(world.tapes)
    assert 174 == len(world.tapes)


def test_another_answer_would_have_been_noticed(world: World) -> None:
    """The comparison is not empty: one changed word, argument or count in the record is another object."""
    for exchange in ALL.values():
        tape = world.tapes[exchange.id]
        (step,) = tape.models()
        if exchange.endpoint == "/v1/embeddings" or step.status == "error":
            continue
        other = replace(tape, steps=[changed(step)])
        assert comparable(world.heard[exchange.id]) != comparable(again(world, exchange, other)), exchange.id


def changed(step: ModelStep) -> ModelStep:
    return replace(step, response={**step.response, "model": "another"}, model="another")


def test_an_empty_recorded_body_fails(world: World) -> None:
    for exchange in ALL.values():
        tape = world.tapes[exchange.id]
        (step,) = tape.models()
        if exchange.endpoint == "/v1/embeddings" or step.status == "error":
            continue
        for nothing in (None, [], ""):
            with pytest.raises(NotReplayable, match="answer is empty"):
                again(world, exchange, replace(tape, steps=[replace(step, output=nothing)]))

"""Who spoke to whom: what is drawn of a run is what was recorded, no more and no less."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs_read.answers.exchanges import answers, said_by_user
from syndarix_obs_read.answers.interactions import Interactions, interactions
from syndarix_obs_read.answers.repeats import collapse
from syndarix_obs_read.answers.sequence_text import Arrow, sequence_text
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.backends.rows import StoredRecord
from syndarix_obs_read.errors import NotFound

USER = {"role": "user", "content": "Where is my order?"}
ASKS = {"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "search", "arguments": "{}"}}]}


def say(obs: ObservabilityPlatform, told: list[Any], answer: dict[str, Any]) -> None:
    """A call of a model."""
    with obs.llm(provider="openai", model="gpt-4o", messages=told) as call:
        call.response([answer], usage={"input_tokens": 10, "output_tokens": 2})


def run(obs: ObservabilityPlatform) -> None:
    """A desk that searches three times, has a sub-agent refund through a tool, and answers."""
    told: list[Any] = [USER]
    with obs.session(agent="desk", session_id="s-1"):
        for number in range(3):
            say(obs, told, ASKS)
            with obs.tool("search", arguments={"page": number}) as tool:
                tool.result({"rows": number})
            told = [*told, ASKS, {"role": "tool", "tool_call_id": "1", "content": "none"}]
        say(obs, told, ASKS)
        with obs.tool("hand_over"), obs.session(agent="refunds"):
            say(obs, [{"role": "user", "content": "Refund A-1"}], {"role": "assistant", "content": "paid"})
        with pytest.raises(ValueError, match="gone"), obs.tool("search"):
            raise ValueError("gone")
        say(obs, told, {"role": "assistant", "content": "It is on its way."})
        told = [*told, {"role": "user", "content": "Thanks"}]
        say(obs, told, {"role": "assistant", "content": "You are welcome."})


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the run."""
    folder = tmp_path_factory.mktemp("talk")
    with ObservabilityPlatform(Settings(home=folder, backend="embedded", set_global=False)) as obs:
        run(obs)
    return folder


@pytest.fixture
async def backend(home: Path) -> AsyncIterator[EmbeddedBackend]:
    """The store's backend."""
    found = EmbeddedBackend(home / "store.sqlite3")
    yield found
    await found.close()


@pytest.fixture
async def found(backend: EmbeddedBackend) -> Interactions:
    """The run's interactions."""
    return await interactions(backend, "s-1")


def test_everything_that_passed_is_drawn_in_order_and_repeats_are_put_together(found: Interactions) -> None:
    assert [
        ("said", "user", "agent:desk", 1, 0),
        ("called", "agent:desk", "tool:search", 3, 3),
        ("returned", "tool:search", "agent:desk", 3, 0),
        ("called", "agent:desk", "tool:hand_over", 1, 1),
        ("ordered", "tool:hand_over", "agent:refunds", 1, 0),
        ("reported", "agent:refunds", "tool:hand_over", 1, 1),
        ("returned", "tool:hand_over", "agent:desk", 1, 0),
        ("called", "agent:desk", "tool:search", 1, 0),
        ("returned", "tool:search", "agent:desk", 1, 0),
        ("answered", "agent:desk", "user", 1, 1),
        ("said", "user", "agent:desk", 1, 0),
        ("answered", "agent:desk", "user", 1, 1),
    ] == [(each.kind, each.source, each.target, each.count, each.model_calls) for each in found.messages]


def test_a_failed_call_is_not_put_together_with_those_that_went_well(found: Interactions) -> None:
    assert [0, 1] == [e.failed for e in found.messages if (e.kind, e.source) == ("returned", "tool:search")]


def test_every_call_of_a_model_is_counted_once(found: Interactions) -> None:
    assert 7 == found.model_calls == sum(each.model_calls for each in found.messages)
    assert found.tokens == sum(each.tokens for each in found.messages) == 84


async def test_sums_between_two_participants_hold_where_the_list_is_cut(
    backend: EmbeddedBackend, found: Interactions
) -> None:
    cut = await interactions(backend, "s-1", limit=2)
    assert found.edges == cut.edges
    assert (2, True, 12) == (len(cut.messages), cut.more, cut.total)
    assert "10 later" in cut.hints[0]


def test_the_flow_goes_from_the_first_to_the_last_thing_done(found: Interactions) -> None:
    edges = {(each.before, each.after): (each.count, each.failed) for each in found.flow}
    assert (2, 0) == edges["search", "search"]
    assert (1, 1) == edges["refunds", "search"]
    assert (1, 0) == edges["(start)", "user speaks"] == edges["answer", "(end)"]


def test_mermaid_text_has_a_loop_for_what_was_repeated(found: Interactions) -> None:
    lines = found.mermaid.splitlines()
    assert ["sequenceDiagram", "  actor p0 as user", "  participant p1 as desk"] == lines[:3]
    assert "  loop 3 times" in lines
    assert "    p1->>p2: search: {#quot;page#quot;: 0}" in lines


async def test_a_trace_can_be_asked_for_like_a_session(backend: EmbeddedBackend, found: Interactions) -> None:
    trace = found.messages[0].trace_id
    assert found.edges == (await interactions(backend, trace[:12])).edges


async def test_what_is_neither_is_an_error_with_the_next_step(backend: EmbeddedBackend) -> None:
    with pytest.raises(NotFound, match="no-such-run"):
        await interactions(backend, "no-such-run")


def test_results_of_tools_in_the_users_name_are_not_the_users_words() -> None:
    result = {"type": "tool_result", "content": "3 rows"}
    assert ["", "go on", "", "hi"] == [
        said_by_user(message)
        for message in (
            {"role": "user", "content": [result]},
            {"role": "user", "content": [result, {"type": "text", "text": "go on"}]},
            {"role": "assistant", "content": "hello"},
            "hi",
        )
    ]


@pytest.mark.parametrize(
    ("output", "finish", "expected"),
    [
        ([ASKS], "tool_calls", False),
        ([{"role": "assistant", "content": [{"type": "tool_use", "name": "search", "input": {}}]}], "", False),
        ([{"role": "assistant", "content": "Yes."}], "", True),
        (None, "stop", True),
        (None, "tool_use", False),
        (None, "", False),
    ],
)
def test_a_call_of_a_model_that_asks_for_tools_is_no_answer(output: Any, finish: str, expected: bool) -> None:
    payload = {} if output is None else {"output": output}
    assert expected is answers(StoredRecord({"finish_reason": finish}, payload=payload))


def test_the_shortest_stretch_that_comes_again_is_put_together() -> None:
    blocks = collapse("abababcabcd", key=lambda letter: letter)
    assert [(3, "ab"), (1, "c"), (1, "a"), (1, "b"), (1, "c"), (1, "d")] == [
        (block.times, "".join(part[0] for part in block.parts)) for block in blocks
    ]


def test_what_stands_alone_is_never_put_together() -> None:
    blocks = collapse("aabb", key=lambda letter: letter, alone=lambda letter: letter == "a")
    assert [1, 1, 2] == [block.times for block in blocks]


def test_text_cannot_end_a_line_of_mermaid() -> None:
    drawn = sequence_text({"user": "u", "tool:x": 'a"b'}, [Arrow("user", "tool:x", "1; end\n#x", failed=True)])
    assert "  p0-xp1: 1#59; end #35;x" == drawn.splitlines()[-1]

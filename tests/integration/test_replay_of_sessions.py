"""All 60 real airline sessions: recorded, played again, changed in one place, forked at each step. Nothing is live."""

from __future__ import annotations

import asyncio
import copy
import json
import random
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from airline_agent import Script, run_agent, scripted_client, tools_of

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs.errors import Divergence, LiveForbidden
from syndarix_obs.redaction.step import Redactor
from syndarix_obs.replaying.tape import ModelStep, Tape, ToolStep, from_json
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.replay.load import tape_of
from syndarix_obs_read.replay.run import Ran, run

pytestmark = pytest.mark.slow

YEAR_S = 365 * 86_400


@dataclass(frozen=True)
class World:
    obs: ObservabilityPlatform
    scripts: list[Script]
    pairs: list[Script]
    tools: list[Any]
    tapes: dict[str, Tape]


@pytest.fixture(scope="module")
def world(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    text = (shared_data / "tau_bench_airline_gpt4o.jsonl").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    scripts = [
        Script(f"airline-{line['task_id']}-{line['trial']}", "success" if line["reward"] == 1 else "failure",
               line["messages"])
        for line in lines
    ]  # fmt: skip
    pairs = [pair for script in scripts[::4] if (pair := with_two_calls_at_once(script)) is not None]
    home, tools = tmp_path_factory.mktemp("replays"), tools_of(scripts)
    with ObservabilityPlatform(Settings(home=home, backend="embedded", set_global=False)) as obs:
        obs.auto_instrument()
        for script in (*scripts, *pairs):
            run_agent(obs, scripted_client(script.said("assistant")), tools, script)
        assert obs.flush(60)
        tapes = asyncio.run(load_all(home, [script.session_id for script in (*scripts, *pairs)]))
        yield World(obs, scripts, pairs, tools, tapes)


def with_two_calls_at_once(script: Script) -> Script | None:
    """The session with two calls that followed each other asked for in one answer; None where there are none."""
    said = script.messages
    for at in range(len(said) - 3):
        first, result, second, other = said[at : at + 4]
        roles = [first["role"], result["role"], second["role"], other["role"]]
        if ["assistant", "tool"] * 2 == roles:
            both = {**first, "tool_calls": [*first["tool_calls"], *second["tool_calls"]]}
            if both["tool_calls"][0]["function"] != both["tool_calls"][1]["function"]:
                name = f"{script.session_id}-pair"
                return Script(name, script.outcome, [*said[:at], both, result, other, *said[at + 4 :]])
    return None


async def load_all(home: Path, names: list[str]) -> dict[str, Tape]:
    backend = EmbeddedBackend(home / "store.sqlite3")
    try:
        return {name: await tape_of(backend, name) for name in names}
    finally:
        await backend.close()


def again(world: World, script: Script, mutate: Any = None, **options: Any) -> tuple[Ran, Script]:
    """The agent once more, along its tape; its provider would fail the test."""
    changed = copy.replace(script, canary=[]) if hasattr(copy, "replace") else Script(**{**vars(script), "canary": []})
    if mutate is not None:
        changed.mutate = mutate
    client = scripted_client(iter(()))
    tape = world.tapes[script.session_id]
    return run(tape, lambda: run_agent(world.obs, client, world.tools, changed), **options), changed


def said(tape: Tape) -> list[Any]:
    """Tool sequence with arguments, and every answer."""
    return [
        (step.tool, step.arguments, step.result) if isinstance(step, ToolStep) else step.output for step in tape.steps
    ]


def test_every_session_is_verified_offline_and_a_year_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall, nanos = time.time, time.time_ns
    monkeypatch.setattr(time, "time", lambda: wall() + YEAR_S)
    monkeypatch.setattr(time, "time_ns", lambda: nanos() + YEAR_S * 10**9)
    for script in world.scripts:
        ran, played = again(world, script)
        assert None is ran.error, f"{script.session_id}: {ran.error}"
        assert said(world.tapes[script.session_id]) == said(ran.run)
        assert [] == played.canary


def test_a_tape_is_the_same_through_its_file(world: World) -> None:
    for tape in world.tapes.values():
        assert tape.to_json() == from_json(tape.to_json()).to_json()


def steps_of(tape: Tape, kind: type) -> list[int]:
    return [step.number for step in tape.steps if isinstance(step, kind)]


def mutations(tape: Tape, chance: random.Random) -> dict[str, tuple[int, int]]:
    """For each kind of change: where it is made, and the step that has to be named."""
    tools = steps_of(tape, ToolStep)
    heard = [1] + [
        following.number
        for step, following in zip(tape.steps, tape.steps[1:], strict=False)
        if isinstance(step, ModelStep) and isinstance(following, ModelStep)
    ]
    at = chance.randrange(len(heard))
    found = {"prompt": (at, heard[at])}
    for what in ("argument", "result", "call") if tools else ():
        at = chance.randrange(len(tools))
        if what != "result" or tools[at] < len(tape.steps):  # else nobody hears it
            found[what] = (at + 1, tools[at] + (what == "result"))
    return found


CHANGES = {
    "prompt": lambda text: text.replace(" ", " please ", 1) + " please",
    "argument": lambda arguments: {**arguments, "reservation": "other"},
    "result": lambda content: str(content) + " (changed)",
    "call": lambda _wanted: False,
}


def test_a_change_of_each_kind_in_each_session_is_named_at_exactly_its_step(world: World) -> None:
    chance = random.Random(7)
    named: Counter[str] = Counter()
    for script in world.scripts:
        for what, (at, step) in mutations(world.tapes[script.session_id], chance).items():

            def mutate(kind: str, place: int, value: Any, what: str = what, at: int = at) -> Any:
                return CHANGES[kind](value) if (kind, place) == (what, at) else value

            ran, _played = again(world, script, mutate)
            assert isinstance(ran.error, Divergence), f"{script.session_id}: {what} at {at} unnoticed: {ran.error!r}"
            assert step == ran.error.step, f"{script.session_id}: {what} at {at}: {ran.error}"
            named[what] += 1
    assert set(CHANGES) == set(named)
    assert len(world.scripts) == named["prompt"]
    assert min(named.values()) >= 0.7 * len(world.scripts)


def test_two_calls_of_one_answer_in_another_order_are_named_at_the_first(world: World) -> None:
    """One after the other, as the agent runs them; calls that ran side by side may come in any order."""
    assert len(world.pairs) >= 5
    for script in world.pairs:
        tape = world.tapes[script.session_id]
        first = next(
            step.number for step, following in zip(tape.steps, tape.steps[1:], strict=False)
            if isinstance(step, ToolStep) and isinstance(following, ToolStep)
        )  # fmt: skip
        assert None is again(world, script)[0].error

        def mutate(kind: str, _place: int, value: Any) -> Any:
            return value[::-1] if kind == "order" else value

        error = again(world, script, mutate)[0].error
        assert isinstance(error, Divergence), script.session_id
        assert first == error.step, f"{script.session_id}: {error}"


def test_a_fork_from_any_step_calls_no_tool_that_was_not_allowed(world: World) -> None:
    """From the fork on a scripted model answers, which wants a tool with arguments that nobody recorded."""
    forks, redactor = 0, Redactor("all")
    for script in world.scripts:
        for number in range(1, len(world.tapes[script.session_id].steps) + 1):
            wanted = {"id": "c1", "type": "function", "function": {"name": world.tools[0]["function"]["name"],
                                                                   "arguments": '{"canary": 1}'}}  # fmt: skip
            answers = iter([{"role": "assistant", "content": None, "tool_calls": [wanted]}])
            changed = Script(**{**vars(script), "canary": []})
            client = scripted_client(answers)
            ran = run(
                world.tapes[script.session_id],
                lambda client=client, changed=changed: run_agent(world.obs, client, world.tools, changed),
                fork_at=number, live=("llm",), changes={"model": "gpt-4o-mini"}, redactor=redactor,
            )  # fmt: skip
            assert [] == changed.canary
            assert ran.error is None or isinstance(ran.error, LiveForbidden), str(ran.error)
            forks += 1
    assert forks == sum(len(world.tapes[script.session_id].steps) for script in world.scripts) > 1_000


def test_a_fork_changes_the_requests_from_its_step_on_and_keeps_the_recorded_cost_before(world: World) -> None:
    script = world.scripts[0]
    tape, asked = world.tapes[script.session_id], []
    number = steps_of(tape, ModelStep)[2]
    client = scripted_client(iter(()), asked)
    changed = Script(**{**vars(script), "canary": []})
    ran = run(tape, lambda: run_agent(world.obs, client, world.tools, changed),
              fork_at=number, live=("llm",), changes={"model": "gpt-4o-mini", "system": "Be brief."})  # fmt: skip
    assert None is ran.error
    assert {"gpt-4o-mini"} == {body["model"] for body in asked}
    assert {"Be brief."} == {body["messages"][0]["content"] for body in asked}
    before = [step for step in ran.run.models() if step.number < number]
    assert [step.cost_usd for step in tape.models()[: len(before)]] == [step.cost_usd for step in before]
    assert set(range(number, len(ran.run.steps) + 1)) >= ran.live


def test_a_model_that_was_not_allowed_is_not_asked_in_a_fork(world: World) -> None:
    asked: list[Any] = []
    script = world.scripts[0]
    client = scripted_client(iter(()), asked)
    ran = run(world.tapes[script.session_id], lambda: run_agent(world.obs, client, world.tools, script), fork_at=3)
    assert isinstance(ran.error, LiveForbidden)
    assert "--live llm" in str(ran.error)
    assert [] == asked


def test_replays_leave_nothing_in_the_store_and_no_metric_moves(world: World) -> None:
    def counted() -> list[Any]:
        world.obs.flush()
        names = ("llm_requests_total", "llm_cost_dollars_total", "tool_invocations_total", "agent_sessions_total")
        registry = world.obs.registry
        return [registry.get_sample_value(name, labels) for name in names for labels in labels_of(world, name)]

    before = counted()
    again(world, world.scripts[1])
    assert before == counted()
    assert before


def labels_of(world: World, name: str) -> list[dict[str, str]]:
    return [s.labels for metric in world.obs.registry.collect() for s in metric.samples if s.name == name]


def test_what_the_redactor_masked_does_not_break_the_match_of_later_steps(world: World) -> None:
    masked = [
        script for script in world.scripts
        if any("[REDACTED:email]" in json.dumps(step.request) for step in world.tapes[script.session_id].models()[2:])
    ]  # fmt: skip
    assert len(masked) >= 5
    for script in masked[:5]:
        assert None is again(world, script)[0].error

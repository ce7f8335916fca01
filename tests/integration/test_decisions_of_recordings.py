"""Decisions read from real traffic: 175 recorded exchanges against a table written by hand, and 60 airline sessions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from provider_playback import Exchange, exchanges, play

from syndarix_obs.testing import Kit, recording

WEATHER, RECIPES = "get_current_weather", "search_recipes,plan_and_apply_recipe_modifications"
TRUTH = {
    "2556c9453854": (WEATHER, WEATHER), "2aa66074dc51": (WEATHER, WEATHER), "3848bc8cf454": (WEATHER, WEATHER),
    "3fed42b861b8": (WEATHER, WEATHER), "586318edf155": (WEATHER, WEATHER), "6bdfe504764e": (WEATHER, WEATHER),
    "6c26eaabb433": (WEATHER, WEATHER), "819dddde248f": (WEATHER, WEATHER), "84ad055486b4": (WEATHER, WEATHER),
    "9e54ad72052f": ("get_weather", "get_weather"), "a4d8939fe0e0": (WEATHER, WEATHER),
    "c27b9c59d8cf": (WEATHER, WEATHER), "d374844c412b": (WEATHER, WEATHER), "e36b330db5df": (WEATHER, WEATHER),
    "ec462effde38": ("get_weather", "get_weather"), "20cfcda4eda3": ("get_weather", "get_weather"),
    "68908136f118": ("get_city_info", "answer"), "74084417ae23": (RECIPES, "answer"),
    "84045a8fb29d": (WEATHER, WEATHER), "9729f383fcb0": ("get_city_info", "answer"),
    "a2679d655bfc": (RECIPES, "plan_and_apply_recipe_modifications"), "bef72eca1500": ("get_city_info",) * 2,
    "ceee8b8470f4": ("get_weather", "get_weather"),
    "e6bfb93a19f3": ("handoff_to_agent_a,handoff_to_agent_b,transfer_to_agenta,transfer_to_agentb",
                     "transfer_to_agenta"),
    "241762adc6c5": ("transfer_to_analytics_agent",) * 2, "34cbac711a32": ("compose_music", "answer"),
    "376558eace82": ("transfer_to_recipe_editor_agent",) * 2,
    "a3daa4c0574d": ("analyze_data,process_results,generate_report", "generate_report"),
    "dd4879ff7a53": ("analyze_data,process_results,generate_report", "analyze_data"),
    "f7bc507b9a7e": (RECIPES, "search_recipes"), "1a9471bda806": (WEATHER, WEATHER),
    "266f92e9c692": (WEATHER, WEATHER), "42c2d309131a": (WEATHER, WEATHER), "44adb629da59": (WEATHER, WEATHER),
    "4895acf9306d": (WEATHER, WEATHER), "64aad9339063": (WEATHER, WEATHER), "8c376999b938": (WEATHER, WEATHER),
    "953899ae9bcc": (WEATHER, WEATHER), "a8add5e20ddb": (WEATHER, WEATHER), "b51c39c44f09": (WEATHER, WEATHER),
    "dcea5fb6499c": (WEATHER, WEATHER), "5c877e0e8dc6": ("get_weather,get_time", "get_weather + get_time"),
    "d7b70a68e135": ("get_weather,get_time", "get_weather + get_time"),
    "4a2f31f3df0a": ("get_weather,get_time", "get_weather + get_time"),
    "8bbb38761dfe": ("get_weather,get_time", "get_time"),
}  # fmt: skip
"""Exchange → offered tools, and what was chosen; by reading the recorded request and answer."""
FORCED = {"84045a8fb29d"}
"""Where the request named the tool."""

REFUSED_BY_THE_CLIENT = {"98ed7f51249f"}
ALL = [exchange for exchange in exchanges() if exchange.id not in REFUSED_BY_THE_CLIENT]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not ALL, reason="../shared/data/provider_recordings.jsonl is not on this machine"),
    pytest.mark.filterwarnings("ignore:The model .* is deprecated"),
]


@pytest.fixture(scope="module", params=["ours", "official"])
def decided(request: pytest.FixtureRequest) -> Iterator[tuple[str, dict[str, list[Any]]]]:
    """Decisions of every exchange, through our integration or the official instrumentors."""
    if request.param == "official":
        pytest.importorskip("opentelemetry.instrumentation.genai.openai")
    with recording() as kit:
        kit.obs.auto_instrument(official=request.param == "official")
        yield request.param, {exchange.id: of_exchange(kit, exchange) for exchange in ALL}


def of_exchange(kit: Kit, exchange: Exchange) -> list[Any]:
    before = len(kit.records("decision"))
    play(exchange)
    return [each for each in kit.records("decision")[before:] if each.decision_type == "tool_selection"]


def test_options_and_choice_are_those_of_the_table(decided: tuple[str, dict[str, list[Any]]]) -> None:
    how, found = decided
    read = {
        name: [(",".join(each.options), each.selected) for each in decisions]
        for name, decisions in found.items()
        if decisions
    }
    expected = {name: [(f"{offered},answer", chosen)] for name, (offered, chosen) in TRUTH.items()}
    if how == "official":  # it does not keep the offered tools of every endpoint; what it keeps must be right
        assert len(read) >= 30
        expected = {name: expected[name] for name in read}
    assert expected == read


def test_only_the_named_tool_was_forced(decided: tuple[str, dict[str, list[Any]]]) -> None:
    how, found = decided
    if how == "ours":  # the official ones do not tell tool_choice
        forced = {
            name
            for name, decisions in found.items()
            if any(d.attributes["syndarix.decision.forced"] for d in decisions)
        }
        assert FORCED == forced


# --- 60 airline sessions ---


@pytest.fixture(scope="module")
def airline(shared_data: Path) -> list[tuple[list[dict[str, Any]], list[Any]]]:
    """Messages of each session, and its automatic decisions."""
    sessions = [json.loads(line) for line in (shared_data / "tau_bench_airline_gpt4o.jsonl").open(encoding="utf-8")]
    names = sorted({
        call["function"]["name"]
        for session in sessions for message in session["messages"] for call in message.get("tool_calls") or ()
    })  # fmt: skip
    tools = [{"type": "function", "function": {"name": name}} for name in names]
    with recording() as kit:
        return [(session["messages"], play_session(kit, session["messages"], tools)) for session in sessions]


def play_session(kit: Kit, messages: list[dict[str, Any]], tools: Any) -> list[Any]:
    """Model calls of a session; some are offered no tools when it did not call any."""
    before = len(kit.records("decision"))
    with kit.obs.session("airline"):
        for at, message in enumerate(messages):
            if message["role"] != "assistant":
                continue
            offered = tools if message.get("tool_calls") or at % 8 != 4 else None
            with kit.obs.llm(provider="openai", model="gpt-4o", messages=messages[:at], tools=offered) as call:
                call.response([message], usage={"input_tokens": 1, "output_tokens": 1})
    return [each for each in kit.records("decision")[before:] if each.decision_type == "tool_selection"]


def test_every_turn_with_tools_offered_is_one_decision_for_the_tool_that_was_called(
    airline: list[tuple[list[dict[str, Any]], list[Any]]],
) -> None:
    count = 0
    for messages, decisions in airline:
        expected = [
            message["tool_calls"][0]["function"]["name"] if message.get("tool_calls") else "answer"
            for at, message in enumerate(messages)
            if message["role"] == "assistant" and (message.get("tool_calls") or at % 8 != 4)
        ]
        assert expected == [each.selected for each in decisions]
        count += len(expected)
    assert 500 < count < 782


def test_a_reason_is_never_invented(airline: list[tuple[list[dict[str, Any]], list[Any]]]) -> None:
    for messages, decisions in airline:
        spoke = [
            bool(message.get("tool_calls") and (message.get("content") or "").strip())
            for at, message in enumerate(messages)
            if message["role"] == "assistant" and (message.get("tool_calls") or at % 8 != 4)
        ]
        sources = [each.attributes["syndarix.decision.reason_source"] for each in decisions]
        assert ["text" if said else "none" for said in spoke] == sources

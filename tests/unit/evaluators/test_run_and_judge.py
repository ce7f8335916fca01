"""Evaluating sessions of a store, and a judge whose cost and agreement stand beside its scores."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import httpx
import pytest

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs_read.answers.quality import get_quality
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.errors import BackendAnswer, BackendUnavailable, FilterError
from syndarix_obs_read.evaluators.judge import read_setup
from syndarix_obs_read.evaluators.judging import run_judge
from syndarix_obs_read.evaluators.run import evaluate, sampled
from syndarix_obs_read.evaluators.session import EvaluatedSession, Verdict
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.timerange import TimeRange, parse_range


def hour() -> TimeRange:
    """The last hour."""
    return parse_range("1h")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A store with two sessions, one answer polite and one rude."""
    with ObservabilityPlatform(Settings(home=tmp_path, set_global=False)) as obs:
        for number, answer in enumerate(("Gladly: it is in Leeds.", "Go and look yourself.")):
            with (
                obs.session(agent="support", session_id=f"s-{number}"),
                obs.llm(
                    provider="openai", model="gpt-4o-mini", messages=[{"role": "user", "content": "Where?"}]
                ) as call,
            ):
                call.response(answer, usage={"input_tokens": 10, "output_tokens": 5})
    return tmp_path


@pytest.fixture
def settings(home: Path) -> ReadSettings:
    return ReadSettings(home=home)


@pytest.fixture
def backend(settings: ReadSettings) -> EmbeddedBackend:
    return EmbeddedBackend(settings.store_path)


def polite(session: EvaluatedSession) -> Iterator[Verdict]:
    yield Verdict("polite", "Gladly" in session.answer)


def broken(_session: EvaluatedSession) -> Iterator[Verdict]:
    raise RuntimeError("no idea")


async def test_sessions_are_scored_once(settings: ReadSettings, backend: EmbeddedBackend) -> None:
    first = await evaluate(settings, backend, Filter(), hour(), {"polite": polite})
    again = await evaluate(settings, backend, Filter(), hour(), {"polite": polite})
    assert (2, 0, [("polite", 2, 1)]) == (
        first.sessions, first.known, [(each.name, each.given, each.good) for each in first.scores],
    )  # fmt: skip
    assert (2, 2, ()) == (again.sessions, again.known, again.scores)


async def test_an_evaluator_that_raises_is_named_and_stops_no_other(
    settings: ReadSettings, backend: EmbeddedBackend
) -> None:
    found = await evaluate(settings, backend, Filter(), hour(), {"broken": broken, "polite": polite})
    assert ("broken: RuntimeError: no idea",) == found.failed
    assert ["polite"] == [each.name for each in found.scores]


async def test_one_setting_switches_it_off(home: Path, backend: EmbeddedBackend) -> None:
    with pytest.raises(FilterError, match="WRITES=false"):
        await evaluate(ReadSettings(home=home, writes=False), backend, Filter(), hour(), {"polite": polite})


def test_a_sample_takes_its_share_and_always_the_same_sessions() -> None:
    taken = [number for number in range(2_000) if sampled(f"s-{number}", 0.1)]
    assert 150 < len(taken) < 250
    assert taken == [number for number in range(2_000) if sampled(f"s-{number}", 0.1)]
    assert sampled("s", 1.0)


def serve(request: httpx.Request) -> httpx.Response:
    """A judge that calls everything polite that says `Gladly`, and is wrong about one control."""
    text = json.loads(request.content)["messages"][1]["content"]
    said = json.dumps({"pass": "Gladly" in text or "wrong" in text, "why": "it sounds so"})
    choice = {"message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
    return httpx.Response(200, json={"choices": [choice], "usage": {"prompt_tokens": 50, "completion_tokens": 10}})


def write_judge(folder: Path, **more: object) -> Path:
    """A judge's file with ten labelled answers, about one of which it will be wrong."""
    answers = [("Gladly.", True)] * 5 + [("No.", False)] * 4 + [("wrong", False)]
    lines = [json.dumps({"question": "Where?", "answer": text, "label": label}) for text, label in answers]
    (folder / "control.jsonl").write_text("\n".join(lines), "utf-8")
    setup = {"name": "polite", "model": "gpt-4o-mini", "instructions": "Be fair.", "sample": 1.0,
             "control": "control.jsonl", "base_url": "http://judge.test/v1", **more}  # fmt: skip
    path = folder / "judge.yaml"
    path.write_text(json.dumps(setup), "utf-8")
    return path


async def test_a_judge_s_agreement_stands_beside_its_scores(
    settings: ReadSettings, backend: EmbeddedBackend, tmp_path: Path
) -> None:
    transport = httpx.MockTransport(serve)
    found = await run_judge(settings, backend, Filter(), hour(), write_judge(tmp_path), transport)
    report = await get_quality(backend, Filter(), hour(), ("source", "judge_version"), UTC)
    (group,) = report.groups
    assert [("polite", 2, 1)] == [(each.name, each.given, each.good) for each in found.scores]
    assert ("judge", 0.5) == (group.key["source"], group.mean)
    assert pytest.approx(0.8, abs=0.05) == group.kappa
    assert str(group.key["judge_version"]).startswith("polite/gpt-4o-mini/")


async def test_what_a_judge_costs_stands_in_the_ledger_under_its_name(
    settings: ReadSettings, backend: EmbeddedBackend, tmp_path: Path
) -> None:
    await run_judge(settings, backend, Filter(), hour(), write_judge(tmp_path), httpx.MockTransport(serve))
    costs = {row.key["agent"]: row.cost for row in await backend.costs(Filter(), ("agent",), UTC)}
    assert 12 == costs["judge"].calls
    assert costs["judge"].exact_usd > 0


async def test_the_judge_s_own_sessions_are_not_evaluated(
    settings: ReadSettings, backend: EmbeddedBackend, tmp_path: Path
) -> None:
    await run_judge(settings, backend, Filter(), hour(), write_judge(tmp_path), httpx.MockTransport(serve))
    found = await evaluate(settings, backend, Filter(), hour(), {"polite": polite})
    assert 2 == found.sessions


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (httpx.Response(401), "answered 401; check key"),
        (httpx.Response(200, text="<html>"), "no chat completion"),
        (httpx.Response(200, json={"choices": []}), "no chat completion"),
        (httpx.Response(200, json={"choices": [{"message": {"content": "well"}}]}), "did not answer in JSON"),
    ],
)
async def test_a_judge_that_does_not_answer_as_it_should_says_why(
    reply: httpx.Response, error: str, settings: ReadSettings, backend: EmbeddedBackend, tmp_path: Path
) -> None:
    transport = httpx.MockTransport(lambda _request: reply)
    with pytest.raises(BackendAnswer, match=error):
        await run_judge(settings, backend, Filter(), hour(), write_judge(tmp_path), transport)


async def test_a_judge_that_cannot_be_reached_says_so(
    settings: ReadSettings, backend: EmbeddedBackend, tmp_path: Path
) -> None:
    def down(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(BackendUnavailable, match="check base_url"):
        await run_judge(settings, backend, Filter(), hour(), write_judge(tmp_path), httpx.MockTransport(down))


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("name: tone", "needs `name`, `model` and `instructions`"),
        ("{", "no judge can be read"),
        ("{name: a, model: b, instructions: c, colour: red}", "unknown fields: colour"),
        ("{name: a, model: b, instructions: c, sample: 5}", "sample is a share"),
    ],
)
def test_a_judge_s_file_that_cannot_be_read_is_explained(content: str, error: str, tmp_path: Path) -> None:
    path = tmp_path / "judge.yaml"
    path.write_text(content, "utf-8")
    with pytest.raises(FilterError, match=error):
        read_setup(path)


async def test_a_control_set_that_is_too_small_is_refused(
    settings: ReadSettings, backend: EmbeddedBackend, tmp_path: Path
) -> None:
    path = write_judge(tmp_path)
    (tmp_path / "control.jsonl").write_text('{"question": "a", "answer": "b", "label": true}', "utf-8")
    with pytest.raises(FilterError, match="at least 10 lines"):
        await run_judge(settings, backend, Filter(), hour(), path, httpx.MockTransport(serve))

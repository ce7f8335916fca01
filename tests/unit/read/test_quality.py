"""Scores: given by anybody at any time, grouped with intervals, and kept when their session is not there yet."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC
from pathlib import Path

import pytest

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs.records import model as r
from syndarix_obs.store.location import store_path
from syndarix_obs.store.writer import StoreWriter
from syndarix_obs_read.answers.quality import QualityReport, get_quality, scores_of_session
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.cli.run import run
from syndarix_obs_read.errors import FilterError
from syndarix_obs_read.scoring import Given, give
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.timerange import parse_range

DAY = 86_400 * 10**9


def write_session(home: Path, session: str, days_ago: float, prompt: str = "p1", agent: str = "support") -> None:
    """A session with one model call."""
    at, trace = time.time_ns() - round(days_ago * DAY), session.encode().hex().ljust(32, "0")
    who = {"trace_id": trace, "session_id": session, "agent": agent, "start_ns": at, "end_ns": at + 10**9}
    call = r.LLMRecord(
        record_id=f"{trace}:2", span_id="2", parent_id="1", model="gpt-x", provider="openai", agent_version="v1",
        attributes={"syndarix.prompt.hash": prompt}, **who,
    )  # fmt: skip
    writer = StoreWriter(store_path(home))
    writer.write([r.SessionRecord(record_id=f"{trace}:1", span_id="1", **who), call])
    writer.close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Three sessions of the last day on two prompts, and one of 40 days ago."""
    for session, prompt in (("s-1", "p1"), ("s-2", "p1"), ("s-3", "p2")):
        write_session(tmp_path, session, 0.1, prompt)
    write_session(tmp_path, "s-old", 40, "p0")
    return tmp_path


@pytest.fixture
def settings(home: Path) -> ReadSettings:
    return ReadSettings(home=home)


@pytest.fixture
async def backend(home: Path) -> AsyncIterator[EmbeddedBackend]:
    found = EmbeddedBackend(store_path(home))
    yield found
    await found.close()


async def report(backend: EmbeddedBackend, *by: str, **where: str) -> QualityReport:
    return await get_quality(backend, Filter(**where), parse_range("1h"), by or ("agent",), UTC)  # type: ignore[arg-type]


async def test_scores_are_grouped_by_what_the_session_ran_on(settings: ReadSettings, backend: EmbeddedBackend) -> None:
    for session, value in (("s-1", "true"), ("s-2", "false"), ("s-3", "true")):
        await give(settings, backend, Given(session_id=session, name="resolved", value=value, type="outcome"))
    found = await report(backend, "agent", "prompt_hash", "model")
    groups = {group.key["prompt_hash"]: group for group in found.groups}
    assert (2, 0.5, {"true": 1, "false": 1}) == (groups["p1"].scores, groups["p1"].mean, groups["p1"].labels)
    assert (0.0945, 0.9055) == pytest.approx((groups["p1"].low, groups["p1"].high), abs=1e-3)
    assert ("support", "gpt-x", 1.0) == (groups["p2"].key["agent"], groups["p2"].key["model"], groups["p2"].mean)


async def test_numbers_have_the_interval_of_a_mean_and_one_alone_has_none(
    settings: ReadSettings, backend: EmbeddedBackend
) -> None:
    await give(settings, backend, Given(session_id="s-1", name="stars", value="3"))
    (alone,) = (await report(backend)).groups
    await give(settings, backend, Given(session_id="s-2", name="stars", value="5"))
    (pair,) = (await report(backend)).groups
    assert (3.0, None, None) == (alone.mean, alone.low, alone.high)
    assert (4.0, 2.04, 5.96) == pytest.approx((pair.mean, pair.low, pair.high), abs=0.01)


async def test_a_score_given_after_forty_days_lands_on_the_right_session(
    settings: ReadSettings, backend: EmbeddedBackend
) -> None:
    answer = await give(settings, backend, Given(session_id="s-old", name="resolved", value="yes", comment="by mail"))
    (score,) = await scores_of_session(backend, "s-old")
    (group,) = (await report(backend, "prompt_hash")).groups
    assert (False, True, ()) == (answer.orphaned, answer.delivered, answer.hints)
    assert ("resolved", 1.0, "by mail", "human") == (score.name, score.value, score.explanation, score.source)
    assert "p0" == group.key["prompt_hash"]


async def test_a_score_for_an_unknown_session_is_orphaned_until_the_session_arrives(
    settings: ReadSettings, backend: EmbeddedBackend
) -> None:
    answer = await give(settings, backend, Given(session_id="s-late", name="resolved", value="true"))
    before = await report(backend)
    write_session(settings.home, "s-late", 0.01)
    after = await report(backend)
    assert answer.orphaned
    assert "no session s-late is here; the score is kept" in answer.hints[0]
    assert (1, "s-late", ()) == (before.orphaned, before.orphans[0].session_id, before.groups)
    assert (0, 1) == (after.orphaned, len(after.groups))


async def test_a_score_makes_neither_a_trace_nor_a_session(settings: ReadSettings, backend: EmbeddedBackend) -> None:
    before = len((await backend.search_traces(Filter(), 50)).rows), len((await backend.sessions(Filter(), 50)).rows)
    await give(settings, backend, Given(session_id="s-1", name="resolved", value="true"))
    await give(settings, backend, Given(session_id="s-nobody", name="resolved", value="true"))
    after = len((await backend.search_traces(Filter(), 50)).rows), len((await backend.sessions(Filter(), 50)).rows)
    assert before == after


async def test_an_agent_within_a_session_of_another_has_the_score_too(
    settings: ReadSettings, backend: EmbeddedBackend
) -> None:
    at = time.time_ns()
    writer = StoreWriter(store_path(settings.home))
    who = {"trace_id": "ee" * 16, "session_id": "s-1", "agent": "refunds", "start_ns": at, "end_ns": at}
    hashed = {"syndarix.prompt.hash": "p9"}
    writer.write([r.LLMRecord(record_id="x", span_id="7", model="m", attributes=hashed, **who)])
    writer.close()
    await give(settings, backend, Given(session_id="s-1", name="resolved", value="true"))
    (inner,) = (await report(backend, "agent", "prompt_hash", agent="refunds")).groups
    (outer,) = (await report(backend, "agent", "prompt_hash")).groups
    assert {"agent": "refunds", "prompt_hash": "p9"} == inner.key
    assert {"agent": "support", "prompt_hash": "p1"} == outer.key
    assert () == (await report(backend, agent="sales")).groups


async def test_scores_cannot_be_grouped_by_just_anything(backend: EmbeddedBackend) -> None:
    with pytest.raises(FilterError, match="scores cannot be grouped by colour"):
        await report(backend, "colour")


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"session_id": " "}, "no session was named"), ({"name": ""}, "no name of 1 to 100"),
        ({"value": " "}, "no value was given"), ({"type": "guess"}, "there is no type 'guess'"),
        ({"comment": "x" * 5_000}, "a comment may have 4,000"),
    ],
)  # fmt: skip
def test_a_score_that_cannot_be_read_is_explained(wrong: dict[str, str], error: str) -> None:
    with pytest.raises(FilterError, match=error):
        Given(**{"session_id": "s-1", "name": "tone", "value": "1", **wrong})


@pytest.mark.parametrize(
    ("text", "value"), [("0.5", 0.5), ("yes", True), ("FALSE", False), ("paid", "paid"), ("nan", "nan"), (" 3 ", 3.0)]
)
def test_a_value_is_a_number_a_yes_or_no_or_a_word(text: str, value: float | bool | str) -> None:
    assert value == Given(session_id="s", name="n", value=text).read


async def test_one_setting_switches_it_off(home: Path, backend: EmbeddedBackend) -> None:
    with pytest.raises(FilterError, match="WRITES=false"):
        await give(ReadSettings(home=home, writes=False), backend, Given(session_id="s-1", name="n", value="1"))


async def test_outcomes_that_an_agent_states_itself_are_there_too(home: Path, backend: EmbeddedBackend) -> None:
    with ObservabilityPlatform(Settings(home=home, set_global=False)) as obs, obs.session("sales", session_id="s-9"):
        obs.outcome("sold", True)
        obs.feedback("up")
    found = await report(backend)
    assert {("sold", "sales"), ("feedback", "sales")} == {(group.name, group.key["agent"]) for group in found.groups}


def test_the_commands_give_and_show(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--home", str(home)]
    assert 0 == run(["score", "s-1", "resolved", "true", "--type", "outcome", *where])
    assert 0 == run(["score", "s-gone", "resolved", "true", *where])
    assert 0 == run(["quality", "--by", "prompt_hash", "--since", "1h", *where])
    shown = capsys.readouterr().out
    assert "resolved = true for session s-1" in shown
    assert "p1" in shown
    assert "1 scores wait for sessions that are not here" in shown
    assert 2 == run(["score", "s-1", "resolved", "true", "--type", "guess", *where])

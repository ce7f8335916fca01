"""Following sessions: what runs, and then every change, once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import pytest
import read_scene as scene

from syndarix_obs.records import model as r
from syndarix_obs.store.location import store_path
from syndarix_obs_read.answers.sessions import Session, follow_sessions
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.cli.run import run
from syndarix_obs_read.timerange import TimeRange

EVER = TimeRange(0, scene.NOW, "ever")
WHO = {"agent": "support", "session_id": "s-live", "project": "acme"}


def ended() -> r.SessionRecord:
    """The running session's last row."""
    found: r.SessionRecord = scene.make(
        r.SessionRecord, scene.LIVE, "31", None, 100, 9, name="invoke_agent support", outcome="paid", **WHO
    )
    return found


class Over(Exception):
    """Ends the following from inside a pause."""


async def followed(path: Path, changes: Iterable[Callable[[], None]], where: Filter | None = None) -> list[Session]:
    """What is seen while these things happen, one in each pause."""
    happening = iter(changes)

    async def pause() -> None:
        change = next(happening, None)
        if change is None:
            raise Over
        change()

    backend = EmbeddedBackend(path)
    found: list[Session] = []
    with suppress(Over):
        async for session in follow_sessions(backend, where or Filter(), EVER, 50, pause=pause):
            found += [session]
    await backend.close()
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store with the whole scene."""
    found = store_path(tmp_path)
    scene.write(found, *scene.refund(), *scene.loop(), *scene.live())
    return found


async def test_at_first_only_what_runs_is_shown(path: Path) -> None:
    assert ["s-live"] == [session.session_id for session in await followed(path, [])]


async def test_nothing_new_says_nothing(path: Path) -> None:
    assert 1 == len(await followed(path, [lambda: None, lambda: None]))


async def test_each_step_and_the_end_of_a_session_are_seen_once(path: Path) -> None:
    step = scene.make(r.ToolRecord, scene.LIVE, "33", "31", 104, 1, name="execute_tool pay", tool="pay", **WHO)
    seen = await followed(path, [lambda: scene.write(path, step), lambda: scene.write(path, ended()), lambda: None])
    assert [("running", 1), ("running", 2), ("ok", 2)] == [(s.status, s.activity.tool_calls) for s in seen]
    assert "paid" == seen[-1].outcome


async def test_a_session_that_begins_later_is_seen(path: Path) -> None:
    new = scene.make(r.SessionRecord, "dd" * 16, "41", None, 200, status="running", agent="triage", session_id="s-new")
    seen = await followed(path, [lambda: scene.write(path, new)])
    assert ["s-live", "s-new"] == [session.session_id for session in seen]


async def test_a_filter_holds_for_what_is_followed(path: Path) -> None:
    new = scene.make(r.SessionRecord, "dd" * 16, "41", None, 200, status="running", agent="triage", session_id="s-new")
    seen = await followed(path, [lambda: scene.write(path, new)], Filter(agent="triage"))
    assert ["s-new"] == [session.session_id for session in seen]


@pytest.mark.parametrize("command", ["sessions", "logs"])
def test_an_end_and_following_exclude_each_other(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == run([command, "--follow", "--until", "2026-03-01", "--home", str(tmp_path)])
    assert "leave --until away" in capsys.readouterr().err

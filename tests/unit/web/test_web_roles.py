"""What a token may see depends on its role, and who read texts stands in the audit trail."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import web_scene as scene
from web_browser import Browser

from syndarix_obs.replaying.tape import ModelStep, Tape
from syndarix_obs_read.answers.audit import list_audit
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.errors import SettingsError
from syndarix_obs_read.serving.address import Address
from syndarix_obs_read.serving.tokens import Tokens
from syndarix_obs_read.timerange import TimeRange
from syndarix_obs_read.web.app import Uncounted

TEXT = "Where is my order?"
ROLES = {"read-only": "board", "operator": "ops", "privacy": "dpo"}
BARE = "0123456789abcdef-bare"


def token(role: str) -> str:
    return f"0123456789abcdef-{role}"


@pytest.fixture
def own_home(tmp_path: Path) -> Path:
    return scene.write(tmp_path / "home", *scene.run())


@pytest.fixture
def by_role(own_home: Path, tmp_path: Path, browser_over: Callable[..., Browser]) -> Browser:
    path = tmp_path / "tokens"
    path.write_text("".join(f"{role} {name} {token(role)}\n" for role, name in ROLES.items()) + f"{BARE}\n")
    path.chmod(0o600)
    return browser_over(own_home, address=Address("0.0.0.0", 8766, path))


async def trail(home: Path) -> list[tuple[str, str, str]]:
    backend = EmbeddedBackend(home / "store.sqlite3")
    found = await list_audit(backend, home, TimeRange(0, time.time_ns() + 1, "all"), 100)
    await backend.close()
    return [(each.who, each.action, each.detail) for each in found.entries]


async def get(browser: Browser, path: str, role: str, status: int = 200) -> str:
    return (await browser.get(path, status, authorization=f"Bearer {token(role)}")).text


async def test_only_texts_are_kept_from_the_role_read_only(by_role: Browser, own_home: Path) -> None:
    for path in (f"/trace?id={scene.TRACE}", f"/step?trace={scene.TRACE}&step=05", "/logs?since=1d", "/walk?run=s-1"):
        text = await get(by_role, path, "read-only")
        assert "support" in text
        assert TEXT not in text
        assert TEXT not in await get(by_role, path.replace("?", ".json?"), "read-only")
        assert TEXT in await get(by_role, path, "operator"), path
    assert {"ops (operator)"} == {who for who, _, _ in await trail(own_home)}


async def test_a_replay_that_is_kept_as_a_file_is_no_way_around_the_role(by_role: Browser, own_home: Path) -> None:
    step = ModelStep(request={"input": [{"role": "user", "content": TEXT}]}, output="soon", number=1)
    Tape("replay-1", [step], replay_of="s-1").save(own_home / "replays" / "replay-1.json")
    assert TEXT not in await get(by_role, "/walk.json?run=replay-1", "read-only", 403)
    assert TEXT in await get(by_role, "/walk.json?run=replay-1", "operator")


async def test_read_only_may_not_find_texts_by_searching_for_them(by_role: Browser) -> None:
    for page in ("logs", "traces"):
        assert "operator or privacy" in await get(by_role, f"/{page}.json?since=1d&text=order", "read-only", 403)
        await get(by_role, f"/{page}.json?since=1d&text=order", "privacy")


async def test_each_reading_of_texts_is_one_entry_without_content(by_role: Browser, own_home: Path) -> None:
    await get(by_role, "/costs", "operator")
    assert [] == await trail(own_home)
    await get(by_role, f"/trace?id={scene.TRACE}", "privacy")
    (who, action, detail), *more = await trail(own_home)
    assert ("dpo (privacy)", "read payloads", []) == (who, action, more)
    assert detail.startswith("page /trace: ")
    assert f"trace={scene.TRACE}" in detail
    assert not [word for word in (TEXT, scene.WHO["user"], "s-1") if word in detail]


@pytest.mark.parametrize("path", ["/", "/traces", "/sessions", "/session?id=s-1"])
async def test_previews_and_conversations_are_texts(path: str, by_role: Browser, own_home: Path) -> None:
    assert TEXT not in await get(by_role, path, "read-only")
    assert [] == await trail(own_home)
    assert TEXT in await get(by_role, path, "operator")
    assert ["read payloads"] == [action for _, action, _ in await trail(own_home)]


async def test_rows_and_copies_of_steps_are_texts(by_role: Browser) -> None:
    assert TEXT not in await get(by_role, "/traces.csv", "read-only")
    assert TEXT in await get(by_role, "/traces.csv", "operator")
    await get(by_role, f"/step/curl?trace={scene.TRACE}&step=05", "read-only", 404)
    assert TEXT in await get(by_role, f"/step/curl?trace={scene.TRACE}&step=05", "operator")
    assert TEXT not in await get(by_role, f"/trace/rows?id={scene.TRACE}", "read-only")


async def test_only_operators_keep_views(by_role: Browser, own_home: Path) -> None:
    for role, status in (("read-only", 403), ("privacy", 403), ("operator", 303)):
        sent = {"authorization": f"Bearer {token(role)}"}
        answer = await by_role.client.post("/views", data={"name": role, "from": "/traces"}, headers=sent)
        assert status == answer.status_code
    assert "operator" in (own_home / "views.json").read_text(encoding="utf-8")


async def test_the_audit_page_is_for_the_role_privacy(by_role: Browser) -> None:
    await get(by_role, f"/trace?id={scene.TRACE}", "operator")
    assert "ops (operator)" in await get(by_role, "/audit", "privacy")
    for role in ("read-only", "operator"):
        assert "role privacy" in await get(by_role, "/audit.json", role, 403)


async def test_only_operators_give_scores(by_role: Browser) -> None:
    given = json.dumps({"session_id": "s-1", "name": "resolved", "value": True})
    kind = {"content-type": "application/json"}
    for role, status in (("read-only", 403), ("privacy", 403), ("operator", 201)):
        sent = {"authorization": f"Bearer {token(role)}", **kind}
        assert status == (await by_role.client.post("/score", content=given, headers=sent)).status_code


async def test_a_token_without_a_role_is_an_operators(by_role: Browser) -> None:
    answer = await by_role.get(f"/trace?id={scene.TRACE}", authorization=f"Bearer {BARE}")
    assert TEXT in answer.text


async def test_nobody_is_noted_on_this_machine_unless_all_are(
    own_home: Path, browser_over: Callable[..., Browser]
) -> None:
    await browser_over(own_home).get(f"/trace?id={scene.TRACE}")
    assert [] == await trail(own_home)
    await browser_over(own_home, audit="all").get(f"/trace?id={scene.TRACE}")
    assert 1 == len(await trail(own_home))


async def test_what_cannot_be_noted_is_not_shown(by_role: Browser, own_home: Path) -> None:
    with closing(sqlite3.connect(own_home / "store.sqlite3")) as other:  # somebody who lets nobody write
        other.execute("CREATE TRIGGER full BEFORE INSERT ON records BEGIN SELECT RAISE(ABORT, 'full'); END")
        other.commit()
    text = await get(by_role, "/logs.json?since=1d", "operator", 503)
    assert TEXT not in text
    assert "could not be recorded" in text


@pytest.mark.parametrize("line", ["admin ada 0123456789abcdef", "read-only a b 0123456789abcdef"])
def test_a_line_that_is_no_token_says_what_one_is(line: str, tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    path.write_text(line + "\n")
    path.chmod(0o600)
    with pytest.raises(SettingsError, match="ROLE NAME TOKEN"):
        Tokens(path, Uncounted())


def test_telemetry_is_taken_from_operators_only(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    path.write_text("".join(f"{role} {token(role)}\n" for role in ROLES))
    path.chmod(0o600)
    tokens = Tokens(path, Uncounted())
    assert [False, True, False] == [tokens.may_send(token(role)) for role in ROLES]

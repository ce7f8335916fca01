"""Pseudonyms, their key, and the index of users."""

from __future__ import annotations

import hashlib
import hmac
import os
import stat
from pathlib import Path

import pytest

from syndarix_obs import guard
from syndarix_obs.identity import INDEX_FILE, KEY_FILE, Identity


def test_a_pseudonym_is_the_keyed_hash_of_the_user(tmp_path: Path) -> None:
    expected = hmac.new(b"key", b"u-42", hashlib.sha256).hexdigest()[:16]
    assert f"u_{expected}" == Identity(tmp_path, b"key").pseudonym("u-42")


def test_a_user_has_one_pseudonym_in_every_process_of_the_folder(tmp_path: Path) -> None:
    first = Identity(tmp_path / "home").pseudonym("u-42")
    assert first == Identity(tmp_path / "home").pseudonym("u-42")
    assert first != Identity(tmp_path / "home").pseudonym("u-43")
    assert first != Identity(tmp_path / "elsewhere").pseudonym("u-42")


def test_key_and_index_are_for_the_owner_only(tmp_path: Path) -> None:
    identity = Identity(tmp_path / "home")
    identity.pseudonym("u-42")
    identity.flush()
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "home").iterdir()}
    assert {KEY_FILE: 0o600, INDEX_FILE: 0o600} == modes
    assert 0o700 == stat.S_IMODE((tmp_path / "home").stat().st_mode)


def test_a_key_of_your_own_leaves_no_key_file(tmp_path: Path) -> None:
    identity = Identity(tmp_path / "home", b"mine")
    identity.pseudonym("u-42")
    identity.flush()
    assert [INDEX_FILE] == os.listdir(tmp_path / "home")


def test_the_index_knows_when_a_user_was_seen_and_not_who_it_is(tmp_path: Path) -> None:
    identity = Identity(tmp_path)
    pseudonym = identity.pseudonym("someone@example.org")
    [first] = identity.users()
    identity.pseudonym("someone@example.org")
    [second] = identity.users()
    assert pseudonym == first.pseudonym == second.pseudonym
    assert first.first_seen_ns == second.first_seen_ns <= first.last_seen_ns < second.last_seen_ns
    assert b"someone" not in (tmp_path / INDEX_FILE).read_bytes()


def test_a_forgotten_user_leaves_the_index(tmp_path: Path) -> None:
    identity = Identity(tmp_path)
    pseudonym, other = identity.pseudonym("u-42"), identity.pseudonym("u-43")
    identity.flush()
    assert pseudonym == identity.forget("u-42")
    assert [other] == [user.pseudonym for user in identity.users()]
    assert pseudonym.encode() not in (tmp_path / INDEX_FILE).read_bytes()


def test_a_folder_that_cannot_be_written_costs_nothing_but_permanence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    identity = Identity(tmp_path / "file")
    pseudonym = identity.pseudonym("u-42")
    assert pseudonym == identity.pseudonym("u-42")
    identity.flush()
    assert {"identity.key": 1, "identity.index": 1} == guard.failures()


@pytest.mark.parametrize("content", ["", "not hex", "abcd"])
def test_a_spoilt_key_file_is_not_used_and_not_changed(tmp_path: Path, content: str) -> None:
    (tmp_path / KEY_FILE).write_text(content)
    assert Identity(tmp_path).pseudonym("u-42").startswith("u_")
    assert {"identity.key": 1} == guard.failures()
    assert content == (tmp_path / KEY_FILE).read_text()


def test_any_text_is_a_user(tmp_path: Path) -> None:
    identity = Identity(tmp_path)
    users = ["", "\x00", "\ud800", "日本", "x" * 100_000]
    assert len(users) == len({identity.pseudonym(user) for user in users})


def test_more_users_than_are_cached_keep_their_pseudonyms(tmp_path: Path) -> None:
    identity = Identity(tmp_path, b"key")
    first = [identity.pseudonym(str(number)) for number in range(10_050)]
    assert first == [identity.pseudonym(str(number)) for number in range(10_050)]


def test_a_forked_child_agrees_with_its_parent(tmp_path: Path) -> None:
    identity = Identity(tmp_path)
    expected = identity.pseudonym("u-42")
    child = os.fork()
    if child == 0:
        os._exit(0 if identity.pseudonym("u-42") == expected else 1)
    assert 0 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

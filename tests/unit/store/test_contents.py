"""Content once: what comes again is stored once, reads back byte for byte, and goes with its last reference."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syndarix_obs.records.model import LLMRecord
from syndarix_obs.store import contents
from syndarix_obs.store.database import open_for_read, open_for_write, transaction
from syndarix_obs.store.erase import erase_person, scrub
from syndarix_obs.store.retention import prune
from syndarix_obs.store.search import find
from syndarix_obs.store.splitting import Part, split
from syndarix_obs.store.writer import StoreWriter

SYSTEM = {"role": "system", "content": "You help with orders. " * 60}


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def history(turns: int) -> list[dict[str, str]]:
    said = [{"role": "user", "content": f'question {n} about żółw "{n}"\n' * 4} for n in range(turns)]
    return [SYSTEM, *said]


def payload(turns: int, *, hashes: bool = True) -> str:
    messages, answer = history(turns), [{"role": "assistant", "content": f"answer {turns}"}]
    marks = {"input": [f"{n:016x}" for n in range(len(messages))], "output": ["f" * 16]}
    return compact({"input": messages, "output": answer, **({"hashes": marks} if hashes else {})})


def texts(path: Path) -> list[str]:
    with closing(open_for_read(path)) as connection:
        return [row[0] for row in connection.execute("SELECT unpack(body) FROM payloads ORDER BY id")]


def numbers(path: Path, sql: str) -> list[Any]:
    with closing(open_for_read(path)) as connection:
        return [tuple(row) for row in connection.execute(sql)]


@pytest.fixture
def session(path: Path, writer: StoreWriter, llm: Callable[..., LLMRecord]) -> list[str]:
    """A session of thirty calls, each with everything that was said before."""
    sent = [payload(turns) for turns in range(1, 31)]
    writer.write([llm(n, payload=text) for n, text in enumerate(sent, 1)])
    return sent


def test_every_call_of_a_session_reads_back_byte_for_byte(path: Path, session: list[str]) -> None:
    assert session == texts(path)


def test_a_history_that_is_sent_again_costs_its_last_turn(path: Path, session: list[str]) -> None:
    [(kept,)] = numbers(
        path, "SELECT sum(length(body)) FROM (SELECT body FROM contents UNION ALL SELECT body FROM payloads)"
    )
    assert kept < sum(map(len, session)) / 12
    assert [(1,)] == numbers(path, "SELECT count(*) FROM contents WHERE unpack(body) LIKE '%You help with%'")


def test_a_message_without_fingerprint_reads_back(
    path: Path, writer: StoreWriter, llm: Callable[..., LLMRecord]
) -> None:
    sent = [payload(turns, hashes=False) for turns in (3, 9)]
    writer.write([llm(n, payload=text) for n, text in enumerate(sent, 1)])
    assert sent == texts(path)


def test_equal_texts_keep_the_fingerprints_of_what_was_masked_in_them(
    path: Path, writer: StoreWriter, llm: Callable[..., LLMRecord]
) -> None:
    one = [{"role": "user", "content": "[REDACTED:email] " * 90}]
    sent = [compact({"input": one, "hashes": {"input": [mark * 16]}}) for mark in "ab"]
    writer.write([llm(n, payload=text) for n, text in enumerate(sent, 1)])
    assert sent == texts(path)


def test_a_text_deep_in_the_history_is_found(path: Path, session: list[str]) -> None:
    with closing(open_for_read(path)) as connection:
        assert 28 == len(find(connection, "question 2 about", columns="r.id"))


def test_what_is_referred_to_stays_and_the_rest_goes_with_its_last_reference(
    path: Path, writer: StoreWriter, llm: Callable[..., LLMRecord]
) -> None:
    writer.write([llm(n, start_ns=n, end_ns=n, payload=payload(n)) for n in (1, 2, 3)])
    with closing(open_for_write(path)) as connection:
        prune(connection, 3)
        assert [payload(3)] == texts(path)
        prune(connection, 4)
        assert [(0,)] == numbers(path, "SELECT count(*) FROM contents")


def test_references_are_counted(path: Path, session: list[str]) -> None:
    before = numbers(path, "SELECT id, refs FROM contents ORDER BY id")
    with closing(open_for_write(path)) as connection, transaction(connection):
        assert 0 == contents.sweep(connection)
    assert before == numbers(path, "SELECT id, refs FROM contents ORDER BY id")


def test_a_sweep_takes_what_rows_left_behind_that_went_another_way(path: Path, session: list[str]) -> None:
    with closing(open_for_write(path)) as connection, transaction(connection):
        connection.execute("DELETE FROM payloads WHERE id > 1")
        assert 0 < contents.sweep(connection)
    assert session[:1] == texts(path)
    with closing(open_for_write(path)) as connection, transaction(connection):
        contents.delete_payloads(connection, [1])
    assert [(0,)] == numbers(path, "SELECT count(*) FROM contents")


def test_a_lost_content_is_said_and_the_rest_is_read(path: Path, session: list[str]) -> None:
    with closing(open_for_write(path)) as connection:
        connection.execute("DELETE FROM contents WHERE unpack(body) LIKE '%question 0 %'")
    found = json.loads(texts(path)[-1])["input"]
    assert [SYSTEM, "[lost]", *history(30)[2:]] == found


def test_a_payload_of_an_older_store_is_read(path: Path, writer: StoreWriter, llm: Callable[..., LLMRecord]) -> None:
    writer.write([llm(1, payload=payload(2))])
    with closing(open_for_write(path)) as connection:
        connection.execute("UPDATE payloads SET body = ?", (payload(4),))
    assert [payload(4)] == texts(path)


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    with closing(open_for_write(tmp_path_factory.mktemp("store") / "store.sqlite3")) as opened:
        yield opened


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=8,
)
FIELDS = st.dictionaries(st.sampled_from(["system", "input", "output", "tools", "hashes", "result", "żółw"]), VALUES)


@given(found=FIELDS, filler=st.text(min_size=1, max_size=5))
def test_whatever_is_split_is_the_text_again(
    connection: sqlite3.Connection, found: dict[str, Any], filler: str
) -> None:
    text = compact({**found, "input": [found.get("input"), {"role": "user", "content": filler * 1100}]})
    text = text.encode(errors="replace").decode()
    with transaction(connection):
        body = contents.stored(connection, text)
        assert text == (text if body is None else contents.text_of(connection, body))


@pytest.mark.parametrize(
    "text",
    [
        '["no object"]', '{"input": ["not compact"]}', '{"a":1,"a":2}', '{"input":[1,2', "", "{}", '{"input":[]}',
        "{" * 9000,
    ],
)  # fmt: skip
def test_what_is_no_usual_payload_is_left_whole(text: str) -> None:
    assert split(text) is None


def test_a_list_of_numbers_is_one_content() -> None:
    found = split(compact({"input": list(range(900))}))
    assert [1] == [len(piece.items) for piece in found or [] if isinstance(piece, Part)]


def bytes_of(path: Path) -> bytes:
    """The file, and its log."""
    return b"".join(each.read_bytes() for each in path.parent.glob(f"{path.name}*"))


def test_erasing_a_person_takes_their_words_out_of_the_file_and_leaves_what_others_share(
    path: Path, writer: StoreWriter, llm: Callable[..., LLMRecord]
) -> None:
    def said(who: str) -> str:
        words = {"role": "user", "content": f"the words of {who}"}
        return compact({"input": [SYSTEM, words, {"role": "user", "content": "thanks"}]})

    writer.write([llm(1, user="u_ada", payload=said("ada")), llm(2, user="u_bob", payload=said("bob"))])
    writer.index(10)
    writer.close()
    assert b"the words of ada" in bytes_of(path)
    with closing(open_for_write(path)) as connection:
        erase_person(connection, "u_ada")
        assert scrub(connection)
    assert b"the words of ada" not in bytes_of(path)
    assert [said("bob")] == texts(path)
    assert 4 == len(numbers(path, "SELECT id FROM contents"))  # three messages, and their list

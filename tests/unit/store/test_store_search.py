"""Text search, indexed or not: what is looked for is data, never an operator."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syndarix_obs.records.model import LLMRecord
from syndarix_obs.store import search
from syndarix_obs.store.database import open_for_read, open_for_write
from syndarix_obs.store.writer import StoreWriter

Find = Callable[..., list[str]]


@pytest.fixture
def connection(path: Path, writer: StoreWriter) -> Iterator[sqlite3.Connection]:
    found = open_for_read(path)
    yield found
    found.close()


@pytest.fixture
def say(writer: StoreWriter, llm: Callable[..., LLMRecord]) -> Callable[..., None]:
    """Store one record for each text, said by the user of calls 1, 2, …"""

    def store(*texts: str, first: int = 1) -> None:
        for number, text in enumerate(texts, first):
            payload = json.dumps({"input": [{"role": "user", "content": text}]}, ensure_ascii=False)
            writer.write([llm(number, payload=payload)])

    return store


@pytest.fixture(params=["not indexed", "indexed", "half indexed"])
def find(
    request: pytest.FixtureRequest, connection: sqlite3.Connection, writer: StoreWriter
) -> Callable[..., list[str]]:
    """Search once the index is in one of its states; returns trace ids."""

    def run(text: str, **options: object) -> list[str]:
        if request.param == "indexed":
            assert writer.index(5)
        elif request.param == "half indexed" and not search.indexed_to(connection):
            half_index(connection, writer)
        rows = search.find(connection, text, columns="r.trace_id", **options)  # type: ignore[arg-type]  # test's
        return [row["trace_id"] for row in rows]

    return run


def half_index(connection: sqlite3.Connection, writer: StoreWriter) -> None:
    """Index everything, then take the mark and the newer half of the rows out again."""
    writer.index(5)
    path = connection.execute("PRAGMA database_list").fetchone()[2]
    half = search.indexed_to(connection) // 2
    changing = open_for_write(path)
    changing.execute("INSERT INTO search (search) VALUES ('delete-all')")
    changing.execute("UPDATE meta SET value = 0 WHERE key = 'indexed_to'")
    changing.execute("UPDATE records SET id = -id WHERE id > ?", (half,))
    search.catch_up(changing, 5)
    changing.execute("UPDATE records SET id = -id WHERE id < 0")
    changing.close()


def test_a_text_is_found_anywhere_in_any_case_newest_first(say: Callable[..., None], find: Find) -> None:
    say("Where is my ORDER_4711?", "cancel it", "order_4711 again")
    assert ["t3", "t1"] == find("order_4711")
    assert ["t3", "t1"] == find("DER_47")
    assert [] == find("order_4712")


def test_names_and_errors_are_searched_too(
    writer: StoreWriter, llm: Callable[..., LLMRecord], find: Find
) -> None:
    writer.write([llm(1, name="chat special"), llm(2, error_type="RateLimitError", error_message="slow down")])
    assert ["t1"] == find("special")
    assert ["t2"] == find("ratelimit")
    assert ["t2"] == find("slow down")


def test_a_limit_gives_the_newest(say: Callable[..., None], find: Find) -> None:
    say(*["the same"] * 10)
    assert ["t10", "t9", "t8", "t7", "t6", "t5", "t4"] == find("the same", limit=7)


def test_conditions_narrow_the_search(say: Callable[..., None], find: Find) -> None:
    say(*["the same"] * 6)
    found = find("same", where="r.ts_ns >= ? AND r.agent = ?", parameters=(4_000_000_000, "support"))
    assert ["t6", "t5", "t4"] == found


@pytest.mark.parametrize("text", ["\n", '\n{"input"', "\n\n", "chat gpt-4o\n", "\n“"])
def test_a_line_break_is_found_where_somebody_said_it_alone(
    say: Callable[..., None], find: Find, text: str
) -> None:
    say("one line", f"before {text} after", "one “line”")
    assert ["t2"] == find(text)


@pytest.mark.parametrize("text", ["é", "ab", "%", "_", "日本", "日本語の文", "ЗАКАЗ", "straße", "Ab" * 600])
def test_short_long_and_foreign_texts_are_found(say: Callable[..., None], find: Find, text: str) -> None:
    say("nothing here", f"vor{text}nach", "nor here")
    assert ["t2"] == find(text)


@pytest.mark.parametrize("text", ["заказ", "ЗаКаЗ"])
def test_case_is_ignored_beyond_ascii(say: Callable[..., None], find: Find, text: str) -> None:
    say("мой Заказ", "мой заказчик", "мой")
    assert ["t2", "t1"] == find(text)


@pytest.mark.parametrize(
    "text",
    ['say "yes"', "a\nb", "C:\\temp", "' OR 1=1 --", '" OR "', "NEAR(a b)", "a AND NOT b", "x*", "^x", "{a}:b", "-x",
     "100%", "a_b", "\\", '"', "'", "*", "(", "col:val", "SELECT 1; DROP TABLE records"],
)  # fmt: skip
def test_quotes_and_operators_are_data(say: Callable[..., None], find: Find, text: str) -> None:
    say("say yes a b C:temp OR 1 NEAR x 100 axb col val", f"<{text}>", "other")
    assert "t2" in find(text)
    assert "t3" not in find(f"<{text}>")


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(min_size=1), before=st.text(), after=st.text())
def test_whatever_was_said_is_found_again_by_itself(
    path: Path, writer: StoreWriter, llm: Callable[..., LLMRecord], text: str, before: str, after: str
) -> None:
    connection = open_for_read(path)
    number = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM records").fetchone()[0]
    payload = json.dumps({"input": before + text + after}, ensure_ascii=False)
    writer.write([llm(number, payload=payload)])
    new, found = f"t{number}", []
    for _ in ("not indexed", "indexed"):
        found.append([row["trace_id"] for row in search.find(connection, text, columns="r.trace_id")][:1])
        writer.index(5)
    connection.close()
    assert [[new], [new]] == found


def test_compressed_payloads_are_searched(say: Callable[..., None], find: Find) -> None:
    say("x" * 20_000 + " needle " + "y" * 20_000, "hay")
    assert ["t1"] == find("needle")


def test_indexing_goes_in_steps_until_nothing_is_left(
    say: Callable[..., None], connection: sqlite3.Connection, writer: StoreWriter
) -> None:
    say(*["step"] * 150)
    assert not writer.index(0)
    assert 0 < search.indexed_to(connection) < 150
    assert writer.index(5)
    assert 150 == search.indexed_to(connection)
    assert writer.index(0)


def test_a_step_of_indexing_is_bounded_by_size(
    writer: StoreWriter, llm: Callable[..., LLMRecord], connection: sqlite3.Connection
) -> None:
    writer.write([llm(number, payload='"' + "abc " * 40_000 + '"') for number in range(1, 6)])
    writer.index(0)
    assert 2 == search.indexed_to(connection)


def test_indexing_gives_way_to_a_writer(path: Path, say: Callable[..., None], writer: StoreWriter) -> None:
    say("busy")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert not writer.index(5)
    other.execute("ROLLBACK")
    other.close()
    assert writer.index(5)

"""Questions that look at thousands of records and at little of each: what travels, and what reads back."""

from __future__ import annotations

from typing import Any

import httpx
from fake_servers import NOW, SECOND, backend, line, streams

from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import FieldSource
from syndarix_obs_read.backends.stack.queries.logql import SEPARATOR, among, separated

START = NOW - 600 * SECOND
DECISIONS = Filter(kinds=("decision",), since_ns=NOW - 3_600 * SECOND, until_ns=NOW)
FIELDS = ("options", "selected", "confidence", "loop_count", "priced")


def columns(record_id: str, *rest: str) -> str:
    return SEPARATOR.join((record_id, "decision", str(START), str(START + 5), "ok", *rest))


def loki(*texts: str, whole: str = "") -> Any:
    """A Loki that answers questions for fields with these lines, and any other with the whole line."""

    def answer(request: httpx.Request) -> Any:
        asked = "line_format" in request.url.params["query"]
        return streams([(str(START), text) for text in (texts if asked else (whole,))], level="warning")

    return answer


async def test_fields_read_back_as_what_they_were() -> None:
    found = backend(loki=loki(columns("r1", '["a","b"]', "a", "0.5", "3", "true")))
    assert isinstance(found, FieldSource)
    (record,) = (await found.some_fields(DECISIONS, FIELDS, limit=5)).rows
    expected = {
        "record_id": "r1", "kind": "decision", "start_ns": START, "end_ns": START + 5, "status": "ok",
        "options": ["a", "b"], "selected": "a", "confidence": 0.5, "loop_count": 3, "priced": True,
    }  # fmt: skip
    assert (expected, "warning") == (dict(record.data), record.level)


async def test_a_field_that_a_line_lacks_is_not_set() -> None:
    page = await backend(loki=loki(columns("r1", "", "a", "", "", ""))).some_fields(DECISIONS, FIELDS, limit=5)
    assert (None, "a") == (page.rows[0].get("confidence"), page.rows[0].get("selected"))


async def test_a_text_that_holds_the_separator_is_fetched_as_it_is() -> None:
    whole = line("r1", START, "decision", selected=f"a{SEPARATOR}b")
    found = backend(loki=loki(columns("r1", "", f"a{SEPARATOR}b", "", "", ""), whole=whole))
    assert [f"a{SEPARATOR}b"] == [r.get("selected") for r in (await found.some_fields(DECISIONS, FIELDS, limit=5)).rows]


async def test_a_line_that_came_twice_is_one_record() -> None:
    text = columns("r1", "", "a", "", "", "")
    assert 1 == len((await backend(loki=loki(text, text)).some_fields(DECISIONS, FIELDS, limit=5)).rows)


async def test_what_no_trace_can_begin_with_is_not_looked_for() -> None:
    def refuse(request: httpx.Request) -> Any:
        raise AssertionError(request.url)

    assert [] == await backend(loki=refuse, tempo=refuse).trace_ids("session-7", 5)


def test_the_separator_travels_as_an_escape() -> None:
    assert r"{{.field_a}}\x1f{{.field_b}}" in separated('{kind="app"}', ("a", "b"))


def test_an_id_among_several_is_compared_as_a_whole() -> None:
    assert '| session_id=~"^(?:s-7|s-70)$"' == among("session_id", ("s-7", "s-70"))
    assert '| trace_id=~"aa|bb"' == among("trace_id", ("aa", "bb"))

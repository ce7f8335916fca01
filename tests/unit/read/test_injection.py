"""Whatever stands in a filter or an id is data: it finds itself, nothing else, and breaks nothing."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import read_scene as scene
from hypothesis import example, given, settings
from hypothesis import strategies as st

from syndarix_obs import vocabulary as v
from syndarix_obs.records import model as r
from syndarix_obs.store.database import open_for_read
from syndarix_obs.store.location import store_path
from syndarix_obs_read.answers.ids import resolve_session, resolve_trace
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.backends.filters import EQUAL, Filter
from syndarix_obs_read.backends.rows import DIMENSIONS
from syndarix_obs_read.backends.sql import records as statements
from syndarix_obs_read.errors import FilterError, ReadError

NASTY = [
    "' OR 1=1 --", '"; DROP TABLE records; --', "%", "_", "a%b_c", "\\", "\\%", "*", "NEAR(a b)", "a AND b OR NOT c",
    '"',
    "text:foo", "{}", "${x}", "[a-z]", "(", "\n\r\t", "\x00", "a\x00b", "é", "İ", "😀" * 3, "-" * 300, "?", "?1", ":a",
]  # fmt: skip
texts = st.one_of(
    st.sampled_from([*NASTY, "\ud800"]),
    st.text(min_size=1, max_size=40),
    st.text(alphabet="'\"%_\\*?;-()", min_size=1, max_size=12),
)
FREE = [name for name in EQUAL if name != "status"]
"""Filters that take any text as what a field has to be."""
maybe = st.none() | texts
filters = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys((*FREE, "text"), maybe),
        "status": st.sampled_from(["ok", "error", "running"]) | texts,
        "level": st.sampled_from(v.LEVELS) | texts,
        "kinds": st.lists(st.sampled_from(v.KINDS) | texts, max_size=3).map(tuple),
        "since_ns": st.integers(),
        "until_ns": st.integers(),
        "min_duration_ns": st.integers(),
        "min_cost_usd": st.decimals(),
        "looped": st.booleans(),
    },
)
limits = st.integers(-2, 2**70)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("nasty")
    scene.write(store_path(found), *scene.refund(), *_nasty())
    return found


def _nasty() -> Iterator[r.Record]:
    for i, text in enumerate(NASTY):
        who = {"agent": text, "session_id": text, "project": text, "user": text, "task_type": text}
        trace = f"{i:032x}"
        yield scene.make(r.SessionRecord, trace, "01", None, i, 1, name="invoke_agent", **who)
        yield scene.make(
            r.ToolRecord, trace, "02", "01", i, 1, name="t", tool=text, payload={"arguments": {"q": text}}, **who
        )
        yield scene.cost(trace, "03", i, "0.5", model=text, **who)


def ask_everything(home: Path, where: Filter) -> list[int]:
    """How many rows every question has for a filter."""

    async def ask() -> list[int]:
        backend = EmbeddedBackend(store_path(home))
        try:
            ledger = dataclasses.replace(where, text=None, tool=None)
            return [
                len((await backend.search_traces(where, 100)).rows),
                len((await backend.sessions(where, 100)).rows),
                len((await backend.records(where, limit=100, payloads=False)).rows),
                len(await backend.costs(ledger, ("agent",), UTC)),
            ]
        finally:
            await backend.close()

    return asyncio.run(ask())


def _lines() -> list[r.Record]:
    """Every record of the store that a question without kinds is about."""
    return [each for each in (*scene.refund(), *_nasty()) if not isinstance(each, (r.CostRecord, r.SpanRecord))]


def _says(record: r.Record, text: str) -> bool:
    """Whether a text stands in a record, as it is or inside the JSON of its payload, in any case."""
    stored = "\n".join((record.name, record.error_type or "", record.error_message or "", record.payload or ""))
    escaped = json.dumps(text, ensure_ascii=False)[1:-1]
    twice = json.dumps(escaped, ensure_ascii=False)[1:-1]
    return any(form.lower() in stored.lower() for form in {text, escaped, twice})


def _expected(field: str, text: str) -> int:
    text = text.encode(errors="replace").decode()  # half a surrogate pair is stored as a question mark
    if field == "text":
        return sum(_says(record, text) for record in _lines())
    # A filter by what a kind of record does not have fits none of it.
    return sum(getattr(record, field, None) == text for record in _lines())


@given(text=texts, field=st.sampled_from([*FREE, "text"]))
@settings(max_examples=150, deadline=None)
@example(text="N", field="text")  # in every second record: a single letter may stand anywhere
@example(text="0", field="text")
@example(text="' OR 1=1 --", field="text")
@example(text='"', field="text")
@example(text="\x00", field="text")
@example(text="\ud800", field="agent")
def test_a_filter_finds_the_records_that_have_its_value_and_no_others(home: Path, text: str, field: str) -> None:
    async def found() -> int:
        backend = EmbeddedBackend(store_path(home))
        page = await backend.records(Filter(**{field: text}), limit=1_000, payloads=False)  # type: ignore[arg-type]  # a field's name at random
        await backend.close()
        return len(page.rows)

    assert _expected(field, text) == asyncio.run(found())


async def _ask(home: Path, given: dict[str, Any], limit: int) -> None:
    """Ask every question with these arguments. Refusing a filter is an answer; any other error is not."""
    where = Filter(**given)
    ledger = dataclasses.replace(where, kinds=(), text=None, tool=None, level=None, decision_type=None, looped=False)
    lines = dataclasses.replace(where, kinds=("cost",))
    backend = EmbeddedBackend(store_path(home))
    questions: tuple[Callable[[], Awaitable[Any]], ...] = (
        lambda: backend.search_traces(where, limit), lambda: backend.sessions(where, limit),
        lambda: backend.records(where, limit=limit, payloads=True),
        lambda: backend.records(lines, limit=limit, payloads=False),
        lambda: backend.costs(ledger, DIMENSIONS, UTC), lambda: backend.agents(where),
    )  # fmt: skip
    try:
        for question in questions:
            with contextlib.suppress(FilterError):
                assert max(limit, 0) >= len(getattr(await question(), "rows", ()))
    finally:
        await backend.close()


@given(given=filters, limit=limits)
@settings(max_examples=200, deadline=None)
@example(given={"min_cost_usd": Decimal("NaN")}, limit=5)
@example(given={"min_cost_usd": Decimal("sNaN")}, limit=5)
@example(given={"min_cost_usd": Decimal("1e400")}, limit=5)
@example(given={"text": "refund"}, limit=2**63)
@example(given={"text": "refund"}, limit=-1)
@example(given={}, limit=-1)
def test_no_combination_of_filters_breaks_a_question_or_its_limit(
    home: Path, given: dict[str, Any], limit: int
) -> None:
    with contextlib.suppress(FilterError):
        asyncio.run(_ask(home, given, limit))


@given(text=texts, by=texts, limit=limits)
@settings(max_examples=100, deadline=None)
@example(text="", by="day", limit=2**64)
@example(text="\ud800", by="agent", limit=-1)
def test_no_id_name_or_dimension_breaks_a_question(home: Path, text: str, by: Any, limit: int) -> None:
    async def ask() -> None:
        backend = EmbeddedBackend(store_path(home))
        try:
            assert max(limit, 0) >= len((await backend.trace(text, limit=limit, payloads=True)).rows)
            assert max(limit, 0) >= len(await backend.trace_ids(text, limit))
            with contextlib.suppress(FilterError):
                assert max(limit, 0) >= len(await backend.names(by, limit))
            with contextlib.suppress(FilterError):
                await backend.costs(Filter(), (by,), UTC)
        finally:
            await backend.close()

    asyncio.run(ask())


@given(given=filters)
@settings(max_examples=100, deadline=None)
@example(given={"text": "refund"})
def test_no_filter_breaks_following(home: Path, given: dict[str, Any]) -> None:
    connection = open_for_read(store_path(home))
    with contextlib.closing(connection), contextlib.suppress(FilterError):
        found, last = statements.arrived(connection, Filter(**given), 0, 1_000)
        assert len(_lines()) + 1 >= len(found)  # plain spans too, when their kind is asked for
        assert last == statements.last_id(connection)


@pytest.mark.parametrize("text", [text for text in NASTY if "\x00" not in text])
@pytest.mark.parametrize("field", ["agent", "project", "user", "session_id"])
def test_a_value_finds_exactly_itself(home: Path, text: str, field: str) -> None:
    where: dict[str, Any] = {field: text}
    assert [1, 1, 2, 1] == ask_everything(home, Filter(**where))


@pytest.mark.parametrize("text", ["%", "a%b_c", "NEAR(a b)", "text:foo", "${x}", "[a-z]", "a AND b OR NOT c", "?1"])
def test_a_text_is_found_as_it_stands(home: Path, text: str) -> None:
    async def found() -> list[str]:
        backend = EmbeddedBackend(store_path(home))
        page = await backend.records(Filter(text=text, kinds=("tool_call",)), limit=100, payloads=True)
        await backend.close()
        return [str(row.payload) for row in page.rows]

    assert [True] == list(dict.fromkeys(text in payload for payload in asyncio.run(found())))


@given(text=texts)
@settings(max_examples=60, deadline=None)
def test_no_id_breaks_the_search_for_it(home: Path, text: str) -> None:
    async def resolve() -> None:
        backend = EmbeddedBackend(store_path(home))
        for question in (resolve_trace, resolve_session):
            with contextlib.suppress(ReadError):
                assert await question(backend, text)
        await backend.close()

    asyncio.run(resolve())


@pytest.mark.parametrize(
    ("least", "expected"),
    [("0.5", len(NASTY)), ("0.5000000000000000000001", 0), ("0.4999999999999999999999", len(NASTY)),
     ("10000000", 0), ("1e30", 0), ("-1e30", len(NASTY) + 2), ("1e-30", len(NASTY) + 2)],
)  # fmt: skip
async def test_a_least_cost_of_any_size_finds_the_calls_that_cost_as_much(
    home: Path, least: str, expected: int
) -> None:
    backend = EmbeddedBackend(store_path(home))
    found = await backend.records(Filter(kinds=("cost",), min_cost_usd=Decimal(least)), limit=1_000, payloads=False)
    await backend.close()

    assert expected == len(found.rows)

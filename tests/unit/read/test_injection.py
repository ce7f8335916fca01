"""Whatever stands in a filter or an id is data: it finds itself, nothing else, and breaks nothing."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
import read_scene as scene
from hypothesis import example, given, settings
from hypothesis import strategies as st

from syndarix_obs import records as r
from syndarix_obs.store.location import store_path
from syndarix_obs_read.answers.ids import resolve_session, resolve_trace
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.errors import ReadError

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
    """How many rows every question has for a filter; ReadError counts as none."""

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


@given(text=texts, field=st.sampled_from(["agent", "project", "user", "session_id", "task_type", "tool", "model",
"text",
                                          "trace_id", "service", "environment"]))  # fmt: skip
@settings(max_examples=150, deadline=None)
@example(text="' OR 1=1 --", field="text")
@example(text='"', field="text")
@example(text="\x00", field="text")
def test_no_value_of_a_filter_breaks_a_question(home: Path, text: str, field: str) -> None:
    counts = ask_everything(home, Filter(**{field: text}))  # type: ignore[arg-type]  # a field's name at random
    assert len(NASTY) + 10 > max(counts)


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

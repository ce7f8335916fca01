"""One encoder for many texts gives what `json.dumps` gives, and quotes long texts as the standard library does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syndarix_obs.redaction import jsontext
from syndarix_obs.redaction.jsonable import encoded
from syndarix_obs.redaction.jsontext import compact_encoder, encoder_of, has_long_text, quoted

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSON)
def test_it_writes_what_the_standard_library_writes(value: Any) -> None:
    assert json.dumps(value, ensure_ascii=False, separators=(",", ":")) == compact_encoder(str)(value)


def test_it_writes_the_same_without_the_c_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsontext, "_make", None)
    assert '{"a":["é",1.5,null,"(1+2j)"]}' == compact_encoder(str)({"a": ["é", 1.5, None, 1 + 2j]})


def test_numbers_that_json_lacks_can_be_refused() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        compact_encoder(str, allow_nan=False)([float("nan")])


def test_what_contains_itself_is_refused() -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(RecursionError):
        compact_encoder(str)(circle)


LONG = "the quick brown fox " * 300
standard = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=str).encode
ours = encoder_of(str)


@given(st.text(), st.text(), st.integers(0, 2))
def test_a_long_text_is_quoted_as_the_standard_library_does(start: str, end: str, times: int) -> None:
    text = start + times * LONG + end
    assert standard(text) == quoted(text)


OTHERS = ('"', "\\", "/", "\x7f", "\x80", "é", "“", "😀", "\ud800", "\u2028")


@pytest.mark.parametrize("char", [*map(chr, range(0x20)), *OTHERS])
def test_every_character_with_an_escape_keeps_it_in_a_long_text(char: str) -> None:
    assert standard({"a": [LONG + char + LONG]}) == ours({"a": [LONG + char + LONG]})


@pytest.mark.parametrize(
    "value",
    [
        LONG,
        [LONG],
        {"input": [{"role": "user", "content": [{"type": "text", "text": LONG}]}], "n": [1, 1.5, None, True, 2**70]},
        {LONG: {LONG: "x"}, 1: LONG, None: (LONG, ())},
    ],
)
def test_a_document_with_long_texts_reads_the_same(value: Any) -> None:
    assert standard(value) == ours(value)


def test_what_the_fast_way_refuses_is_refused_with_long_texts_too() -> None:
    cycle: list[Any] = [LONG]
    cycle.append(cycle)
    assert ('["' + LONG + '","[circular]"]', False) == encoded(cycle)
    assert ('["' + LONG + '","nan"]', False) == encoded([LONG, float("nan")])
    assert ('["' + LONG + '\ufffd"]', False) == encoded([LONG + "\ud800"])


def test_long_texts_are_looked_for_near_the_end_of_lists_only() -> None:
    assert has_long_text({"input": [{"content": "x"}] * 100 + [{"content": LONG}]})
    assert not has_long_text({"input": [{"content": LONG}] + [{"content": "x"}] * 100})
    assert not has_long_text([[[[[[[LONG]]]]]]])

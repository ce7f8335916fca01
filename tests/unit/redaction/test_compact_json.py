"""One encoder for many texts gives what `json.dumps` gives."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syndarix_obs.redaction import compact_json
from syndarix_obs.redaction.compact_json import compact_encoder

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSON)
def test_it_writes_what_the_standard_library_writes(value: Any) -> None:
    assert json.dumps(value, ensure_ascii=False, separators=(",", ":")) == compact_encoder(str)(value)


def test_it_writes_the_same_without_the_c_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compact_json, "_make", None)
    assert '{"a":["é",1.5,null,"(1+2j)"]}' == compact_encoder(str)({"a": ["é", 1.5, None, 1 + 2j]})


def test_numbers_that_json_lacks_can_be_refused() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        compact_encoder(str, allow_nan=False)([float("nan")])


def test_what_contains_itself_is_refused() -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(RecursionError):
        compact_encoder(str)(circle)

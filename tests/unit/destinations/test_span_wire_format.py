"""Attributes that are written by hand read back as protobuf reads them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from syndarix_obs.destinations.span_proto import _attributes, set_attributes

SCALARS = st.one_of(
    st.integers(-(1 << 63), (1 << 63) - 1), st.floats(allow_nan=False), st.booleans(), st.text(max_size=100),
    st.lists(st.text(max_size=10), max_size=10),
)  # fmt: skip


def by_protobuf(attributes: dict[str, Any]) -> list[Any]:
    """The attributes as the library's own messages hold them."""
    holder = Span()
    set_attributes(holder.attributes, attributes)
    return list(holder.attributes)


@given(st.dictionaries(st.text(max_size=200), SCALARS, max_size=8))
def test_any_attributes_are_what_protobuf_would_have_written(attributes: dict[str, Any]) -> None:
    assert by_protobuf(attributes) == list(Span.FromString(_attributes(attributes)).attributes)


@pytest.mark.parametrize("value", [0, -1, 127, 128, 1 << 40, -(1 << 63), (1 << 63) - 1, 0.0, -0.5, True, False])
def test_numbers_at_the_edges_read_back(value: float) -> None:
    read = Span.FromString(_attributes({"n": value})).attributes[0]
    assert ("n", value) == (read.key, getattr(read.value, str(read.value.WhichOneof("value"))))


@pytest.mark.parametrize("value", [1 << 63, -(1 << 63) - 1])
def test_a_number_beyond_64_bits_becomes_text(value: int) -> None:
    assert str(value) == Span.FromString(_attributes({"n": value})).attributes[0].value.string_value


def test_a_key_that_is_no_unicode_text_keeps_its_number() -> None:
    read = Span.FromString(_attributes({"a\ud800": 1})).attributes[0]
    assert ("a?", 1) == (read.key, read.value.int_value)

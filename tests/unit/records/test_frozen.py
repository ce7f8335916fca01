"""Frozen records are ordinary frozen dataclasses, only quicker to make."""

from __future__ import annotations

import dataclasses
import inspect
import pickle

import pytest

from syndarix_obs.records import model as r

_IDS = {"record_id": "t:s", "trace_id": "t", "span_id": "s"}


def test_a_record_cannot_be_changed() -> None:
    record = r.ToolRecord(**_IDS)
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.tool = "search"  # type: ignore[misc]


def test_fields_that_are_not_given_have_their_defaults() -> None:
    assert ("", None, "ok", ()) == (lambda x: (x.tool, x.call_id, x.status, x.events))(r.ToolRecord(**_IDS))


def test_two_records_share_no_default_container() -> None:
    first, second = r.ContextRecord(**_IDS), r.ContextRecord(**_IDS)
    assert {} == first.sections == first.attributes
    assert first.sections is not second.sections
    assert first.attributes is not second.attributes


def test_equal_fields_make_equal_records() -> None:
    assert r.ToolRecord(**_IDS, tool="search") == r.ToolRecord(**_IDS, tool="search")
    assert r.ToolRecord(**_IDS, tool="search") != r.ToolRecord(**_IDS, tool="refund")


def test_a_field_without_default_must_be_given() -> None:
    with pytest.raises(TypeError, match="span_id"):
        r.ToolRecord(record_id="t:s", trace_id="t")  # type: ignore[call-arg]


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(TypeError, match="nonsense"):
        r.ToolRecord(**_IDS, nonsense=1)  # type: ignore[call-arg]


def test_replace_and_pickle_work_as_with_any_dataclass() -> None:
    record = r.DecisionRecord(**_IDS, options=("a", "b"), selected="a")
    assert "b" == dataclasses.replace(record, selected="b").selected
    assert record == pickle.loads(pickle.dumps(record))


@pytest.mark.parametrize("cls", [r.LLMRecord, r.CostRecord, r.SessionRecord, r.LogRecord])
def test_the_signature_names_every_field(cls: type[r.Record]) -> None:
    assert [f.name for f in dataclasses.fields(cls)] == list(inspect.signature(cls).parameters)

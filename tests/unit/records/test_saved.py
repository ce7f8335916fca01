"""Records that wait in a file come back as they were."""

from __future__ import annotations

from decimal import Decimal

import pytest

from syndarix_obs.records import model as r
from syndarix_obs.records.saved import from_line, to_line

COMMON = {
    "record_id": "t:s", "trace_id": "t", "span_id": "s", "name": "näme\ud800", "start_ns": 1, "end_ns": 2**62,
    "attributes": {"a": (1, 2.5, True), "b": {"c": None}, "d": ["x"]}, "payload": '{"input":"ü"}',
    "events": (r.SpanEvent("loop", 7, {"n": ("x",)}),),
}  # fmt: skip


@pytest.mark.parametrize(
    "record",
    [
        r.SpanRecord(**COMMON),
        r.SessionRecord(**COMMON, outcome="done"),
        r.LLMRecord(**COMMON, cost_usd=Decimal("0.000000123"), input_tokens=5, stream=True),
        r.CostRecord(**COMMON, total_cost_usd=Decimal("1.50"), cost_per_input_token=Decimal("1E-7")),
        r.DecisionRecord(**COMMON, decision_id="d", options=("a", "b")),
        r.ContextRecord(**COMMON, sections={"system": 3}, evicted={}),
        r.LogRecord(**COMMON, logger="app", severity="error"),
    ],
    ids=lambda record: record.kind,
)
def test_every_kind_of_record_survives(record: r.Record) -> None:
    line = to_line(record)
    assert "\n" not in line
    found = from_line(line.encode("utf-8", "surrogatepass").decode("utf-8", "surrogatepass"))
    assert type(record) is type(found)
    assert to_line(record) == to_line(found)
    assert (record.attributes["a"], record.events, record.payload) == (
        found.attributes["a"], found.events, found.payload,
    )  # fmt: skip


@pytest.mark.parametrize("line", ["", "{}", "[]", "null", '{"kind":"nothing"}', '{"kind":"span","unknown":1}'])
def test_a_line_that_is_no_record_says_so(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_line(line)

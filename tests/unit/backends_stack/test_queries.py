"""Whatever somebody asks for reaches the servers as data."""

from __future__ import annotations

import json
import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syndarix_obs import vocabulary as v
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.stack.queries import logql, promql, traceql
from syndarix_obs_read.backends.stack.queries.quoting import any_of, label_quoted, literal, quoted

TEXT = st.one_of(st.text(min_size=1), st.text(alphabet="\"\\`{}[]()|.*+?^$\n\t\r\0 %'=~,ab", min_size=1, max_size=20))
STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')


def strings_of(query: str) -> list[str]:
    """The string literals of a query."""
    return [json.loads(found) for found in STRING.findall(query)]


def skeleton_of(query: str) -> str:
    """A query without what stands in its string literals."""
    return STRING.sub('""', query)


def sent(text: str) -> str:
    """The text as it can be sent."""
    return text.encode("utf-8", "replace").decode()


@given(TEXT)
def test_a_literal_reads_back_as_the_text(text: str) -> None:
    assert sent(text) == json.loads(quoted(text))


@given(TEXT)
def test_a_literal_has_no_line_break_and_no_quote_inside(text: str) -> None:
    assert STRING.fullmatch(quoted(text))


@given(TEXT, TEXT)
def test_an_escaped_expression_matches_its_text_and_nothing_else(text: str, other: str) -> None:
    pattern = re.compile(literal(text))
    assert pattern.fullmatch(text)
    assert (text == other) == bool(pattern.fullmatch(other))


def test_what_loki_cannot_hand_on_in_an_expression_is_escaped() -> None:
    assert r"\x60\| drop \x00\x0a" == literal("`| drop \x00\n")


def test_a_lone_surrogate_becomes_a_question_mark_before_it_is_escaped() -> None:
    assert r"\?" == literal("\ud83d")
    assert ["?"] == logql.needles("\ud83d")


def test_a_label_in_alertmanagers_matcher_has_only_the_escapes_that_it_knows() -> None:
    assert '"a\\"b\\\\c\\nd\te\r?"' == label_quoted('a"b\\c\nd\te\r\ud83d')


def test_a_duration_beyond_64_bits_or_below_nothing_is_a_number_that_tempo_takes() -> None:
    assert f"traceDuration >= {2**63 - 1}ns" in traceql.plain_roots(Filter(min_duration_ns=2**70))
    assert "traceDuration >= 0ns" in traceql.plain_roots(Filter(min_duration_ns=-1))


@given(st.lists(TEXT, min_size=1, max_size=4), TEXT)
def test_alternatives_match_exactly_the_texts(texts: list[str], other: str) -> None:
    assert (other in texts) == bool(re.fullmatch(any_of(texts), other))


@pytest.mark.parametrize(
    "name", ["agent", "project", "user", "session_id", "trace_id", "task_type", "model", "tool", "service",
             "environment", "decision_type", "text"],
)  # fmt: skip
@given(text=TEXT)
def test_no_argument_changes_the_shape_of_a_logql_query(name: str, text: str) -> None:
    plain = logql.lines(Filter(**{name: "x"}), (v.KIND_TOOL_CALL,))
    hostile = logql.lines(Filter(**{name: text}), (v.KIND_TOOL_CALL,))
    # Where JSON has escapes for the text, a list of two stands where one value did.
    assert skeleton_of(plain) == skeleton_of(hostile).replace(f'| {name}=~""', f'| {name}=""')


@given(text=TEXT)
def test_the_text_itself_is_what_is_compared(text: str) -> None:
    query = logql.lines(Filter(service=text), (v.KIND_APP,))
    assert [v.KIND_APP, sent(text)] == strings_of(query)


@given(text=st.text(alphabet='"\\\n\tab', min_size=1, max_size=8))
def test_metadata_is_looked_for_with_and_without_jsons_escapes(text: str) -> None:
    pattern = strings_of(logql.among("agent", (text,)))[0]
    escaped = json.dumps(text)[1:-1]
    if escaped == text:
        assert text == pattern
    else:
        assert re.fullmatch(pattern, text)
        assert re.fullmatch(pattern, escaped)


@given(text=TEXT, around=st.text(max_size=5))
def test_a_searched_text_is_found_in_the_line_that_holds_it_in_any_case(text: str, around: str) -> None:
    text, around = sent(text), sent(around)
    line = json.dumps({"name": around + text + around}, ensure_ascii=False)
    pattern = strings_of(logql.lines(Filter(text=text), (v.KIND_APP,)))[1]
    assert re.search(pattern, line)


def test_filters_become_labels_metadata_and_text() -> None:
    where = Filter(agent="a", environment="test", level="error", status="error", looped=True)
    assert (
        '{kind="tool_call", environment="test", level=~"error|critical"} |= "\\"status\\":\\"error\\""'
        ' |= "\\"loop_count\\":" | agent="a"'
    ) == logql.lines(where, (v.KIND_TOOL_CALL,))


def test_what_failed_is_looked_for_in_the_streams_of_failures_but_for_safety_checks() -> None:
    failed = Filter(status="error")
    line = '|= "\\"status\\":\\"error\\""'
    assert f'{{kind="tool_call", level=~"error|critical"}} {line}' == logql.lines(failed, (v.KIND_TOOL_CALL,))
    assert f'{{kind="safety"}} {line}' == logql.lines(failed, (v.KIND_SAFETY,))
    assert f'{{kind=~"app|safety"}} {line}' == logql.lines(failed, (v.KIND_APP, v.KIND_SAFETY))


def test_amounts_and_durations_are_plain_digits_with_a_margin() -> None:
    query = logql.lines(Filter(min_cost_usd=Decimal("0.00001"), min_duration_ns=1_500_000), (v.KIND_LLM_CALL,))
    assert 'json least_usd="cost_usd" | least_usd >= 0.000009999990' in query
    assert 'least_ms >= 1.499998500000 or state = "running"' in query
    assert 'least_usd="total_cost_usd"' in logql.lines(Filter(min_cost_usd=Decimal(1)), (v.KIND_COST,))


def test_only_labels_of_ours_select_streams() -> None:
    assert '{kind=~"cost|app"}' == logql.selector(kind=("cost", "app"))
    for labels in ({"session_id": "x"}, {}):
        with pytest.raises(ValueError, match="not among the labels"):
            logql.selector(**labels)


def test_only_metadata_of_ours_is_compared() -> None:
    with pytest.raises(ValueError, match="not among the structured metadata"):
        logql.among("password", ("x",))


def test_the_beginning_of_an_id_is_anchored() -> None:
    assert '| trace_id=~"^\\\\.\\\\*.*"' == logql.beginning("trace_id", ".*")


def test_columns_come_back_as_fields() -> None:
    query = logql.columns("{}", ("record_id",), ("agent",), ("kind",))
    assert (
        '{} | keep kind | json field_record_id="record_id", field_agent="agent"'
        ' | line_format "{{.field_record_id}}" | keep kind, field_agent'
    ) == query
    assert {"agent": None, "kind": "cost"} == logql.fields_of({"field_agent": "", "kind": "cost"})


def test_values_are_counted_by_a_field_of_the_line() -> None:
    assert 'sum by (field_tool) (count_over_time({} | json field_tool="tool" [60s]))' == logql.count_by(
        "{}", "tool", 60
    )


def test_plain_traces_may_have_to_be_long_enough() -> None:
    assert "traceDuration >= 5ns" in traceql.plain_roots(Filter(min_duration_ns=5))
    assert "traceDuration" not in traceql.plain_roots(Filter())
    assert traceql.plain_spans().endswith(traceql.NEWEST_FIRST)


@given(text=TEXT)
def test_no_label_value_changes_the_shape_of_a_promql_query(text: str) -> None:
    query = promql.increase(v.LLM_REQUESTS, 60, ("model",), agent=text)
    assert 'sum by (model) (increase(llm_requests_total{agent=""}[60s]))' == skeleton_of(query)
    assert [sent(text)] == strings_of(query)


def test_totals_go_over_all_processes() -> None:
    assert "sum (syndarix_obs_spool_bytes)" == promql.total(v.SPOOL_BYTES)
    assert "sum by (destination) (syndarix_obs_spool_bytes)" == promql.total(v.SPOOL_BYTES, ("destination",))


def test_a_metric_is_asked_only_for_labels_that_it_has() -> None:
    with pytest.raises(ValueError, match="no label session_id"):
        promql.series(v.LLM_REQUESTS, session_id="x")
    with pytest.raises(ValueError, match="no label agent"):
        promql.total(v.SPOOL_BYTES, ("agent",))


def test_only_counters_increase() -> None:
    with pytest.raises(ValueError, match="is a gauge"):
        promql.increase(v.SPOOL_BYTES, 60)

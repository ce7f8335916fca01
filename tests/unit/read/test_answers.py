"""Answers: what a person or a model gets to know about the scene."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import read_scene as scene

from syndarix_obs.records import model as r
from syndarix_obs.store.location import store_path
from syndarix_obs_read.answers.agents import get_agents
from syndarix_obs_read.answers.costs import list_cost_records, summarise_costs
from syndarix_obs_read.answers.decisions import decision_patterns, list_decisions
from syndarix_obs_read.answers.errors import group_errors, normalise
from syndarix_obs_read.answers.explain import explain_trace
from syndarix_obs_read.answers.health import check_health
from syndarix_obs_read.answers.logs import search_logs
from syndarix_obs_read.answers.loops import list_loops
from syndarix_obs_read.answers.messages import brief, last_text, unified
from syndarix_obs_read.answers.session import get_session
from syndarix_obs_read.answers.sessions import list_sessions
from syndarix_obs_read.answers.timeline import get_timeline
from syndarix_obs_read.answers.trace import get_trace, tree
from syndarix_obs_read.answers.traces import search_traces
from syndarix_obs_read.backends.embedded import EmbeddedBackend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.rows import StoredRecord
from syndarix_obs_read.errors import Ambiguous, NotFound
from syndarix_obs_read.timerange import TimeRange


async def test_a_trace_is_a_tree_with_sums_below_each_span(backend: EmbeddedBackend) -> None:
    trace = await get_trace(backend, scene.REFUND)
    assert [
        (0, "triage"), (1, "gpt-4o-mini"), (1, "tool_selection"), (1, "support"), (2, "refund"), (3, "context"),
        (3, "search orders"), (3, "claude"), (3, "house-1"), (3, "tool_selection"), (3, "refund"), (4, "POST /refund"),
        (4, "desk"), (1, "feedback"),
    ] == [(span.depth, span.title) for span in trace.spans]  # fmt: skip
    by_title = {span.title: span for span in trace.spans[:5]}
    assert (375, Decimal("0.021")) == (by_title["triage"].total_tokens, by_title["triage"].total_cost_usd)
    assert (250, Decimal("0.02")) == (by_title["support"].total_tokens, by_title["support"].total_cost_usd)
    assert (Decimal("0.001"), Decimal("0.02"), 1) == (
        trace.cost.exact_usd, trace.cost.estimated_usd, trace.cost.unpriced_calls,
    )  # fmt: skip


def test_instructions_stand_before_the_messages() -> None:
    payload = {"input": [{"role": "user", "content": "hi"}], "system": "Be brief.", "output": []}
    data = {"trace_id": "ab", "span_id": "1", "kind": "llm_call", "start_ns": 1, "end_ns": 2}
    record = StoredRecord(data, "info", payload)
    (span,) = tree([record], payloads=True)
    assert ["system", "input", "output"] == list(span.payload or {})


async def test_a_span_shows_payloads_only_when_asked(backend: EmbeddedBackend) -> None:
    assert {None} == {span.payload for span in (await get_trace(backend, scene.REFUND)).spans}
    asked = await get_trace(backend, scene.REFUND, payloads=True)
    assert {"order": "4711"} in [(span.payload or {}).get("arguments") for span in asked.spans]


async def test_a_cut_trace_says_how_much_is_missing(backend: EmbeddedBackend) -> None:
    trace = await get_trace(backend, scene.REFUND, limit=4)
    assert (4, 14, True) == (len(trace.spans), trace.total_spans, trace.more)
    assert "10 more spans; raise the limit" in trace.hints


async def test_a_running_trace_says_so(backend: EmbeddedBackend) -> None:
    trace = await get_trace(backend, scene.LIVE)
    assert (True, "running", 3000.0) == (trace.running, trace.status, trace.duration_ms)


@pytest.mark.parametrize("typed", ["aaaa", "AAAA", f" {scene.REFUND} "])
async def test_a_unique_beginning_of_an_id_is_enough(backend: EmbeddedBackend, typed: str) -> None:
    assert scene.REFUND == (await get_trace(backend, typed)).trace_id


async def test_an_ambiguous_beginning_names_the_candidates(backend: EmbeddedBackend) -> None:
    with pytest.raises(Ambiguous, match="several traces begin with 'a'") as raised:
        await get_trace(backend, "a")
    assert (scene.REFUND, scene.LOOP) == raised.value.candidates


async def test_an_unknown_id_names_the_nearest(backend: EmbeddedBackend) -> None:
    with pytest.raises(NotFound, match="there is no trace 'aaaaab'") as raised:
        await get_trace(backend, "aaaaab")
    assert scene.REFUND == raised.value.nearest[0]


async def test_in_an_empty_store_an_unknown_id_says_how_to_fill_it(empty: EmbeddedBackend) -> None:
    with pytest.raises(NotFound, match="syndarix-obs demo"):
        await get_trace(empty, "aa")


def span(span_id: str, parent: str | None, start: int = 0, kind: str = "span") -> StoredRecord:
    return StoredRecord({"kind": kind, "span_id": span_id, "parent_id": parent, "start_ns": start, "name": span_id})


def test_a_span_without_its_parent_stands_at_the_top() -> None:
    assert [("b", 0), ("c", 1)] == [
        (s.title, s.depth) for s in tree([span("c", "b", 2), span("b", "gone", 1)], payloads=False)
    ]


def test_spans_in_a_circle_come_once_each() -> None:
    found = tree([span("a", "b", 1), span("b", "a", 2), span("c", "c", 3)], payloads=False)
    assert ["a", "b", "c"] == [each.title for each in found]


def test_a_trace_a_thousand_deep_is_drawn() -> None:
    chain = [span(str(i), str(i - 1) if i else None, i) for i in range(1000)]
    assert 999 == tree(chain, payloads=False)[-1].depth


async def test_a_timeline_has_everything_in_order(backend: EmbeddedBackend) -> None:
    events = (await get_timeline(backend, scene.REFUND)).events
    assert sorted(event.offset_ms for event in events) == [event.offset_ms for event in events]
    assert [("start", "triage"), ("start", "support"), ("end", "support"), ("end", "triage")] == [
        (event.event, event.title) for event in events if event.kind == "session" and event.event in {"start", "end"}
    ]
    assert "refund called 4 times with equal arguments" in [
        event.text for event in events if event.event == "loop detected"
    ]


async def test_a_timeline_of_a_session_is_found_by_its_id(backend: EmbeddedBackend) -> None:
    timeline = await get_timeline(backend, "s-lo", limit=3)
    assert ("s-loop", 3, True) == (timeline.session_id, len(timeline.events), timeline.more)


async def test_a_timeline_of_nothing_names_the_trace(backend: EmbeddedBackend) -> None:
    with pytest.raises(NotFound, match="there is no trace 'zz'"):
        await get_timeline(backend, "zz")


async def test_traces_and_sessions_say_how_to_narrow(backend: EmbeddedBackend, week: TimeRange) -> None:
    traces = await search_traces(backend, Filter(), week, 1)
    assert (True, 3) == (traces.more, traces.total)
    assert traces.hints[0].startswith("2 more; narrow with agent")
    sessions = await list_sessions(backend, Filter(), week, 10)
    assert {"s-live": True, "s-refund": False, "s-loop": False} == {s.session_id: s.stalled for s in sessions.sessions}


async def test_a_session_has_its_statistics(backend: EmbeddedBackend) -> None:
    detail = await get_session(backend, "s-ref")
    assert ["support", "triage"] == [agent.agent for agent in detail.agents]
    assert {"claude": "0.02", "gpt-4o-mini": "0.001", "house-1": None} == {
        each.model: None if each.cost.total_usd is None else str(each.cost.total_usd.normalize())
        for each in detail.models
    }
    with pytest.raises(NotFound, match="nearest: s-refund"):
        await get_session(backend, "s-refuse")


async def test_success_counts_outcomes_and_leaves_running_sessions_out(
    backend: EmbeddedBackend, week: TimeRange
) -> None:
    agents = {agent.agent: agent for agent in (await get_agents(backend, Filter(), week)).agents}
    support = agents["support"]
    assert (3, 1, 1, 0.5) == (support.runs, support.running, support.succeeded, support.success_rate)
    assert {"ok": 1, "failure": 1} == support.outcomes


async def test_decisions_carry_everything(backend: EmbeddedBackend, week: TimeRange) -> None:
    first = (await list_decisions(backend, Filter(agent="triage"), week, 10)).decisions[0]
    assert ("d1", ("support", "sales"), "support", "It is about money.", 0.8, "escalated") == (
        first.decision_id, first.options, first.selected, first.reasoning, first.confidence, first.outcome,
    )  # fmt: skip


async def test_patterns_say_what_was_chosen_over_what(backend: EmbeddedBackend, week: TimeRange) -> None:
    found = await decision_patterns(backend, Filter(), week, 10)
    assert [("refund", ("ask",), 1, None), ("support", ("sales",), 1, 0.8)] == [
        (p.selected, p.over, p.count, p.confidence) for p in found.patterns
    ]
    assert ({"escalated": 1}, 1.0, (scene.REFUND,)) == (
        found.patterns[0].outcomes, found.patterns[0].success_rate, found.patterns[0].examples,
    )  # fmt: skip


async def test_patterns_are_limited_too(backend: EmbeddedBackend, week: TimeRange) -> None:
    found = await decision_patterns(backend, Filter(), week, 1)
    assert (1, True, 2, 2) == (len(found.patterns), found.more, found.total, found.decisions)


async def test_costs_show_groups_total_today_month_and_budget(backend: EmbeddedBackend, week: TimeRange) -> None:
    found = await summarise_costs(
        backend, Filter(), week, ("agent",), now_ns=scene.NOW, daily_budget=Decimal("0.1"), monthly_budget=Decimal(1)
    )
    assert [("support", Decimal("0.32")), ("triage", Decimal("0.001"))] == [
        (group.key["agent"], group.cost.total_usd) for group in found.groups
    ]
    assert (Decimal("0.301"), Decimal("0.02"), ("house-1",)) == (
        found.cost.exact_usd, found.cost.estimated_usd, found.cost.unpriced_models,
    )  # fmt: skip
    assert (Decimal("0.021"), 0.21) == (found.today.spent.total_usd, found.today.used)
    assert (Decimal("0.021"), 0.021) == (found.month_to_date.spent.total_usd, found.month_to_date.used)


async def test_groups_add_up_to_the_total(backend: EmbeddedBackend, week: TimeRange) -> None:
    found = await summarise_costs(backend, Filter(), week, ("agent", "project", "user", "task_type", "model", "day"))
    assert found.cost.total_usd == sum((group.cost.total_usd or Decimal(0)) for group in found.groups)
    assert 1.0 == pytest.approx(sum(group.share or 0 for group in found.groups))


async def test_days_are_listed_in_their_order(backend: EmbeddedBackend, week: TimeRange) -> None:
    found = await summarise_costs(backend, Filter(), week, ("day",))
    assert ["2026-02-28", "2026-03-01"] == [group.key["day"] for group in found.groups]


async def test_cost_records_know_the_totals_of_their_day_and_month(backend: EmbeddedBackend, week: TimeRange) -> None:
    found = await list_cost_records(backend, Filter(), week, 10)
    assert [(None, "0.021"), ("0.02", "0.021"), ("0.001", "0.021"), ("0.3", "0.3")] == [
        (line["total_cost_usd"], line["daily_total_usd"]) for line in json.loads(found.model_dump_json())["records"]
    ]
    assert {Decimal("0.021"), Decimal("0.3")} == {line.monthly_total_usd for line in found.records}


async def test_an_error_that_passes_up_counts_once(backend: EmbeddedBackend, week: TimeRange) -> None:
    found = await group_errors(backend, Filter(), week, 10)
    assert [("tool_call", "refund", 1, "no answer for order <n> within <n> s", scene.REFUND)] == [
        (g.kind, g.where, g.count, g.pattern, g.example_trace) for g in found.groups
    ]
    assert ["track"] == [each.tool for each in found.loops]


async def test_errors_that_differ_in_numbers_and_ids_are_one_group(tmp_path: Path, week: TimeRange) -> None:
    failed: dict[str, Any] = {"status": "error", "error_type": "E", "tool": "t"}
    calls = [
        scene.make(
            r.ToolRecord, f"{i:032x}", "01", None, i, error_message=f"user 7f3a-{i:04x}-11 had {i} items", **failed
        )
        for i in range(5)
    ]
    scene.write(store_path(tmp_path), *calls)
    found = await group_errors(EmbeddedBackend(store_path(tmp_path)), Filter(), week, 10)
    assert [(5, "user <id> had <n> items")] == [(group.count, group.pattern) for group in found.groups]
    assert found.groups[0].first_seen < found.groups[0].last_seen


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("id 550e8400-e29b-41d4-a716-446655440000", "id <id>"),
        ("took 1.5 s at 10:30", "took <n> s at <n>"),
        ("internationalisation failed", "internationalisation failed"),
    ],
)
def test_messages_are_normalised(message: str, expected: str) -> None:
    assert expected == normalise(message)


async def test_loops_show_tool_arguments_and_count(backend: EmbeddedBackend, week: TimeRange) -> None:
    found = (await list_loops(backend, Filter(), week, 10)).loops
    assert [("s-loop", "track", 4, {"parcel": 9})] == [(l.session_id, l.tool, l.calls, l.arguments) for l in found]  # noqa: E741


async def test_no_loop_is_good_news(backend: EmbeddedBackend, week: TimeRange) -> None:
    assert "which is good" in (await list_loops(backend, Filter(agent="triage"), week, 10)).hints[0]


async def test_logs_are_lines_with_words(backend: EmbeddedBackend, week: TimeRange) -> None:
    found = await search_logs(backend, Filter(kinds=("app", "safety", "annotation", "memory")), week, 10)
    assert ["feedback: 2 of 5 stars", "refund is slow", "order 4711, found 2", "failed: rude"] == [
        line.text for line in found.lines
    ]
    assert {None} == {line.payload for line in found.lines}


async def test_a_failure_is_explained_from_the_decision_to_the_error(tmp_path: Path) -> None:
    failed = [
        scene.make(type(e), scene.REFUND, e.span_id, e.parent_id, (e.start_ns - scene.T0) / scene.S, 7, name=e.name,
                   **scene._BROKEN, **scene._SUPPORT) if e.span_id in {"01", "04"} else e
        for e in scene.refund()
    ]  # fmt: skip
    scene.write(store_path(tmp_path), *failed)
    found = await explain_trace(EmbeddedBackend(store_path(tmp_path)), scene.REFUND)
    assert "failed in tool_call refund: CarrierTimeout: no answer for order 4711 within 5 s" in found.outcome
    assert [("context", "context"), ("answer", "house-1"), ("decision", "tool_selection"), ("error", "refund")] == [
        (step.role, step.title) for step in found.chain[:-1]
    ]
    assert "outcome" == found.chain[-1].role


async def test_an_outcome_without_failure_is_explained_by_decisions_and_answers(backend: EmbeddedBackend) -> None:
    found = await explain_trace(backend, scene.REFUND, limit=3)
    assert "session triage ended with outcome escalated after 1 handled error" == found.outcome
    assert ["decision", "answer", "decision", "error", "outcome"] == [step.role for step in found.chain]
    assert (3, True) == (len(found.steps), found.more)


async def test_loops_and_failed_checks_are_part_of_the_explanation(backend: EmbeddedBackend) -> None:
    found = await explain_trace(backend, scene.LOOP)
    assert found.outcome.endswith("track was called 4 times with equal arguments; safety check tone failed")


async def test_a_running_trace_is_explained_as_far_as_it_is(backend: EmbeddedBackend) -> None:
    assert "still running after 2 records" in (await explain_trace(backend, scene.LIVE)).outcome


async def test_the_worst_part_is_the_state_of_the_pipeline(backend: EmbeddedBackend, tmp_path: Path) -> None:
    assert "warning" == (await check_health(backend)).state
    assert "failing" == (await check_health(EmbeddedBackend(tmp_path / "none"))).state


@pytest.mark.parametrize(
    ("where", "hint"),
    [
        (Filter(agent="suport"), "no agent is called 'suport'; did you mean support?"),
        (Filter(tool="zzz"), "no tool is called 'zzz'; known: refund, track"),
        (Filter(agent="triage", tool="track"), "nothing fits agent=triage, tool=track"),
    ],
)
async def test_an_empty_answer_says_why(backend: EmbeddedBackend, week: TimeRange, where: Filter, hint: str) -> None:
    found = await search_traces(backend, where, week, 5)
    assert () == found.traces
    assert found.hints[0].startswith(hint)


async def test_a_time_without_records_says_where_they_are(backend: EmbeddedBackend) -> None:
    later = TimeRange(scene.NOW + 9 * scene.DAY, scene.NOW + 10 * scene.DAY, "later")
    earlier = TimeRange(0, scene.DAY, "earlier")
    assert (
        "the newest record is of 2026-03-01 14:01 UTC, before that time; try since 11d"
        in (await search_traces(backend, Filter(), later, 5)).hints
    )
    assert "after that time" in (await search_logs(backend, Filter(), earlier, 5)).hints[0]


async def test_every_list_of_an_empty_store_says_how_to_fill_it(empty: EmbeddedBackend, week: TimeRange) -> None:
    answers = [
        await search_traces(empty, Filter(), week, 5), await list_sessions(empty, Filter(), week, 5),
        await get_agents(empty, Filter(), week), await list_decisions(empty, Filter(), week, 5),
        await decision_patterns(empty, Filter(), week, 5), await summarise_costs(empty, Filter(), week),
        await list_cost_records(empty, Filter(), week, 5), await group_errors(empty, Filter(), week, 5),
        await search_logs(empty, Filter(), week, 5),
    ]  # fmt: skip
    assert [True] * len(answers) == ["syndarix-obs demo" in " ".join(answer.hints) for answer in answers]


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([{"role": "user", "content": "hi"}], [("user", "hi")]),
        ([{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image"}]}], [("user", "a\n[image]")]),
        ([{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}], [("assistant",
        "f({})")]),
        ([{"role": "assistant", "content": [{"type": "tool_use", "name": "f", "input": {"a": 1}}]}],
         [("assistant", 'f({"a": 1})')]),
        ([{"role": "user", "content": [{"type": "tool_result", "content": [{"type": "text", "text": "ok"}]}]}],
         [("user", "→ ok")]),
        ([{"role": "tool", "parts": [{"type": "tool_call_response", "response": {"n": 1}}]}], [("tool", '→ {"n": 1}')]),
        ([{"role": "assistant", "parts": [{"type": "text", "content": "hey"}]}], [("assistant", "hey")]),
        ("plain", [("", "plain")]),
        (["a", 5], [("", "a"), ("", "5")]),
        ({"role": "user", "content": None}, [("user", "")]),
        (None, []),
        (7, [("", "7")]),
    ],
)  # fmt: skip
def test_messages_of_every_shape_are_read(messages: object, expected: list[tuple[str, str]]) -> None:
    assert expected == [(message.role, message.text) for message in unified(messages)]


def test_the_last_message_that_says_something_counts() -> None:
    assert "b" == last_text([{"role": "user", "content": "b"}, {"role": "assistant", "content": ""}])


def test_a_text_that_is_cut_says_so() -> None:
    assert ("a b", "abcd…") == (brief("a\n b"), brief("abcdefgh", 5))

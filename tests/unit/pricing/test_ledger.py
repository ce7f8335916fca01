from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from tests.support.ledger_world import (
    LANGCHAIN,
    OFFICIAL,
    OURS,
    VERCEL,
    World,
    deliver,
    openinference,
    semconv,
    shuffled,
    span,
)

from syndarix_obs import vocabulary as v

MINI, SONNET = "gpt-4o-mini", "claude-sonnet-4-5"
DATED = {MINI: "gpt-4o-mini-2024-07-18", SONNET: "claude-sonnet-4-5-20250929"}


def world() -> World:
    """Two agents under one root: what their frameworks, an instrumentor and we tell of the same calls."""
    made = World()
    add, served = made.spans.append, made.served.append
    add(span("agents", "root", None, 0, 9000, **{v.GEN_AI_OPERATION_NAME: "invoke_agent", v.GEN_AI_AGENT_NAME: "desk"}))
    for number, name in enumerate(("researcher", "writer")):
        begin, agent = 100 + 4000 * number, f"agent{number}"
        named = {v.GEN_AI_OPERATION_NAME: "invoke_agent", v.GEN_AI_AGENT_NAME: name}
        add(span("agents", agent, "root", begin, 3900, **named))
        steps = []
        for turn in range(4):
            at, tokens, model = begin + 900 * turn, (1000 + turn, 100 + number), (MINI, SONNET)[turn % 2]
            key = f"{number}{turn}"
            # The framework's span stands beside the client's, as callbacks make it.
            add(span(LANGCHAIN, f"f{key}", agent, at - 3, 806, **openinference(model, tokens)))
            add(span(OFFICIAL, f"o{key}", agent, at - 1, 802, **semconv(model, tokens, f"resp-{key}")))
            add(span(OURS, f"s{key}", f"o{key}", at, 800, **semconv(DATED[model], tokens, f"resp-{key}")))
            served((model, *tokens))
            steps.append(tokens)
        # A parent that sums up its calls, as the Vercel AI SDK has it.
        total = (sum(n for n, _ in steps), sum(n for _, n in steps))
        add(span(VERCEL, f"sum{number}", agent, begin - 5, 3895, **semconv(MINI, total)))
    for each in made.spans:
        if each["span_id"][:2] in ("f0", "o0", "f1", "o1"):
            each["parent_id"] = f"sum{each['span_id'][1]}"
    return made


def parallel() -> World:
    """Five calls at once with the same tokens, each told by two libraries; one of them refused at first."""
    made = World()
    made.spans.append(span(OURS, "session", None, 0, 5000, **{v.GEN_AI_AGENT_NAME: "a"}))
    for number in range(5):
        at = 100 + number
        made.spans.append(span(LANGCHAIN, f"f{number}", "session", at, 700, **openinference(MINI, (500, 50))))
        made.spans.append(span(OURS, f"s{number}", "session", at + 5, 690, **semconv(MINI, (500, 50))))
        made.served.append((MINI, 500, 50))
    made.spans.append(span(OURS, "refused", "f0", 101, 2, failed=True, **semconv(MINI, None)))
    made.spans.append(span(LANGCHAIN, "router", "session", 2000, 900, **openinference(SONNET, (1000, 100))))
    made.spans.append(span(OURS, "guard", "router", 2010, 100, **semconv(MINI, (50, 5))))
    made.spans.append(span(OURS, "first-try", "router", 2120, 10, failed=True, **semconv(MINI, None)))
    made.served += [(SONNET, 1000, 100), (MINI, 50, 5)]
    return made


@pytest.mark.parametrize("make", [world, parallel], ids=["agents", "parallel"])
def test_every_call_counts_once_in_every_order_of_arrival_and_however_often_it_is_sent(make: Any) -> None:
    truth = make()
    tokens = (sum(n for _, n, _ in truth.served), sum(n for _, _, n in truth.served))
    expected = None
    for seed in range(100):
        outcome = deliver(shuffled(truth.spans, seed))
        assert (seed, len(truth.served)) == (seed, outcome.calls)
        assert (seed, *tokens) == (seed, *outcome.tokens)
        assert (seed, truth.dollars()) == (seed, outcome.dollars)
        expected = expected or outcome.standing()
        assert expected == outcome.standing()


def test_metrics_count_each_call_once_when_reports_come_in_the_order_of_their_ends() -> None:
    truth = world()
    outcome = deliver([each] for each in sorted(truth.spans, key=lambda s: s["end_ns"]))
    assert len(truth.served) == outcome.metric("llm_requests_total")
    assert float(truth.dollars()) == pytest.approx(outcome.metric("llm_cost_dollars_total"), rel=1e-12)


def test_counters_make_up_for_a_call_that_was_counted_too_early() -> None:
    outer = span(LANGCHAIN, "f", "session", 0, 100, **openinference(MINI, (1000, 100)))
    inner = span(OURS, "s", "f", 10, 80, **semconv(MINI, (1000, 100)))
    outer["attributes"]["llm.provider"] = "openai"
    outcome = deliver([[outer], [inner]])
    assert 1 == outcome.metric("llm_requests_total")
    assert 1100 == outcome.metric("llm_tokens_total")
    assert 1 == outcome.metric("llm_latency_seconds_count")
    assert Decimal("0.00021") == outcome.dollars


def test_a_call_belongs_to_the_nearest_agent_even_when_its_span_comes_last() -> None:
    outcome = deliver(reversed([[each] for each in world().spans]))
    assert {"researcher", "writer"} == {agent for _, agent, _ in outcome.standing()}


def test_the_root_agent_of_a_trace_opens_a_session_for_its_calls() -> None:
    outcome = deliver([[each] for each in sorted(world().spans, key=lambda s: s["end_ns"])])
    assert {"t"} == {session for _, _, session in outcome.standing()}


def test_a_call_of_another_model_inside_is_a_call_of_its_own() -> None:
    outer = span(LANGCHAIN, "f", None, 0, 100, **openinference(SONNET, (1000, 100)))
    inner = span(OURS, "s", "f", 10, 80, **semconv(MINI, (1000, 100)))
    assert 2 == deliver([[inner], [outer]]).calls


def test_a_report_without_tokens_is_not_estimated_where_a_related_one_tells_them() -> None:
    outer = span(LANGCHAIN, "f", None, 0, 100, **openinference("my-router", None), **{"input.value": "Hello " * 50})
    inner = span(OURS, "s", "f", 10, 80, **semconv(MINI, (1000, 100)))
    for batches in ([[inner], [outer]], [[outer], [inner]]):
        outcome = deliver(batches)
        assert (1, (1000, 100)) == (outcome.calls, outcome.tokens)


def test_reports_that_differ_only_in_the_cached_tokens_of_their_input_are_the_same_call() -> None:
    cached = {v.GEN_AI_USAGE_CACHE_READ_TOKENS: 200}
    inner = span(OURS, "s", "f", 10, 80, **semconv(MINI, (1000, 100)), **cached)
    outer = span(LANGCHAIN, "f", None, 0, 100, **openinference(MINI, (800, 100)))
    outcome = deliver([[outer], [inner]])
    assert (1, (1000, 100)) == (outcome.calls, outcome.tokens)


def test_two_calls_of_one_library_side_by_side_are_two_calls() -> None:
    same = semconv(MINI, (500, 50))
    spans = [span(OURS, f"s{number}", "session", 0, 100, **same) for number in range(3)]
    assert 3 == deliver([spans]).calls


def test_one_answer_that_two_traces_tell_of_counts_once() -> None:
    told = semconv(MINI, (500, 50), "chatcmpl-abc")
    spans = [span(OURS, "s", None, 0, 100, **told), span("litellm", "l", None, 1, 100, trace="u", **told)]
    assert 1 == deliver([[spans[0]], [spans[1]]]).calls
    assert 1 == deliver([[spans[1]], [spans[0]]]).calls


def test_a_provider_s_own_span_counts_before_the_client_s() -> None:
    told = semconv(SONNET, (500, 50), "msg_1")
    client = span(OURS, "s", None, 0, 100, **told)
    server = span("com.anthropic.claude-platform", "p", "s", 20, 60, **told)
    for batches in ([[client], [server]], [[server], [client]]):
        assert {"p"} == {span_id for span_id, _, _ in deliver(batches).standing()}


def test_a_parent_that_failed_after_its_tries_is_no_further_call() -> None:
    tries = [span(OURS, f"s{n}", "f", 10 * n, 5, failed=True, **semconv(MINI, None)) for n in range(3)]
    outer = span(LANGCHAIN, "f", None, 0, 100, failed=True, **openinference(MINI, None))
    outcome = deliver([tries, [outer]])
    assert (0, 3) == (outcome.calls, outcome.metric("llm_requests_total"))


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syndarix_obs.pricing.ledger._MOST_REPORTS", 50)
    ledger_of: list[Any] = []
    spans = [span(OURS, f"s{n}", None, n, 1, trace=f"t{n}", **semconv(MINI, (1, 1))) for n in range(300)]
    outcome = deliver(([each] for each in spans), ledgers=ledger_of)
    assert 300 == outcome.calls
    assert 50 >= sum(len(book.reports) for book in ledger_of[0]._books.values())


def test_an_embeddings_call_inside_takes_nothing_away() -> None:
    told = {**semconv("text-embedding-3-small", (20, 0)), v.GEN_AI_OPERATION_NAME: "embeddings"}
    outer = span("my.provider", "f", None, 0, 100, **semconv(MINI, (1000, 100)))
    assert 2 == deliver([[span(OURS, "s", "f", 10, 20, **told)], [outer]]).calls

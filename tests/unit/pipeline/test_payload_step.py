"""From payload references to redacted JSON: capture modes, previews, cuts, versions."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel

from syndarix_obs import guard
from syndarix_obs import vocabulary as v
from syndarix_obs.pipeline.payload import Capture, PayloadStep
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.records.model import SpanEvent
from syndarix_obs.redaction.step import Redactor, RedactStep
from syndarix_obs.spans.correlation import NOTHING, Correlation

QUESTION = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Mail ann@example.com please"}]
ANSWER = [{"role": "assistant", "content": "Done."}]


def llm_span(**payload: Any) -> FinishedSpan:
    return FinishedSpan(
        name="chat m",
        trace_id="1" * 32,
        span_id="2" * 16,
        payload=payload,
        attributes={v.GEN_AI_OPERATION_NAME: v.OPERATION_CHAT},
    )


def step(capture: Capture = "full", mode: str = "all", **more: Any) -> PayloadStep:
    return PayloadStep(Redactor(mode), capture=capture, **more)


class TestFull:
    def test_the_payload_becomes_redacted_json_with_its_size_and_previews(self) -> None:
        span = llm_span(input=QUESTION, output=ANSWER)
        step()(span)
        assert span.payload_json is not None
        assert "Mail [REDACTED:email] please" == json.loads(span.payload_json)["input"][1]["content"]
        assert len(span.payload_json.encode()) == span.attributes[v.PAYLOAD_BYTES]
        assert "Mail [REDACTED:email] please" == span.attributes[v.PREVIEW_INPUT]
        assert "Done." == span.attributes[v.PREVIEW_OUTPUT]

    def test_a_span_without_payload_gets_none(self) -> None:
        span = llm_span()
        step()(span)
        assert span.payload_json is None
        assert v.PAYLOAD_BYTES not in span.attributes

    def test_only_llm_calls_get_previews(self) -> None:
        span = FinishedSpan(name="t", trace_id="1", span_id="2", payload={"input": "x", "output": "y"})
        step()(span)
        assert v.PREVIEW_INPUT not in span.attributes

    def test_previews_are_cut_and_say_so(self) -> None:
        span = llm_span(input="é" * 300)
        step(preview_chars=10)(span)
        assert "é" * 10 + "…truncated 600 bytes" == span.attributes[v.PREVIEW_INPUT]
        silent = llm_span(input="hello")
        step(preview_chars=0)(silent)
        assert v.PREVIEW_INPUT not in silent.attributes

    def test_odd_payloads_never_raise(self) -> None:
        cyclic: dict[str, Any] = {}
        cyclic["self"] = cyclic
        for payload in (
            cyclic,
            {"input": float("nan")},
            {"input": object(), "output": {1, 2}},
            {"input": [None, 3, [[]]]},
        ):
            span = llm_span(**payload)
            step()(span)
            assert isinstance(json.loads(span.payload_json or ""), dict)


class Block(BaseModel):
    type: str = "text"
    text: str = "from pydantic"


class Message(BaseModel):
    role: str = "assistant"
    content: list[Block] = [Block()]


@dataclass
class Call:
    name: str
    arguments: str


@dataclass
class ToolCall:
    function: Call


@dataclass
class Choice:
    message: Any


class Awkward:
    @property
    def role(self) -> str:
        raise RuntimeError("no role")


@pytest.mark.parametrize(
    ("asked", "preview"),
    [
        ("plain text", "plain text"),
        (["one", "two"], "two"),
        (QUESTION[:1], "Be kind."),
        (
            [{"role": "user", "content": [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {}}]}],
            "look",
        ),
        ([{"role": "user", "content": [{"type": "input_text", "text": "responses"}]}], "responses"),
        ([{"role": "user", "parts": [{"type": "text", "content": "convention"}]}], "convention"),
        ([{"role": "user", "content": "q"}, {"role": "tool", "content": "r"}], "q"),
        ([{"type": "function_call_output", "output": "sunny"}], "sunny"),
        ([{"role": "user", "content": [{"type": "tool_result", "content": [{"type": "text", "text": "42"}]}]}], "42"),
        ([Message(role="user")], "from pydantic"),
        ([Awkward(), {"role": "user", "content": "fine"}], "fine"),
        ([], None),
        (None, None),
    ],
)
def test_the_preview_of_the_input_reads_every_shape_of_message(asked: Any, preview: str | None) -> None:
    span = llm_span(input=asked)
    step()(span)
    assert preview == span.attributes.get(v.PREVIEW_INPUT)


@pytest.mark.parametrize(
    ("answered", "preview"),
    [
        ([Message()], "from pydantic"),
        ([Choice(Message())], "from pydantic"),
        (
            [
                {"type": "reasoning", "summary": []},
                {"type": "message", "content": [{"type": "output_text", "text": "hi"}]},
            ],
            "hi",
        ),
        (
            [
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [{"function": {"name": "search", "arguments": '{"q": 1}'}}],
                }
            ],
            'search({"q": 1})',
        ),
        (
            [
                {
                    "role": "assistant",
                    "content": [{"type": "tool_use", "name": "book", "input": {"seat": "1A", "who": []}}],
                }
            ],
            "book(seat='1A', who=…)",
        ),
        ([{"role": "assistant", "parts": [{"type": "tool_call", "name": "go", "arguments": None}]}], "go()"),
        ([{"type": "function_call", "name": "f", "arguments": "{}"}], "f({})"),
        ([Choice({"role": "assistant", "tool_calls": [ToolCall(Call("g", "1"))]})], "g(1)"),
        ("text", "text"),
    ],
)
def test_the_preview_of_the_answer_reads_every_shape_of_message(answered: Any, preview: str) -> None:
    span = llm_span(output=answered)
    step()(span)
    assert preview == span.attributes[v.PREVIEW_OUTPUT]


class TestOtherModes:
    def test_metadata_keeps_sizes_roles_and_counts_and_no_content(self) -> None:
        span = llm_span(input=QUESTION, output=ANSWER, tools=[{"name": "t"}], system="S")
        span.attributes[v.PREVIEW_INPUT] = "Mail"
        span.events = [SpanEvent("e", 1, {v.GEN_AI_INPUT_MESSAGES: "Mail", "n": 1})]
        step("metadata")(span)
        numbers = json.loads(span.payload_json or "")
        assert (["system", "user"], 2, 1, 3) == (
            numbers["input_roles"],
            numbers["input_count"],
            numbers["tools_count"],
            numbers["system_bytes"],
        )
        assert (
            sum(numbers[f"{name}_bytes"] for name in ("input", "output", "tools", "system"))
            == span.attributes[v.PAYLOAD_BYTES]
        )
        assert v.PREVIEW_INPUT not in span.attributes
        assert {"n": 1} == span.events[0].attributes
        assert "Mail" not in (span.payload_json or "") + repr(span.attributes)

    def test_none_keeps_nothing_at_all(self) -> None:
        span = llm_span(input=QUESTION, output=ANSWER)
        span.attributes |= {v.PAYLOAD_BYTES: 9, v.DECISION_REASONING: "because"}
        step("none")(span)
        assert span.payload_json is None
        assert {v.GEN_AI_OPERATION_NAME, v.AGENT_VERSION, v.PROMPT_HASH} == span.attributes.keys()


class TestCuts:
    def test_a_payload_over_the_limit_is_cut_where_it_is_long_and_stays_json(self) -> None:
        cuts: Counter[str] = Counter()
        span = llm_span(
            input=[{"role": "user", "content": "a" * 50_000}, {"role": "user", "content": "short"}], output="é" * 20_000
        )
        step(max_bytes=10_000, on_truncate=lambda site: cuts.update([site]))(span)
        document = json.loads(span.payload_json or "")
        assert len((span.payload_json or "").encode()) <= 10_000
        assert document["input"][0]["content"].endswith("…truncated 50000 bytes")
        assert document["output"].endswith("…truncated 40000 bytes")
        assert "short" == document["input"][1]["content"]
        assert {"payload": 1} == cuts

    def test_many_small_things_are_shown_as_the_beginning_of_their_json(self) -> None:
        span = llm_span(input=list(range(10_000)), output="x")
        step(max_bytes=2_000)(span)
        document = json.loads(span.payload_json or "")
        assert document["input"].startswith("[0,1,2")
        assert "…truncated 48891 bytes" in document["input"]

    def test_a_limit_below_everything_leaves_the_size(self) -> None:
        span = llm_span(**{f"field_{n}": n for n in range(1_000)})
        step(max_bytes=100)(span)
        assert json.loads(span.payload_json or "")["truncated"].startswith("…truncated")

    def test_text_that_grows_when_escaped_still_fits(self) -> None:
        span = llm_span(input="\x01" * 5_000, output='"\\' * 5_000)
        step(max_bytes=4_000)(span)
        json.loads(span.payload_json or "")
        assert len(span.payload_json or "") <= 4_000

    def test_a_secret_across_the_cut_does_not_leak_its_first_half(self) -> None:
        key = "sk-ant-api03-PlantedSecret1234567890"
        for offset in range(1_960, 2_060, 7):
            span = llm_span()
            span.attributes["note"] = "x " * (offset // 2) + key + " y" * 500
            step()(span)
            assert "sk-ant" not in span.attributes["note"]
            assert len(span.attributes["note"].encode()) <= 2_048

    def test_long_attributes_are_cut_and_say_so_lists_and_events_too(self) -> None:
        cuts: Counter[str] = Counter()
        span = llm_span()
        span.attributes |= {"a": "x" * 3_000, "b": ("y", "é" * 2_000), "c": "z" * 2_048}
        span.events = [SpanEvent("exception", 1, {"exception.stacktrace": "first\n" + "f" * 5_000 + "\nlast line"})]
        step(on_truncate=lambda site: cuts.update([site]))(span)
        assert span.attributes["a"].endswith("…truncated 3000 bytes")
        assert ("y", True) == (span.attributes["b"][0], span.attributes["b"][1].endswith("…truncated 4000 bytes"))
        assert "z" * 2_048 == span.attributes["c"]
        stack = span.events[0].attributes["exception.stacktrace"]
        assert stack.startswith("first")
        assert stack.endswith("last line…truncated 5016 bytes")
        assert {"attribute": 3} == cuts


class TestAgentVersion:
    def test_it_depends_on_prompt_and_tools_only(self) -> None:
        def version(**payload: Any) -> Any:
            span = llm_span(**payload)
            step("none")(span)
            return span.attributes.get(v.AGENT_VERSION)

        base = version(input=QUESTION, tools=[{"name": "a"}])
        assert base == version(input=[QUESTION[0], {"role": "user", "content": "other"}], tools=[{"name": "a"}])
        assert base == version(system="Be kind.", input="x", tools=[{"name": "a"}])
        assert base != version(input=QUESTION, tools=[{"name": "b"}])
        assert base != version(input=[{"role": "developer", "content": "Be rude."}], tools=[{"name": "a"}])
        assert 12 == len(base)
        assert version(input="only a question") is None
        assert version(input=QUESTION, tools=[]) == version(input=list(QUESTION), tools=[])
        assert version(input=QUESTION) == version(input=list(QUESTION)) != base
        assert 0 == guard.failures().get("agent_version", 0)

    def test_a_version_that_is_known_stays(self) -> None:
        span = llm_span(system="S")
        span.attributes[v.AGENT_VERSION] = "v7"
        step()(span)
        assert "v7" == span.attributes[v.AGENT_VERSION]
        inherited = llm_span(system="S")
        inherited.correlation = Correlation(agent_version="v8")
        step()(inherited)
        assert v.AGENT_VERSION not in inherited.attributes


class TestRedactStep:
    def test_everything_on_the_span_is_masked(self) -> None:
        mail = "ann@example.com"
        span = FinishedSpan(
            name=f"mail {mail}",
            trace_id="1" * 32,
            span_id="2" * 16,
            status_message=f"no {mail}",
            attributes={"a": mail, mail: 1, "list": (mail, "x"), "n": 7, "password": "hunter2", "none": None},
            events=[
                SpanEvent("exception", 5, {"exception.message": f"no {mail}", "exception.stacktrace": f"at {mail}"}),
                SpanEvent(mail, 6),
            ],
            correlation=Correlation(
                session_id=mail, agent=mail, project=mail, user=mail, task_type=mail, user_is_pseudonym=True
            ),
        )
        RedactStep(Redactor())(span)
        shown = repr([span.name, span.status_message, span.attributes, span.events, span.correlation])
        assert mail not in shown
        assert "hunter2" not in shown
        assert {
            "a": "[REDACTED:email]",
            "[REDACTED:email]": 1,
            "list": ("[REDACTED:email]", "x"),
            "n": 7,
            "password": "[REDACTED:password]",
        } == span.attributes
        assert [5, 6] == [event.timestamp_ns for event in span.events]
        assert NOTHING is span.correlation

    def test_a_clean_span_keeps_its_values(self) -> None:
        who = Correlation(session_id="s-1", agent="support")
        attributes = {"s": "x", "i": 1, "f": 0.5, "b": True, "t": ("a", "b"), "l": [1, 2], "e": []}
        span = FinishedSpan(name="n", trace_id="1", span_id="2", attributes=dict(attributes), correlation=who)
        RedactStep(Redactor())(span)
        assert {**attributes, "l": (1, 2), "e": ()} == span.attributes
        assert NOTHING is span.correlation

    def test_values_that_no_exporter_takes_become_text(self) -> None:
        span = FinishedSpan(
            name="n",
            trace_id="1",
            span_id="2",
            attributes={
                "d": {"a": 1},
                "mixed": [1, "a"],
                "big": 2**70,
                "bytes": b"hi",
                5: "key",
                "nan": float("nan"),
                "s": "a\ud800",
            },
            events=[SpanEvent("e", 1, {"o": {"x": 1}})],
        )
        RedactStep(Redactor())(span)
        assert {
            "d": '{"a":1}',
            "mixed": '[1,"a"]',
            "big": str(2**70),
            "bytes": "hi",
            "5": "key",
            "nan": "nan",
            "s": "a\ufffd",
        } == span.attributes
        assert {"o": '{"x":1}'} == span.events[0].attributes
        only_odd = FinishedSpan(name="n", trace_id="1", span_id="2", attributes={5: {"a": 1}})
        RedactStep(Redactor())(only_odd)
        assert {"5": '{"a":1}'} == only_odd.attributes

    def test_when_the_gate_fails_no_text_leaves(self) -> None:
        def refuse(name: str, count: int) -> None:
            raise RuntimeError(name, count)

        span = FinishedSpan(
            name="n",
            trace_id="1",
            span_id="2",
            status_message="ann@example.com",
            attributes={"a": "x"},
            events=[SpanEvent("e", 1, {"a": "x"})],
            correlation=Correlation(session_id="s"),
        )
        RedactStep(Redactor(on_mask=refuse))(span)
        assert ("[REDACTED:failed]", None, {}, [], None) == (
            span.name,
            span.status_message,
            span.attributes,
            span.events,
            span.correlation.session_id,
        )


def test_no_birth_date_email_or_card_of_real_sessions_comes_out_and_flight_dates_stay(shared_data: Any) -> None:
    rows = [json.loads(line) for line in (shared_data / "tau_bench_airline_gpt4o.jsonl").read_text().splitlines()]
    sensitive: set[str] = set()
    flights: set[str] = set()

    def look(value: Any) -> None:
        if isinstance(value, dict):
            sensitive.update(str(value[key]) for key in ("dob", "email") if key in value)
            flights.update(str(value[key]) for key in ("date",) if key in value)
            for item in value.values():
                look(item)
        elif isinstance(value, list):
            for item in value:
                look(item)
        elif isinstance(value, str) and value[:1] in "{[":
            try:
                look(json.loads(value))
            except ValueError:
                return

    look(rows)
    assert len(sensitive) > 100
    redact, payload = RedactStep(Redactor()), step()
    parts: list[str] = []
    for row in rows:
        for message in row["messages"]:
            span = llm_span(input=message)
            payload(span)
            redact(span)
            parts.append(f"{span.payload_json}{span.attributes}")
    out = "\n".join(parts)
    assert [] == sorted(text for text in sensitive if text in out)
    assert flights <= {date for date in flights if date in out}

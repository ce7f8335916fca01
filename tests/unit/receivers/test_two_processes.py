"""One call that two processes report into one store, live and from a transcript, counts once in whatever order."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from test_coding_agents import NOW, logs
from test_receiver import post, rows
from test_transcripts import tokens, write

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs.receivers.receiver import Receiver
from syndarix_obs.receivers.transcripts.importer import Importer, Taken, Tool, transcripts
from syndarix_obs.receivers.transcripts.memory import Memory

SESSION = "22222222-2222-4222-8222-222222222222"
MODELS = {"claude-code": "claude-sonnet-4-5", "codex": "gpt-5", "gemini": "gemini-2.5-flash"}


class Two:
    """A receiver and an import over one store, each with a platform of its own as two processes have."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._platforms = [ObservabilityPlatform(Settings(home=home, set_global=False)) for _ in range(2)]
        self.receiver = Receiver(self._platforms[0].runtime)

    def live(self, body: bytes, path: str = "/v1/logs") -> None:
        """What a running tool sends."""
        assert 200 == post(self.receiver, body, path).status

    def read(self, tool: Tool, *paths: Path) -> Taken:
        """What another process reads from disk."""
        memory = Memory(self.home, tool)
        try:
            return Importer(self._platforms[1].runtime, tool, memory).take(transcripts(tool, paths))
        finally:
            memory.close()

    def settle(self) -> None:
        """Both look at what the other wrote."""
        for platform in self._platforms:
            assert platform.runtime.flush(5)

    def close(self) -> None:
        """End both."""
        for platform in self._platforms:
            platform.shutdown()


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    """Two processes."""
    made = Two(tmp_path)
    yield made
    made.close()


def at(second: float) -> str:
    """A time of the session, as transcripts write it."""
    return datetime.fromtimestamp(NOW / 1e9 + second, UTC).isoformat(timespec="milliseconds")


def claude_event(number: int, output: int, **more: Any) -> tuple[str, dict[str, Any]]:
    """A call that ends a second after the one before."""
    return ("claude_code.api_request", {
        "session.id": SESSION, "model": MODELS["claude-code"], "input_tokens": 10, "output_tokens": output,
        "cache_read_tokens": 1_000, "cache_creation_tokens": 100, "duration_ms": 400, "request_id": f"req_{number}",
        **more,
    })  # fmt: skip


def claude_lines(*outputs: int, **more: Any) -> list[dict[str, Any]]:
    """A transcript of calls that end a second after each other."""
    asked = {"type": "user", "sessionId": SESSION, "uuid": "u", "cwd": "/src/shop", "gitBranch": "main",
             "timestamp": at(-3), "message": {"role": "user", "content": "mend it"}}  # fmt: skip
    return [asked] + [
        {
            "type": "assistant", "sessionId": SESSION, "uuid": f"a{number}", "cwd": "/src/shop", "gitBranch": "main",
            "timestamp": at(number + 0.02), "requestId": f"req_{number}", "message": {
                "id": f"msg_{number}", "role": "assistant", "model": MODELS["claude-code"],
                "content": [{"type": "text", "text": "done"}], "usage": {
                    "input_tokens": 10, "cache_read_input_tokens": 1_000, "cache_creation_input_tokens": 100,
                    "output_tokens": output}}, **more,
        }
        for number, output in enumerate(outputs)
    ]  # fmt: skip


def codex_events() -> list[tuple[str, dict[str, Any]]]:
    """Two requests, told by counts that the transcript has as a growing sum."""
    return [
        ("codex.sse_event", {
            "conversation.id": SESSION, "event.kind": "response.completed", "model": MODELS["codex"],
            "input_token_count": asked, "cached_token_count": 500, "output_token_count": 300,
            "reasoning_token_count": 100,
        })
        for asked in (2_000, 2_600)
    ]  # fmt: skip


def codex_lines() -> list[dict[str, Any]]:
    """The same two requests."""
    names = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_output_tokens")
    told = [
        {"timestamp": at(number + 0.09), "type": "event_msg", "payload": {
            "type": "token_count", "info": {"total_token_usage": dict(zip(names, total, strict=True))}}}
        for number, total in enumerate(((2_000, 500, 300, 100), (4_600, 1_000, 600, 200)))
    ]  # fmt: skip
    return [
        {"timestamp": at(-5), "type": "session_meta", "payload": {"id": SESSION, "cwd": "/src/shop"}},
        {"timestamp": at(-5), "type": "turn_context", "payload": {"model": MODELS["codex"]}}, *told,
    ]  # fmt: skip


def gemini_event() -> tuple[str, dict[str, Any]]:
    """One answer."""
    return ("gemini_cli.api_response", {
        "session.id": SESSION, "model": MODELS["gemini"], "input_token_count": 900, "output_token_count": 10,
        "thoughts_token_count": 90, "cached_content_token_count": 100, "tool_token_count": 100, "duration_ms": 900,
    })  # fmt: skip


def gemini_lines() -> list[dict[str, Any]]:
    """The same answer."""
    return [{"sessionId": SESSION, "kind": "main"}, {
        "id": "m1", "type": "gemini", "timestamp": at(0.3), "model": MODELS["gemini"],
        "tokens": {"input": 900, "cached": 100, "output": 10, "thoughts": 90, "tool": 100, "total": 0}}]  # fmt: skip


CASES: dict[Tool, tuple[bytes, Callable[[], list[dict[str, Any]]], tuple[int, int, int]]] = {
    "claude-code": (logs(claude_event(0, 40), claude_event(1, 41)), lambda: claude_lines(40, 41), (2, 2_220, 81)),
    "codex": (logs(*codex_events(), service="codex_cli_rs"), codex_lines, (2, 4_600, 600)),
    "gemini": (logs(gemini_event(), service="gemini-cli"), gemini_lines, (1, 1_000, 100)),
}


@pytest.mark.parametrize("live_first", [True, False])
@pytest.mark.parametrize("tool", ["claude-code", "codex", "gemini"])
def test_what_runs_and_what_is_read_from_disk_counts_once(two: Two, tool: Tool, live_first: bool) -> None:
    events, lines, expected = CASES[tool]
    path = write(two.home / "t" / "rollout-s.jsonl", *lines())
    if live_first:
        two.live(events)
    two.read(tool, path)
    if not live_first:
        two.live(events)
    assert expected == tokens(two.home)
    two.settle()
    assert expected == tokens(two.home)
    calls = [row for row in rows(two.home) if row["kind"] == "llm_call"]
    assert expected[0] == len(calls)


@pytest.mark.parametrize("live_first", [True, False])
def test_the_transcript_counts_and_names_the_call_and_the_event_stays_as_a_report(two: Two, live_first: bool) -> None:
    events, lines, _ = CASES["claude-code"]
    path = write(two.home / "t" / "s.jsonl", *lines())
    for take in [lambda: two.live(events), lambda: two.read("claude-code", path)][:: 1 if live_first else -1]:
        take()
    two.settle()
    found = rows(two.home)
    assert {"shop"} == {row["project"] for row in found if row["kind"] == "llm_call"}
    aside = [json.loads(row["extra"])["attributes"] for row in found if "set_aside.by" in (row["extra"] or "")]
    assert [("same_response", "syndarix_obs.receivers.events")] * 2 == [
        (each["syndarix.set_aside.reason"], each.get("syndarix.set_aside.reporter") or each["otel.scope.name"])
        for each in aside
    ]


def test_calls_that_come_by_turns_while_both_processes_run_count_once(two: Two) -> None:
    path = two.home / "t" / "s.jsonl"
    for number in range(3):
        body = logs(*(claude_event(each, 40 + each) for each in range(number + 1)))
        if number == 1:
            two.live(body)
        write(path, *claude_lines(*range(40, 41 + number)))
        two.read("claude-code", path)
        two.live(body)
    two.settle()
    assert (3, 3_330, 40 + 41 + 42) == tokens(two.home)


def test_a_message_that_was_read_too_early_counts_with_its_last_usage(two: Two) -> None:
    path = write(two.home / "t" / "s.jsonl", *claude_lines(2))
    two.read("claude-code", path)
    two.live(logs(claude_event(0, 40)))
    assert (1, 1_110, 40) == tokens(two.home)
    write(path, *claude_lines(2), *claude_lines(40)[1:])
    two.read("claude-code", path)
    two.settle()
    assert (1, 1_110, 40) == tokens(two.home)


def test_two_calls_with_the_same_tokens_stay_two(two: Two) -> None:
    same = logs(*(claude_event(number, 40, request_id="") for number in range(2)))
    two.live(same)
    two.read("claude-code", write(two.home / "t" / "s.jsonl", *claude_lines(40, 40)))
    two.settle()
    assert (2, 2_220, 80) == tokens(two.home)


CALLED = ("claude_code.tool_result", {
    "session.id": SESSION, "tool_name": "Bash", "success": "true", "duration_ms": 20, "tool_use_id": "t1",
})  # fmt: skip
REFUSED = ("claude_code.tool_decision", {
    "session.id": SESSION, "tool_name": "Edit", "decision": "reject", "source": "user", "tool_use_id": "t2",
})  # fmt: skip


def tool_lines() -> list[dict[str, Any]]:
    """A transcript of a tool that ran and one that was refused."""
    about = {"sessionId": SESSION, "cwd": "/src/shop", "timestamp": at(0)}
    found: list[dict[str, Any]] = []
    for call_id, name, text, failed in (
        ("t1", "Bash", "x" * 400, False), ("t2", "Edit", "The user doesn't want to proceed with this", True)
    ):  # fmt: skip
        use = {"type": "tool_use", "id": call_id, "name": name, "input": {"command": "ls"}}
        done = {"type": "tool_result", "tool_use_id": call_id, "content": text, "is_error": failed}
        found += [
            {**about, "type": "assistant", "uuid": f"a{call_id}", "message": {"id": call_id, "content": [use]}},
            {**about, "type": "user", "uuid": f"u{call_id}", "message": {"content": [done]}},
        ]
    return found


@pytest.mark.parametrize("live_first", [True, False])
def test_a_tool_and_a_refusal_that_both_tell_happened_once(two: Two, live_first: bool) -> None:
    path = write(two.home / "t" / "s.jsonl", *tool_lines())
    for take in [lambda: two.live(logs(CALLED, REFUSED)), lambda: two.read("claude-code", path)][
        :: 1 if live_first else -1
    ]:
        take()
    two.settle()
    found = rows(two.home)
    [tool] = [row for row in found if row["kind"] == "tool_call"]
    [decision] = [row for row in found if row["kind"] == "decision"]
    assert ("Bash", "reject") == (tool["tool"], decision["selected"])
    assert 100 == json.loads(tool["extra"])["attributes"]["syndarix.context.added_tokens"]
    assert 2 == sum("set_aside.by" in (row["extra"] or "") for row in found)


def provider_span(traceparent: str) -> bytes:
    """What a provider sends about a call under the caller's trace."""
    found = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "anthropic", "gen_ai.response.id": "msg_1",
             "gen_ai.request.model": MODELS["claude-code"], "gen_ai.usage.input_tokens": "1000",
             "gen_ai.usage.output_tokens": "50"}  # fmt: skip
    now = str(time.time_ns())
    _, trace_id, parent, _ = traceparent.split("-")
    span = {
        "traceId": trace_id, "spanId": "c" * 16, "parentSpanId": parent, "name": "chat", "kind": 2,
        "startTimeUnixNano": now, "endTimeUnixNano": now, "attributes": [
            {"key": key, "value": {"intValue": value} if value.isdigit() else {"stringValue": value}}
            for key, value in found.items()
        ],
    }  # fmt: skip
    scoped = [{"scope": {"name": "com.anthropic.claude-platform"}, "spans": [span]}]
    return json.dumps({"resourceSpans": [{"scopeSpans": scoped}]}).encode()


@pytest.mark.parametrize("provider_first", [True, False])
def test_a_call_of_an_agent_that_the_provider_reports_too_counts_once_and_keeps_its_names(
    two: Two, provider_first: bool
) -> None:
    agent = ObservabilityPlatform(Settings(home=two.home, set_global=False))
    with agent.session(agent="desk", session_id="run-1"):
        with agent.llm(provider="anthropic", model=MODELS["claude-code"]) as call:
            agent.inject(headers := {})
            body = provider_span(headers["traceparent"])
            call.response(usage={"input_tokens": 1000, "output_tokens": 50}, response_id="msg_1")
        if provider_first:
            two.live(body, "/v1/traces")
        assert agent.flush()
    if not provider_first:
        two.live(body, "/v1/traces")
    two.settle()
    agent.shutdown()
    assert (1, 1_000, 50) == tokens(two.home)
    lines = {row["record_id"]: (row["agent"], row["session_id"]) for row in rows(two.home, "ledger")}
    standing = [names for line, names in lines.items() if not line.endswith(":void") and f"{line}:void" not in lines]
    assert [("desk", "run-1")] == standing

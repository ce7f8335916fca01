"""Events of coding agents become sessions with model calls, tools, decisions, tokens and dollars."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from test_receiver import platform, post, receiver, rows  # noqa: F401 - fixtures

from syndarix_obs.receivers import events
from syndarix_obs.receivers.receiver import Receiver

NOW = 1_780_000_000_000_000_000


def logs(*events: tuple[str, dict[str, Any]], service: str = "claude-code") -> bytes:
    """An OTLP/JSON request with one log record per event."""
    records = [
        {
            "timeUnixNano": str(NOW + i * 1_000_000_000), "body": {"stringValue": name},
            "attributes": [
                {"key": key, "value": {"stringValue": str(value)}}
                for key, value in ({"event.name": name} | about).items()
            ],
        }
        for i, (name, about) in enumerate(events)
    ]  # fmt: skip
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    return json.dumps({"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": records}]}]}).encode()


CLAUDE = (
    ("claude_code.user_prompt", {"session.id": "s", "user.id": "u", "prompt_length": 12, "prompt": "fix the test"}),
    ("claude_code.api_request", {
        "session.id": "s", "model": "claude-sonnet-4-5-20250929", "input_tokens": 100, "output_tokens": 50,
        "cache_read_tokens": 1_000, "cache_creation_tokens": 200, "duration_ms": 500, "request_id": "req_1",
    }),
    ("claude_code.tool_decision", {"session.id": "s", "tool_name": "Bash", "decision": "reject", "source": "user"}),
    ("claude_code.tool_result", {"session.id": "s", "tool_name": "Read", "success": "true", "duration_ms": 20}),
    ("claude_code.api_error", {"session.id": "s", "model": "claude-sonnet-4-5", "error": "busy", "status_code": 529}),
)  # fmt: skip


def test_a_session_of_claude_code_has_calls_tools_decisions_and_dollars(receiver: Receiver, tmp_path: Path) -> None:  # noqa: F811
    assert 200 == post(receiver, logs(*CLAUDE), "/v1/logs").status
    receiver.close()
    receiver._runtime.flush(5)
    found = rows(tmp_path)
    assert {"session", "llm_call", "decision", "tool_call", "span"} <= {row["kind"] for row in found}
    assert 1 == len({row["trace_id"] for row in found})
    [line] = rows(tmp_path, "ledger")
    # classes of the ledger do not overlap
    assert (100, 50, 1_000, 200) == tuple(
        line[f"tokens_{kind}"] for kind in ("input", "output", "cache_read", "cache_write")
    )
    # 100 x $3 + 1,000 x $0.30 + 200 x $3.75 + 50 x $15, a million each
    assert 0.0021 == pytest.approx(float(line["total_cost_usd"]))
    [session] = [row for row in found if row["kind"] == "session"]
    assert ("claude-code", "ok") == (session["agent"], session["status"])


def test_the_same_events_again_change_nothing(receiver: Receiver, tmp_path: Path) -> None:  # noqa: F811
    post(receiver, logs(*CLAUDE), "/v1/logs")
    before = len(rows(tmp_path))
    post(receiver, logs(*CLAUDE), "/v1/logs")
    assert before == len(rows(tmp_path))


def test_tokens_of_codex_are_read_from_its_answers_only(receiver: Receiver, tmp_path: Path) -> None:  # noqa: F811
    codex = (
        ("codex.sse_event", {"conversation.id": "c", "event.kind": "response.output_text.delta", "model": "gpt-5"}),
        ("codex.sse_event", {
            "conversation.id": "c", "event.kind": "response.completed", "model": "gpt-5", "input_token_count": 2_000,
            "cached_token_count": 500, "output_token_count": 300, "reasoning_token_count": 100,
        }),
        ("codex.tool_result", {"conversation.id": "c", "tool_name": "shell", "success": "false", "output": "exit 1"}),
    )  # fmt: skip
    post(receiver, logs(*codex, service="codex_cli_rs"), "/v1/logs")
    [line] = rows(tmp_path, "ledger")
    # 1,500 x $1.25 + 500 x $0.125 + 300 x $10, a million each; the ledger has reasoning beside the output
    assert (1_500, 200, 0.0049375) == (line["tokens_input"], line["tokens_output"], float(line["total_cost_usd"]))
    assert ["error"] == [row["status"] for row in rows(tmp_path) if row["kind"] == "tool_call"]


def test_thoughts_of_gemini_are_billed_as_output(receiver: Receiver, tmp_path: Path) -> None:  # noqa: F811
    event = ("gemini_cli.api_response", {
        "session.id": "g", "model": "gemini-2.5-flash", "input_token_count": 1_000, "output_token_count": 10,
        "thoughts_token_count": 90, "cached_content_token_count": 0, "tool_token_count": 0, "duration_ms": 900,
    })  # fmt: skip
    post(receiver, logs(event, service="gemini-cli"), "/v1/logs")
    [line] = rows(tmp_path, "ledger")
    assert (1_000, 10, 90) == (line["tokens_input"], line["tokens_output"], line["tokens_reasoning"])


def test_a_line_of_anybody_else_is_a_log_line(receiver: Receiver, tmp_path: Path) -> None:  # noqa: F811
    post(receiver, logs(("order placed", {"order": 7}), service="shop"), "/v1/logs")
    assert ["app"] == [row["kind"] for row in rows(tmp_path)]


@pytest.mark.parametrize("value", ["x", None, "-5", "nan", "inf", [], "1e30"])
def test_counts_that_are_no_numbers_are_nothing(value: Any) -> None:
    assert 0.0 == events.number(value)

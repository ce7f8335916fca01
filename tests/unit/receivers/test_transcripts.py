"""Transcripts of coding agents: each call once with its last usage, whatever is copied, resumed or being written."""

from __future__ import annotations

import gzip
import json
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from test_receiver import rows

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs.receivers.transcripts.importer import Importer, Taken, Tool, transcripts
from syndarix_obs.receivers.transcripts.memory import Memory

SESSION = "11111111-1111-4111-8111-111111111111"
REFUSED = (
    "The user doesn't want to proceed with this tool use. The tool use was rejected. "
    "To tell you how to proceed, the user said:\nnot on main"
)
Take = Callable[..., Taken]


@pytest.fixture(scope="module")
def platforms() -> Iterator[dict[Path, ObservabilityPlatform]]:
    """Platforms by data folder; one for each test that needs it."""
    made: dict[Path, ObservabilityPlatform] = {}
    yield made
    for platform in made.values():
        platform.shutdown()


@pytest.fixture
def take(tmp_path: Path, platforms: dict[Path, ObservabilityPlatform]) -> Take:
    """Import files or folders, each time with a memory read anew from disk, as another run of the command would."""

    def call(tool: Tool, *paths: Path, ended: bool = False) -> Taken:
        platform = platforms.setdefault(tmp_path, ObservabilityPlatform(Settings(home=tmp_path, set_global=False)))
        memory = Memory(tmp_path, tool)
        importer = Importer(platform.runtime, tool, memory)
        found = importer.take(transcripts(tool, paths))
        if ended:
            importer.end_sessions(idle_ns=0)
        memory.close()
        return found

    return call


def write(path: Path, *lines: dict[str, Any]) -> Path:
    """A transcript with a line for each row."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def usage(output: int, **more: Any) -> dict[str, Any]:
    """As Anthropic tells it."""
    return {"input_tokens": 10, "cache_read_input_tokens": 1000, "cache_creation_input_tokens": 100,
            "output_tokens": output, **more}  # fmt: skip


def answer(number: int, output: int, *blocks: dict[str, Any], second: int = 0, **more: Any) -> dict[str, Any]:
    """A line of Claude Code with a part of a message."""
    return {
        "type": "assistant", "sessionId": SESSION, "uuid": f"a{number}-{output}-{second}", "cwd": "/src/shop",
        "gitBranch": "fix/tax", "version": "2.1.0", "requestId": f"req_{number}",
        "timestamp": f"2026-03-01T10:{number:02}:{second:02}.000Z",
        "message": {"id": f"msg_{number}", "role": "assistant", "model": "claude-sonnet-4-5-20250929",
                    "content": list(blocks), "usage": usage(output)},
        **more,
    }  # fmt: skip


def tool_use(call_id: str, name: str = "Bash", **arguments: Any) -> dict[str, Any]:
    """A call of a tool in a message."""
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}


def result(call_id: str, text: str, *, error: bool = False, minute: int = 1, **more: Any) -> dict[str, Any]:
    """What a tool gave back."""
    block = {"type": "tool_result", "tool_use_id": call_id, "content": text, "is_error": error}
    return {"type": "user", "sessionId": SESSION, "uuid": f"r-{call_id}", "cwd": "/src/shop", "gitBranch": "fix/tax",
            "timestamp": f"2026-03-01T10:{minute:02}:30Z", "message": {"role": "user", "content": [block]},
            **more}  # fmt: skip


def tokens(home: Path) -> tuple[int, int, int]:
    """Calls, input and output tokens by the ledger."""
    found = rows(home, "ledger")
    sign = [-1 if row["record_id"].endswith(":void") else 1 for row in found]
    inputs = ("tokens_input", "tokens_cache_read", "tokens_cache_write")
    return (
        sum(sign), sum(row[name] for row in found for name in inputs),
        sum(row["tokens_output"] + row["tokens_reasoning"] for row in found),
    )  # fmt: skip


def of_kind(home: Path, kind: str) -> list[sqlite3.Row]:
    return [row for row in rows(home) if row["kind"] == kind]


def test_the_last_usage_of_a_message_counts_once(take: Take, tmp_path: Path) -> None:
    path = write(tmp_path / "s.jsonl", answer(1, 2), answer(1, 2, second=1), answer(1, 40, second=2), answer(2, 5))
    assert (2, 0) == ((taken := take("claude-code", path)).calls, taken.grown)
    assert (2, 2 * 1110, 45) == tokens(tmp_path)


def test_a_message_that_grows_between_two_imports_is_corrected(take: Take, tmp_path: Path) -> None:
    path = write(tmp_path / "s.jsonl", answer(1, 2))
    for number, output in enumerate((40, 41), start=1):
        take("claude-code", path)
        with path.open("a") as stream:
            stream.write(json.dumps(answer(1, output, second=number)) + "\n")
        assert (1, 2 if number == 1 else 40) == tokens(tmp_path)[::2]
    assert 1 == take("claude-code", path).grown
    assert (1, 1110, 41) == tokens(tmp_path)
    [call] = of_kind(tmp_path, "llm_call")
    assert (1110, 41) == (call["input_tokens"], call["output_tokens"])
    priced = sum(float(row["total_cost_usd"]) for row in rows(tmp_path, "ledger"))
    # 10 x $3 + 1,000 x $0.30 + 100 x $3.75 + 41 x $15, a million each
    assert pytest.approx(0.00132) == priced
    assert pytest.approx(0.00132) == float(call["cost_usd"])


@pytest.mark.parametrize("cut", [1, 300, 500, 900, 1_500, 2_300])
def test_a_file_that_is_being_written_ends_in_the_same_sums(take: Take, tmp_path: Path, cut: int) -> None:
    lines = [
        answer(1, 2, tool_use("t1")), answer(1, 30, second=3), result("t1", "ok"), answer(2, 1), answer(2, 8, second=1)
    ]  # fmt: skip
    whole = "".join(json.dumps(line) + "\n" for line in lines).encode()
    path = tmp_path / "s.jsonl"
    path.write_bytes(whole[:cut])
    take("claude-code", path)
    path.write_bytes(whole)
    take("claude-code", path)
    assert (2, 2220, 38) == tokens(tmp_path)
    assert 1 == len(of_kind(tmp_path, "tool_call"))


def test_what_a_resumed_session_copies_counts_once(take: Take, tmp_path: Path) -> None:
    lines = [answer(1, 7, tool_use("t1")), result("t1", "ok"), answer(2, 9)]
    write(tmp_path / "p" / "first.jsonl", *lines)
    write(tmp_path / "p" / "second.jsonl", *({**line, "sessionId": "other"} for line in lines), answer(3, 11))
    taken = take("claude-code", tmp_path / "p")
    assert (3, 3) == (taken.calls, taken.copies)
    assert (3, 3330, 27) == tokens(tmp_path)


def test_a_step_knows_its_repository_branch_sub_agent_and_skill(take: Take, tmp_path: Path) -> None:
    repository = tmp_path / "work" / "shop"
    (repository / ".git").mkdir(parents=True)
    (repository / "api").mkdir()
    main = write(
        tmp_path / "projects" / "x" / f"{SESSION}.jsonl",
        answer(
            1, 1, tool_use("t1", "Task", subagent_type="Explore"), cwd=str(repository / "api"), attributionSkill="tax"
        ),
        result("t1", "found", toolUseResult={"agentId": "a7"}),
    )
    write(
        main.with_suffix("") / "subagents" / "agent-a7.jsonl",
        answer(2, 2, isSidechain=True, agentId="a7", sessionId="agent-a7", cwd=str(repository)),
    )
    take("claude-code", tmp_path / "projects", ended=True)
    calls = {row["agent"]: row for row in of_kind(tmp_path, "llm_call")}
    assert {"claude-code", "claude-code/Explore"} == set(calls)
    assert {(SESSION, "shop")} == {(row["session_id"], row["project"]) for row in calls.values()}
    attributes = json.loads(calls["claude-code"]["extra"])["attributes"]
    assert ("fix/tax", "tax") == (attributes["vcs.ref.head.name"], attributes["gen_ai.skill.name"])
    [session] = of_kind(tmp_path, "session")
    assert (SESSION, "claude-code", "shop", "coding") == tuple(
        session[name] for name in ("session_id", "agent", "project", "agent_type")
    )


def test_a_refused_tool_is_a_decision_and_a_failed_one_an_error(take: Take, tmp_path: Path) -> None:
    path = write(
        tmp_path / "s.jsonl", answer(1, 1, tool_use("t1", command="git push"), tool_use("t2", "Read")),
        result("t1", REFUSED, error=True), result("t2", "<tool_use_error>no such file", error=True),
    )  # fmt: skip
    taken = take("claude-code", path)
    assert (1, 1) == (taken.refusals, taken.tools)
    [decision] = of_kind(tmp_path, "decision")
    assert ("permission", "reject") == (decision["decision_type"], decision["selected"])
    [tool] = of_kind(tmp_path, "tool_call")
    assert ("Read", "error", "no such file") == (tool["tool"], tool["status"], tool["error_message"])


def codex(*counts: tuple[int, int, int, int] | None, **meta: Any) -> list[dict[str, Any]]:
    """A rollout of Codex: a session, and after each request the sum of all so far."""
    start = {"id": SESSION, "cwd": "/src/shop", "cli_version": "0.104.0",
             "git": {"branch": "main", "repository_url": "git@example.org:acme/shop.git"}, **meta}  # fmt: skip
    lines = [
        {"type": "session_meta", "payload": start},
        {"type": "turn_context", "payload": {"model": "gpt-5", "cwd": "/src/shop"}},
        {"type": "event_msg", "payload": {"type": "user_message", "message": "mend it"}},
    ]
    names = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_output_tokens")
    for total in counts:
        info = None if total is None else {"total_token_usage": dict(zip(names, total, strict=True))}
        lines.append({"type": "event_msg", "payload": {"type": "token_count", "info": info}})
    return [{"timestamp": f"2026-03-01T10:{number:02}:00Z", **line} for number, line in enumerate(lines)]


def test_a_request_of_codex_is_what_the_sum_has_grown_by(take: Take, tmp_path: Path) -> None:
    sums = (None, (2000, 500, 300, 100), (2000, 500, 300, 100), (5000, 2500, 400, 100))
    path = write(tmp_path / "sessions" / "rollout-1.jsonl", *codex(*sums))
    write(tmp_path / "archived_sessions" / "rollout-1.jsonl", *codex(*sums))
    assert 2 == take("codex", path.parents[1]).calls
    assert (2, 5000, 400) == tokens(tmp_path)
    first = min(rows(tmp_path, "ledger"), key=lambda row: row["ts_ns"])
    # 1,500 x $1.25 + 500 x $0.125 + 300 x $10, a million each
    assert (1500, 200, 100, 0.0049375) == (
        first["tokens_input"], first["tokens_output"], first["tokens_reasoning"], float(first["total_cost_usd"])
    )  # fmt: skip
    assert {"shop"} == {row["project"] for row in of_kind(tmp_path, "llm_call")}


def test_a_forked_session_counts_what_is_its_own(take: Take, tmp_path: Path) -> None:
    parent = write(tmp_path / "rollout-a.jsonl", *codex((1000, 0, 100, 0)))
    fork = write(
        tmp_path / "rollout-b.jsonl", *codex((1000, 0, 100, 0), (1600, 0, 250, 0), id="fork", forked_from_id=SESSION)
    )
    take("codex", parent)
    take("codex", fork)
    assert (2, 1600, 250) == tokens(tmp_path)


def test_a_sum_that_begins_anew_is_counted_on(take: Take, tmp_path: Path) -> None:
    take("codex", write(tmp_path / "rollout-a.jsonl", *codex((1000, 0, 100, 0), (300, 0, 30, 0), (500, 0, 50, 0))))
    assert (3, 1500, 150) == tokens(tmp_path)


def test_tools_of_codex_fail_by_their_exit_code_and_are_refused_by_a_person(take: Take, tmp_path: Path) -> None:
    calls = [
        ("c1", '{"output": "no", "metadata": {"exit_code": 2}}'),
        ("c2", "exec command rejected by user"),
        ("c3", "ok"),
    ]
    lines = codex()
    for call_id, output in calls:
        begin = {"type": "function_call", "name": "shell", "arguments": "{}", "call_id": call_id}
        end = {"type": "function_call_output", "call_id": call_id, "output": output}
        lines += [
            {"type": "response_item", "timestamp": "2026-03-01T10:09:00Z", "payload": each} for each in (begin, end)
        ]
    taken = take("codex", write(tmp_path / "rollout-a.jsonl", *lines))
    assert (2, 1) == (taken.tools, taken.refusals)
    assert [("error", "exit 2"), ("ok", None)] == sorted(
        (row["status"], row["error_type"]) for row in of_kind(tmp_path, "tool_call")
    )


def gemini(output: int) -> dict[str, Any]:
    """A message of Gemini CLI."""
    return {"id": "m1", "type": "gemini", "timestamp": "2026-03-01T10:00:05Z", "model": "gemini-2.5-flash",
            "tokens": {"input": 900, "cached": 100, "output": output, "thoughts": 90, "tool": 100, "total": 0},
            "toolCalls": [{"id": "c1", "name": "shell", "status": "cancelled"}]}  # fmt: skip


def test_a_session_of_gemini_that_is_written_anew_counts_its_last_form(take: Take, tmp_path: Path) -> None:
    path = tmp_path / "tmp" / "shop" / "chats" / "session-1.json"
    path.parent.mkdir(parents=True)
    for output in (1, 10):
        path.write_text(json.dumps({"sessionId": "g", "messages": [gemini(output)]}))
        taken = take("gemini", path)
    assert (1, 0) == (taken.grown, taken.refusals)
    assert (1, 1000, 100) == tokens(tmp_path)
    assert {"shop"} == {row["project"] for row in of_kind(tmp_path, "llm_call")}
    assert 1 == len(of_kind(tmp_path, "decision"))


def test_rows_of_gemini_that_change_a_message_count_once(take: Take, tmp_path: Path) -> None:
    lines = [{"sessionId": "g", "kind": "main"}, gemini(1), {"$set": {"lastUpdated": "x"}}, gemini(10)]
    assert 1 == take("gemini", write(tmp_path / "session-1.jsonl", *lines)).calls
    assert (1, 1000, 100) == tokens(tmp_path)


def test_an_unknown_version_is_read_as_far_as_understood_and_the_rest_counted(take: Take, tmp_path: Path) -> None:
    path = write(
        tmp_path / "s.jsonl", {"type": "hologram"}, {"type": "hologram"}, answer(1, 3), {"message": 7, "type": 9}
    )
    path.write_bytes(path.read_bytes() + b"\xff\xfe not json\n[1]\n" + json.dumps(answer(2, 4)).encode())
    taken = take("claude-code", path)
    assert {"hologram": 2, "9": 1, "a line that is no JSON object": 2} == dict(taken.unknown)
    assert (2, 2220, 7) == tokens(tmp_path)


@pytest.mark.parametrize("suffix", [".zst", ".gz"])
def test_a_rollout_that_was_compressed_is_read_and_counts_once_beside_the_one_that_was_not(
    take: Take, tmp_path: Path, suffix: str
) -> None:
    path = write(tmp_path / "rollout-a.jsonl", *codex((1000, 0, 100, 0), (1600, 0, 250, 0)))
    packed = tmp_path / "archived" / f"rollout-a.jsonl{suffix}"
    packed.parent.mkdir()
    if suffix == ".gz":
        packed.write_bytes(gzip.compress(path.read_bytes()))
    else:
        arrow = pytest.importorskip("pyarrow")
        with arrow.output_stream(str(packed), compression="zstd") as stream:
            stream.write(path.read_bytes())
    assert 2 == take("codex", packed).calls
    assert 0 == take("codex", path).calls
    assert (2, 1600, 250) == tokens(tmp_path)


def test_a_file_that_cannot_be_unpacked_and_one_that_is_gone_are_named(take: Take, tmp_path: Path) -> None:
    packed = tmp_path / "rollout-a.jsonl.gz"
    packed.write_bytes(b"x")
    taken = take("codex", packed, tmp_path / "gone.jsonl")
    assert "No such file or directory" in taken.unreadable.values()
    assert "gzipped file" in taken.unreadable[str(packed)]


def test_without_a_reader_of_zstd_it_is_said_what_to_install(
    take: Take, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("compression.zstd", "pyarrow"):
        monkeypatch.setitem(sys.modules, module, None)
    packed = tmp_path / "rollout-b.jsonl.zst"
    packed.write_bytes(b"x")
    [said] = take("codex", packed).unreadable.values()
    assert "pip install 'syndarix-obs[archive]'" in said


def test_a_second_reading_takes_nothing_again(take: Take, tmp_path: Path) -> None:
    path = write(tmp_path / "s.jsonl", answer(1, 3, tool_use("t1")), result("t1", "ok"))
    take("claude-code", path)
    before = len(rows(tmp_path)), len(rows(tmp_path, "ledger"))
    (tmp_path / "imports.sqlite3").unlink()  # as if it had been lost
    take("claude-code", path)
    assert before == (len(rows(tmp_path)), len(rows(tmp_path, "ledger")))


def test_memory_holds_no_content_and_no_path(take: Take, tmp_path: Path) -> None:
    path = write(tmp_path / "s.jsonl", answer(1, 3, tool_use("t1", command="cat /home/ann/diary")))
    take("claude-code", path)
    held = b"".join(file.read_bytes() for file in tmp_path.glob("imports.sqlite3*"))
    assert b"diary" not in held
    assert str(path).encode() not in held


def test_transcripts_are_found_where_the_tool_keeps_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLAUDE_CONFIG_DIR", raising=False)
    agent = write(tmp_path / ".claude" / "projects" / "x" / "s" / "subagents" / "agent-1.jsonl")
    main = write(tmp_path / ".claude" / "projects" / "x" / "s.jsonl")
    assert [main, agent] == transcripts("claude-code", home=tmp_path)
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "elsewhere"))
    assert [] == transcripts("claude-code", home=tmp_path)

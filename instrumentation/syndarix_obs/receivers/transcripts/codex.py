"""Transcripts of Codex: `sessions/YYYY/MM/DD/rollout-….jsonl`, and copies of them in `archived_sessions`.

Codex tells the sum of the whole session after each request; a request is what the sum has grown by. The same sum told
again is no request. A forked session begins with its parent's rows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.receivers.transcripts import items
from syndarix_obs.receivers.transcripts.items import Item, Place, Unknown
from syndarix_obs.receivers.transcripts.places import repository_of
from syndarix_obs.receivers.transcripts.reader import OpenTools, Source, at, part, words

TOOL: Final = "codex"
COUNTS: Final = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_output_tokens")

_SILENT_EVENTS: Final = frozenset({
    "agent_message", "agent_reasoning", "agent_reasoning_raw_content", "agent_reasoning_section_break",
    "task_started", "task_complete", "turn_started", "turn_complete", "turn_aborted", "context_compacted",
    "entered_review_mode", "exited_review_mode", "item_completed", "mcp_tool_call_end", "web_search_end",
    "exec_command_end", "patch_apply_end", "view_image_tool_call", "thread_rolled_back", "thread_goal_updated",
    "thread_settings_applied", "undo_completed", "image_generation_end", "guardian_assessment",
    "collab_agent_interaction_end", "collab_agent_spawn_end", "collab_waiting_end", "collab_close_end",
    "sub_agent_activity", "thread_name_updated", "dynamic_tool_call_request", "dynamic_tool_call_response",
    "error", "warning",
})  # fmt: skip
_SILENT_ITEMS: Final = frozenset({
    "reasoning", "ghost_snapshot", "compaction", "web_search_call", "image_generation_call",
    "tool_search_output", "agent_message", "other",
})  # fmt: skip
_SILENT: Final = frozenset({"world_state", "security_risk_score", "inter_agent_communication", "realtime_item",
                            "inter_agent_communication_metadata"})  # fmt: skip
_CALLS: Final = frozenset({"function_call", "custom_tool_call", "local_shell_call", "tool_search_call"})
_OUTPUTS: Final = frozenset({"function_call_output", "custom_tool_call_output"})
_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
_REFUSED: Final = re.compile(r"^\W*(exec command |patch |tool call )?(was )?rejected by (the )?user", re.IGNORECASE)
_FAILED: Final = re.compile(r"(?:^|\n)(?:Process exited with code|Exit code:) (-?\d+)")


class CodexReader:
    """Reads one file."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._state = source.state
        self._tools = OpenTools(source)
        self._output: list[Any] = []
        self.unknown = Unknown()

    def feed(self, row: Mapping[str, Any], offset: int) -> list[Item]:
        """Take one row."""
        kind, payload = row.get("type"), part(row.get("payload"))
        now = at(row, self._state.get("at", 0))
        self._state["at"] = now
        if kind == "session_meta":
            self._begin(payload)
        elif kind == "turn_context":
            self._state["model"] = words(payload.get("model")) or self._state.get("model")
            self._state["cwd"] = words(payload.get("cwd")) or self._state.get("cwd")
        elif kind == "event_msg":
            return self._event(payload, now)
        elif kind == "response_item":
            return self._item(payload, now, offset)
        elif kind == "compacted":
            return [self._placed(items.compaction(f"{self._session()}\0{now}", self._session(), now, self._size()))]
        elif kind not in _SILENT:
            self.unknown.add(kind or row.get("record_type"))
        return []

    def end(self) -> list[Item]:
        """Nothing: each request is told by a row of its own."""
        return []

    def _begin(self, payload: Mapping[str, Any]) -> None:
        """The first one names the session; those behind it are its parent's."""
        if "id" in self._state:
            return
        own = words(payload.get("id")) or words(payload.get("session_id"))
        spawn = part(part(part(payload.get("source")).get("subagent")).get("thread_spawn"))
        git = part(payload.get("git"))
        self._state |= {
            "id": own, "fork": words(payload.get("forked_from_id")), "cwd": words(payload.get("cwd")),
            "branch": words(git.get("branch")), "url": words(git.get("repository_url")),
            "version": words(payload.get("cli_version")), "parent": words(spawn.get("parent_thread_id")),
        }  # fmt: skip
        if spawn or payload.get("thread_source") == "subagent" or part(payload.get("source")).get("subagent"):
            self._state["agent"] = words(spawn.get("agent_role")) or words(spawn.get("agent_nickname")) or "subagent"
        if own and self._state["fork"]:
            self._source.agents[f"root\0{own}"] = self._root(self._state["fork"])

    def _event(self, payload: Mapping[str, Any], now: int) -> list[Item]:
        kind = payload.get("type")
        if kind == "token_count":
            return self._usage(part(payload.get("info")), now)
        if kind == "user_message":
            self._state["since"] = now
            text = words(payload.get("message")) or ""
            return [self._placed(items.prompt(f"{self._root()}\0{now}", self._session(), now, text))]
        if kind not in _SILENT_EVENTS:
            self.unknown.add(f"event_msg {kind}")
        return []

    def _usage(self, info: Mapping[str, Any], now: int) -> list[Item]:
        told, last = part(info.get("total_token_usage")), part(info.get("last_token_usage"))
        if not told and not last:
            return []
        before: list[int] | None = self._state.get("totals")
        total, step = _counts(told), _counts(last)
        if told:
            if before is None:
                own = step if last and self._state.get("fork") else total
            else:
                own = [new - old for new, old in zip(total, before, strict=True)]
                if min(own) < 0:  # the sum began anew
                    own = step if last else total
            self._state["totals"] = total
        else:
            own, total = step, [a + b for a, b in zip(before or [0] * len(COUNTS), step, strict=True)]
            self._state["totals"] = total
        output, self._output = self._output, []
        since, self._state["since"] = self._state.get("since", now), now
        if not any(own):
            return []
        made = items.call(
            f"call\0{self._root()}\0{_key(total)}", self._session(), now, provider="openai",
            model=words(info.get("model")) or self._state.get("model"), usage=_as_responses(own),
        )  # fmt: skip
        made.same = (f"at\0{now}\0{_key(total)}",)
        made.start_ns, made.grows = since, False
        if output:
            made.payload["output"] = [{"role": "assistant", "content": output}]
        self._state["size"] = own[0]
        return [self._placed(made)]

    def _item(self, payload: Mapping[str, Any], now: int, offset: int) -> list[Item]:
        kind = payload.get("type")
        call_id = words(payload.get("call_id")) or words(payload.get("id"))
        if kind in _CALLS:
            self._tools.begin(call_id or str(offset), words(payload.get("name")) or _name(kind), now, offset)
            self._output.append({"type": "tool_call", "name": words(payload.get("name")) or _name(kind), "id": call_id})
        elif kind in _OUTPUTS and call_id:
            self._state["since"] = now
            return self._result(payload, call_id, now)
        elif kind == "message":
            if payload.get("role") == "assistant":
                self._output.append({"type": "text", "content": items.text_of(payload.get("content"))})
        elif kind not in _SILENT_ITEMS:
            self.unknown.add(f"response_item {kind}")
        return []

    def _result(self, payload: Mapping[str, Any], call_id: str, now: int) -> list[Item]:
        text, code = _outcome(payload.get("output"))
        refused = _REFUSED.search(text[:200]) is not None
        failed = refused or bool(code) or payload.get("success") is False
        found = self._tools.finish(
            call_id, self._session(), now, text, _arguments, error=text[:2_000] if failed else None, refused=refused
        )
        for each in found:
            each.key = f"{each.key}\0{self._root()}"
            if each.error is not None:
                each.attributes[v.ERROR_TYPE] = f"exit {code}" if code else "tool_error"
        return [self._placed(each) for each in found]

    def _session(self) -> str:
        """A sub-agent works in the session that started it."""
        own = words(self._state.get("parent")) or words(self._state.get("id"))
        if own is None:
            named = _ID.search(self._source.path.stem)
            own = named.group() if named else self._source.path.stem
        return own

    def _root(self, session: str | None = None) -> str:
        """The session that a line of forks began with."""
        own = session or words(self._state.get("id")) or self._session()
        return self._source.agents.get(f"root\0{own}") or own

    def _size(self) -> int | None:
        found = self._state.get("size")
        return found if isinstance(found, int) else None

    def _placed(self, made: Item) -> Item:
        state = self._state
        made.agent = words(state.get("agent"))
        made.place = Place(repository_of(state.get("cwd"), state.get("url")), state.get("branch"), state.get("version"))
        return made


def _counts(told: Mapping[str, Any]) -> list[int]:
    return [found if isinstance(found := told.get(name), int) and found > 0 else 0 for name in COUNTS]


def _key(counts: list[int]) -> str:
    return ",".join(map(str, counts))


def _as_responses(own: list[int]) -> dict[str, Any]:
    """As OpenAI's Responses API tells a usage: the cached part inside of the input, reasoning inside of the output."""
    return {
        "input_tokens": own[0], "input_tokens_details": {"cached_tokens": min(own[1], own[0])},
        "output_tokens": own[2], "output_tokens_details": {"reasoning_tokens": min(own[3], own[2])},
    }  # fmt: skip


def _name(kind: Any) -> str:
    return "shell" if kind == "local_shell_call" else str(kind).removesuffix("_call")


def _arguments(row: Mapping[str, Any]) -> Any:
    payload = part(row.get("payload"))
    return payload.get("arguments") or payload.get("input") or payload.get("action")


def _outcome(output: Any) -> tuple[str, int]:
    """The text of a result, and the exit code of a command."""
    told: Any = output
    if isinstance(output, str) and output.startswith("{"):
        try:
            told = json.loads(output)
        except ValueError:
            return output, 0
    if isinstance(told, dict):
        code = part(told.get("metadata")).get("exit_code", 0)
        text = told.get("output") or told.get("content")
        return text if isinstance(text, str) else json.dumps(told), code if isinstance(code, int) else 0
    text = items.text_of(told)
    found = _FAILED.search(text[:400])
    return text, int(found.group(1)) if found else 0

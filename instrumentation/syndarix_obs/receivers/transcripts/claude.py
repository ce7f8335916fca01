"""Transcripts of Claude Code: `projects/FOLDER/SESSION.jsonl`, sub-agents in files of their own.

A message of the model stands on several lines, one for each block of its content, and every line repeats the usage as
it was known then. What counts is the last one of each message id and request id. A resumed session may begin with
copies of another's lines; they have the same ids.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.receivers.transcripts import items
from syndarix_obs.receivers.transcripts.items import Item, Place, Unknown
from syndarix_obs.receivers.transcripts.places import repository_of
from syndarix_obs.receivers.transcripts.reader import OpenTools, Source, at, part, words

TOOL: Final = "claude-code"
SYNTHETIC: Final = "<synthetic>"
"""Model of lines that Claude Code wrote itself."""

_SILENT: Final = frozenset({
    "summary", "file-history-snapshot", "file-history-delta", "attachment", "progress", "queue-operation", "mode",
    "permission-mode", "agent-name", "agent-setting", "custom-title", "ai-title", "last-prompt", "frame-link",
    "pr-link", "started", "result", "relocated", "worktree-state", "bridge-session", "atis-latch", "continued-in",
    "tag", "saved_hook_context",
})  # fmt: skip
"""Kinds of rows that are known and tell nothing that is asked here."""
_REFUSED: Final = (
    "The user doesn't want to", "Permission to use", "Claude requested permissions to",
    "This command requires approval",
    "This Bash command contains multiple operations. The following part requires approval",
)  # fmt: skip
_ERROR_TAG: Final = "<tool_use_error>"


class ClaudeReader:
    """Reads one file."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._state = source.state
        self._tools = OpenTools(source)
        self._pending: Item | None = None
        self.unknown = Unknown()

    def feed(self, row: Mapping[str, Any], offset: int) -> list[Item]:
        """Take one row."""
        kind = row.get("type")
        message = part(row.get("message"))
        now = at(row, self._state.get("at", 0))
        self._state["at"] = now
        if kind == "assistant" or (kind is None and part(message.get("usage"))):
            return self._answer(row, message, now, offset)
        if kind == "user":
            found = self._results(row, message, now) + self._prompt(row, message, now)
            self._state["since"] = now
            return found
        if kind == "system":
            return self._system(row, now)
        if kind not in _SILENT:
            self.unknown.add(kind)
        return []

    def end(self) -> list[Item]:
        """The message that may still be written."""
        pending, self._pending = self._pending, None
        return [] if pending is None else [pending]

    def _answer(self, row: Mapping[str, Any], message: Mapping[str, Any], now: int, offset: int) -> list[Item]:
        blocks = message.get("content")
        blocks = blocks if isinstance(blocks, list) else []
        for block in map(part, blocks):
            if block.get("type") == "tool_use" and words(block.get("id")):
                about = {"agent": words(part(block.get("input")).get("subagent_type"))}
                self._tools.begin(block["id"], words(block.get("name")) or "unknown", now, offset, **about)
        if row.get("isApiErrorMessage") or message.get("model") == SYNTHETIC:
            return [*self.end(), *self._failed(row, message, now)]
        if not part(message.get("usage")):
            return []
        made = self._call(row, message, now, offset, blocks)
        pending = self._pending
        if pending is None or pending.key != made.key:
            self._pending = made
            return [] if pending is None else [pending]
        pending.end_ns = max(pending.end_ns, made.end_ns)
        pending.payload["usage"] = made.payload["usage"]
        pending.payload["output"][0]["content"] += blocks
        return []

    def _call(
        self, row: Mapping[str, Any], message: Mapping[str, Any], now: int, offset: int, blocks: list[Any]
    ) -> Item:
        ids = [words(message.get("id")), words(row.get("requestId"))]
        key = "\0".join(each or "" for each in ids)
        if not any(ids):
            key = words(row.get("uuid")) or f"{self._session(row)}\0{offset}"
        made = items.call(
            f"call\0{key}", self._session(row), now, provider="anthropic", model=words(message.get("model")),
            usage=part(message.get("usage")),
        )  # fmt: skip
        made.start_ns = self._state.get("since", now)
        made.agent, made.place = self._agent(row), self._place(row)
        made.attributes |= {
            v.GEN_AI_RESPONSE_ID: ids[1] or ids[0], v.GEN_AI_RESPONSE_FINISH_REASONS: _reasons(message),
            v.GEN_AI_SKILL_NAME: words(row.get("attributionSkill")),
        }  # fmt: skip
        made.payload["output"] = [{"role": "assistant", "content": list(blocks)}]
        return made

    def _failed(self, row: Mapping[str, Any], message: Mapping[str, Any], now: int) -> list[Item]:
        if not row.get("isApiErrorMessage"):
            return []  # a line such as "No response requested."
        key = words(row.get("uuid")) or str(now)
        made = items.call(f"error\0{key}", self._session(row), now, provider="anthropic", model=None, usage={})
        made.name, made.grows, made.payload = "chat", False, {}
        made.error = items.text_of(message.get("content"))
        made.attributes[v.ERROR_TYPE] = words(row.get("error")) or "api_error"
        made.agent, made.place = self._agent(row), self._place(row)
        return [made]

    def _results(self, row: Mapping[str, Any], message: Mapping[str, Any], now: int) -> list[Item]:
        content = message.get("content")
        found: list[Item] = []
        for block in map(part, content if isinstance(content, list) else ()):
            call_id = words(block.get("tool_use_id"))
            if block.get("type") != "tool_result" or call_id is None:
                continue
            self._name_agent(row, call_id)
            text = items.text_of(block.get("content"))
            failed = block.get("is_error") is True
            found += self._tools.finish(
                call_id, self._session(row), now, block.get("content"), partial(_arguments, call_id),
                error=text.removeprefix(_ERROR_TAG) if failed else None,
                refused=failed and text.removeprefix(_ERROR_TAG).startswith(_REFUSED),
            )  # fmt: skip
        for each in found:
            each.agent, each.place = self._agent(row), self._place(row)
            if each.error is not None:
                each.attributes[v.ERROR_TYPE] = "tool_error"
        return found

    def _prompt(self, row: Mapping[str, Any], message: Mapping[str, Any], now: int) -> list[Item]:
        content = message.get("content")
        if row.get("isMeta") or row.get("isCompactSummary") or row.get("isSidechain"):
            return []
        if isinstance(content, list) and any(part(each).get("type") == "tool_result" for each in content):
            return []
        text = items.text_of(content)
        if not text or text.startswith("<local-command"):
            return []
        made = items.prompt(words(row.get("uuid")) or str(now), self._session(row), now, text)
        made.place = self._place(row)
        return [made]

    def _system(self, row: Mapping[str, Any], now: int) -> list[Item]:
        if row.get("subtype") != "compact_boundary":
            return []
        before = part(row.get("compactMetadata")).get("preTokens")
        made = items.compaction(
            words(row.get("uuid")) or str(now), self._session(row), now, before if isinstance(before, int) else None
        )
        made.agent, made.place = self._agent(row), self._place(row)
        return [made]

    def _session(self, row: Mapping[str, Any]) -> str:
        folder = self._source.path.parent
        if folder.name == "subagents":
            return folder.parent.name
        return words(row.get("sessionId")) or self._source.path.stem

    def _agent(self, row: Mapping[str, Any]) -> str | None:
        """The kind of sub-agent, None for the main one."""
        told = words(row.get("attributionAgent"))
        agent_id = words(row.get("agentId"))
        if told or not (row.get("isSidechain") or agent_id):
            return told
        return self._source.agents.get(agent_id or "") or self._told_beside() or "subagent"

    def _told_beside(self) -> str | None:
        """Newer versions write the kind of a sub-agent into a file beside its transcript."""
        if "kind" not in self._state:
            try:
                beside = self._source.path.with_suffix(".meta.json").read_text(encoding="utf-8")
                self._state["kind"] = words(part(json.loads(beside)).get("agentType"))
            except (OSError, ValueError):
                self._state["kind"] = None
        return words(self._state["kind"])

    def _name_agent(self, row: Mapping[str, Any], call_id: str) -> None:
        """The result of a tool that started a sub-agent tells the agent's id."""
        agent_id = words(part(row.get("toolUseResult")).get("agentId"))
        kind = self._tools.about(call_id).get("agent")
        if agent_id and kind:
            self._source.agents[agent_id] = kind

    def _place(self, row: Mapping[str, Any]) -> Place:
        branch = words(row.get("gitBranch"))
        return Place(
            repository_of(words(row.get("cwd"))), None if branch == "HEAD" else branch, words(row.get("version"))
        )


def _reasons(message: Mapping[str, Any]) -> list[str] | None:
    reason = words(message.get("stop_reason"))
    return None if reason is None else [reason]


def _arguments(call_id: str, row: Mapping[str, Any]) -> Any:
    content = part(row.get("message")).get("content")
    blocks = map(part, content if isinstance(content, list) else ())
    return next((block.get("input") for block in blocks if block.get("id") == call_id), None)

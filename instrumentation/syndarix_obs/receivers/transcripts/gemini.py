"""Transcripts of Gemini CLI: `tmp/PROJECT/chats/session-….json` (one object) or `.jsonl` (a row for each change).

A message may be written again with more in it; the last one counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.receivers.transcripts import items
from syndarix_obs.receivers.transcripts.items import Item, Place, Unknown, moment
from syndarix_obs.receivers.transcripts.places import repository_of
from syndarix_obs.receivers.transcripts.reader import Source, at, part, words

TOOL: Final = "gemini"
_SILENT: Final = frozenset({"info", "error", "warning"})
_HASH: Final = re.compile(r"[0-9a-f]{32,}$")
_ENDED: Final = frozenset({"success", "error", "cancelled"})


class GeminiReader:
    """Reads one file."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._state = source.state
        self._pending: Item | None = None
        self.unknown = Unknown()

    def feed(self, row: Mapping[str, Any], offset: int) -> list[Item]:  # noqa: ARG002 - the interface
        """Take one row, or the whole session where it is one object."""
        if isinstance(row.get("messages"), list):
            self._session_of(row)
            return [made for each in row["messages"] for made in self._message(part(each))]
        if "$set" in row:
            update = part(row["$set"])
            return [made for each in update.get("messages") or () for made in self._message(part(each))]
        if "type" not in row and words(row.get("sessionId")):
            self._session_of(row)
            return []
        return self._message(row)

    def end(self) -> list[Item]:
        """The message that may still be written."""
        pending, self._pending = self._pending, None
        return [] if pending is None else [pending]

    def _session_of(self, row: Mapping[str, Any]) -> None:
        self._state["id"] = words(row.get("sessionId")) or self._state.get("id")
        self._state["agent"] = "subagent" if row.get("kind") == "subagent" else None

    def _message(self, row: Mapping[str, Any]) -> list[Item]:
        kind = row.get("type")
        now = at(row, self._state.get("at", 0))
        self._state["at"] = now
        if kind == "user":
            self._state["since"] = now
            text = items.text_of(row.get("displayContent") or row.get("content"))
            return [self._placed(items.prompt(self._id(row, now), self._session(), now, text))] if text else []
        if kind in ("gemini", "model"):
            return [*self._answer(row, now), *self._tools(row, now)]
        if kind not in _SILENT:
            self.unknown.add(kind)
        return []

    def _answer(self, row: Mapping[str, Any], now: int) -> list[Item]:
        tokens = part(row.get("tokens"))
        if not tokens:
            return []
        made = items.call(
            f"call\0{self._id(row, now)}", self._session(), now, provider="gcp.gemini", model=words(row.get("model")),
            usage=_as_metadata(tokens),
        )  # fmt: skip
        made.payload["output"] = [{"role": "model", "content": items.text_of(row.get("content"))}]
        pending = self._pending
        if pending is not None and pending.key == made.key:
            made.start_ns = pending.start_ns
            pending = None
        else:
            made.start_ns = self._state.get("since", now)
        self._pending = self._placed(made)
        self._state["since"] = now
        return [] if pending is None else [pending]

    def _tools(self, row: Mapping[str, Any], now: int) -> Iterator[Item]:
        calls = row.get("toolCalls")
        for call in map(part, calls if isinstance(calls, list) else ()):
            status, name = call.get("status"), words(call.get("name")) or "unknown"
            call_id = f"{self._session()}\0{words(call.get('id')) or name}"
            end = moment(call.get("timestamp")) or now
            if status not in _ENDED:
                continue
            if status == "cancelled":
                yield self._placed(items.refusal(name, call_id, self._session(), end, "cancelled by the user"))
                continue
            made = items.tool_call(
                name, call_id, self._session(), end, arguments=call.get("args"), result=call.get("result")
            )
            made.start_ns = now
            if status == "error":
                made.error = items.text_of(call.get("resultDisplay"))
                made.attributes[v.ERROR_TYPE] = "tool_error"
            self._state["since"] = max(self._state.get("since", 0), end)
            yield self._placed(made)

    def _id(self, row: Mapping[str, Any], now: int) -> str:
        return words(row.get("id")) or f"{self._session()}\0{now}"

    def _session(self) -> str:
        return words(self._state.get("id")) or self._source.path.stem

    def _placed(self, made: Item) -> Item:
        if "repository" not in self._state:
            self._state["repository"] = _repository(self._source)
        made.agent = words(self._state.get("agent"))
        made.place = Place(self._state["repository"])
        return made


def _as_metadata(tokens: Mapping[str, Any]) -> dict[str, Any]:
    """As the Gemini API tells a usage: thoughts and the prompts of tools beside the other counts."""
    names = {"input": "promptTokenCount", "output": "candidatesTokenCount", "cached": "cachedContentTokenCount",
             "thoughts": "thoughtsTokenCount", "tool": "toolUsePromptTokenCount"}  # fmt: skip
    return {new: tokens[old] for old, new in names.items() if isinstance(tokens.get(old), int)}


def _repository(source: Source) -> str | None:
    """By the folder that Gemini CLI notes, else by its own name for the project; a hash says nothing."""
    project = source.path.parent.parent
    try:
        return repository_of((project / ".project_root").read_text(encoding="utf-8").strip())
    except (OSError, UnicodeDecodeError):
        return None if _HASH.match(project.name) or source.path.parent.name != "chats" else project.name

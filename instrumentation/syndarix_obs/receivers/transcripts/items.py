"""What a transcript tells: model calls, tool calls, refusals, prompts; and what of it was not understood."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.pricing.reports import TRANSCRIPTS
from syndarix_obs.receivers.events import trace_of
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.records.resource import Resource

SCOPE: Final = TRANSCRIPTS
CHARACTERS_A_TOKEN: Final = 4
"""For what a text adds to the context: transcripts tell tokens of whole requests only."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a session worked. Every name may be unknown."""

    repository: str | None = None
    branch: str | None = None
    version: str | None = None

    @property
    def attributes(self) -> dict[str, str]:
        """Under their attribute names."""
        found = {
            v.PROJECT: self.repository, v.VCS_REPOSITORY_NAME: self.repository, v.VCS_REF_HEAD_NAME: self.branch,
            v.GEN_AI_AGENT_VERSION: self.version,
        }  # fmt: skip
        return {name: value for name, value in found.items() if value}


@dataclass(slots=True)
class Item:
    """One thing that happened in a session.

    `key` tells it from all others of the same tool; `same` are further keys that mean the same thing (in copies).
    `grows` is True for a call whose usage may be told again with larger numbers.
    """

    key: str
    name: str
    session: str
    end_ns: int
    start_ns: int = 0
    agent: str | None = None
    place: Place = Place()
    attributes: dict[str, Any] = field(default_factory=dict)
    payload: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    same: tuple[str, ...] = ()
    grows: bool = False

    @property
    def usage(self) -> Any:
        """The provider's usage, None for what is no model call."""
        return self.payload.get("usage")

    def span(self, tool: str, resource: Resource, usage: Any = None) -> FinishedSpan:
        """The step that this is.

        Args:
            tool: the coding agent, `claude-code`.
            resource: who made the transcript.
            usage: to use in place of its own, for an earlier form of it.
        """
        trace_id, root = trace_of(tool, self.session)
        payload = dict(self.payload) if usage is None else {**self.payload, "usage": usage}
        agent = tool if self.agent is None else f"{tool}/{self.agent}"
        own = {v.SESSION_ID: self.session, v.GEN_AI_AGENT_NAME: agent, v.AGENT_TYPE: "coding", **self.place.attributes}
        return FinishedSpan(
            name=self.name, trace_id=trace_id, span_id=span_id_of(tool, self.key), parent_id=root,
            start_ns=min(self.start_ns or self.end_ns, self.end_ns), end_ns=self.end_ns,
            status=v.STATUS_OK if self.error is None else v.STATUS_ERROR, status_message=self.error or None,
            attributes={**own, **{name: value for name, value in self.attributes.items() if value is not None}},
            payload={name: value for name, value in payload.items() if value is not None},
            scope=(SCOPE, None), resource=resource,
        )  # fmt: skip


def span_id_of(tool: str, key: str) -> str:
    """The span id of what a key names: the same each time that it is read, and in an event about the same thing."""
    return hashlib.sha256(f"{tool}\0{key}".encode("utf-8", "replace")).hexdigest()[:16]


def call(key: str, session: str, end_ns: int, *, provider: str, model: str | None, usage: Mapping[str, Any]) -> Item:
    """A model call. `usage` is as the provider tells it."""
    attributes = {
        v.GEN_AI_OPERATION_NAME: v.OPERATION_CHAT, v.GEN_AI_PROVIDER_NAME: provider, v.GEN_AI_REQUEST_MODEL: model,
    }  # fmt: skip
    return Item(
        key, f"chat {model}", session, end_ns, attributes=attributes, payload={"usage": dict(usage)}, grows=True
    )


def tool_call(name: str, call_id: str, session: str, end_ns: int, *, arguments: Any, result: Any) -> Item:
    """A call of a tool, with what its result puts into the context."""
    attributes = {
        v.GEN_AI_OPERATION_NAME: v.OPERATION_EXECUTE_TOOL, v.GEN_AI_TOOL_NAME: name, v.GEN_AI_TOOL_CALL_ID: call_id,
        v.CONTEXT_ADDED: tokens_of(result),
    }  # fmt: skip
    return Item(
        f"tool\0{call_id}", f"execute_tool {name}", session, end_ns, attributes=attributes,
        payload={"arguments": arguments, "result": result},
    )  # fmt: skip


def refusal(name: str, call_id: str, session: str, at_ns: int, reason: str) -> Item:
    """A tool that was not allowed: a decision of type `permission`."""
    attributes = {
        v.KIND: v.KIND_DECISION, v.DECISION_TYPE: v.DECISION_PERMISSION, v.DECISION_OPTIONS: ["accept", "reject"],
        v.DECISION_SELECTED: "reject", v.GEN_AI_TOOL_NAME: name, v.GEN_AI_TOOL_CALL_ID: call_id,
    }  # fmt: skip
    return Item(
        f"permission\0{call_id}", f"decision permission {name}", session, at_ns, attributes=attributes,
        payload={"reasoning": f"{name}: {reason}"},
    )  # fmt: skip


def prompt(key: str, session: str, at_ns: int, text: Any) -> Item:
    """What a person asked for."""
    return Item(
        f"prompt\0{key}", "user_prompt", session, at_ns, attributes={v.CONTEXT_ADDED: tokens_of(text)},
        payload={"input": text},
    )  # fmt: skip


def compaction(key: str, session: str, at_ns: int, tokens: int | None) -> Item:
    """The context was summarised because it was full; `tokens` is how large it was."""
    attributes = {v.KIND: v.KIND_CONTEXT, v.CONTEXT_EVICTED: {"history": tokens} if tokens else None}
    return Item(f"compaction\0{key}", "context compaction", session, at_ns, attributes=attributes)


def tokens_of(value: Any) -> int:
    """About how many tokens a text, or the texts in a value, add to the context."""
    return sum(len(text) for text in _texts(value, 0)) // CHARACTERS_A_TOKEN


def _texts(value: Any, depth: int) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif depth < 8 and isinstance(value, list):
        for each in value:
            yield from _texts(each, depth + 1)
    elif depth < 8 and isinstance(value, dict):
        for name, each in value.items():
            if name != "data":  # of a picture, which costs tokens by its size and not by its letters
                yield from _texts(each, depth + 1)


@dataclass(slots=True)
class Unknown:
    """Rows of a transcript that were not understood, by what they call themselves."""

    rows: Counter[str] = field(default_factory=Counter)

    def add(self, kind: Any) -> None:
        """One more."""
        self.rows[str(kind)[:60]] += 1


def moment(value: Any) -> int | None:
    """A time as transcripts write it, in nanoseconds since the epoch; None when it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float) and value > 0:
        return int(value * 1_000_000) if value > 1e11 else int(value * 1_000_000_000)
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    aware = found if found.tzinfo else found.replace(tzinfo=UTC)
    return round(aware.timestamp() * 1_000) * 1_000_000


def text_of(content: Any) -> str:
    """The text of a message's content, whatever form it has."""
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        content = [content]
    if not isinstance(content, list):
        return ""
    parts = (each.get("text") if isinstance(each, dict) else each for each in content)
    return "\n".join(part for part in parts if isinstance(part, str))

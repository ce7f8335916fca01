"""A request as it goes over the wire, in the four parts in which it is recorded, and made comparable."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from syndarix_obs.integrations.anthropic import MESSAGES
from syndarix_obs.integrations.endpoints import Endpoint
from syndarix_obs.integrations.openai_chat import CHAT, COMPLETION, EMBEDDINGS
from syndarix_obs.integrations.openai_responses import RESPONSES
from syndarix_obs.pipeline import messages
from syndarix_obs.pipeline.choices import calls_of
from syndarix_obs.redaction.step import Redactor

_BY_PATH: Final = (
    ("/chat/completions", CHAT), ("/completions", COMPLETION), ("/embeddings", EMBEDDINGS), ("/responses", RESPONSES),
    ("/messages", MESSAGES),
)  # fmt: skip
ENDPOINTS: Final[Mapping[str, Endpoint]] = {endpoint.name: endpoint for _path, endpoint in _BY_PATH}
"""Endpoints by their name in recordings."""
PATHS: Final[Mapping[str, str]] = {endpoint.name: path for path, endpoint in _BY_PATH}
_INSTRUCTIONS: Final = frozenset({"system", "developer"})
_RESULTS: Final = frozenset({"tool_result", "tool_call_response", "function_call_output"})
_RESULT_FIELDS: Final = ("response", "result", "output", "content")
_OURS: Final = ("stream_options", "beta", "encoding_format")
"""Parameters that a watching platform or the client adds by itself."""


def endpoint_of(url_path: str) -> Endpoint | None:
    """The endpoint that a URL's path leads to, None for one that no recording knows."""
    path = url_path.rstrip("/")
    return next((endpoint for ending, endpoint in _BY_PATH if path.endswith(ending)), None)


def split(endpoint: Endpoint, body: Mapping[str, Any]) -> dict[str, Any]:
    """A request body as `input`, `system`, `tools` and `parameters`."""
    found: dict[str, Any] = {field: body[name] for field, name in endpoint.payload if body.get(name) is not None}
    found["parameters"] = {name: value for name, value in body.items() if name not in endpoint.content}
    return found


def joined(endpoint: Endpoint, request: Mapping[str, Any]) -> dict[str, Any]:
    """The request body of four parts."""
    body = {name: value for name, value in (request.get("parameters") or {}).items() if name != "beta"}
    old_functions = endpoint is CHAT and any("parameters" in _own(tool) for tool in request.get("tools") or ())
    for field, name in endpoint.payload:
        if request.get(field) is not None and name not in ("functions", "tools"):
            body[name] = request[field]
    if request.get("tools") is not None:
        body["functions" if old_functions else "tools"] = request["tools"]
    return body


def _own(tool: Any) -> Mapping[str, Any]:
    """A function definition of the old form, which stands for itself; {} for one of today's."""
    return tool if isinstance(tool, Mapping) and "type" not in tool and "function" not in tool else {}


class Normaliser:
    """Makes requests and arguments comparable: masked by the same redactor, without what is not given.

    Args:
        redactor: masks both sides, so that a recorded mask equals what it was made of.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    @staticmethod
    def parts(request: Mapping[str, Any]) -> dict[str, Any]:
        """A request in four parts, without what is not given; not masked yet."""
        kept = {name: request.get(name) for name in ("system", "tools", "input")}
        parameters = {k: value for k, value in (request.get("parameters") or {}).items() if k not in _OURS}
        return _tidy({**kept, "parameters": parameters})  # type: ignore[no-any-return]  # a dict stays one

    def alike(self, recorded: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
        """Whether two requests (`parts`) say the same: only what is not equal as it stands has to be masked for that.

        A conversation is sent again with every call; to mask all of it each time took most of a replay.
        """
        return recorded.keys() == live.keys() and all(
            self._same_list(each, live[name]) if isinstance(each, list) else self._same(each, live[name])
            for name, each in recorded.items()
        )

    def _same_list(self, recorded: list[Any], live: Any) -> bool:
        return isinstance(live, list) and len(recorded) == len(live) and all(map(self._same, recorded, live))

    def _same(self, recorded: Any, live: Any) -> bool:
        return bool(recorded == live) or self.value(recorded) == self.value(live)

    def masked(self, value: Any) -> Any:
        """A copy with everything sensitive masked, otherwise as it is."""
        return self._redactor.value(value)

    def said(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """A request by what it says alone, whatever form its messages have."""
        spoken = [m for m in messages.as_list(request.get("input")) if messages.role(m) not in _INSTRUCTIONS]
        told = [line for message in spoken for line in _told(message)]
        return self.value({"system": messages.instructions(request), "input": told})  # type: ignore[no-any-return]

    def value(self, value: Any) -> Any:
        """Any JSON-like value; JSON in a text counts as what it says."""
        return _tidy(self._redactor.value(_tidy(value)))


def _told(message: Any) -> Iterator[dict[str, Any]]:
    """What one message says: its text, its tool calls, results of tools."""
    blocks = messages.field(message, "parts") or messages.field(message, "content")
    parts = [] if isinstance(blocks, str) else messages.as_list(blocks)
    results = [block for block in parts if messages.field(block, "type") in _RESULTS]
    if messages.role(message) == "tool" and not results:
        results = [message]
    for result in results:
        given = next((messages.field(result, n) for n in _RESULT_FIELDS if messages.field(result, n) is not None), None)
        yield {"role": "tool", "text": given if isinstance(given, str) else messages.text_of(given)}
    calls = [{"name": call.name, "arguments": call.arguments} for call in calls_of([message])]
    text = "" if results else messages.text_of(message)
    if text or calls:
        yield {"role": messages.role(message), "text": text, "calls": calls}


def without_nothing(value: Any) -> Any:
    """A value without members that are null; JSON in the text of arguments as what it says."""
    return _tidy(value)


def _tidy(value: Any) -> Any:
    """Without members that are null, which clients leave out or not; arguments in JSON text as what they say."""
    if isinstance(value, Mapping):
        return {
            str(name): _arguments(item) if name == "arguments" else _tidy(item)
            for name, item in value.items()
            if item is not None and not _empty_part(name, item)
        }
    if isinstance(value, (list, tuple)):
        return [_tidy(item) for item in value]
    dump = getattr(value, "model_dump", None)
    return _tidy(dump(mode="json", exclude_none=True)) if callable(dump) else value


def _empty_part(name: Any, item: Any) -> bool:
    """Lists that some clients write when they send an answer back."""
    return name in ("annotations", "logprobs", "citations") and item in ([], ())


def _arguments(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in "{[":
        try:
            return _tidy(json.loads(value))
        except ValueError:
            return value
    return _tidy(value)

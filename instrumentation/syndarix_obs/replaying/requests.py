"""A request as it goes over the wire, in the four parts in which it is recorded, and made comparable."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from syndarix_obs.integrations.anthropic import MESSAGES
from syndarix_obs.integrations.endpoints import Endpoint
from syndarix_obs.integrations.openai_chat import CHAT, COMPLETION, EMBEDDINGS
from syndarix_obs.integrations.openai_responses import RESPONSES
from syndarix_obs.redaction.step import Redactor

_BY_PATH: Final = (
    ("/chat/completions", CHAT), ("/completions", COMPLETION), ("/embeddings", EMBEDDINGS), ("/responses", RESPONSES),
    ("/messages", MESSAGES),
)  # fmt: skip
ENDPOINTS: Final[Mapping[str, Endpoint]] = {endpoint.name: endpoint for _path, endpoint in _BY_PATH}
"""Endpoints by their name in recordings."""
PATHS: Final[Mapping[str, str]] = {endpoint.name: path for path, endpoint in _BY_PATH}
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

    def request(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """A request in four parts."""
        kept = {name: request.get(name) for name in ("system", "tools", "input")}
        parameters = {k: value for k, value in (request.get("parameters") or {}).items() if k not in _OURS}
        return self.value({**kept, "parameters": parameters})  # type: ignore[no-any-return]  # a dict stays one

    def value(self, value: Any) -> Any:
        """Any JSON-like value; JSON in a text counts as what it says."""
        return _tidy(self._redactor.value(_tidy(value)))


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

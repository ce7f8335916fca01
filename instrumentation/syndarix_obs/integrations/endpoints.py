"""What an endpoint's requests and answers look like, told once for each endpoint."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.spans.operations import shallow

_LEFT_OUT: Final = frozenset({"Omit", "NotGiven"})
"""Classes of the values by which the clients mark an argument that was not given."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint of a provider's API.

    `operation`: GenAI operation name.
    `name`: the endpoint's own name, as the providers write it: `chat.completions`, `responses`, `messages`, …
    `payload`: fields of our payload, each with that of the request body; filled in the caller's thread by reference.
    `is_content`: whether a chunk of a stream carries content, not only framing; called until the first that does.
    `is_usage_only`: whether a chunk is one that only a request for usage brings.
    `compact`: a chunk, or only the text in it where that is all it says: strings neither weigh on memory nor on the
    garbage collector, whose work the agent would pay for.
    `whole`: chunks, some compacted → the body that the answer would have had without streaming, as far as it came. On
    the worker.
    `read`: (body, span): puts what the body says into the span. On the worker.
    `keep`: the part of a response object that `read` needs.
    `bodiless`: the request has no body that says anything (a GET).
    `binary`: the answer's bytes (speech, pictures) are not kept.
    `lines`: the answer is a file of JSON lines; `read` gets them under `lines`.
    """

    operation: str
    name: str
    payload: tuple[tuple[str, str], ...]
    read: Callable[[dict[str, Any], FinishedSpan], None]
    is_content: Callable[[Any], bool] = lambda _chunk: False
    is_usage_only: Callable[[Any], bool] | None = None
    compact: Callable[[Any], Any] = lambda chunk: chunk
    whole: Callable[[list[Any]], dict[str, Any]] = lambda _chunks: {}
    keep: Callable[[Any], Any] = lambda response: response
    bodiless: bool = False
    binary: bool = False
    lines: bool = False

    @property
    def content(self) -> frozenset[str]:
        """Fields of the request body that are content; the others are parameters."""
        return frozenset(name for _field, name in self.payload)


class Endpoints(dict[str, Endpoint]):
    """Path as the client gives it → endpoint, and `routes` for paths with an id in them: method, pattern, endpoint."""

    routes: tuple[tuple[str, re.Pattern[str], Endpoint], ...] = ()

    def of(self, options: Any) -> Endpoint | None:
        """The endpoint that a request goes to; None for one that costs nothing."""
        found = self.get(options.url)
        if found is not None:
            return found
        method = options.method.lower()
        return next((e for m, pattern, e in self.routes if m == method and pattern.search(options.url)), None)


def given(body: Mapping[str, Any], name: str) -> Any:
    """A value of a request body, None when it was not given."""
    value = body.get(name)
    return None if value is None or type(value).__name__ in _LEFT_OUT else value


def references(endpoint: Endpoint, body: dict[str, Any]) -> dict[str, Any]:
    """The payload of a request: references, and shallow copies of the lists that agents go on to change."""
    payload: dict[str, Any] = {"request": body}
    for field, name in endpoint.payload:
        value = body.get(name)
        if value is not None and type(value).__name__ not in _LEFT_OUT:
            payload[field] = shallow(value)
    return payload


def as_dict(value: Any) -> dict[str, Any]:
    """A response as a plain dict: a model of the client, or text of JSON from one that it did not know as such."""
    if isinstance(value, dict):
        return value
    dump = getattr(value, "model_dump", None)
    if callable(dump):
        try:
            dumped = dump(mode="json", by_alias=True, exclude_none=True, warnings=False)
        except Exception:  # noqa: BLE001 - a user's output type that cannot be JSON; the plain form can
            dumped = dump(exclude_none=True, warnings=False)
        return dumped if isinstance(dumped, dict) else {}
    return _from_json(value) if isinstance(value, str) else {}


def _from_json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def read_answer(
    span: FinishedSpan,
    body: Mapping[str, Any],
    *,
    output: list[Any] | None,
    finish_reasons: list[str],
    service_tier: Any,
    rest: Mapping[str, Any] | None = None,
) -> None:
    """Put what all endpoints tell in the same way into the span. On the worker.

    `rest` is what the body says beside content and usage: with it the answer can be given again as it was.
    """
    attributes, payload = span.attributes, span.payload
    for name, value in (
        (v.GEN_AI_RESPONSE_ID, body.get("id")),
        (v.GEN_AI_RESPONSE_MODEL, body.get("model")),
        (v.SERVICE_TIER, service_tier),
    ):
        if isinstance(value, str) and value:
            attributes[name] = value
    if finish_reasons:
        attributes[v.GEN_AI_RESPONSE_FINISH_REASONS] = finish_reasons
    if output:
        payload["output"] = output
    if body.get("usage"):
        payload["usage"] = body["usage"]
    if rest:
        payload["response"] = {**rest, "usage": body["usage"]} if body.get("usage") else rest


def without(body: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """A body without some of its fields."""
    return {name: value for name, value in body.items() if name not in names}

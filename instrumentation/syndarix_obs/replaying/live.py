"""Model calls that are really made in a fork: what is changed before, and what they said, priced like any other."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from syndarix_obs import vocabulary as v
from syndarix_obs.integrations import sse
from syndarix_obs.integrations.endpoints import Endpoint
from syndarix_obs.pricing import PriceBook
from syndarix_obs.pricing.price_step import PriceStep
from syndarix_obs.pricing.token_step import TokensStep
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.replaying.requests import split
from syndarix_obs.replaying.tape import ModelStep
from syndarix_obs.spans import correlation

_THINKING = frozenset({"thinking", "redacted_thinking"})


def changed(
    endpoint: Endpoint, body: Mapping[str, Any], changes: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """A request body with the changes of a fork, and what should be said about it."""
    made, notes = dict(body), []
    for name, value in changes.items():
        if name == "system":
            _set_system(endpoint, made, value)
        elif value is None:
            made.pop(name, None)
        else:
            made[name] = value
    if endpoint.name == "messages" and isinstance(made.get("messages"), list):
        kept = [_without_thinking(message) for message in made["messages"]]
        if kept != made["messages"]:
            made["messages"] = kept
            notes.append("earlier thinking was left out of live requests: its signatures do not survive recording")
    return made, notes


def _set_system(endpoint: Endpoint, body: dict[str, Any], text: Any) -> None:
    if endpoint.name == "messages":
        body["system"] = text
    elif endpoint.name == "responses":
        body["instructions"] = text
    else:
        messages = list(body.get("messages") or [])
        at = 1 if messages and messages[0].get("role") in ("system", "developer") else 0
        role = messages[0]["role"] if at else "system"
        body["messages"] = [{"role": role, "content": text}, *messages[at:]]


def _without_thinking(message: Any) -> Any:
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, list):
        return message
    kept = [block for block in content if not (isinstance(block, dict) and block.get("type") in _THINKING)]
    return message if len(kept) == len(content) else {**message, "content": kept}


def step_of(
    endpoint: Endpoint, provider: str, body: Mapping[str, Any], response: Any, content: bytes, start_ns: int
) -> ModelStep:
    """A live call as a step.

    Args:
        endpoint: where it went.
        provider: who answers there.
        body: the request.
        response: the HTTP response.
        content: its body, no longer compressed.
        start_ns: when it was sent; it ended now.
    """
    end = time.time_ns()
    request = split(endpoint, body)
    span = FinishedSpan(
        name="live", trace_id="", span_id="", start_ns=start_ns, end_ns=end, payload=dict(request),
        attributes={v.GEN_AI_OPERATION_NAME: endpoint.operation, v.GEN_AI_PROVIDER_NAME: provider,
                    v.GEN_AI_REQUEST_MODEL: body.get("model")},
    )  # fmt: skip
    failed = response.status_code >= 400
    answer = sse.body_from_bytes(response.headers, content, endpoint.whole)
    if not failed:
        endpoint.read(answer, span)
        TokensStep()(span)
        PriceStep(PriceBook(None))(span)
    found = answer.get("error")
    error: Mapping[str, Any] = found if isinstance(found, dict) else {}
    a = span.attributes
    reasons = a.get(v.GEN_AI_RESPONSE_FINISH_REASONS) or [None]
    return ModelStep(
        agent=correlation.current().agent, start_ns=start_ns, end_ns=end, status="error" if failed else span.status,
        error_type=str(error.get("type") or error.get("code") or response.status_code) if failed else None,
        error_message=error.get("message") if failed else None, provider=provider, endpoint=endpoint.name,
        request=request, output=span.payload.get("output"), response=span.payload.get("response") or {},
        model=a.get(v.GEN_AI_RESPONSE_MODEL) or body.get("model"), response_id=a.get(v.GEN_AI_RESPONSE_ID),
        finish_reason=reasons[0], stream=bool(body.get("stream")), http_status=response.status_code,
        input_tokens=int(a.get(v.GEN_AI_USAGE_INPUT_TOKENS) or 0),
        output_tokens=int(a.get(v.GEN_AI_USAGE_OUTPUT_TOKENS) or 0),
        cost_usd=str(span.price.total_usd) if span.price is not None else None,
    )  # fmt: skip

"""What a client's exception says about a failed call: the provider's own code and message before the class name."""

from __future__ import annotations

from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.records.finished import FinishedSpan

_KEPT: Final = ("type", "code", "param")


def describe(error: BaseException, span: FinishedSpan) -> None:
    """Put error type, message and HTTP status of an exception into the span.

    The type is the provider's code (`model_not_found`, `overloaded_error`), or else the exception's qualified name; the
    message is the provider's, without the wrapping of the client.
    """
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        span.attributes[v.HTTP_RESPONSE_STATUS_CODE] = status
    body = _error_object(getattr(error, "body", None))
    code = _first_text(body, "code", "type") or _first_text(vars_of(error), "code", "type")
    if code:
        span.attributes[v.ERROR_TYPE] = code
    message = _first_text(body, "message")
    if message:
        span.status_message = message
    kept = {name: body[name] for name in _KEPT if body.get(name) is not None}
    if kept and isinstance(span.payload, dict):  # a replay gives the same error again
        span.payload["response"] = {"error": kept}


def vars_of(error: BaseException) -> dict[str, Any]:
    """The exception's own attributes."""
    return getattr(error, "__dict__", {})


def _error_object(body: Any) -> dict[str, Any]:
    """`{"error": {…}}` or the inner object itself: the clients differ in what they keep."""
    if not isinstance(body, dict):
        return {}
    inner = body.get("error")
    return inner if isinstance(inner, dict) else body


def _first_text(source: dict[str, Any], *names: str) -> str | None:
    for name in names:
        value = source.get(name)
        if isinstance(value, str) and value:
            return value
    return None

"""Everything a request said beside its messages: kept whole, so that the request can be sent again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.integrations.endpoints import Endpoint, given
from syndarix_obs.records.finished import FinishedSpan

_ATTRIBUTES: Final = (
    ("max_tokens", v.GEN_AI_REQUEST_MAX_TOKENS, (int, float)),
    ("max_completion_tokens", v.GEN_AI_REQUEST_MAX_TOKENS, (int, float)),
    ("max_output_tokens", v.GEN_AI_REQUEST_MAX_TOKENS, (int, float)),
    ("temperature", v.GEN_AI_REQUEST_TEMPERATURE, (int, float)),
    ("top_p", v.GEN_AI_REQUEST_TOP_P, (int, float)),
    ("top_k", v.GEN_AI_REQUEST_TOP_K, (int, float)),
    ("frequency_penalty", v.GEN_AI_REQUEST_FREQUENCY_PENALTY, (int, float)),
    ("presence_penalty", v.GEN_AI_REQUEST_PRESENCE_PENALTY, (int, float)),
    ("seed", v.GEN_AI_REQUEST_SEED, (int,)),
    ("n", v.GEN_AI_REQUEST_CHOICE_COUNT, (int,)),
    ("service_tier", v.OPENAI_REQUEST_SERVICE_TIER, (str,)),
)
"""Parameters that have a name in the conventions, and the types that are taken."""
_BETA_HEADERS: Final = frozenset({"anthropic-beta", "openai-beta", "anthropic-version"})


def read_request(endpoint: Endpoint, body: Mapping[str, Any], options: Any, span: FinishedSpan) -> None:
    """Put the parameters of a request into its span. On the worker.

    Args:
        endpoint: which one the request went to.
        body: what the caller gave, without the client's marks for "not given" sorted out.
        options: the client's options of the request (headers, further JSON), or None.
        span: gets attributes for what the conventions name, and `parameters` in its payload for everything.
    """
    parameters = {
        name: value for name in body if name not in endpoint.content and (value := given(body, name)) is not None
    }
    parameters |= _further(getattr(options, "extra_json", None))
    for name, attribute, kinds in _ATTRIBUTES:
        value = parameters.get(name)
        if isinstance(value, kinds) and not isinstance(value, bool):
            span.attributes[attribute] = value
    _set_others(parameters, span)
    beta = _beta(getattr(options, "headers", None))
    if beta:
        parameters["beta"] = beta
    span.attributes[v.REQUEST_ENDPOINT] = endpoint.name
    span.payload["parameters"] = parameters


def _further(extra: Any) -> dict[str, Any]:
    """JSON that the caller put in beside the client's arguments (`extra_body`)."""
    return dict(extra) if isinstance(extra, Mapping) else {}


def _set_others(parameters: Mapping[str, Any], span: FinishedSpan) -> None:
    stop = parameters.get("stop") or parameters.get("stop_sequences")
    if stop:
        span.attributes[v.GEN_AI_REQUEST_STOP_SEQUENCES] = [stop] if isinstance(stop, str) else list(stop)
    effort = parameters.get("reasoning_effort") or _within(parameters.get("reasoning"), "effort")
    if isinstance(effort, str):
        span.attributes[v.GEN_AI_REQUEST_REASONING_LEVEL] = effort
    budget = _within(parameters.get("thinking"), "budget_tokens")
    if isinstance(budget, int):
        span.attributes[v.REQUEST_THINKING_BUDGET] = budget
    if wanted := output_schema(parameters):
        span.attributes[v.REQUEST_FORM] = wanted
        span.attributes[v.GEN_AI_OUTPUT_TYPE] = "json" if wanted != "text" else "text"


def output_schema(parameters: Mapping[str, Any]) -> str | None:
    """Name of the form that the answer was to have: of its schema, `json_object`, `text`; None when nobody asked."""
    places = (
        parameters.get("response_format"),
        _within(parameters.get("text"), "format"),
        _within(parameters.get("output_config"), "format"),
        parameters.get("output_format"),
    )
    for found in places:
        kind = _within(found, "type")
        if isinstance(kind, str):
            named = _within(found, "name") or _within(_within(found, "json_schema"), "name")
            return str(named or kind)
    return None


def _within(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else None


def _beta(headers: Any) -> dict[str, str]:
    """Headers that change what the API does; never those that say who is asking."""
    if not isinstance(headers, Mapping):
        return {}
    return {str(k).lower(): str(value) for k, value in headers.items() if str(k).lower() in _BETA_HEADERS}

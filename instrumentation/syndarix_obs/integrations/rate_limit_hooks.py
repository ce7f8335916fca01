"""How much of a provider's rate limit is left: from headers to the gauge, on the worker."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import context as otel_context

from syndarix_obs import vocabulary as v
from syndarix_obs.guard import guarded
from syndarix_obs.integrations.calls import CALL_KEY
from syndarix_obs.integrations.provider_names import provider_at
from syndarix_obs.metrics.rate_limits import ratios
from syndarix_obs.spans.span import SPAN_KEY

if TYPE_CHECKING:
    from syndarix_obs.metrics.registry import Metrics
    from syndarix_obs.pipeline.runtime import Runtime

_EVERY_NS: Final = 200_000_000
_MOST_MODELS: Final = 4096
_MODEL_HEADER: Final = "openai-model"


class RateLimits:
    """Sets `llm_rate_limit_remaining_ratio`, a few times a second for each model at most: it is a gauge.

    Args:
        metrics: where the gauge lives.
        monotonic: clock in nanoseconds.
    """

    def __init__(self, metrics: Metrics, monotonic: Callable[[], int] = time.monotonic_ns) -> None:
        self._metrics = metrics
        self._monotonic = monotonic
        self._seen: dict[tuple[str | None, str | None], int] = {}

    def __call__(self, provider: str | None, model: str | None, headers: Mapping[str, str]) -> None:
        """Take the headers of an answer."""
        now = self._monotonic()
        key = (provider, model)
        if now - self._seen.get(key, -_EVERY_NS) < _EVERY_NS:
            return
        if len(self._seen) >= _MOST_MODELS:
            self._seen.clear()
        self._seen[key] = now
        for limit, ratio in ratios(headers).items():
            self._metrics.set(v.LLM_RATE_LIMIT, (provider, model, limit), ratio)


class _Seen:
    """Headers on their way to the worker."""

    __slots__ = ("_arguments", "_limits")

    def __init__(self, limits: RateLimits, *arguments: Any) -> None:
        self._limits = limits
        self._arguments = arguments

    def __call__(self, _pipeline: object) -> None:
        with guarded("rate_limits"):
            self._limits(*self._arguments)


def hooks(runtime: Runtime, provider: str | None, *, is_async: bool) -> dict[str, list[Callable[[Any], Any]]]:
    """Event hooks for an HTTP client (httpx or httpx2) that hand the headers of each response to the worker.

    Args:
        runtime: the platform's runtime.
        provider: GenAI provider name; by default told from the host of the request.
        is_async: for an async client.

    The model is that of the call under way, ours or another library's span, or the `openai-model` header; the request's
    body is not looked at. Calls that `auto_instrument` watches report their headers themselves and are left out here.
    """
    limits = RateLimits(runtime.metrics, runtime.source.monotonic)

    def on_response(response: Any) -> None:
        with guarded("rate_limit_hook"):
            context = otel_context.get_current()
            if context.get(CALL_KEY) is not None:
                return
            headers = response.headers
            name = provider or provider_at(response.request.url.host, "unknown")
            model = headers.get(_MODEL_HEADER) or _current_model(context.get(SPAN_KEY))
            runtime.submit(_Seen(limits, name, model, headers))

    async def on_async_response(response: Any) -> None:
        on_response(response)

    return {"response": [on_async_response if is_async else on_response]}


def _current_model(span: Any) -> str | None:
    attributes = getattr(span, "attributes", None)
    model = attributes.get(v.GEN_AI_REQUEST_MODEL) if attributes else None
    return model if isinstance(model, str) else None

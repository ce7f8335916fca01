"""LiteLLM, through its own callbacks: calls of every route, also of those that go through no client that we watch.

Where a client that we watch makes the call too, both tell the same answer, and the ledger counts it once.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.guard import guarded
from syndarix_obs.spans.operations import LLMCall, text_of
from syndarix_obs.spans.span import SpanSource

if TYPE_CHECKING:
    from syndarix_obs.pipeline.runtime import Runtime

MODULE: Final = "litellm"
DISTRIBUTION: Final = "litellm"
SCOPE: Final = "syndarix_obs.litellm"
_MOST_OPEN: Final = 10_000
_PROVIDERS: Final = {"azure": "azure.ai.openai", "bedrock": "aws.bedrock", "vertex_ai": "gcp.vertex_ai",
                     "gemini": "gcp.gemini", "mistral": "mistral_ai", "xai": "x_ai"}  # fmt: skip


class _Calls:
    """The calls that run, by LiteLLM's id of them. Their end is told in another thread than their beginning."""

    def __init__(self, source: SpanSource) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._open: OrderedDict[str, LLMCall] = OrderedDict()
        self.active = True

    def begin(self, model: Any, messages: Any, kwargs: dict[str, Any]) -> None:
        """A request is about to be made; in the caller's thread, so that it belongs to the caller's session."""
        with guarded("litellm"):
            call_id = kwargs.get("litellm_call_id")
            if not self.active or call_id is None:
                return
            told = text_of(kwargs.get("custom_llm_provider") or "unknown")
            embeds = "embedding" in text_of(kwargs.get("call_type") or "")
            operation = v.OPERATION_EMBEDDINGS if embeds else v.OPERATION_CHAT
            call = LLMCall(self._source, _PROVIDERS.get(told, told), text_of(model), operation, messages, None, None)
            call.scope = (SCOPE, None)
            call.begin()  # never the current span: it ends elsewhere
            with self._lock:
                self._open[call_id] = call
                if len(self._open) > _MOST_OPEN:
                    self._open.popitem(last=False)

    def end(self, kwargs: dict[str, Any], response: Any, end: Any) -> None:
        """The answer has come, all of it."""
        with guarded("litellm"):
            call = self._taken(kwargs)
            if call is not None:
                _read(call, kwargs, response)
                call.end(_moment(end))

    def fail(self, kwargs: dict[str, Any], end: Any) -> None:
        """The request failed."""
        with guarded("litellm"):
            call = self._taken(kwargs)
            if call is not None:
                error = kwargs.get("exception")
                call.set_error(error if isinstance(error, BaseException) else text_of(error), type(error).__name__)
                call.end(_moment(end))

    def _taken(self, kwargs: dict[str, Any]) -> LLMCall | None:
        with self._lock:
            return self._open.pop(kwargs.get("litellm_call_id") or "", None)


def _read(call: LLMCall, kwargs: dict[str, Any], response: Any) -> None:
    choices = getattr(response, "choices", None) or ()
    messages: list[Any] = [getattr(choice, "message", None) for choice in choices]
    dumped = [each.model_dump(exclude_none=True) for each in messages if hasattr(each, "model_dump")]
    reasons = [str(choice.finish_reason) for choice in choices if getattr(choice, "finish_reason", None)]
    call.response(
        dumped or None, usage=getattr(response, "usage", None), response_id=getattr(response, "id", None),
        finish_reason=reasons[0] if reasons else None, model=getattr(response, "model", None),
    )  # fmt: skip
    first = kwargs.get("completion_start_time")
    if kwargs.get("stream"):
        call.attributes[v.GEN_AI_REQUEST_STREAM] = True
        if isinstance(first, datetime):
            seconds = first.timestamp() - call.start_ns / 1e9
            call.attributes[v.GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK] = max(0.0, seconds)


def _moment(end: Any) -> int | None:
    return round(end.timestamp() * 1e9) if isinstance(end, datetime) else None


def watch(runtime: Runtime) -> Callable[[], None]:
    """Add a callback to LiteLLM; returns a function that takes it out.

    Raises:
        ImportError, AttributeError: a version of LiteLLM that we do not know.
    """
    litellm = import_module(MODULE)
    calls = _Calls(runtime.source)
    callback = _callback(calls, import_module("litellm.integrations.custom_logger").CustomLogger)
    litellm.callbacks.append(callback)

    def undo() -> None:
        calls.active = False
        if callback in litellm.callbacks:
            litellm.callbacks.remove(callback)

    return undo


def _callback(calls: _Calls, base: type) -> Any:
    """An object of the class that LiteLLM wants, which is not there before LiteLLM is."""

    class Callback(base):  # type: ignore[misc]  # a class of another library
        """Tells of every call."""

        def log_pre_api_call(self, model: Any, messages: Any, kwargs: dict[str, Any]) -> None:
            calls.begin(model, messages, kwargs)

        # LiteLLM hands the arguments over by name.
        def log_success_event(self, kwargs: dict[str, Any], response_obj: Any, **times: Any) -> None:
            calls.end(kwargs, response_obj, times.get("end_time"))

        def log_failure_event(self, kwargs: dict[str, Any], **rest: Any) -> None:
            calls.fail(kwargs, rest.get("end_time"))

        async def async_log_success_event(
            self, kwargs: dict[str, Any], response_obj: Any, *times: Any, **named: Any
        ) -> None:
            calls.end(kwargs, response_obj, named.get("end_time") or (times[-1] if times else None))

        async def async_log_failure_event(self, kwargs: dict[str, Any], *_rest: Any, **named: Any) -> None:
            calls.fail(kwargs, named.get("end_time"))

    return Callback()

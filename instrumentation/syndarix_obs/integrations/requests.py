"""Watches the one method through which the `openai` and `anthropic` clients send everything.

Both clients are generated from the same template: each API method, helper and raw-response variant ends in
`request(cast_to, options, stream=…)` of the base client, sync or async. Watching there counts each call once, whichever
way it was made, and reaches clients that exist already.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Final

from opentelemetry import context as otel_context

from syndarix_obs import vocabulary as v
from syndarix_obs.errors import CallRefused
from syndarix_obs.guard import record_failure
from syndarix_obs.integrations.calls import CALL_KEY, OnHeaders, ProviderCall, suppressed
from syndarix_obs.integrations.endpoints import Endpoints, given
from syndarix_obs.integrations.patching import patch
from syndarix_obs.integrations.provider_names import ProviderNames
from syndarix_obs.integrations.streams import watch_bytes, watch_stream
from syndarix_obs.spans.span import SpanSource

Undo = Callable[[], None]
_ASK: Final = {"include_usage": True}


class Watcher:
    """Watches the calls of one client library for one platform.

    Args:
        source: where the spans go.
        endpoints: path → endpoint; other paths are left alone.
        providers: names the provider of a client.
        on_headers: told the headers of every answer, on the worker.
        request_usage: ask for usage on streams whose caller did not say.
    """

    def __init__(
        self,
        source: SpanSource,
        endpoints: Endpoints,
        providers: ProviderNames,
        on_headers: OnHeaders,
        request_usage: bool = False,
    ) -> None:
        self._source = source
        self._endpoints = endpoints
        self._providers = providers
        self._on_headers = on_headers
        self._request_usage = request_usage

    def watch(self, sync_client: type, async_client: type) -> Undo:
        """Start watching two base client classes; returns a function that stops it.

        Raises:
            KeyError: a class has no `request` of its own; nothing is watched then.
        """
        with ExitStack() as undo:
            undo.callback(patch(sync_client, "request", self._wrap))
            undo.callback(patch(async_client, "request", self._wrap_async))
            for client in (sync_client, async_client):
                if "_process_response" in client.__dict__:
                    undo.callback(patch(client, "_process_response", _note_headers))
            return undo.pop_all().close

    def _wrap(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def request(client: Any, cast_to: Any, options: Any, *args: Any, **kwargs: Any) -> Any:
            call = self._begin(client, options)
            if call is None:
                return original(client, cast_to, options, *args, **kwargs)
            try:
                result = original(client, cast_to, call.options, *args, **kwargs)
            except BaseException as error:
                _failed(call, error)
                raise
            _succeeded(call, result, kwargs.get("stream"))
            return result

        return request

    def _wrap_async(self, original: Callable[..., Any]) -> Callable[..., Any]:
        async def request(client: Any, cast_to: Any, options: Any, *args: Any, **kwargs: Any) -> Any:
            call = self._begin(client, options)
            if call is None:
                return await original(client, cast_to, options, *args, **kwargs)
            try:
                result = await original(client, cast_to, call.options, *args, **kwargs)
            except BaseException as error:
                _failed(call, error)
                raise
            _succeeded(call, result, kwargs.get("stream"))
            return result

        return request

    def _begin(self, client: Any, options: Any) -> WatchedCall | None:
        """Start the span of a call that is to be watched.

        Raises:
            CallRefused: a budget has no room for it.
        """
        try:
            endpoint = self._endpoints.of(options)
            if endpoint is None:
                return None
            body = options.json_data
            if type(body) is not dict:
                if not endpoint.bodiless:
                    return None
                body = {}
            context = otel_context.get_current()
            if suppressed(context):
                return None
            call = WatchedCall(self._source, endpoint, self._providers.of(client), body, self._on_headers)
            call.options = call.answer.options = options
            if self._request_usage and endpoint.is_usage_only is not None:
                call.ask_for_usage(body)
            call.enter(context)
        except CallRefused:
            raise
        except Exception as error:  # noqa: BLE001 - the agent's call goes on without us
            record_failure("integration_begin", error)
            return None
        return call


class WatchedCall(ProviderCall):
    """A provider call with the options of its request."""

    __slots__ = ("asked", "options")

    def __init__(self, *args: Any) -> None:
        ProviderCall.__init__(self, *args)
        self.options: Any = None
        self.asked = False

    def ask_for_usage(self, body: dict[str, Any]) -> None:
        """Ask for usage on a stream whose caller said nothing about it; the caller's own objects stay as they are."""
        if given(body, "stream") and given(body, "stream_options") is None:
            asking = self.options.model_copy()
            asking.json_data = {**body, "stream_options": _ASK}
            self.options = asking
            self.asked = True


def _failed(call: WatchedCall, error: BaseException) -> None:
    try:
        call.options = None
        call.failed(error)
    except Exception as own:  # noqa: BLE001 - the caller must get its exception, not ours
        record_failure("integration_failed", own)


def _succeeded(call: WatchedCall, result: Any, stream: Any) -> None:
    try:
        call.release()
        call.options = None
        if stream:
            call.attributes[v.GEN_AI_REQUEST_STREAM] = True
            if not call.endpoint.lines and hasattr(result, "_iterator"):
                watch_stream(result, call, call.asked)
                return
        http = getattr(result, "__dict__", _NOTHING).get("http_response")
        if http is None:
            call.answer.kept = call.endpoint.keep(result)
        elif http.is_closed:
            call.answer.kept, call.answer.headers = http, http.headers
        else:
            watch_bytes(http, call)
            return
        call.end()
    except Exception as error:  # noqa: BLE001 - the caller has its answer; ours is lost and counted
        record_failure("integration_succeeded", error)
        call.end()


_NOTHING: Final[dict[str, Any]] = {}


def _note_headers(original: Callable[..., Any]) -> Callable[..., Any]:
    """Keep a reference to the headers of the answer that a client is about to turn into a model."""

    def process_response(client: Any, *args: Any, **kwargs: Any) -> Any:
        call = otel_context.get_current().get(CALL_KEY)
        if isinstance(call, ProviderCall):
            call.answer.headers = getattr(kwargs.get("response"), "headers", None)
        return original(client, *args, **kwargs)

    return process_response

"""One watched call of a provider: a light span and references to what went out and came back, read on the worker."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from contextvars import Token
from typing import Any, Final

from opentelemetry import context as otel_context
from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, Context
from opentelemetry.trace import SpanKind, StatusCode

from syndarix_obs import vocabulary as v
from syndarix_obs.guard import guarded
from syndarix_obs.integrations import sse
from syndarix_obs.integrations.endpoints import Endpoint, as_dict, references
from syndarix_obs.integrations.framework_agents import inside_of_framework, running_agent
from syndarix_obs.integrations.parameters import read_request
from syndarix_obs.integrations.provider_errors import describe
from syndarix_obs.integrations.provider_names import name_provider
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.spans.operations import LLMCall, text_of
from syndarix_obs.spans.span import SPAN_KEY, LightSpan, SpanSource

CALL_KEY: Final = otel_context.create_key("syndarix-provider-call")
"""Where the current context keeps the call whose request is under way."""
_SUPPRESS_PLAIN: Final = "suppress_instrumentation"

OnHeaders = Callable[[str | None, str | None, Mapping[str, str]], None]
"""Told provider, model and HTTP headers of an answer. On the worker."""


def suppressed(context: Context) -> bool:
    """Whether the program asked instrumentation to stay out of this context."""
    return bool(context.get(_SUPPRESS_INSTRUMENTATION_KEY) or context.get(_SUPPRESS_PLAIN))


class Answer:
    """What came back, by reference; called on the worker to read it into the span.

    `options` are the client's for the request, `kept` is the response, `chunks` those of a stream, `parts`
    the bytes of a body that the caller reads itself.
    """

    __slots__ = ("_endpoint", "_on_headers", "chunks", "error", "headers", "kept", "options", "parts")

    def __init__(self, endpoint: Endpoint, on_headers: OnHeaders) -> None:
        self._endpoint = endpoint
        self._on_headers = on_headers
        self.options: Any = None
        self.kept: Any = None
        self.chunks: list[Any] | None = None
        self.parts: list[bytes] | None = None
        self.headers: Any = None
        self.error: BaseException | None = None

    def __call__(self, span: FinishedSpan) -> None:
        """Read everything; each part by itself, so that one that is odd does not take the others along."""
        request = span.payload.pop("request", None)
        had_payload = request is not None
        with guarded("integration_request"):
            if request is not None:
                read_request(self._endpoint, request, self.options, span)
        self.options = None
        with guarded("integration_answer"):
            self._endpoint.read(self._body(), span)
        with guarded("integration_provider"):
            name_provider(span)
        if self.chunks is not None:
            span.payload["chunks"] = len(self.chunks)
        if not had_payload:  # the queue was full and gave the payload up; the counts stay
            usage = span.payload.get("usage")
            span.payload = {} if usage is None else {"usage": usage}
        with guarded("integration_error"):
            self._read_error(span)
        with guarded("integration_headers"):
            self._read_headers(span)

    def _body(self) -> dict[str, Any]:
        if self.chunks is not None:
            return self._endpoint.whole(self.chunks)
        if self.parts is not None:
            parts = sse.decompressed(self.headers, b"".join(self.parts))
            if self._endpoint.lines:
                return {"lines": list(sse.lines_of(parts))}
            return sse.body_from_bytes(self.headers, parts, self._endpoint.whole)
        content = getattr(self.kept, "content", None)
        if isinstance(content, bytes) and self._endpoint.lines:
            return {"lines": list(sse.lines_of(content))}
        if isinstance(content, bytes):  # an HTTP response that the client has read for a caller who parses it himself
            return sse.body_from_bytes(self.kept.headers, content, self._endpoint.whole)
        return as_dict(self.kept)

    def _read_error(self, span: FinishedSpan) -> None:
        if self.error is not None:
            describe(self.error, span)
            if self.headers is None:
                self.headers = getattr(getattr(self.error, "response", None), "headers", None)

    def _read_headers(self, span: FinishedSpan) -> None:
        if self.headers is not None:
            a = span.attributes
            model = a.get(v.GEN_AI_RESPONSE_MODEL) or a.get(v.GEN_AI_REQUEST_MODEL)
            self._on_headers(a.get(v.GEN_AI_PROVIDER_NAME), model, self.headers)


class ProviderCall(LLMCall):
    """The span of one watched call. It is the current span only while the request is under way, never while a stream is
    read, which may happen in another task or never."""

    __slots__ = ("answer", "endpoint")

    def __init__(
        self, source: SpanSource, endpoint: Endpoint, provider: str, body: dict[str, Any], on_headers: OnHeaders
    ) -> None:
        model = body.get("model")
        LightSpan.__init__(self, source, endpoint.operation + " " + text_of(model or "unknown"))
        self.kind = SpanKind.CLIENT
        self.attributes = attributes = {
            v.GEN_AI_OPERATION_NAME: endpoint.operation,
            v.GEN_AI_PROVIDER_NAME: provider,
        }
        if type(model) is str:
            attributes[v.GEN_AI_REQUEST_MODEL] = model
        self.payload = references(endpoint, body)
        self.endpoint = endpoint
        self.answer = self.finisher = Answer(endpoint, on_headers)
        self._first_ns = 0
        self._token: Token[Context] | None = None

    def enter(self, context: Context) -> None:
        """Begin, and be the current span from here on.

        Raises:
            CallRefused: a budget has no room for it.
        """
        self.begin(inside_of_framework(context))
        agent = running_agent()
        if agent is not None:
            self.correlation = dataclasses.replace(self.correlation, agent=agent, derived=True)
        if self.source.guard is not None and not self.endpoint.lines:
            self.source.guard.before_call(self)
        self._token = otel_context.attach(Context({**context, SPAN_KEY: self, CALL_KEY: self}))

    def release(self) -> None:
        """Stop being the current span; the span goes on."""
        token = self._token
        if token is None:
            return
        self._token = None
        try:
            token.var.reset(token)
        except ValueError:  # a coroutine that is closed in another context than the one it ran in
            pass
        except (AttributeError, RuntimeError):  # another runtime context than the ContextVar one
            otel_context.detach(token)

    def failed(self, error: BaseException, end_time: int | None = None) -> None:
        """End as failed; the exception itself goes its way untouched."""
        if self.end_ns:
            return
        self.answer.error = error
        self.error = error
        self.status_code = StatusCode.ERROR
        self.answer.kept = getattr(error, "completion", self.answer.kept)  # answered and billed, but cut or filtered
        self.release()
        self.end(end_time)

    def at(self, monotonic_ns: int) -> int:
        """Wall clock, nanoseconds since the epoch, of a reading of the duration clock."""
        return self.start_ns + monotonic_ns - self._monotonic_start

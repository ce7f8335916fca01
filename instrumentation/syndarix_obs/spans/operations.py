"""The operations of an agent, each a light span with a life: start, set, stop or fail.

`with obs.tool(...) as tool:` is a thin layer over `tool.start()` and `tool.stop()`; `async with` is the same. An
exception is recorded and passes through untouched. A second `stop()` is ignored. Leaving in another thread or task
than the one that entered (an abandoned async stream) is fine.

Values handed in are referenced, not copied, apart from one shallow copy of containers that agents go on to change
(message lists, argument dicts).
"""

from __future__ import annotations

from contextvars import Token
from types import TracebackType
from typing import Any, Self

from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, StatusCode

from syndarix_obs import vocabulary as v
from syndarix_obs.guard import guarded
from syndarix_obs.spans import intercept
from syndarix_obs.spans.span import SPAN_KEY, LightSpan, SpanSource


def text_of(value: Any) -> str:
    """The value as text; one whose `str()` fails gets a stand-in, so that no argument can raise into the agent."""
    if type(value) is str:
        return value
    try:
        return str(value)
    except KeyboardInterrupt:
        raise  # it may be a real one
    except BaseException:  # noqa: BLE001 - the caller's class is not ours to trust
        return f"<{type(value).__name__}>"


def shallow(value: Any) -> Any:
    """A copy that later appends and key changes of the agent do not reach; anything but list and dict as it is."""
    kind = type(value)
    if kind is list or kind is dict:
        return value.copy()
    return value


class Operation(LightSpan):
    """Base of all operations: a light span that is the current one while it runs."""

    __slots__ = ("_token",)

    def __init__(self, source: SpanSource, name: str) -> None:
        LightSpan.__init__(self, source, name)
        self._token: Token[Context] | None = None

    def start(self) -> Self:
        """Begin now and become the current span."""
        if not self.start_ns:
            self._attach(self.begin())
        return self

    def _attach(self, context: Context) -> None:
        self._token = otel_context.attach(Context({**context, SPAN_KEY: self}))

    def stop(self) -> None:
        """End now; a second call is ignored."""
        self._leave()
        self.end()

    def _leave(self) -> None:
        """Stop being the current span without ending; a second call is ignored."""
        token = self._token
        if token is not None:
            self._token = None
            _detach(token, self)

    def fail(self, error: BaseException | str, error_type: str | None = None) -> None:
        """End now as failed.

        Args:
            error: the exception, or a message.
            error_type: class of the failure for `error.type`; the exception's name by default.
        """
        self.set_error(error, error_type)
        self.stop()

    def set_error(self, error: BaseException | str, error_type: str | None = None) -> None:
        """Mark as failed without ending."""
        self.status_code = StatusCode.ERROR
        if isinstance(error, BaseException):
            self.record_exception(error)
        else:
            self.status_message = error
        if error_type is not None:
            self.attributes[v.ERROR_TYPE] = error_type

    def set(self, **attributes: Any) -> Self:
        """Attach free attributes to the span (never to metrics); `_` stays as it is."""
        self.attributes.update(attributes)
        return self

    def _put(self, field: str, value: Any) -> None:
        if self.payload is None:
            self.payload = {}
        self.payload[field] = value

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and not isinstance(error, GeneratorExit):
            self.set_error(error)
        self.stop()

    async def __aenter__(self) -> Self:
        return self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)


def _detach(token: Token[Context], span: LightSpan) -> None:
    """Give the context back what was there before, without the warning that OpenTelemetry logs when it cannot.

    A token belongs to the thread or task that made it. Anywhere else the span is marked as left, so that no later span
    becomes its child, and a copied context that inherited it as the current one gets its parent back.
    """
    try:
        token.var.reset(token)
    except ValueError:
        _restore_copied_context(token, span)
    except (AttributeError, RuntimeError):  # another runtime context than the ContextVar one, or used twice
        with guarded("detach"):
            otel_context.detach(token)


def _restore_copied_context(token: Token[Context], span: LightSpan) -> None:
    before = token.old_value
    span.left = before if isinstance(before, Context) else Context()
    if otel_context.get_current().get(SPAN_KEY) is span:
        token.var.set(span.left)


class LLMCall(Operation):
    """One call of a model: `with obs.llm(...) as call: ...; call.response(...)`."""

    __slots__ = ("_first_ns",)

    def __init__(
        self,
        source: SpanSource,
        provider: str,
        model: str,
        operation: str,
        messages: Any,
        tools: Any,
        system: Any,
        parameters: Any = None,
    ) -> None:
        Operation.__init__(self, source, operation + " " + text_of(model))
        self.kind = SpanKind.CLIENT
        self.attributes = {
            v.GEN_AI_OPERATION_NAME: operation,
            v.GEN_AI_PROVIDER_NAME: provider,
            v.GEN_AI_REQUEST_MODEL: model,
        }
        self.payload = payload = {}
        if messages is not None:
            payload["input"] = shallow(messages)
        if tools is not None:
            payload["tools"] = shallow(tools)
        if system is not None:
            payload["system"] = system
        if parameters is not None:
            payload["parameters"] = shallow(parameters)
        self._first_ns = 0

    def start(self) -> Self:
        """Begin now and become the current span.

        Raises:
            CallRefused: a budget has no room for it; there is nothing to stop then.
        """
        if not self.start_ns:
            context = self.begin()
            if self.source.guard is not None:
                self.source.guard.before_call(self)
            self._attach(context)
        return self

    def first_token(self) -> None:
        """Say that the first content chunk of a streamed answer has arrived; later calls are ignored."""
        if not self._first_ns and self.start_ns:
            self._first_ns = elapsed = max(1, self.source.monotonic() - self._monotonic_start)
            self.attributes[v.GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK] = elapsed / 1e9
            self.attributes[v.GEN_AI_REQUEST_STREAM] = True

    def response(
        self,
        messages: Any = None,
        *,
        usage: Any = None,
        finish_reason: str | None = None,
        model: str | None = None,
        response_id: str | None = None,
        service_tier: str | None = None,
    ) -> None:
        """Say what came back.

        Args:
            messages: the answer: text, a message, or a list of messages, in any provider's shape.
            usage: token counts as the provider reported them (dict or object), or our own `input_tokens`, … keys.
                Without it the tokens are estimated and marked so.
            finish_reason: why generation stopped: `stop`, `tool_use`, …
            model: model that answered, when not the requested one.
            response_id: the provider's id of the answer.
            service_tier: tier the provider says it used; changes the price.
        """
        if messages is not None:
            self._put("output", shallow(messages))
        if usage is not None:
            self._put("usage", usage)
        attributes = self.attributes
        if finish_reason is not None:
            attributes[v.GEN_AI_RESPONSE_FINISH_REASONS] = [finish_reason]
        if model is not None:
            attributes[v.GEN_AI_RESPONSE_MODEL] = model
        if response_id is not None:
            attributes[v.GEN_AI_RESPONSE_ID] = response_id
        if service_tier is not None:
            attributes[v.SERVICE_TIER] = service_tier


class ToolCall(Operation):
    """One call of a tool: `with obs.tool("search", arguments={...}) as tool: tool.result({...})`."""

    __slots__ = ()

    def __init__(self, source: SpanSource, tool: str, arguments: Any, call_id: str | None) -> None:
        Operation.__init__(self, source, "execute_tool " + text_of(tool))
        self.attributes = {v.GEN_AI_OPERATION_NAME: v.OPERATION_EXECUTE_TOOL, v.GEN_AI_TOOL_NAME: tool}
        if call_id is not None:
            self.attributes[v.GEN_AI_TOOL_CALL_ID] = call_id
        if arguments is not None:
            self.payload = {"arguments": shallow(arguments)}

    def start(self) -> Self:
        """Begin now and become the current span; in a replay only where this tool may really run.

        Raises:
            CallRefused: the session has made this very call too often.
        """
        if self.source.guard is not None and not self.start_ns:
            self.source.guard.before_tool(self)
        if intercept.active is not None:
            intercept.active.entered(text_of(self.attributes[v.GEN_AI_TOOL_NAME]))
        return Operation.start(self)

    def result(self, value: Any) -> None:
        """Say what the tool returned."""
        self._put("result", shallow(value))


class MemoryOperation(Operation):
    """One read or write of agent memory, or a retrieval of documents."""

    __slots__ = ()

    def __init__(self, source: SpanSource, operation: str, store: str | None, query: Any) -> None:
        Operation.__init__(self, source, operation if store is None else operation + " " + text_of(store))
        self.kind = SpanKind.CLIENT
        self.attributes = {v.GEN_AI_OPERATION_NAME: operation}
        if store is not None:
            self.attributes[v.GEN_AI_MEMORY_STORE] = store
        if query is not None:
            self.payload = {"query": query}

    def found(self, count: int, documents: Any = None) -> None:
        """Say how many entries were found or touched, and optionally which."""
        self.attributes[v.GEN_AI_MEMORY_RECORD_COUNT] = count
        if documents is not None:
            self._put("documents", shallow(documents))


class ContextAssembly(Operation):
    """One assembly of a context window: what went in, how large, what did not fit."""

    __slots__ = ("_evicted", "_sections")

    def __init__(self, source: SpanSource, limit: int | None) -> None:
        Operation.__init__(self, source, "assemble_context")
        self._sections: dict[str, int] = {}
        self._evicted: dict[str, int] = {}
        self.attributes = {
            v.KIND: v.KIND_CONTEXT, v.CONTEXT_SECTIONS: self._sections, v.CONTEXT_EVICTED: self._evicted,
        }  # fmt: skip
        if limit is not None:
            self.attributes[v.CONTEXT_LIMIT] = limit

    def add(self, section: str, tokens: int) -> None:
        """Count tokens of a section that is in the context; repeated sections add up."""
        _add(self._sections, section, tokens)

    def evicted(self, section: str, tokens: int) -> None:
        """Count tokens of a section that did not fit."""
        _add(self._evicted, section, tokens)


def _add(counts: dict[str, int], section: str, tokens: int) -> None:
    with guarded("context"):
        name = text_of(section)
        counts[name] = counts.get(name, 0) + int(tokens)


class SpanOperation(Operation):
    """A plain named step of the application."""

    __slots__ = ()

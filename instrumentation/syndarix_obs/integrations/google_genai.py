"""The `google-genai` client: each request for content, sync, async and streamed, of Gemini and Vertex AI.

Requests are watched below the client's automatic function calling, which makes several of one call.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.guard import guarded
from syndarix_obs.integrations.calls import OnHeaders, suppressed
from syndarix_obs.integrations.endpoints import as_dict
from syndarix_obs.integrations.patching import patch
from syndarix_obs.integrations.provider_errors import describe
from syndarix_obs.integrations.requests import Undo
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.spans.operations import LLMCall
from syndarix_obs.spans.span import SpanSource

MODULE: Final = "google.genai"
_PARAMETERS: Final = {
    "temperature": v.GEN_AI_REQUEST_TEMPERATURE, "top_p": v.GEN_AI_REQUEST_TOP_P, "top_k": v.GEN_AI_REQUEST_TOP_K,
    "max_output_tokens": v.GEN_AI_REQUEST_MAX_TOKENS, "seed": v.GEN_AI_REQUEST_SEED,
    "stop_sequences": v.GEN_AI_REQUEST_STOP_SEQUENCES, "candidate_count": v.GEN_AI_REQUEST_CHOICE_COUNT,
    "frequency_penalty": v.GEN_AI_REQUEST_FREQUENCY_PENALTY, "presence_penalty": v.GEN_AI_REQUEST_PRESENCE_PENALTY,
}  # fmt: skip


class _Call(LLMCall):
    """One request, and references to what went out and came back; `read` turns them into the span on the worker."""

    __slots__ = ("chunks", "config", "contents")

    def __init__(self, source: SpanSource, models: Any, given: dict[str, Any]) -> None:
        model = str(given.get("model") or "unknown").removeprefix("models/")
        vertex = bool(getattr(getattr(models, "_api_client", None), "vertexai", False))
        provider = "gcp.vertex_ai" if vertex else "gcp.gemini"
        LLMCall.__init__(self, source, provider, model, v.OPERATION_GENERATE_CONTENT, None, None, None)
        self.contents, self.config = given.get("contents"), given.get("config")
        self.chunks: list[Any] = []
        self.finisher = self.read

    def failed(self, error: BaseException) -> None:
        """Mark as failed; the exception goes its way."""
        if not isinstance(error, GeneratorExit):
            self.set_error(error)

    def took(self, chunk: Any) -> None:
        """A part of a streamed answer has come."""
        self.chunks.append(chunk)
        self.first_token()

    def read(self, span: FinishedSpan) -> None:
        """Read request and answer into the span; each part by itself."""
        with guarded("google_genai_request"):
            config = as_dict(self.config) if self.config is not None else {}
            span.attributes |= {new: config[old] for old, new in _PARAMETERS.items() if config.get(old) is not None}
            parameters = {name: value for name, value in config.items() if name not in _CONTENT}
            span.payload |= {"input": _plain(self.contents), "parameters": parameters}
            span.payload |= {name: _plain(config[old]) for old, name in _CONTENT.items() if config.get(old)}
        with guarded("google_genai_answer"):
            _read_answers(self.chunks, span)
        with guarded("google_genai_error"):
            if self.error is not None:
                describe(self.error, span)


_CONTENT: Final = {"system_instruction": "system", "tools": "tools"}


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return as_dict(value) if hasattr(value, "model_dump") else value


def _read_answers(chunks: list[Any], span: FinishedSpan) -> None:
    """One answer, or the parts of a streamed one: the last usage is the whole one."""
    output: list[Any] = []
    for chunk in chunks:
        for candidate in getattr(chunk, "candidates", None) or ():
            if candidate.content is not None:
                output.append(as_dict(candidate.content))
            if candidate.finish_reason is not None:
                reason = getattr(candidate.finish_reason, "value", candidate.finish_reason)
                span.attributes[v.GEN_AI_RESPONSE_FINISH_REASONS] = [str(reason)]
        if getattr(chunk, "usage_metadata", None) is not None:
            span.payload["usage"] = chunk.usage_metadata
        for name, told in (
            (v.GEN_AI_RESPONSE_ID, getattr(chunk, "response_id", None)),
            (v.GEN_AI_RESPONSE_MODEL, getattr(chunk, "model_version", None)),
        ):
            if isinstance(told, str):
                span.attributes[name] = told
    if output:
        span.payload["output"] = output


def watch(source: SpanSource, on_headers: OnHeaders, *, request_usage: bool = False) -> Undo:  # noqa: ARG001 - the interface; usage is always sent
    """Watch every `google-genai` client of the process; returns a function that stops it.

    Raises:
        ImportError: the client is not installed.
        KeyError: this version of the client is built differently.
    """
    from google.genai.models import AsyncModels, Models

    made = [
        patch(Models, "_generate_content", lambda original: _whole(source, original)),
        patch(Models, "_generate_content_stream", lambda original: _stream(source, original)),
        patch(AsyncModels, "_generate_content", lambda original: _whole_async(source, original)),
        patch(AsyncModels, "_generate_content_stream", lambda original: _stream_async(source, original)),
    ]

    def undo() -> None:
        for each in made:
            each()

    return undo


def _begin(source: SpanSource, models: Any, given: dict[str, Any]) -> _Call | None:
    from opentelemetry import context

    if suppressed(context.get_current()):
        return None
    with guarded("google_genai"):
        return _Call(source, models, given)
    return None


def _whole(source: SpanSource, original: Callable[..., Any]) -> Callable[..., Any]:
    def request(self: Any, **given: Any) -> Any:
        call = _begin(source, self, given)
        if call is None:
            return original(self, **given)
        with call:
            found = original(self, **given)
            call.chunks.append(found)
            return found

    return request


def _whole_async(source: SpanSource, original: Callable[..., Any]) -> Callable[..., Any]:
    async def request(self: Any, **given: Any) -> Any:
        call = _begin(source, self, given)
        if call is None:
            return await original(self, **given)
        async with call:
            found = await original(self, **given)
            call.chunks.append(found)
            return found

    return request


def _stream(source: SpanSource, original: Callable[..., Any]) -> Callable[..., Any]:
    def request(self: Any, **given: Any) -> Iterator[Any]:
        call = _begin(source, self, given)
        if call is None:
            yield from original(self, **given)
            return
        call.begin()  # never the current span: a stream may be read anywhere
        try:
            for chunk in original(self, **given):
                call.took(chunk)
                yield chunk
        except BaseException as error:
            call.failed(error)
            raise
        finally:
            call.end()

    return request


def _stream_async(source: SpanSource, original: Callable[..., Any]) -> Callable[..., Any]:
    async def request(self: Any, **given: Any) -> Any:
        call = _begin(source, self, given)
        if call is None:
            return await original(self, **given)
        call.begin()
        try:
            chunks = await original(self, **given)
        except BaseException as error:
            call.failed(error)
            call.end()
            raise
        return _read_async(chunks, call)

    return request


async def _read_async(chunks: AsyncIterator[Any], call: _Call) -> AsyncIterator[Any]:
    try:
        async for chunk in chunks:
            call.took(chunk)
            yield chunk
    except BaseException as error:
        call.failed(error)
        raise
    finally:
        call.end()

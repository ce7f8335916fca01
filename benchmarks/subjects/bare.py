"""A hand-written OpenTelemetry span around each call: SDK, BatchSpanProcessor, OTLP over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


def provider(sink: str) -> Any:
    """An SDK tracer provider that exports to the sink."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    made = TracerProvider()
    made.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{sink}/v1/traces")))
    return made


def start(sink: str, *, content: bool = False) -> tuple[Callable[[Callable[[], Any], str], Any], Callable[[], None]]:
    """A wrapper that puts a span around a call, and a function that flushes."""
    made = provider(sink)
    return wrapper(made.get_tracer("bench"), content=content), lambda: made.force_flush() and None


def wrapper(tracer: Any, *, content: bool) -> Callable[[Callable[[], Any], str], Any]:
    """Puts a span with the conventions' attributes around a call."""
    from opentelemetry.trace import SpanKind

    def around(call: Callable[[], Any], prompt: str) -> Any:
        with tracer.start_as_current_span("chat gpt-4o-mini", kind=SpanKind.CLIENT) as span:
            span.set_attribute("gen_ai.operation.name", "chat")
            span.set_attribute("gen_ai.provider.name", "openai")
            span.set_attribute("gen_ai.request.model", "gpt-4o-mini")
            result = call()
            usage = getattr(result, "usage", None)
            span.set_attribute("gen_ai.response.model", "gpt-4o-mini-2024-07-18")
            span.set_attribute("gen_ai.response.id", "chatcmpl-bench")
            span.set_attribute("gen_ai.response.finish_reasons", ["stop"])
            span.set_attribute("gen_ai.usage.input_tokens", usage.prompt_tokens if usage else 400)
            span.set_attribute("gen_ai.usage.output_tokens", usage.completion_tokens if usage else 80)
            if content:
                messages = [{"role": "user", "parts": [{"type": "text", "content": prompt}]}]
                span.set_attribute("gen_ai.input.messages", json.dumps(messages))
                answer = [{"role": "assistant", "parts": [{"type": "text", "content": prompt[:400]}]}]
                span.set_attribute("gen_ai.output.messages", json.dumps(answer))
            return result

    return around

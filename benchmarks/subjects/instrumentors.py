"""The libraries that are compared, each switched on as its documentation says, with content captured.

Every function takes the sink's base URL and returns a function that flushes. Each runs in its own environment.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from subjects.bare import provider

Flush = Callable[[], Any]


def official(sink: str) -> Flush:
    """OpenTelemetry's own instrumentor."""
    os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "SPAN_ONLY"
    os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"] = "gen_ai_latest_experimental"
    from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor

    made = provider(sink)
    OpenAIInstrumentor().instrument(tracer_provider=made)
    return made.force_flush


def traceloop(sink: str) -> Flush:
    """Traceloop's instrumentor."""
    from opentelemetry.instrumentation.openai import OpenAIInstrumentor

    made = provider(sink)
    OpenAIInstrumentor().instrument(tracer_provider=made)
    return made.force_flush


def openinference(sink: str) -> Flush:
    """Arize's instrumentor, used by Phoenix."""
    from openinference.instrumentation.openai import OpenAIInstrumentor

    made = provider(sink)
    OpenAIInstrumentor().instrument(tracer_provider=made)
    return made.force_flush


def openlit(sink: str) -> Flush:
    """OpenLIT."""
    os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = sink
    import openlit as library
    from opentelemetry import trace

    library.init(otlp_endpoint=sink, disable_batch=False, capture_message_content=True)
    made: Any = trace.get_tracer_provider()
    return lambda: made.force_flush()


def logfire(sink: str) -> Flush:
    """Pydantic Logfire, with the sink as its destination."""
    import logfire as library
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    processor = BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{sink}/v1/traces"))
    library.configure(send_to_logfire=False, console=False, additional_span_processors=[processor])
    library.instrument_openai()
    return library.force_flush


def langfuse(sink: str) -> Flush:
    """Langfuse: its drop-in `openai` module."""
    from langfuse import Langfuse

    made = Langfuse(public_key="pk-lf-bench", secret_key="sk-lf-bench", host=sink)
    import langfuse.openai  # noqa: F401 - patches the openai module

    return made.flush


LIBRARIES: dict[str, tuple[str, Callable[[str], Flush]]] = {
    "official": ("opentelemetry-instrumentation-genai-openai", official),
    "traceloop": ("opentelemetry-instrumentation-openai", traceloop),
    "openinference": ("openinference-instrumentation-openai", openinference),
    "openlit": ("openlit", openlit),
    "logfire": ("logfire[openai]", logfire),
    "langfuse": ("langfuse", langfuse),
}
"""Name, requirement to install, how to start."""

"""A program that has an OpenTelemetry SDK provider of its own keeps it, and adds one span processor.

Its spans go where they always went (here: counted in memory); the GenAI ones are also priced, redacted and kept.

    python examples/existing_opentelemetry.py
    syndarix-obs costs
"""

from __future__ import annotations

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from syndarix_obs import ObservabilityPlatform, Settings

# What the program has anyway.
exported = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exported))
tracer = provider.get_tracer("my.app")

# What it adds. `set_global` is off because the program's own provider stays in charge.
obs = ObservabilityPlatform(Settings(set_global=False))
provider.add_span_processor(obs.span_processor())

with obs, obs.session(agent="support", project="acme"), tracer.start_as_current_span("chat gpt-4o-mini") as span:
    # An instrumentor sets these, for example one of the opentelemetry-instrumentation-genai packages.
    span.set_attributes(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o-mini",
            "gen_ai.usage.input_tokens": 912,
            "gen_ai.usage.output_tokens": 64,
        }
    )

print(f"Exported as before: {[span.name for span in exported.get_finished_spans()]}")
print(f"Also recorded into {obs.settings.store_path}; see it with: syndarix-obs costs")

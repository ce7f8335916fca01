"""Writes what a framework sends by itself, as OTLP/JSON, with what the provider served: `recorded/PROGRAM.json`.

    python tests/frameworks/record.py PROGRAM

The framework runs beside a plain OpenTelemetry SDK and the installed instrumentors, without our pipeline.
`tests/integration/test_recorded_sources.py` plays the files in many orders.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from programs import PROGRAMS
from provider import Provider

RECORDED = Path(__file__).parent / "recorded"
_LONGEST = 2_000


def value(of: Any) -> dict[str, Any]:
    """An attribute's value as OTLP/JSON has it; long texts are cut."""
    if isinstance(of, bool):
        return {"boolValue": of}
    if isinstance(of, int):
        return {"intValue": str(of)}
    if isinstance(of, float):
        return {"doubleValue": of}
    if isinstance(of, (list, tuple)):
        return {"arrayValue": {"values": [value(each) for each in of]}}
    return {"stringValue": str(of)[:_LONGEST]}


def pairs(attributes: Any) -> list[dict[str, Any]]:
    """Attributes as OTLP/JSON has them."""
    return [{"key": key, "value": value(each)} for key, each in (attributes or {}).items()]


def encoded(span: Any) -> dict[str, Any]:
    """One span of the SDK."""
    context, parent = span.get_span_context(), span.parent
    return {
        "traceId": f"{context.trace_id:032x}", "spanId": f"{context.span_id:016x}",
        "parentSpanId": f"{parent.span_id:016x}" if parent else "", "name": span.name, "kind": span.kind.value + 1,
        "startTimeUnixNano": str(span.start_time), "endTimeUnixNano": str(span.end_time),
        "attributes": pairs(span.attributes), "status": {"code": span.status.status_code.value},
        "events": [],
    }  # fmt: skip


def batch(spans: list[Any]) -> dict[str, Any]:
    """A request with these spans."""
    scopes: dict[str, list[dict[str, Any]]] = {}
    for span in spans:
        scopes.setdefault(span.instrumentation_scope.name, []).append(encoded(span))
    resource = {"attributes": pairs({"service.name": "recorded"})}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [
        {"scope": {"name": name}, "spans": found} for name, found in scopes.items()
    ]}]}  # fmt: skip


def main() -> None:
    """Run one program and write its file."""
    program = sys.argv[1]
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from syndarix_obs.integrations import instrumentors

    exporter, tracers = InMemorySpanExporter(), TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(tracers)
    with Provider() as provider:
        os.environ |= {
            "OPENAI_API_KEY": "x", "OPENAI_BASE_URL": f"{provider.url}/v1", "ANTHROPIC_API_KEY": "x",
            "ANTHROPIC_BASE_URL": provider.url, **instrumentors.CAPTURE_CONTENT, **instrumentors.OWN_SPANS,
        }  # fmt: skip
        watched = [point.name for point in instrumentors.installed() if instrumentors.switch_on(point, tracers)]
        PROGRAMS[program](provider.url)
        tracers.force_flush()
        served = [
            {"provider": each.provider, "model": each.model, "input": each.input, "output": each.output,
             "cached": each.cached, "dollars": each.cost} for each in provider.served
        ]  # fmt: skip
    found = {"instrumentors": watched, "served": served, "otlp": batch(list(exporter.get_finished_spans()))}
    RECORDED.mkdir(exist_ok=True)
    (RECORDED / f"{program}.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    scopes = found["otlp"]["resourceSpans"][0]["scopeSpans"]
    print(program, watched, {each["scope"]["name"]: len(each["spans"]) for each in scopes}, len(served), "served")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()

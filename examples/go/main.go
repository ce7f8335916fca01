// A session of an agent in Go, with no library of ours: sessions, decisions and outcomes are span attributes.
// Run `syndarix-obs up` beside it, then `go run .` here, then look at `syndarix-obs sessions`.
package main

import (
	"context"
	"log"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	api "go.opentelemetry.io/otel/trace"
)

var session = []attribute.KeyValue{
	attribute.String("session.id", "go-1"), attribute.String("gen_ai.agent.name", "support"),
	attribute.String("user.id", "u-42"), attribute.String("syndarix.project", "acme"),
}

func step(ctx context.Context, tracer api.Tracer, name string, attributes ...attribute.KeyValue) {
	_, span := tracer.Start(ctx, name, api.WithAttributes(session...), api.WithAttributes(attributes...))
	span.End()
}

func main() {
	ctx := context.Background()
	exporter, err := otlptracehttp.New(ctx) // OTEL_EXPORTER_OTLP_ENDPOINT says where, http://127.0.0.1:4318 for example
	if err != nil {
		log.Fatal(err)
	}
	name := attribute.String("service.name", "support-go")
	provider := trace.NewTracerProvider(trace.WithBatcher(exporter), trace.WithResource(resource.NewSchemaless(name)))
	tracer := provider.Tracer("support-go")

	ctx, root := tracer.Start(ctx, "session support", api.WithAttributes(session...), api.WithAttributes(
		attribute.String("syndarix.kind", "session"), attribute.String("syndarix.outcome", "refunded")))
	step(ctx, tracer, "chat gpt-4o-mini",
		attribute.String("gen_ai.operation.name", "chat"),
		attribute.String("gen_ai.provider.name", "openai"),
		attribute.String("gen_ai.request.model", "gpt-4o-mini"),
		attribute.Int("gen_ai.usage.input_tokens", 1200),
		attribute.Int("gen_ai.usage.output_tokens", 80))
	step(ctx, tracer, "decision tool_selection",
		attribute.String("syndarix.kind", "decision"),
		attribute.String("syndarix.decision.type", "tool_selection"),
		attribute.StringSlice("syndarix.decision.options", []string{"search", "refund"}),
		attribute.String("syndarix.decision.selected", "search"),
		attribute.String("syndarix.decision.reasoning", "It depends on where the order is."),
		attribute.Float64("syndarix.decision.confidence", 0.8))
	step(ctx, tracer, "execute_tool search",
		attribute.String("gen_ai.operation.name", "execute_tool"),
		attribute.String("gen_ai.tool.name", "search"),
		attribute.String("gen_ai.tool.call.arguments", `{"order": "A-1017"}`))
	root.End()
	if err := provider.Shutdown(context.Background()); err != nil {
		log.Fatal(err)
	}
}

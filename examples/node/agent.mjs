// A session of an agent in Node, with no library of ours: sessions, decisions and outcomes are span attributes.
// Run `syndarix-obs up` beside it, then `npm install && npm start`, then look at `syndarix-obs sessions`.
import { SpanStatusCode, trace } from "@opentelemetry/api";
import { NodeSDK } from "@opentelemetry/sdk-node";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";

const sdk = new NodeSDK({ serviceName: "support-node", traceExporter: new OTLPTraceExporter() });
sdk.start();
const tracer = trace.getTracer("support-node");
const session = { "session.id": "node-1", "gen_ai.agent.name": "support", "user.id": "u-42", "syndarix.project": "acme" };

async function step(name, attributes, work) {
  return tracer.startActiveSpan(name, { attributes: { ...session, ...attributes } }, async (span) => {
    try {
      return await work(span);
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
      span.setAttribute("error.type", error.name);
      throw error;
    } finally {
      span.end();
    }
  });
}

await step("session support", { "syndarix.kind": "session", "syndarix.outcome": "refunded" }, async () => {
  await step("chat gpt-4o-mini", {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.usage.input_tokens": 1200,
    "gen_ai.usage.output_tokens": 80,
    "gen_ai.input.messages": JSON.stringify([{ role: "user", parts: [{ type: "text", content: "Where is order A-1017?" }] }]),
    "gen_ai.output.messages": JSON.stringify([{ role: "assistant", parts: [{ type: "text", content: "I will look it up." }] }]),
  }, async () => {});
  await step("decision tool_selection", {
    "syndarix.kind": "decision",
    "syndarix.decision.type": "tool_selection",
    "syndarix.decision.options": ["search", "refund"],
    "syndarix.decision.selected": "search",
    "syndarix.decision.reasoning": "It depends on where the order is.",
    "syndarix.decision.confidence": 0.8,
  }, async () => {});
  await step("execute_tool search", {
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.tool.name": "search",
    "gen_ai.tool.call.arguments": JSON.stringify({ order: "A-1017" }),
    "gen_ai.tool.call.result": JSON.stringify({ status: "lost" }),
  }, async () => {});
});

await sdk.shutdown();

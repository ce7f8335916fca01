// Vercel's AI SDK: a question to an agent with a tool; spans go where OTEL_EXPORTER_OTLP_ENDPOINT says.
import { createOpenAI } from "@ai-sdk/openai";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { NodeSDK } from "@opentelemetry/sdk-node";
import { generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const sdk = new NodeSDK({ serviceName: "vercel-ai", traceExporter: new OTLPTraceExporter() });
sdk.start();
const openai = createOpenAI({ apiKey: "x", baseURL: process.env.OPENAI_BASE_URL });
const asked = {
  model: openai.chat("gpt-4o-mini"),
  prompt: process.argv[3] ?? "How is the weather in Paris?",
  maxRetries: 0,
  stopWhen: stepCountIs(5),
  tools: {
    get_weather: tool({
      description: "Tell the weather of a city.",
      inputSchema: z.object({ city: z.string() }),
      execute: async ({ city }) => `sunny in ${city}`,
    }),
  },
  experimental_telemetry: { isEnabled: true, functionId: "weatherman", metadata: { sessionId: "s-node" } },
};
try {
  if (process.argv[2] === "streamed") {
    for await (const part of streamText({ ...asked, onError: () => {} }).textStream) void part;
  } else {
    await generateText(asked);
  }
} catch (error) {
  console.error(error.name);
}
await sdk.shutdown();

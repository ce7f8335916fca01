"""Every name this project emits or reads: attributes, metrics, labels, log fields, buckets.

Each name is declared once, with a line of meaning under it; documentation, rules, dashboards and queries are held to
this file by `tests/contract`. Nothing of ours is imported here.

Sources: OpenTelemetry GenAI semantic conventions (`gen_ai.*`, `error.type`, `session.id`, `user.id`), Prometheus naming
rules (base units, `_total` on counters).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

# --- Span attributes: GenAI conventions ---------------------------------------------------------------------------

GEN_AI_OPERATION_NAME: Final = "gen_ai.operation.name"
"""What the span does: one of the `OPERATION_*` values."""
GEN_AI_PROVIDER_NAME: Final = "gen_ai.provider.name"
"""Who serves the model: `openai`, `anthropic`, …"""
GEN_AI_REQUEST_MODEL: Final = "gen_ai.request.model"
"""Model that the caller asked for."""
GEN_AI_RESPONSE_MODEL: Final = "gen_ai.response.model"
"""Model that answered, often a dated name of the requested one."""
GEN_AI_RESPONSE_ID: Final = "gen_ai.response.id"
"""The provider's id of the answer."""
GEN_AI_RESPONSE_FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
"""Why generation stopped, one value per choice."""
GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
"""Seconds from request to the first content chunk of a streamed answer."""
GEN_AI_REQUEST_STREAM: Final = "gen_ai.request.stream"
"""True when the answer was streamed."""
GEN_AI_REQUEST_MAX_TOKENS: Final = "gen_ai.request.max_tokens"
"""Most tokens the caller allowed for the answer."""
GEN_AI_REQUEST_TEMPERATURE: Final = "gen_ai.request.temperature"
"""Sampling temperature asked for."""
GEN_AI_REQUEST_TOP_P: Final = "gen_ai.request.top_p"
"""Nucleus sampling share asked for."""
GEN_AI_REQUEST_TOP_K: Final = "gen_ai.request.top_k"
"""How many of the likeliest tokens were sampled from."""
GEN_AI_REQUEST_FREQUENCY_PENALTY: Final = "gen_ai.request.frequency_penalty"
"""Penalty for tokens by how often they came already."""
GEN_AI_REQUEST_PRESENCE_PENALTY: Final = "gen_ai.request.presence_penalty"
"""Penalty for tokens that came already."""
GEN_AI_REQUEST_STOP_SEQUENCES: Final = "gen_ai.request.stop_sequences"
"""Texts at which generation was to stop."""
GEN_AI_REQUEST_SEED: Final = "gen_ai.request.seed"
"""Seed of the sampling."""
GEN_AI_REQUEST_CHOICE_COUNT: Final = "gen_ai.request.choice.count"
"""How many answers were asked for."""
GEN_AI_REQUEST_REASONING_LEVEL: Final = "gen_ai.request.reasoning.level"
"""Effort of reasoning that was asked for: `low`, `medium`, `high`, …"""
GEN_AI_OUTPUT_TYPE: Final = "gen_ai.output.type"
"""Form of answer that was asked for: `text` or `json`."""
OPENAI_REQUEST_SERVICE_TIER: Final = "openai.request.service_tier"
"""Service tier that the caller asked for."""
GEN_AI_USAGE_INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
"""Tokens in the prompt, cache reads and writes included."""
GEN_AI_USAGE_OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
"""Tokens in the answer, reasoning included."""
GEN_AI_USAGE_CACHE_READ_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
"""Part of the input that the provider served from its prompt cache."""
GEN_AI_USAGE_CACHE_WRITE_TOKENS: Final = "gen_ai.usage.cache_write.input_tokens"
"""Part of the input that was written to the prompt cache."""
GEN_AI_USAGE_REASONING_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"
"""Part of the output that was hidden reasoning."""
GEN_AI_USAGE_AUDIO_INPUT_TOKENS: Final = "gen_ai.usage.audio.input_tokens"
"""Part of the input that was audio, which has its own price."""
GEN_AI_USAGE_AUDIO_OUTPUT_TOKENS: Final = "gen_ai.usage.audio.output_tokens"
"""Part of the output that was audio."""
GEN_AI_USAGE_AUDIO_CACHE_READ_TOKENS: Final = "gen_ai.usage.audio.cache_read.input_tokens"
"""Part of the cache reads that was audio."""
GEN_AI_USAGE_IMAGE_INPUT_TOKENS: Final = "gen_ai.usage.image.input_tokens"
"""Part of the input that was images."""
GEN_AI_USAGE_IMAGE_OUTPUT_TOKENS: Final = "gen_ai.usage.image.output_tokens"
"""Part of the output that was images."""
GEN_AI_USAGE_IMAGE_CACHE_READ_TOKENS: Final = "gen_ai.usage.image.cache_read.input_tokens"
"""Part of the cache reads that was images."""
GEN_AI_AGENT_NAME: Final = "gen_ai.agent.name"
"""Name of the agent, a small closed set chosen by its developer."""
GEN_AI_AGENT_VERSION: Final = "gen_ai.agent.version"
"""Version that an agent's developer gives it, for example of a coding agent's program; see `syndarix.agent.version`."""
GEN_AI_SKILL_NAME: Final = "gen_ai.skill.name"
"""Skill that an agent followed."""
GEN_AI_CONVERSATION_ID: Final = "gen_ai.conversation.id"
"""Conversation that the span belongs to; equal to `session.id` here."""
GEN_AI_TOOL_NAME: Final = "gen_ai.tool.name"
"""Tool that was called."""
GEN_AI_TOOL_CALL_ID: Final = "gen_ai.tool.call.id"
"""The model's id of the tool call."""
GEN_AI_TOOL_CALL_ARGUMENTS: Final = "gen_ai.tool.call.arguments"
"""Arguments of the call: a payload, never exported on a span."""
GEN_AI_TOOL_CALL_RESULT: Final = "gen_ai.tool.call.result"
"""What the tool returned: a payload, never exported on a span."""
GEN_AI_TOOL_DEFINITIONS: Final = "gen_ai.tool.definitions"
"""Tools offered to the model: a payload, never exported on a span."""
GEN_AI_INPUT_MESSAGES: Final = "gen_ai.input.messages"
"""Messages sent to the model: a payload, never exported on a span."""
GEN_AI_OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
"""Messages that came back: a payload, never exported on a span."""
GEN_AI_SYSTEM_INSTRUCTIONS: Final = "gen_ai.system_instructions"
"""System prompt: a payload, never exported on a span."""
GEN_AI_RETRIEVAL_QUERY: Final = "gen_ai.retrieval.query.text"
"""What was searched for in a retrieval: a payload, never exported on a span."""
GEN_AI_RETRIEVAL_DOCUMENTS: Final = "gen_ai.retrieval.documents"
"""What a retrieval found: a payload, never exported on a span."""
GEN_AI_MEMORY_STORE: Final = "gen_ai.memory.store.id"
"""Memory store that was read or written."""
GEN_AI_MEMORY_RECORD_COUNT: Final = "gen_ai.memory.record.count"
"""How many memories or documents an operation found or touched."""
GEN_AI_MEMORY_QUERY: Final = "gen_ai.memory.query.text"
"""What was looked for in memory: a payload, never exported on a span."""
GEN_AI_EVALUATION_NAME: Final = "gen_ai.evaluation.name"
"""What was evaluated: `resolved`, `answer_schema_valid`, `feedback`, …"""
GEN_AI_EVALUATION_SCORE_VALUE: Final = "gen_ai.evaluation.score.value"
"""The score as a number; yes is 1 and no is 0."""
GEN_AI_EVALUATION_SCORE_LABEL: Final = "gen_ai.evaluation.score.label"
"""The score as a word: `true`, `paid`, `up`, …"""
GEN_AI_EVALUATION_EXPLANATION: Final = "gen_ai.evaluation.explanation"
"""Why, or a person's comment: a payload, never exported on a span."""
EVENT_EVALUATION: Final = "gen_ai.evaluation.result"
"""Name of the span event that carries a score, an outcome or a person's feedback."""
SESSION_ID: Final = "session.id"
"""Session that the span belongs to."""
USER_ID: Final = "user.id"
"""Keyed pseudonym of the end user; the raw id never leaves the process."""
ENDUSER_ID: Final = "enduser.id"
"""Raw id of a user in the spans of some libraries; it becomes the same pseudonym as `user.id`."""
ERROR_TYPE: Final = "error.type"
"""Class of the failure: an exception's qualified name or the provider's error code."""
HTTP_RESPONSE_STATUS_CODE: Final = "http.response.status_code"
"""HTTP status of a provider's answer; set on failed calls."""
SERVICE_NAME: Final = "service.name"
"""Name of the emitting service (resource attribute)."""
DEPLOYMENT_ENVIRONMENT: Final = "deployment.environment.name"
"""Environment of the emitting service (resource attribute): `production`, `staging`, …"""

SCHEMA_URL: Final = (
    "https://github.com/open-telemetry/semantic-conventions-genai/tree/3404aec1c23ca2ebe2d08f3d24d9d5cb72c0c8e8/model"
)
"""The GenAI conventions that the names follow: their registry has no release yet, so it is named by commit."""
VCS_REPOSITORY_NAME: Final = "vcs.repository.name"
"""Repository that a coding agent worked in."""
VCS_REF_HEAD_NAME: Final = "vcs.ref.head.name"
"""Branch that a coding agent worked on."""

OPERATION_CHAT: Final = "chat"
"""A chat completion."""
OPERATION_TEXT_COMPLETION: Final = "text_completion"
"""A plain completion."""
OPERATION_GENERATE_CONTENT: Final = "generate_content"
"""Multimodal generation."""
OPERATION_EMBEDDINGS: Final = "embeddings"
"""An embeddings call."""
OPERATION_EXECUTE_TOOL: Final = "execute_tool"
"""A tool call."""
OPERATION_INVOKE_AGENT: Final = "invoke_agent"
"""A session of an agent."""
OPERATION_RETRIEVAL: Final = "retrieval"
"""A search in documents."""
OPERATION_SEARCH_MEMORY: Final = "search_memory"
"""A read of agent memory."""

LLM_OPERATIONS: Final = frozenset(
    {OPERATION_CHAT, OPERATION_TEXT_COMPLETION, OPERATION_GENERATE_CONTENT, OPERATION_EMBEDDINGS}
)
"""Operations that call a model, and so cost money."""
MEMORY_OPERATION_SUFFIX: Final = "_memory"
"""Memory operations are named `<verb>_memory`: `search_memory`, `upsert_memory`, `delete_memory`, …"""

# --- Span attributes: ours, for what no convention covers ---------------------------------------------------------

KIND: Final = "syndarix.kind"
"""Kind of record this span becomes, when the GenAI operation does not say it: one of `KINDS`."""
PROJECT: Final = "syndarix.project"
"""Project that pays for the work."""
AGENT_TYPE: Final = "syndarix.agent.type"
"""Class of agent: `assistant`, `worker`, …"""
AGENT_VERSION: Final = "syndarix.agent.version"
"""Hash of system prompt (as for `syndarix.prompt.hash`) and tool definitions: changes when the agent changes."""
PROMPT_HASH: Final = "syndarix.prompt.hash"
"""One-way hash of the system prompt; where the caller marks a part of it for the provider's cache, of that part only,
so that it changes when the prompt does and not with every user."""
TOOLSET_HASH: Final = "syndarix.toolset.hash"
"""One-way hash of the tool definitions offered to the model."""
REQUEST_ENDPOINT: Final = "syndarix.request.endpoint"
"""Kind of endpoint that was called: `chat.completions`, `responses`, `messages`, `completions`, `embeddings`."""
REQUEST_FORM: Final = "syndarix.request.form"
"""Form that the answer was to have: name of its schema, `json_object`, or `text`."""
REQUEST_THINKING_BUDGET: Final = "syndarix.request.thinking_budget"
"""Tokens that the model was allowed to think with."""
PAYLOAD_TRUNCATED: Final = "syndarix.payload.truncated"
"""True when texts of the payload were cut: the step can be looked at, but not replayed."""
SCORE_TYPE: Final = "syndarix.score.type"
"""What a score is: one of `SCORE_TYPES`."""
SCORE_SOURCE: Final = "syndarix.score.source"
"""Who gave a score: `code`, `user`, `human` (an expert), `judge` (a model), or the caller's word."""
SCORE_JUDGE_VERSION: Final = "syndarix.score.judge_version"
"""Version of the judge: model and prompt; scores of different versions are not compared."""
TASK_TYPE: Final = "syndarix.task.type"
"""Task that the work was done for."""
OUTCOME: Final = "syndarix.outcome"
"""What a session or task led to, in the caller's words: `success`, `failure`, `escalated`, …"""
COST_USD: Final = "syndarix.cost.usd"
"""Price of the call in US dollars; absent when unpriced."""
PRICED: Final = "syndarix.priced"
"""False when no price is known for the model."""
COST_ESTIMATED: Final = "syndarix.cost.estimated"
"""True when the token counts, and so the cost, are an estimate."""
SERVICE_TIER: Final = "syndarix.service_tier"
"""Service tier the provider says it used: `default`, `flex`, `priority`, `batch`, …"""
USAGE_CACHE_WRITE_1H_TOKENS: Final = "syndarix.usage.cache_write_1h.input_tokens"
"""Part of the cache writes that is kept for an hour, which costs more."""
USAGE_WEB_SEARCHES: Final = "syndarix.usage.web_searches"
"""Searches of the web that the provider ran and bills for this call."""
USAGE_FILE_SEARCHES: Final = "syndarix.usage.file_searches"
"""Searches of uploaded files that the provider ran and bills for this call."""
USAGE_SOCIAL_SEARCHES: Final = "syndarix.usage.social_searches"
"""Searches of a social network that the provider ran and bills for this call."""
USAGE_CODE_EXECUTIONS: Final = "syndarix.usage.code_executions"
"""Containers for code that the provider ran and bills for this call."""
USAGE_AUDIO_SECONDS: Final = "syndarix.usage.audio_seconds"
"""Seconds of audio, where the model is billed by time."""
USAGE_INPUT_CHARACTERS: Final = "syndarix.usage.input_characters"
"""Characters of the input, where the model is billed by them."""
COST_REPORTED: Final = "syndarix.cost.reported"
"""What the provider says that the call cost, in US dollars as decimal text."""
INFERENCE_GEO: Final = "syndarix.inference_geo"
"""Region that the provider kept the call in; some bill a factor for it."""
BATCH_ANSWERS: Final = "syndarix.batch.answers"
"""How many answers of a message batch one record stands for."""
SET_ASIDE_REASON: Final = "syndarix.set_aside.reason"
"""Why this report (of a model call, or of a coding agent's tool) is not counted: one of `SET_ASIDE_REASONS`."""
SET_ASIDE_BY: Final = "syndarix.set_aside.by"
"""Span id of the report that is counted instead."""
SET_ASIDE_REPORTER: Final = "syndarix.set_aside.reporter"
"""Instrumentation scope that made the report that is not counted."""
OTEL_SCOPE_NAME: Final = "otel.scope.name"
"""Instrumentation scope that reported a call, where that is not our own library in the same process."""
REPLACES: Final = "syndarix.replaces"
"""Span id of a report of the same step that tells less, and that this one takes the place of."""
SET_ASIDE_TOKENS: Final = "syndarix.set_aside.tokens"
"""Input and output tokens that the report tells, as `1000+100`."""
PREVIEW_INPUT: Final = "syndarix.preview.input"
"""First characters of the last input message, redacted."""
PREVIEW_OUTPUT: Final = "syndarix.preview.output"
"""First characters of the answer, redacted."""
PAYLOAD_BYTES: Final = "syndarix.payload.bytes"
"""Size of the payload that went to Loki or SQLite, in bytes of JSON."""
DECISION_ID: Final = "syndarix.decision.id"
"""Id of a decision."""
DECISION_TYPE: Final = "syndarix.decision.type"
"""Kind of decision: one of `DECISION_TYPES` or the caller's own."""
DECISION_OPTIONS: Final = "syndarix.decision.options"
"""What could have been chosen."""
DECISION_SELECTED: Final = "syndarix.decision.selected"
"""What was chosen."""
DECISION_REASONING: Final = "syndarix.decision.reasoning"
"""Why, in the agent's words: a payload, never exported on a span."""
DECISION_CONFIDENCE: Final = "syndarix.decision.confidence"
"""How sure the agent was, 0 to 1."""
DECISION_CONFIDENCE_SOURCE: Final = "syndarix.decision.confidence_source"
"""Who is how sure: `logprob`, `judge`, `vote`; `stated` by the model where it is absent. Sources are never mixed."""
DECISION_CONTEXT: Final = "syndarix.decision.context_summary"
"""What the agent knew: a payload, never exported on a span."""
DECISION_MEMORY: Final = "syndarix.decision.relevant_memory"
"""Memories that bore on the decision: a payload, never exported on a span."""
DECISION_REASON_SOURCE: Final = "syndarix.decision.reason_source"
"""Where the reason comes from: one of `REASON_SOURCES`."""
DECISION_AUTOMATIC: Final = "syndarix.decision.automatic"
"""True when the decision was read from a model's answer, without code of the agent's."""
DECISION_FORCED: Final = "syndarix.decision.forced"
"""True when the request named the tool that had to be called, or allowed none."""
DECISION_OUTCOME: Final = "syndarix.decision.outcome"
"""How the tools that were chosen ended: `ok`, or `error` when one failed; absent when that was not seen in time."""
DECISION_OF: Final = "syndarix.decision.of"
"""Span id of the model call whose answer decided."""
CONTEXT_SECTIONS: Final = "syndarix.context.sections"
"""Tokens by section of an assembled context, as JSON."""
CONTEXT_EVICTED: Final = "syndarix.context.evicted"
"""Tokens by section that did not fit, as JSON."""
CONTEXT_TOKENS: Final = "syndarix.context.tokens"
"""Tokens in the assembled context."""
CONTEXT_ADDED: Final = "syndarix.context.added_tokens"
"""Tokens that a prompt or a tool's result adds to the context, estimated by its length."""
CONTEXT_LIMIT: Final = "syndarix.context.limit"
"""Size of the context window in tokens, when known."""
SAFETY_CHECK: Final = "syndarix.safety.check"
"""Name of the safety check."""
SAFETY_PASSED: Final = "syndarix.safety.passed"
"""True when the check passed."""
SAFETY_DETAIL: Final = "syndarix.safety.detail"
"""What the check found: a payload, never exported on a span."""
ANNOTATION_TARGET: Final = "syndarix.annotation.target"
"""What a note is attached to: a trace, span or decision id."""
ANNOTATION_LABEL: Final = "syndarix.annotation.label"
"""Short class of a note: `feedback`, `label`, `bug`, …"""
ANNOTATION_AUTHOR: Final = "syndarix.annotation.author"
"""Who wrote a note or gave a score by hand, as they named themselves."""
ANNOTATION_NOTE: Final = "syndarix.annotation.note"
"""Text of a note: a payload, never exported on a span."""
ANOMALY_EPISODE: Final = "syndarix.anomaly.episode"
"""Id of an episode: the same from its opening to its close."""
ANOMALY_SERIES: Final = "syndarix.anomaly.series"
"""Series that is unusual: `cost`, `latency_p95`, …"""
ANOMALY_STATE: Final = "syndarix.anomaly.state"
"""What happened to the episode: one of `ANOMALY_STATES`."""
ANOMALY_SCORE: Final = "syndarix.anomaly.score"
"""How unusual the series is; 1 is where an episode begins, 2 is twice as bad."""
ANOMALY_OPINION: Final = "syndarix.anomaly.opinion"
"""Why it is unusual: its level, its spread, its shape, or that values hang or are missing."""
ANOMALY_OBSERVED: Final = "syndarix.anomaly.observed"
"""What the series was, in its own unit."""
ANOMALY_EXPECTED: Final = "syndarix.anomaly.expected"
"""What it should have been, in its own unit."""
ANOMALY_OPENED: Final = "syndarix.anomaly.opened_ns"
"""When the episode began, in nanoseconds since the epoch."""
REPLAY_OF: Final = "syndarix.replay.of"
"""Session that a replay plays again."""
REPLAY_STEP: Final = "syndarix.replay.step"
"""Which step of the replay it is, from 1; 0 is the replay itself."""
REPLAY_MODE: Final = "syndarix.replay.mode"
"""How it was played: `verify`, `fork` or `requests`."""
REPLAY_RESULT: Final = "syndarix.replay.result"
"""How the replay ended: `identical`, `diverged`, `failed`, `refused` or `finished`."""
BUDGET_EXCEEDED: Final = "syndarix.budget.exceeded"
"""Name of the budget that a call was over: refused when the call failed so, let through when the budget only warns."""
LOOP_TOOL: Final = "syndarix.loop.tool"
"""Tool that a loop repeats."""
LOOP_COUNT: Final = "syndarix.loop.count"
"""How often the same call was made in the session."""
EVENT_LOOP: Final = "syndarix.loop_detected"
"""Name of the span event that marks a detected loop."""
TRUNCATED_SUFFIX: Final = "…truncated"
"""What stands at the end of every text that was cut, followed by its original size."""
ENCRYPTED_PREFIX: Final = "enc:1:"
"""What content begins with that is encrypted under its user's key (`payload_keys`)."""

# --- Kinds of record ----------------------------------------------------------------------------------------------

KIND_SESSION: Final = "session"
"""One run of an agent."""
KIND_TASK: Final = "task"
"""One task inside a session."""
KIND_LLM_CALL: Final = "llm_call"
"""One call of a model."""
KIND_TOOL_CALL: Final = "tool_call"
"""One call of a tool."""
KIND_MEMORY: Final = "memory"
"""One memory operation or retrieval."""
KIND_CONTEXT: Final = "context"
"""One assembly of a context window."""
KIND_SAFETY: Final = "safety"
"""One safety check."""
KIND_DECISION: Final = "decision"
"""One decision with its options."""
KIND_COST: Final = "cost"
"""One line of the ledger: what one LLM call cost."""
KIND_ANNOTATION: Final = "annotation"
"""A note attached to a trace, span or decision."""
KIND_ANOMALY: Final = "anomaly"
"""Something that happened to an episode of unusual values: opened, worse, closed."""
KIND_SCORE: Final = "score"
"""A score, an outcome or feedback for a session or a step, which may come long after it."""
KIND_REPLAY: Final = "replay"
"""A replay of a session, or one of its steps: no work of an agent, and no cost."""
KIND_APP: Final = "app"
"""A line that the application logged itself."""
KIND_SPAN: Final = "span"
"""Any other span, for example an HTTP request of a library."""

KINDS: Final = (
    KIND_SESSION, KIND_TASK, KIND_LLM_CALL, KIND_TOOL_CALL, KIND_MEMORY, KIND_CONTEXT, KIND_SAFETY, KIND_DECISION,
    KIND_COST, KIND_ANNOTATION, KIND_ANOMALY, KIND_SCORE, KIND_REPLAY, KIND_APP, KIND_SPAN,
)  # fmt: skip
"""Every kind of record."""
LOG_KINDS: Final = tuple(kind for kind in KINDS if kind != KIND_SPAN)
"""Kinds that become a log line; plain spans live in the trace store only."""
WORK_KINDS: Final = tuple(kind for kind in LOG_KINDS if kind != KIND_REPLAY)
"""Kinds of line about what agents did: all but those of replays."""

DECISION_TYPES: Final = (
    "tool_selection", "parameter_generation", "response_formatting", "error_recovery", "memory_retrieval",
    "permission",
)  # fmt: skip
"""The decision types every dashboard knows; others are allowed."""
DECISION_PERMISSION: Final = "permission"
"""The decision type of a tool of a coding agent that was allowed or refused."""
DECISION_ANSWER: Final = "answer"
"""The option of a model that was offered tools and calls none."""
DECISION_AND: Final = " + "
"""What stands between the tools of one decision that selected several."""
REASON_THINKING: Final = "thinking"
"""The reason is the model's thinking, or the provider's summary of it."""
REASON_TEXT: Final = "text"
"""The reason is what the model said before it called, in the same answer."""
REASON_NONE: Final = "none"
"""The model gave no reason; none is invented."""
REASON_STATED: Final = "stated"
"""The agent's own code stated the reason."""
CONFIDENCE_STATED: Final = "stated"
"""The model said how sure it is."""
REASON_SOURCES: Final = (REASON_THINKING, REASON_TEXT, REASON_NONE, REASON_STATED)
"""Values of `syndarix.decision.reason_source`."""

SCORE_TYPES: Final = ("outcome", "score", "feedback")
"""Values of `syndarix.score.type`: what the work led to, how good it was, what a person said."""

ANOMALY_STATES: Final = ("opened", "worse", "closed")
"""Values of `syndarix.anomaly.state`, in the order of an episode's life."""

ASIDE_SAME_RESPONSE: Final = "same_response"
"""The counted report has the same response id."""
ASIDE_SAME_CALL: Final = "same_call"
"""The counted report is in the same line of spans or beside it: same model, same time, same tokens."""
ASIDE_RESTATES: Final = "restates"
"""Its tokens are the sum of those of the calls below it."""
ASIDE_NO_USAGE: Final = "no_usage"
"""It tells no tokens of its own, and a related report does."""
ASIDE_REVISED: Final = "revised"
"""The same report counts, under names that came later: only ever on a line that takes another back."""
SET_ASIDE_REASONS: Final = (ASIDE_SAME_RESPONSE, ASIDE_SAME_CALL, ASIDE_RESTATES, ASIDE_NO_USAGE, ASIDE_REVISED)
"""Why a report of a model call is set aside."""

STATUS_OK: Final = "ok"
"""The operation succeeded."""
STATUS_ERROR: Final = "error"
"""The operation failed."""
STATUS_RUNNING: Final = "running"
"""The session has not ended yet; only ever on a pending row."""

TOKEN_TYPES: Final = ("input", "output", "cache_read", "cache_write", "reasoning")
"""Values of the `type` label of `llm_tokens_total`; `input` includes cache classes, `output` includes reasoning."""

# --- Log lines ----------------------------------------------------------------------------------------------------

LOKI_LABELS: Final = ("service_name", "environment", "kind", "level")
"""The only Loki labels: each has few values, so streams stay few."""
LOG_METADATA: Final = (
    "trace_id", "span_id", "session_id", "agent", "project", "user", "task_type", "model", "tool",
)  # fmt: skip
"""Structured metadata of a line: searchable without a parser, too many values for a label."""
LOG_TRUNCATED: Final = "truncated"
"""Field of a line that was too large for Loki or the spool: the start of its payload's JSON, as text, and the mark."""
LEVELS: Final = ("debug", "info", "warning", "error", "critical")
"""Values of `level`, least severe first."""

# --- Payload attributes -------------------------------------------------------------------------------------------

PAYLOAD_ATTRIBUTES: Final[Mapping[str, str]] = {
    GEN_AI_INPUT_MESSAGES: "input",
    GEN_AI_OUTPUT_MESSAGES: "output",
    GEN_AI_SYSTEM_INSTRUCTIONS: "system",
    GEN_AI_TOOL_DEFINITIONS: "tools",
    GEN_AI_TOOL_CALL_ARGUMENTS: "arguments",
    GEN_AI_TOOL_CALL_RESULT: "result",
    GEN_AI_RETRIEVAL_QUERY: "query",
    GEN_AI_RETRIEVAL_DOCUMENTS: "documents",
    GEN_AI_MEMORY_QUERY: "query",
    DECISION_REASONING: "reasoning",
    DECISION_CONTEXT: "context_summary",
    DECISION_MEMORY: "relevant_memory",
    SAFETY_DETAIL: "detail",
    ANNOTATION_NOTE: "note",
    GEN_AI_EVALUATION_EXPLANATION: "explanation",
}
"""Attributes that never ride on an exported span, and the field of the log line that carries each instead."""

ATTRIBUTE_NAMES: Final = frozenset(
    value for name, value in list(vars().items()) if name.isupper() and isinstance(value, str) and "." in value
)
"""Every attribute name declared above."""
CONTENT_ATTRIBUTES: Final = frozenset(
    {*PAYLOAD_ATTRIBUTES, PREVIEW_INPUT, PREVIEW_OUTPUT, DECISION_OPTIONS, DECISION_SELECTED, PAYLOAD_BYTES}
)
"""Those that hold, or measure, what was said: none of them with `capture=none`."""
PLAIN_ATTRIBUTES: Final = frozenset(
    {
        "server.address", "server.port", "client.address", "client.port", "network.protocol.name", "network.transport",
        "network.protocol.version", "http.request.method", "http.response.status_code", "http.method",
        "http.status_code", "http.route", "rpc.system", "rpc.service", "rpc.method", "rpc.grpc.status_code",
        "db.system",
        "db.system.name", "db.namespace", "db.collection.name", "db.operation.name", "messaging.system",
        "messaging.operation.type", "messaging.destination.name", "code.function.name", "code.file.path",
        "code.line.number", "code.namespace", "code.function", "thread.id", "thread.name", "exception.type",
        "exception.message", "exception.stacktrace", "exception.escaped", "otel.status_code", "service.version",
        "openai.api.type", "openai.request.service_tier", "openai.response.service_tier",
        "openai.response.system_fingerprint", "gen_ai.response.status", "gen_ai.token.type",
    }
)  # fmt: skip
"""Attributes of OpenTelemetry's conventions that hold no content; with `capture=none` nothing else of others stays."""

# --- Metrics ------------------------------------------------------------------------------------------------------

SCRAPE_PORTS: Final = (9464, 9465, 9466, 9467, 9468)
"""Ports of the scrape endpoint with the stack, the first free one; prometheus/targets/agents.yml has them."""

LATENCY_BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0)
"""Seconds; model calls run from 50 ms (embeddings, caches) to minutes (reasoning)."""
FIRST_TOKEN_BUCKETS: Final = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 60.0)
"""Seconds; people notice from 0.3 s on."""
STEP_BUCKETS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Seconds; tools, memory and context assembly."""
SCORE_BUCKETS: Final = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 5.0, 10.0, 100.0)
"""Scores; most run from 0 to 1, some from 1 to 5, 10 or 100."""
TASK_BUCKETS: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
"""Seconds; whole tasks."""

MetricKind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """One metric: its exposition name, kind, unit, labels and meaning.

    `closed` lists the label values known beforehand; such series exist at 0 from the start, so that `increase()` sees
    the first event.
    """

    name: str
    kind: MetricKind
    unit: str
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    closed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


_LLM = ("provider", "model", "agent", "project")

LLM_REQUESTS: Final = MetricSpec("llm_requests_total", "counter", "1", "Calls of a model.", (*_LLM, "status"))
LLM_TOKENS: Final = MetricSpec(
    "llm_tokens_total", "counter", "{token}",
    "Tokens by class; `input` includes cache reads and writes, `output` includes reasoning.", (*_LLM, "type"),
)  # fmt: skip
LLM_COST: Final = MetricSpec(
    "llm_cost_dollars_total", "counter", "USD", "Price of the calls; exact sums come from the ledger.", _LLM
)
LLM_COST_FORECAST: Final = MetricSpec(
    "llm_cost_forecast_dollars", "gauge", "USD",
    "What the current month will cost, by the watch: `expected`, and the interval `low` to `high` that 80% end in.",
    ("project", "bound"),
)  # fmt: skip
LLM_COST_FORECAST_ALL: Final = MetricSpec(
    "llm_cost_forecast_all_dollars", "gauge", "USD",
    "What the current month will cost, all projects together; an interval of a sum is not the sum of intervals.",
    ("bound",),
)  # fmt: skip
LLM_BILL_DIFFERENCE: Final = MetricSpec(
    "llm_bill_difference_ratio", "gauge", "1",
    "How far the provider's bill of the settled days of the month lies from the ledger, by the watch; 0.01 is 1%.",
    ("provider",),
)  # fmt: skip
LLM_LATENCY: Final = MetricSpec(
    "llm_latency_seconds", "histogram", "s", "Time from request to complete answer.",
    ("provider", "model", "agent"), LATENCY_BUCKETS,
)  # fmt: skip
LLM_FIRST_TOKEN: Final = MetricSpec(
    "llm_time_to_first_token_seconds", "histogram", "s", "Time to the first content chunk of a streamed answer.",
    ("provider", "model", "agent"), FIRST_TOKEN_BUCKETS,
)  # fmt: skip
LLM_UNPRICED: Final = MetricSpec(
    "llm_unpriced_requests_total", "counter", "1", "Calls whose model has no known price.", ("provider", "model")
)
LLM_BUDGET_EXCEEDED: Final = MetricSpec(
    "llm_budget_exceeded_total", "counter", "1",
    "Calls of models and tools that were over a budget: `refused`, or `warned` and let through.", ("budget", "action"),
)  # fmt: skip
LLM_UNGUARDED: Final = MetricSpec(
    "llm_unguarded_requests_total", "counter", "1",
    "Calls that a budget is about and that it could not be held against: the guard failed, or no price is known.",
    ("reason",), closed={"reason": ("failure", "unpriced")},
)  # fmt: skip
LLM_RATE_LIMIT: Final = MetricSpec(
    "llm_rate_limit_remaining_ratio", "gauge", "1", "Share of the provider's rate limit that is left, 0 to 1.",
    ("provider", "model", "limit"),
)  # fmt: skip
TOOL_INVOCATIONS: Final = MetricSpec(
    "tool_invocations_total", "counter", "1", "Calls of a tool.", ("tool", "agent", "status")
)
TOOL_LATENCY: Final = MetricSpec(
    "tool_latency_seconds", "histogram", "s", "Duration of tool calls.", ("tool", "agent"), STEP_BUCKETS
)
AGENT_SESSIONS: Final = MetricSpec(
    "agent_sessions_total", "counter", "1", "Sessions that ended.", ("agent", "type", "status")
)
AGENT_SESSIONS_ACTIVE: Final = MetricSpec(
    "agent_sessions_active", "gauge", "1", "Sessions that are running now.", ("agent", "type")
)
AGENT_PROGRESS: Final = MetricSpec(
    "agent_last_progress_timestamp_seconds", "gauge", "s", "Unix time at which the agent last finished a step.",
    ("agent",),
)  # fmt: skip
AGENT_TASK_DURATION: Final = MetricSpec(
    "agent_task_duration_seconds", "histogram", "s", "Duration of tasks.", ("agent", "task_type", "status"),
    TASK_BUCKETS,
)  # fmt: skip
AGENT_LOOPS: Final = MetricSpec(
    "agent_loops_detected_total", "counter", "1", "Same tool called with the same arguments too often in a session.",
    ("agent", "tool"),
)  # fmt: skip
AGENT_DECISIONS: Final = MetricSpec(
    "agent_decisions_total", "counter", "1", "Decisions by what was chosen.", ("agent", "type", "selected")
)
AGENT_ANOMALY: Final = MetricSpec(
    "agent_anomaly", "gauge", "1",
    "Score of an open episode of unusual values, 1 and more; 0 once it has closed.", ("agent", "series"),
)  # fmt: skip
AGENT_VERSION_INFO: Final = MetricSpec(
    "agent_version_info", "gauge", "1",
    "1 for each version of an agent that ran here; of an agent whose prompt always changes, the first 20.",
    ("agent", "version"),
)  # fmt: skip
MEMORY_OPERATIONS: Final = MetricSpec(
    "memory_operations_total", "counter", "1", "Operations on agent memory.", ("operation", "store", "status")
)
MEMORY_SECONDS: Final = MetricSpec(
    "memory_operation_seconds", "histogram", "s", "Duration of memory operations.", ("operation", "store"),
    STEP_BUCKETS,
)  # fmt: skip
EMBEDDING_SECONDS: Final = MetricSpec(
    "embedding_seconds", "histogram", "s", "Duration of embeddings calls.", ("provider", "model"), STEP_BUCKETS
)
CONTEXT_TOKENS_USED: Final = MetricSpec(
    "context_tokens_used", "gauge", "{token}", "Tokens by section in the context assembled last.",
    ("agent", "section"),
)  # fmt: skip
CONTEXT_UTILIZATION: Final = MetricSpec(
    "context_window_used_ratio", "gauge", "1", "Share of the context window that the last assembly filled, 0 to 1.",
    ("agent",),
)  # fmt: skip
CONTEXT_SECONDS: Final = MetricSpec(
    "context_assembly_seconds", "histogram", "s", "Duration of context assembly.", ("agent",), STEP_BUCKETS
)
SAFETY_CHECKS: Final = MetricSpec(
    "safety_checks_total", "counter", "1", "Safety checks by result, `pass` or `fail`.", ("check", "result")
)
EVALUATION_SCORE: Final = MetricSpec(
    "agent_evaluation_score", "histogram", "1", "Scores, outcomes and feedback that have a number.",
    ("agent", "name", "source"), SCORE_BUCKETS,
)  # fmt: skip
REDACTIONS: Final = MetricSpec(
    "syndarix_obs_redactions_total", "counter", "1", "Values masked before they could leave the process.", ("type",)
)
TRUNCATIONS: Final = MetricSpec(
    "syndarix_obs_truncations_total", "counter", "1", "Texts that were cut to a size limit.", ("site",),
    closed={"site": ("preview", "payload", "attribute", "destination")},
)  # fmt: skip
LABELS_COLLAPSED: Final = MetricSpec(
    "syndarix_obs_label_values_collapsed_total", "counter", "1",
    "Label values counted as `other`, because the label already had as many as are allowed.", ("metric", "label"),
)  # fmt: skip
INTERNAL_ERRORS: Final = MetricSpec(
    "syndarix_obs_internal_errors_total", "counter", "1", "Failures inside this package, contained.", ("site",)
)
RECORDS_DROPPED: Final = MetricSpec(
    "syndarix_obs_records_dropped_total", "counter", "1", "Records or payloads given up, by reason.", ("reason",),
    closed={"reason": ("queue_full", "payload_queue_full", "spool_full", "payload_spool_full", "rejected",
                       "disk_full", "shutdown", "hung")},
)  # fmt: skip
SPOOL_BYTES: Final = MetricSpec(
    "syndarix_obs_spool_bytes", "gauge", "By", "Bytes waiting on disk for a destination.", ("destination",)
)
EXPORT_FAILURES: Final = MetricSpec(
    "syndarix_obs_export_failures_total", "counter", "1", "Failed attempts to send a batch.", ("destination",),
    closed={"destination": ("tempo", "loki", "embedded", "pushgateway", "zipkin", "otlp_extra", "metrics_http")},
)  # fmt: skip

METRICS: Final = (
    LLM_REQUESTS, LLM_TOKENS, LLM_COST, LLM_COST_FORECAST, LLM_COST_FORECAST_ALL,
    LLM_BILL_DIFFERENCE, LLM_LATENCY, LLM_FIRST_TOKEN, LLM_UNPRICED, LLM_BUDGET_EXCEEDED, LLM_UNGUARDED, LLM_RATE_LIMIT,
    TOOL_INVOCATIONS, TOOL_LATENCY, AGENT_SESSIONS, AGENT_SESSIONS_ACTIVE, AGENT_PROGRESS, AGENT_TASK_DURATION,
    AGENT_LOOPS, AGENT_DECISIONS, AGENT_ANOMALY, AGENT_VERSION_INFO, MEMORY_OPERATIONS, MEMORY_SECONDS,
    EMBEDDING_SECONDS, CONTEXT_TOKENS_USED, CONTEXT_UTILIZATION, CONTEXT_SECONDS, SAFETY_CHECKS, EVALUATION_SCORE,
    REDACTIONS, TRUNCATIONS, LABELS_COLLAPSED, INTERNAL_ERRORS, RECORDS_DROPPED, SPOOL_BYTES, EXPORT_FAILURES,
)  # fmt: skip
"""Every metric of the package; users add their own through `obs.metrics`."""

MCP_REQUESTS: Final = MetricSpec(
    "syndarix_obs_mcp_requests_total", "counter", "1",
    "Calls of an MCP tool by result: `ok`, `wrong` (the question), `failed` (the answer cannot be had).",
    ("tool", "status"),
)  # fmt: skip
MCP_SECONDS: Final = MetricSpec(
    "syndarix_obs_mcp_request_seconds", "histogram", "s", "Duration of calls of an MCP tool.", ("tool",),
    (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)  # fmt: skip
MCP_TOKENS: Final = MetricSpec(
    "syndarix_obs_mcp_answer_tokens", "histogram", "{token}", "Estimated tokens of an MCP tool's answer.", ("tool",),
    (250.0, 500.0, 1_000.0, 2_000.0, 4_000.0, 8_000.0, 16_000.0),
)  # fmt: skip
MCP_CUT: Final = MetricSpec(
    "syndarix_obs_mcp_answers_cut_total", "counter", "1", "Answers of an MCP tool that were cut to the budget.",
    ("tool",),
)  # fmt: skip
MCP_REFUSED: Final = MetricSpec(
    "syndarix_obs_mcp_refused_total", "counter", "1", "HTTP requests that the MCP server refused, by reason.",
    ("reason",), closed={"reason": ("token", "host", "origin", "rate")},
)  # fmt: skip

SERVER_METRICS: Final = (MCP_REQUESTS, MCP_SECONDS, MCP_TOKENS, MCP_CUT, MCP_REFUSED)
"""Every metric of the MCP server; an agent's process has none of them."""

FORBIDDEN_LABELS: Final = frozenset({"session_id", "trace_id", "span_id", "user", "user_id", "record_id"})
"""Names that can never become a metric or Loki label: each has as many values as there are sessions or users."""

"""A provider on a loopback port that speaks the APIs of several vendors, and knows what it has served.

A request that offers tools gets a call of the first one that was not called yet, any other a sentence. A request that
says REFUSE gets an error. Every answer has tokens of its own, so that nothing can be right by chance.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TEXT = "It is sunny in Paris."
CACHED = 200
WITHOUT_CACHES = frozenset({"mistral", "groq", "cohere", "ollama"})
"""Vendors whose instrumentors tell of no cached tokens."""


class Served:
    """One answer that is billed. Tokens as the conventions count them: cache reads are part of the input."""

    def __init__(self, number: int, provider: str, model: str) -> None:
        self.number, self.provider, self.model = number, provider, model
        self.input, self.output = 1000 + number, 100 + number
        self.cached = 0 if provider in WITHOUT_CACHES else CACHED

    @property
    def cost(self) -> float:
        """Dollars, by the price list that the project uses; nothing for a model on one's own machine."""
        if self.provider == "ollama":
            return 0.0
        from genai_prices import Usage, calc_price

        usage = Usage(input_tokens=self.input, output_tokens=self.output, cache_read_tokens=self.cached or None)
        return float(calc_price(usage, model_ref=self.model, provider_id=self.provider).total_price)


class Provider:
    """Serves while it is entered. `url` is its address, `served` what it has answered."""

    def __init__(self) -> None:
        self.served: list[Served] = []
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"provider": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Provider:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, provider: str, model: str) -> Served:
        """Note one more answer."""
        with self._lock:
            self.served.append(Served(len(self.served) + 1, provider, model))
            return self.served[-1]


class _Handler(BaseHTTPRequestHandler):
    provider: Provider
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Nothing is listed."""
        self._json(200, {"data": [], "models": []})

    def do_POST(self) -> None:
        """Answer by the path."""
        body = json.loads(self._body() or b"{}")
        path = self.path.partition("?")[0]
        if "REFUSE" in json.dumps(body):
            self._json(400, {"error": {"message": "refused", "type": "invalid_request_error", "code": 400}})
            return
        for end, answer in _ANSWERS.items():
            if path.endswith(end):
                answer(self, body)
                return
        if "enerateContent" in path:
            _gemini(self, body, path)
            return
        self._json(404, {"error": {"message": f"no such path: {path}", "type": "not_found"}})

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("transfer-encoding", "").lower():
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _json(self, status: int, body: Any) -> None:
        self._raw(status, json.dumps(body).encode(), "application/json")

    def _events(self, events: list[dict[str, Any]], *, named: bool = False, done: bool = False) -> None:
        lines = [(f"event: {each['type']}\n" if named else "") + f"data: {json.dumps(each)}\n\n" for each in events]
        self._raw(200, "".join([*lines, "data: [DONE]\n\n" if done else ""]).encode(), "text/event-stream")

    def _raw(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _wanted(names: Iterator[str], conversation: Any) -> str | None:
    """The first tool that was not called in the conversation; system prompts may name tools too."""
    turns = [
        each for each in conversation if not isinstance(each, dict) or each.get("role") not in ("system", "developer")
    ]
    said = json.dumps(turns).replace("'", '"').replace('\\"', '"')
    return next((name for name in names if f'"name": "{name}"' not in said), None)


def _arguments(schema: Any) -> dict[str, Any]:
    needed = (schema or {}).get("required") or []
    return dict.fromkeys(needed, "Paris")


def _chat(handler: _Handler, body: dict[str, Any]) -> None:
    vendor = "groq" if handler.path.startswith("/openai/") else "mistral" if "mistral" in body["model"] else "openai"
    served = handler.provider.take(vendor, body["model"])
    tools = {each["function"]["name"]: each["function"].get("parameters") for each in body.get("tools") or ()}
    name = _wanted(iter(tools), body["messages"])
    usage = {
        "prompt_tokens": served.input, "completion_tokens": served.output,
        "total_tokens": served.input + served.output,
    }  # fmt: skip
    if vendor == "openai":
        usage |= {"prompt_tokens_details": {"cached_tokens": served.cached},
                  "completion_tokens_details": {"reasoning_tokens": 0}}  # fmt: skip
    message: dict[str, Any] = {"role": "assistant", "content": None if name else TEXT}
    if name:
        function = {"name": name, "arguments": json.dumps(_arguments(tools[name]))}
        message["tool_calls"] = [{"index": 0, "id": f"call_{served.number}", "type": "function", "function": function}]
    about = {"id": f"chatcmpl-{served.number}", "created": 1, "model": body["model"]}
    if vendor == "openai":
        about["service_tier"] = "default"
    reason = "tool_calls" if name else "stop"
    if not body.get("stream"):
        choice = {"index": 0, "finish_reason": reason, "message": message}
        handler._json(200, {**about, "object": "chat.completion", "choices": [choice], "usage": usage})
        return
    chunk = {**about, "object": "chat.completion.chunk", "usage": None}
    events = [
        {**chunk, "choices": [{"index": 0, "delta": message, "finish_reason": None}]},
        {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]},
    ]
    if (body.get("stream_options") or {}).get("include_usage"):
        events.append({**chunk, "choices": [], "usage": usage})
    handler._events(events, done=True)


def _responses(handler: _Handler, body: dict[str, Any]) -> None:
    served = handler.provider.take("openai", body["model"])
    tools = {each["name"]: each.get("parameters") for each in body.get("tools") or () if each.get("name")}
    # A conversation that the provider keeps is not sent again.
    name = None if body.get("previous_response_id") else _wanted(iter(tools), body["input"])
    item: dict[str, Any] = {
        "type": "message", "id": f"m{served.number}", "status": "completed", "role": "assistant",
        "content": [{"type": "output_text", "text": TEXT, "annotations": []}],
    }  # fmt: skip
    if name:
        item = {"type": "function_call", "id": f"fc{served.number}", "call_id": f"call_{served.number}", "name": name,
                "status": "completed", "arguments": json.dumps(_arguments(tools[name]))}  # fmt: skip
    answer = {
        "id": f"resp_{served.number}", "object": "response", "created_at": 1, "model": body["model"], "output": [item],
        "status": "completed", "parallel_tool_calls": True, "tool_choice": "auto", "tools": body.get("tools") or [],
        "usage": {"input_tokens": served.input, "input_tokens_details": {"cached_tokens": served.cached},
                  "output_tokens": served.output, "output_tokens_details": {"reasoning_tokens": 0},
                  "total_tokens": served.input + served.output},
    }  # fmt: skip
    if not body.get("stream"):
        handler._json(200, answer)
        return
    handler._events(
        [
            {"type": "response.created", "sequence_number": 0, "response": {**answer, "usage": None, "output": []}},
            {"type": "response.output_item.added", "sequence_number": 1, "output_index": 0, "item": item},
            {"type": "response.output_item.done", "sequence_number": 2, "output_index": 0, "item": item},
            {"type": "response.completed", "sequence_number": 3, "response": answer},
        ],
        named=True,
    )


def _messages(handler: _Handler, body: dict[str, Any]) -> None:
    served = handler.provider.take("anthropic", body["model"])
    tools = {each["name"]: each.get("input_schema") for each in body.get("tools") or () if each.get("name")}
    name = _wanted(iter(tools), body["messages"])
    usage = {"input_tokens": served.input - served.cached, "cache_read_input_tokens": served.cached,
             "cache_creation_input_tokens": 0, "output_tokens": served.output}  # fmt: skip
    block: dict[str, Any] = {"type": "text", "text": TEXT}
    if name:
        block = {"type": "tool_use", "id": f"toolu_{served.number}", "name": name, "input": _arguments(tools[name])}
    answer = {"id": f"msg_{served.number}", "type": "message", "role": "assistant", "model": body["model"],
              "content": [block], "stop_reason": "tool_use" if name else "end_turn", "stop_sequence": None,
              "usage": usage}  # fmt: skip
    if not body.get("stream"):
        handler._json(200, answer)
        return
    text = {"type": "text_delta", "text": TEXT}
    part = {"type": "input_json_delta", "partial_json": json.dumps(block.get("input"))}
    empty = {"type": "text", "text": ""} if not name else {**block, "input": {}}
    handler._events(
        [
            {
                "type": "message_start",
                "message": {**answer, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}},
            },
            {"type": "content_block_start", "index": 0, "content_block": empty},
            {"type": "content_block_delta", "index": 0, "delta": part if name else text},
            {"type": "content_block_stop", "index": 0},
            {
                "type": "message_delta",
                "delta": {"stop_reason": answer["stop_reason"], "stop_sequence": None},
                "usage": usage,
            },
            {"type": "message_stop"},
        ],
        named=True,
    )


def _gemini(handler: _Handler, body: dict[str, Any], path: str) -> None:
    model = path.rpartition("/")[2].partition(":")[0]
    served = handler.provider.take("google", model)
    offered = [each for tool in body.get("tools") or () for each in tool.get("functionDeclarations") or ()]
    name = _wanted((each["name"] for each in offered), body["contents"])
    part: dict[str, Any] = {"functionCall": {"name": name, "args": {"city": "Paris"}}} if name else {"text": TEXT}
    answer = {
        "candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}],
        "modelVersion": model, "responseId": f"g{served.number}",
        "usageMetadata": {"promptTokenCount": served.input, "candidatesTokenCount": served.output,
                          "cachedContentTokenCount": served.cached, "totalTokenCount": served.input + served.output},
    }  # fmt: skip
    if "streamGenerateContent" in path:
        handler._events([answer])
    else:
        handler._json(200, answer)


def _converse(handler: _Handler, body: dict[str, Any]) -> None:
    model = handler.path.split("/model/")[1].partition("/")[0].replace("%3A", ":")
    served = handler.provider.take("aws", model)
    usage = {"inputTokens": served.input - served.cached, "outputTokens": served.output,
             "totalTokens": served.input + served.output, "cacheReadInputTokens": served.cached}  # fmt: skip
    message = {"role": "assistant", "content": [{"text": TEXT}]}
    handler._json(
        200, {"output": {"message": message}, "stopReason": "end_turn", "usage": usage, "metrics": {"latencyMs": 1}}
    )


def _cohere(handler: _Handler, body: dict[str, Any]) -> None:
    served = handler.provider.take("cohere", body["model"])
    told = {"input_tokens": served.input, "output_tokens": served.output}
    handler._json(
        200, {
            "id": f"co-{served.number}", "finish_reason": "COMPLETE",
            "message": {"role": "assistant", "content": [{"type": "text", "text": TEXT}]},
            "usage": {"billed_units": told, "tokens": told},
        }
    )  # fmt: skip


def _ollama(handler: _Handler, body: dict[str, Any]) -> None:
    served = handler.provider.take("ollama", body["model"])
    handler._json(
        200, {
            "model": body["model"], "created_at": "2026-01-01T00:00:00Z", "done": True, "done_reason": "stop",
            "message": {"role": "assistant", "content": TEXT}, "total_duration": 1, "load_duration": 1,
            "prompt_eval_count": served.input, "prompt_eval_duration": 1, "eval_count": served.output,
            "eval_duration": 1,
        }
    )  # fmt: skip


_ANSWERS = {
    "/v2/chat": _cohere, "/api/chat": _ollama, "/chat/completions": _chat, "/responses": _responses,
    "/messages": _messages, "/converse": _converse,
}  # fmt: skip

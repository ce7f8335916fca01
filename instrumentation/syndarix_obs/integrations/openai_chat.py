"""OpenAI's chat completions, plain completions and embeddings, as many other providers speak them too."""

from __future__ import annotations

from typing import Any

from syndarix_obs import vocabulary as v
from syndarix_obs.integrations.endpoints import Endpoint, read_answer, without
from syndarix_obs.records.finished import FinishedSpan

_DELTA_TEXTS = ("content", "reasoning_content", "reasoning", "refusal")
"""Texts of a delta; the reasoning ones are extensions of compatible providers."""


def _is_content(chunk: Any) -> bool:
    """A delta with text or a tool call; the first chunk of a stream has only the role."""
    choices = chunk.choices
    if not choices:
        return False
    delta = choices[0].delta
    if delta is None:
        return False
    return bool(
        delta.content
        or delta.tool_calls
        or delta.refusal
        or delta.function_call
        or getattr(delta, "reasoning_content", None)
        or getattr(delta, "reasoning", None)
        or getattr(delta, "audio", None)
    )


def _is_usage_only(chunk: Any) -> bool:
    return not chunk.choices and chunk.usage is not None


def _compact(chunk: Any) -> Any:
    """The text of a chunk that has nothing but a piece of the one answer's text."""
    choices = chunk.choices
    if len(choices) != 1 or chunk.usage is not None:
        return chunk
    choice = choices[0]
    delta = choice.delta
    plain = not (
        choice.finish_reason or choice.index or delta.tool_calls or delta.model_extra or choice.model_extra
    )
    return delta.content if plain and type(delta.content) is str else chunk


class _Choice:
    """One choice of a streamed answer, put together again."""

    def __init__(self) -> None:
        self.texts: dict[str, list[str]] = {}
        self.tools: list[dict[str, Any]] = []
        self._order: list[int] = []
        self._last_at: dict[int, dict[str, Any]] = {}
        self.function: dict[str, str] = {}
        self.role = "assistant"
        self.finish_reason: str | None = None

    def add(self, choice: Any) -> None:
        """Add what one chunk says about this choice."""
        self.finish_reason = choice.finish_reason or self.finish_reason
        delta = choice.delta
        if delta is None:
            return
        self.role = delta.role or self.role
        for name in _DELTA_TEXTS:
            text = getattr(delta, name, None)
            if isinstance(text, str) and text:
                self.texts.setdefault(name, []).append(text)
        for call in delta.tool_calls or ():
            self._add_tool(call)
        if delta.function_call is not None:
            _join(self.function, delta.function_call)

    def add_text(self, text: str) -> None:
        """Add a piece of text."""
        self.texts.setdefault("content", []).append(text)

    def _add_tool(self, call: Any) -> None:
        tool = self._tool_of(call)
        tool["id"] = call.id or tool["id"]
        tool["type"] = call.type or tool["type"]
        if call.function is not None:
            _join(tool["function"], call.function)

    def _tool_of(self, call: Any) -> dict[str, Any]:
        """The call that a piece belongs to. Some providers give every call index 0: another id is another call."""
        index = call.index if call.index is not None else -1
        tool = self._last_at.get(index)
        if index == -1 and tool is not None and not call.id:
            return tool
        if tool is None or index == -1 or (call.id and tool["id"] and call.id != tool["id"]):
            known = next((each for each in self.tools if call.id and each["id"] == call.id), None)
            tool = known or {"id": None, "type": "function", "function": {}}
            if known is None:
                self.tools.append(tool)
                self._order.append(index if index >= 0 else len(self.tools))
        self._last_at[index] = tool
        return tool

    def whole(self) -> dict[str, Any]:
        """The choice as it would have come in one piece."""
        message: dict[str, Any] = {"role": self.role}
        message.update((name, "".join(texts)) for name, texts in self.texts.items())
        if self.tools:
            by_index = sorted(zip(self._order, self.tools, strict=True), key=lambda pair: pair[0])
            message["tool_calls"] = [tool for _, tool in by_index]
        if self.function:
            message["function_call"] = self.function
        return {"message": message, "finish_reason": self.finish_reason}


def _join(function: dict[str, str], delta: Any) -> None:
    if delta.name:
        function["name"] = function.get("name", "") + delta.name
    if delta.arguments:
        function["arguments"] = function.get("arguments", "") + delta.arguments


def _start(chunks: list[Any]) -> dict[str, Any]:
    """What every chunk repeats; some providers send it empty at first."""
    body: dict[str, Any] = {}
    for chunk in chunks:
        if type(chunk) is str:
            continue
        for name in ("id", "model", "service_tier", "created", "system_fingerprint"):
            value = getattr(chunk, name, None)
            if value:
                body[name] = value
        usage = getattr(chunk, "usage", None) or getattr(getattr(chunk, "x_groq", None), "usage", None)
        if usage is None:
            usage = _usage_of_choice(chunk)
        if usage is not None:
            body["usage"] = usage
    return body


def _usage_of_choice(chunk: Any) -> Any:
    """Some providers put the usage into the last choice of a stream."""
    found = (getattr(choice, "usage", None) for choice in getattr(chunk, "choices", None) or ())
    return next((usage for usage in found if usage), None)


def _whole_chat(chunks: list[Any]) -> dict[str, Any]:
    choices: dict[int, _Choice] = {}
    for chunk in chunks:
        if type(chunk) is str:
            choices.setdefault(0, _Choice()).add_text(chunk)
            continue
        for choice in chunk.choices or ():
            choices.setdefault(choice.index or 0, _Choice()).add(choice)
    return {**_start(chunks), "choices": [choices[index].whole() for index in sorted(choices)]}


def _read_chat(body: dict[str, Any], span: FinishedSpan) -> None:
    choices = body.get("choices") or []
    messages = [_message(choice.get("message")) for choice in choices if choice.get("message")]
    read_answer(
        span,
        body,
        output=messages,
        finish_reasons=[choice["finish_reason"] for choice in choices if choice.get("finish_reason")],
        service_tier=body.get("service_tier"),
        rest={**without(body, "choices", "usage"), "choices": [without(choice, "message") for choice in choices]},
    )


def _message(message: dict[str, Any]) -> dict[str, Any]:
    """Without the parsed form of a structured answer, which repeats its text."""
    message.pop("parsed", None)
    return message


def _has_text(chunk: Any) -> bool:
    return bool(chunk.choices and chunk.choices[0].text)


def _whole_completion(chunks: list[Any]) -> dict[str, Any]:
    texts: dict[int, list[str]] = {}
    reasons: dict[int, str] = {}
    for chunk in chunks:
        for choice in chunk.choices or ():
            texts.setdefault(choice.index or 0, []).append(choice.text or "")
            if choice.finish_reason:
                reasons[choice.index or 0] = choice.finish_reason
    choices = [{"text": "".join(texts[i]), "finish_reason": reasons.get(i)} for i in sorted(texts)]
    return {**_start(chunks), "choices": choices}


def _read_completion(body: dict[str, Any], span: FinishedSpan) -> None:
    choices = body.get("choices") or []
    read_answer(
        span,
        body,
        output=[{"role": "assistant", "content": choice.get("text", "")} for choice in choices],
        finish_reasons=[choice["finish_reason"] for choice in choices if choice.get("finish_reason")],
        service_tier=body.get("service_tier"),
        rest={**without(body, "choices", "usage"), "choices": [without(choice, "text") for choice in choices]},
    )


def _keep_embeddings(response: Any) -> Any:
    """Not the vectors: they are large, say nothing to a person, and can be turned back into the text."""
    if not hasattr(response, "usage"):
        return None
    data = response.data
    first = data[0].embedding if data else ()
    size = len(first) * 3 // 16 if type(first) is str else len(first)  # base64 of four bytes a number
    vectors = {"count": len(data), "dimensions": size}
    return {"model": response.model, "usage": response.usage, "vectors": vectors}


def _read_embeddings(body: dict[str, Any], span: FinishedSpan) -> None:
    read_answer(span, body, output=None, finish_reasons=[], service_tier=None, rest={"vectors": body.get("vectors")})


CHAT = Endpoint(
    operation=v.OPERATION_CHAT,
    name="chat.completions",
    payload=(("input", "messages"), ("tools", "functions"), ("tools", "tools")),
    read=_read_chat,
    is_content=_is_content,
    is_usage_only=_is_usage_only,
    compact=_compact,
    whole=_whole_chat,
)
"""`POST /chat/completions`."""
COMPLETION = Endpoint(
    operation=v.OPERATION_TEXT_COMPLETION,
    name="completions",
    payload=(("input", "prompt"),),
    read=_read_completion,
    is_content=_has_text,
    is_usage_only=_is_usage_only,
    whole=_whole_completion,
)
"""`POST /completions`."""
EMBEDDINGS = Endpoint(
    operation=v.OPERATION_EMBEDDINGS,
    name="embeddings",
    payload=(("input", "input"),),
    read=_read_embeddings,
    keep=_keep_embeddings,
)
"""`POST /embeddings`."""

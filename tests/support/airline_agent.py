"""A small tool-calling agent, and a provider that says what it is told: to record sessions and to play them again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import openai
from openai.types.chat import ChatCompletion

from syndarix_obs import ObservabilityPlatform

Message = dict[str, Any]


@dataclass
class Script:
    """One recorded conversation, cut into what each side says.

    `mutate` may change what the agent sends or does: (what, position, value) → value, where `what` is `prompt`,
    `argument`, `result`, `call` (false leaves the call out) or `order` (of the calls in one answer).
    """

    session_id: str
    outcome: str
    messages: list[Message]
    canary: list[str] = field(default_factory=list)
    mutate: Callable[[str, int, Any], Any] = lambda _what, _at, value: value

    def results(self) -> dict[str, Any]:
        """Results of tools by the id of their call."""
        return {m["tool_call_id"]: m["content"] for m in self.messages if m["role"] == "tool"}

    def said(self, role: str) -> Iterator[Message]:
        """Messages of one side."""
        return (message for message in self.messages if message["role"] == role)


def scripted_client(answers: Iterator[Message], asked: list[Any] | None = None) -> openai.OpenAI:
    """A real client whose provider gives these answers, in order, and "Done." when it has no more."""

    def answer(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        if asked is not None:
            asked.append(body)
        message = next(answers, {"role": "assistant", "content": "Done."})
        reason = "tool_calls" if message.get("tool_calls") else "stop"
        return httpx.Response(200, json={
            "id": f"chatcmpl-{id(request)}", "object": "chat.completion", "created": 1, "model": body["model"],
            "choices": [{"index": 0, "finish_reason": reason, "message": message}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
        })  # fmt: skip

    transport = httpx.MockTransport(answer)
    return openai.OpenAI(api_key="k", max_retries=0, http_client=httpx.Client(transport=transport))


def tools_of(scripts: list[Script]) -> list[Message]:
    """Definitions of all tools that are called anywhere."""
    names = {c["function"]["name"] for s in scripts for m in s.messages for c in m.get("tool_calls") or ()}
    return [
        {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}
        for name in sorted(names)
    ]


def run_agent(obs: ObservabilityPlatform, client: openai.OpenAI, tools: list[Message], script: Script) -> str:
    """The agent: asks the model, runs the tools it wants, hears the user, until nobody says anything."""
    users, results = script.said("user"), script.results()
    with obs.session("airline", agent_type="assistant", session_id=script.session_id) as session:
        history: list[Message] = [m for m in script.messages[:1] if m["role"] == "system"]
        prompts, calls, last = 0, 0, ""
        _hear(history, users, script, prompts)
        while True:
            body = {"model": "gpt-4o", "messages": history, "tools": tools}
            answer = client.post("/chat/completions", body=body, cast_to=ChatCompletion)
            message = answer.choices[0].message
            history.append(message.model_dump(exclude_none=True))
            last = message.content or last
            for call in script.mutate("order", prompts, list(message.tool_calls or ())):
                calls += 1
                history.append(_use(obs, call, results, script, calls))
            if not message.tool_calls:
                prompts += 1
                if not _hear(history, users, script, prompts):
                    session.outcome(script.outcome)
                    return last


def _hear(history: list[Message], users: Iterator[Message], script: Script, at: int) -> bool:
    said = next(users, None)
    if said is None:
        return False
    history.append({"role": "user", "content": script.mutate("prompt", at, said["content"])})
    return True


def _use(obs: ObservabilityPlatform, call: Any, results: dict[str, Any], script: Script, at: int) -> Message:
    """Run a tool. Its body counts itself: in a replay nobody may get there."""
    name = call.function.name

    @obs.tool_call(name)
    def tool(arguments: Any) -> Any:
        script.canary.append(name)
        return results.get(call.id, "unknown")

    arguments = script.mutate("argument", at, json.loads(call.function.arguments))
    wanted = script.mutate("call", at, True)
    content = tool(arguments) if wanted else "left out"
    return {"role": "tool", "tool_call_id": call.id, "content": script.mutate("result", at, content)}

"""What the desk's agents share: the platform, the models, the tools, and how each is called."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from syndarix_obs import ObservabilityPlatform
from syndarix_obs_demo import tools
from syndarix_obs_demo.cases import Case
from syndarix_obs_demo.clients import Clients
from syndarix_obs_demo.clock import DemoClock
from syndarix_obs_demo.provider.model import Model, Reply
from syndarix_obs_demo.scenario import Release

log = logging.getLogger("support_desk")
log.addHandler(logging.NullHandler())  # its lines belong into the store, not onto the terminal of a replay


@dataclass(frozen=True, slots=True)
class Desk:
    """Handed to every agent. What a model answers is scripted by the agent that asks: `reply`."""

    obs: ObservabilityPlatform
    clock: DemoClock
    model: Model
    clients: Clients
    release: Release = field(default_factory=Release)

    def ask_openai(self, model: str, messages: list[Any], reply: Reply, **options: Any) -> Any:
        """One chat completion through the `openai` client, which `auto_instrument` watches."""
        self.model.will_say(reply)
        return self.clients.openai.chat.completions.create(model=model, messages=messages, **options)

    def stream_openai(self, model: str, messages: list[Any], reply: Reply, *, with_usage: bool) -> str:
        """One streamed chat completion; without usage its tokens can only be estimated."""
        options: dict[str, Any] = {"stream_options": {"include_usage": True}} if with_usage else {}
        text = ""
        for chunk in self.ask_openai(model, messages, reply, stream=True, **options):
            if chunk.choices and (words := chunk.choices[0].delta.content):
                self.model.first_words_read.set()
                text += words
        return text

    def ask_claude(self, model: str, system: Any, messages: list[Any], reply: Reply) -> Any:
        """One message through the `anthropic` client."""
        self.model.will_say(self.release.reply(reply))
        offered: Any = tools.anthropic_tools()
        return self.clients.anthropic.messages.create(
            model=model, max_tokens=1024, system=system, messages=messages, tools=offered
        )

    def stream_claude(self, model: str, system: Any, messages: list[Any], reply: Reply) -> str:
        """One streamed message; returns its text."""
        self.model.will_say(self.release.reply(reply))
        with self.clients.anthropic.messages.stream(
            model=model, max_tokens=1024, system=system, messages=messages
        ) as stream:
            return "".join(self._read(stream.text_stream))

    def _read(self, words: Iterable[str]) -> Iterator[str]:
        for word in words:
            self.model.first_words_read.set()
            yield word

    def ask_gateway(self, provider: str, model: str, prompt: str, reply: Reply) -> str:
        """One call that no instrumentor knows, recorded through our own API."""
        self.model.will_say(reply)
        with self.obs.llm(provider=provider, model=model, messages=[{"role": "user", "content": prompt}]) as call:
            answer = self.clients.http.post(
                f"{self.clients.url}/gateway/generate", json={"model": model, "prompt": prompt}
            ).json()
            call.response(answer["text"], usage=answer["usage"], finish_reason="stop")
        return str(answer["text"])

    def embed(self, text: str) -> list[float]:
        """One embeddings call through the `openai` client."""
        found = self.clients.openai.embeddings.create(
            model="text-embedding-3-small", input=text, encoding_format="float"
        )
        return found.data[0].embedding

    def use_tool(self, name: str, arguments: dict[str, Any], case: Case, *, fails: bool = False) -> dict[str, Any]:
        """Run one tool.

        Raises:
            CarrierTimeout: the case says that the tool fails.
        """

        def run(**given: Any) -> dict[str, Any]:
            self.clock.skip(tools.SECONDS[name])
            if fails:
                self.clock.skip(5.0)
                log.warning("%s got no answer for %s within 5 s", name, case.order)
                raise tools.CarrierTimeout(f"no answer from the service behind {name} within 5 s")
            return tools.call(name, given, case)

        result: dict[str, Any] = self.obs.call_tool(name, run, arguments)
        return result

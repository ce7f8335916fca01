"""A program for a fresh interpreter: starts a platform, records one of everything, and prints which modules any thread
but its own imported since, as JSON, with the name of the thread.

Arguments: settings as JSON; then `clients` to watch the clients too, `loki_handler` to log through that.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import urllib.request
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any

settings = json.loads(sys.argv[1])
main_thread = threading.current_thread()
late: dict[str, str] = {}


class Watch(MetaPathFinder):
    """Sees every import of a module that is not loaded yet, and finds none."""

    def find_spec(self, name: str, _path: Any = None, _target: Any = None) -> None:
        if threading.current_thread() is not main_thread:
            late[name] = threading.current_thread().name


sys.meta_path.insert(0, Watch())

from syndarix_obs import ObservabilityPlatform, Settings  # noqa: E402 - the watch comes first


class Home:
    """A value that needs the careful way to JSON."""


def record(obs: ObservabilityPlatform) -> None:
    """One of every kind of record, good and failed."""
    with obs.session("support", user="eve@example.com"), obs.task("refund"):
        with obs.context_assembly(limit=100) as context:
            context.add("system", tokens=31)
        with obs.memory("search", store="orders", query="q") as memory:
            memory.found(3)
        for model in ("claude-sonnet-4-5", "gpt-4o-mini", "no-such-model", "gpt-4o-audio-preview", "deepseek-chat"):
            with obs.llm(provider="openai", model=model, messages=[{"role": "user", "content": "x" * 3000}]) as call:
                call.response(messages=[{"role": "assistant", "content": "card 4111 1111 1111 1111"}],
                              usage={"input_tokens": 3, "output_tokens": 4}, finish_reason="stop")  # fmt: skip
        with obs.llm(provider="openai", model="gpt-4o-mini", messages=[{"role": "user", "content": "q"}]) as call:
            call.response(messages=[{"role": "assistant", "content": "no usage: estimated"}])
        with obs.embeddings(provider="openai", model="text-embedding-3-small", inputs=["a"]):
            pass
        obs.decision("tool", options=["a"], selected="a", confidence=0.5)
        obs.safety_check("pii", passed=False, detail={"when": Path("/"), "what": Home()})
        for number in range(12):
            with obs.tool("search", arguments={"n": 1, "home": Home(), "odd": {1: float("nan")}}) as tool:
                tool.result(b"bytes" * number)
        try:
            with obs.tool("broken", arguments={}):
                json.loads("{")
        except ValueError:
            pass
        obs.annotate("a note")
        logging.getLogger("app").warning("a line", exc_info=ZeroDivisionError("0"))
        with obs.tracer_provider.get_tracer("theirs").start_as_current_span("step") as span:
            span.add_event("happened", {"a": 1})
            span.set_attribute("gen_ai.prompt.0.content", "hi")
    obs.metrics.counter("orders_total", "Orders.").inc()


obs = ObservabilityPlatform(Settings(set_global=False, **settings))
obs.capture_logs()
if "loki_handler" in sys.argv:
    from syndarix_obs.destinations.loki_handler import SyndarixLokiHandler

    handler = SyndarixLokiHandler(settings["loki_url"] + "/loki/api/v1/push", Path(settings["home"]) / "lines")
    logging.getLogger().addHandler(handler)
if "clients" in sys.argv:
    obs.auto_instrument()
late.clear()
record(obs)
if "clients" in sys.argv:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integrations"))
    from fake_provider import CHUNKS, MESSAGE, anthropic_client, ask, ask_claude, chat_body, openai_client, sse

    with obs.session("clients"):
        ask(openai_client(chat_body()))
        ask_claude(anthropic_client(MESSAGE))
        list(ask(openai_client(sse(CHUNKS)), stream=True))
obs.flush(20)
port = settings.get("metrics_port")
if port:
    for accept in ("text/plain", "application/openmetrics-text"):
        request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers={"Accept": accept})
        urllib.request.urlopen(request).read()
record(obs)
obs.shutdown(20)
sys.stdout.write(json.dumps({name: thread for name, thread in sorted(late.items()) if name in sys.modules}))
sys.stdout.flush()
os._exit(0)

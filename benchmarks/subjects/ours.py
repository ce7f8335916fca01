"""This project: our own API around the call, or `auto_instrument()`, into the stack (the sink) or into SQLite."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any


def platform(sink: str, backend: str) -> Any:
    """A platform whose every destination is the sink, or one SQLite file in a temporary folder."""
    from syndarix_obs import ObservabilityPlatform, Settings

    home = Path(tempfile.mkdtemp(prefix="syndarix-bench-"))
    return ObservabilityPlatform(Settings(backend=backend, home=home, otlp_endpoint=sink, loki_url=sink))


def start(sink: str, backend: str) -> tuple[Callable[[Callable[[], Any], str], Any], Callable[[], Any]]:
    """A wrapper that records a call through our own API, and a function that flushes."""
    obs = platform(sink, backend)
    return wrapper(obs), lambda: obs.flush(30)


def wrapper(obs: Any) -> Callable[[Callable[[], Any], str], Any]:
    """Records a call through our own API."""

    def around(call: Callable[[], Any], prompt: str) -> Any:
        messages = [{"role": "user", "content": prompt}]
        with obs.llm(provider="openai", model="gpt-4o-mini", messages=messages) as recorded:
            result = call()
            recorded.response(
                [{"role": "assistant", "content": prompt[:400]}],
                usage={"input_tokens": 400, "output_tokens": 80},
                finish_reason="stop",
                model="gpt-4o-mini-2024-07-18",
                response_id="chatcmpl-bench",
            )
            return result

    return around


def auto(sink: str, backend: str) -> Callable[[], Any]:
    """Everything instrumented; a function that flushes."""
    obs = platform(sink, backend)
    obs.auto_instrument()
    return lambda: obs.flush(30)

"""Loops: the same tool called with the same arguments again and again in one session."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from syndarix_obs import vocabulary as v
from syndarix_obs.foreign import Abandoned, run
from syndarix_obs.records.finished import FinishedSpan

_MAX_SESSIONS = 10_000


class LoopStep:
    """Counts equal tool calls per session; the N-th marks the span and tells `on_loop(session_id, tool, count)`.

    Args:
        threshold: calls that make a loop; every further multiple counts again.
        on_loop: told about each loop, to put an event on the running session.
    """

    def __init__(self, threshold: int, on_loop: Callable[[str, str, int], None]) -> None:
        self._threshold = threshold
        self._on_loop = on_loop
        self._sessions: OrderedDict[str, dict[bytes, int]] = OrderedDict()

    def __call__(self, span: FinishedSpan) -> None:
        """Look at one finished span."""
        attributes = span.attributes
        session = attributes.get(v.SESSION_ID)
        if not isinstance(session, str):
            return
        if attributes.get(v.GEN_AI_OPERATION_NAME) == v.OPERATION_EXECUTE_TOOL:
            self._tool_call(span, session)
        elif attributes.get(v.KIND) == v.KIND_SESSION:
            self._sessions.pop(session, None)

    def _tool_call(self, span: FinishedSpan, session: str) -> None:
        tool = str(span.attributes.get(v.GEN_AI_TOOL_NAME))
        calls = self._calls_of(session)
        key = _key(tool, span.payload.get("arguments"))
        count = calls[key] = calls.get(key, 0) + 1
        if count % self._threshold == 0:
            span.attributes[v.LOOP_COUNT] = count
            self._on_loop(session, tool, count)

    def _calls_of(self, session: str) -> dict[bytes, int]:
        calls = self._sessions.get(session)
        if calls is None:
            calls = self._sessions[session] = {}
            if len(self._sessions) > _MAX_SESSIONS:  # sessions of other processes never end here
                self._sessions.popitem(last=False)
        return calls


def _key(tool: str, arguments: Any) -> bytes:
    if isinstance(arguments, str):
        arguments = _decoded(arguments)
    try:
        text = json.dumps(arguments, sort_keys=True, default=lambda value: run(repr, value))
    except Abandoned:
        raise
    except BaseException:  # noqa: BLE001 - the caller's object may raise anything
        text = f"{type(arguments).__name__}:{id(arguments)}"
    return hashlib.blake2b(f"{tool}\0{text}".encode("utf-8", "replace"), digest_size=16).digest()


def _decoded(text: str) -> Any:
    """Arguments that came as JSON text are equal when the values are."""
    try:
        return json.loads(text)
    except ValueError:
        return text

"""Spans of somebody who was erased lose their person before they become records; counts and costs go on."""

from __future__ import annotations

from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.spans.correlation import NOTHING
from syndarix_obs.store.tombstones import Tombstones

_KEPT_TEXTS: Final = frozenset({
    v.GEN_AI_OPERATION_NAME, v.GEN_AI_PROVIDER_NAME, v.GEN_AI_REQUEST_MODEL, v.GEN_AI_RESPONSE_MODEL,
    v.GEN_AI_AGENT_NAME, v.GEN_AI_TOOL_NAME, v.ERROR_TYPE, v.PROJECT, v.TASK_TYPE, v.AGENT_VERSION, v.AGENT_TYPE,
    v.KIND, v.COST_USD, v.DECISION_TYPE, v.SAFETY_CHECK, v.SERVICE_TIER, v.GEN_AI_MEMORY_STORE,
})  # fmt: skip

_OURS: Final = ("gen_ai.", "syndarix.")


class ErasedStep:
    """The last step: looks whether the span's user has a tombstone.

    Args:
        tombstones: of the platform's home folder.
    """

    def __init__(self, tombstones: Tombstones) -> None:
        self._tombstones = tombstones

    def __call__(self, span: FinishedSpan) -> None:
        """Remove the person; a look at one file's size for everybody else, none for spans of nobody's session."""
        attributes = span.attributes
        if self._tombstones.concern(attributes.get(v.USER_ID), attributes.get(v.SESSION_ID)):
            remove_person(span)


def remove_person(span: FinishedSpan) -> None:
    """Take the person out of a span; its event and its cost stay."""
    had_session = v.SESSION_ID in span.attributes
    span.attributes = {key: value for key, value in span.attributes.items() if _is_kept(key, value)}
    if had_session:
        span.attributes[v.SESSION_ID] = span.trace_id
    span.name = str(span.attributes.get(v.GEN_AI_OPERATION_NAME, "erased"))
    span.status_message = None
    span.payload, span.payload_json, span.checked, span.events = {}, None, (), []
    span.correlation = NOTHING


def _is_kept(key: str, value: Any) -> bool:
    # A program's own numbers may be somebody's telephone.
    return key in _KEPT_TEXTS or (key.startswith(_OURS) and isinstance(value, (bool, int, float)))

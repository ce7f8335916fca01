"""TraceQL over our spans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from syndarix_obs import vocabulary as v
from syndarix_obs_read.queries.quoting import quoted

NEWEST_FIRST: Final = "with (most_recent=true)"
"""Hint without which Tempo stops at any traces that fit, not at the newest."""

PLAIN: Final = (
    f"(span.{v.KIND} = nil || span.{v.KIND} = {quoted(v.KIND_SPAN)})"
    f" && (span.{v.GEN_AI_OPERATION_NAME} = nil || span.{v.GEN_AI_OPERATION_NAME} !~ {quoted('chat|text_completion')})"
)

"""TraceQL over our spans: attributes from the vocabulary, values quoted."""

from __future__ import annotations

from typing import Final

from syndarix_obs import vocabulary as v
from syndarix_obs_read.backends.filters import LARGEST_NS, Filter
from syndarix_obs_read.backends.stack.queries.quoting import any_of, quoted

NEWEST_FIRST: Final = "with (most_recent=true)"
"""Hint without which Tempo stops at any traces that fit, not at the newest."""

_OPERATIONS: Final = (
    *sorted(v.LLM_OPERATIONS), v.OPERATION_EXECUTE_TOOL, v.OPERATION_INVOKE_AGENT, v.OPERATION_RETRIEVAL,
)  # fmt: skip
_OURS: Final = f"{any_of(_OPERATIONS)}|.*{v.MEMORY_OPERATION_SUFFIX}"
_OPERATION: Final = f"span.{v.GEN_AI_OPERATION_NAME}"

PLAIN: Final = (
    f"(span.{v.KIND} = nil || span.{v.KIND} = {quoted(v.KIND_SPAN)})"
    f" && ({_OPERATION} = nil || {_OPERATION} !~ {quoted(_OURS)}"
    f" || ({_OPERATION} = {quoted(v.OPERATION_INVOKE_AGENT)} && span.{v.SESSION_ID} = nil))"
)
"""Spans that have no line in Loki: the same rule as `conversion.kind_of`."""


def plain_spans() -> str:
    """Plain spans of any trace."""
    return f"{{ {PLAIN} }} {NEWEST_FIRST}"


def plain_roots(where: Filter) -> str:
    """Plain spans that begin a trace, which then may have no line in Loki at all; as long as the filter wants."""
    least = ""
    if where.min_duration_ns is not None:  # Tempo takes 64 bits, and no trace lasts less than nothing
        least = f" && traceDuration >= {min(max(where.min_duration_ns, 0), LARGEST_NS)}ns"
    return f"{{ nestedSetParent < 0 && {PLAIN}{least} }} {NEWEST_FIRST}"

"""One model call, two spans: a framework's span around the client's span of the same call. The inner one counts."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from syndarix_obs import vocabulary as v
from syndarix_obs.records.finished import FinishedSpan

_MOST_REMEMBERED: Final = 10_000


class NestedStep:
    """Turns a model call's span whose direct child already was that call into a plain span.

    The child is nearer to the wire: it has the provider's own counts, and one child for each retry. An embeddings call
    inside a chat call is a call of its own and takes nothing away. Children end before their parents, so it is enough
    to remember the parents of the calls that have ended.
    """

    def __init__(self) -> None:
        self._parents: OrderedDict[tuple[str, str, bool], None] = OrderedDict()

    def __call__(self, span: FinishedSpan) -> None:
        """Look at one span."""
        operation = span.attributes.get(v.GEN_AI_OPERATION_NAME)
        if not isinstance(operation, str) or operation not in v.LLM_OPERATIONS or v.KIND in span.attributes:
            return
        embeds = operation == v.OPERATION_EMBEDDINGS
        inner = (span.trace_id, span.span_id, embeds) in self._parents
        if span.parent_id is not None:
            self._remember((span.trace_id, span.parent_id, embeds))
        if inner:
            del self._parents[(span.trace_id, span.span_id, embeds)]
            del span.attributes[v.GEN_AI_OPERATION_NAME]
            span.attributes[v.KIND] = v.KIND_SPAN
            span.payload.clear()

    def _remember(self, parent: tuple[str, str, bool]) -> None:
        self._parents[parent] = None
        if len(self._parents) > _MOST_REMEMBERED:
            self._parents.popitem(last=False)

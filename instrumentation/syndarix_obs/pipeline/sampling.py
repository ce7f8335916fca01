"""Which traces are kept: a head ratio, and in-process tail sampling that never loses the interesting ones.

With a ratio of 1 everything passes straight through. Below 1 the spans of a trace wait until its local root has ended;
the trace is kept when its id falls under the ratio, or when it holds an error, was slow, or was costly. Metrics have
counted every span before this point, and ledger, session and score records always pass. A replay is no work: its
records pass, and it leaves no span.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

from syndarix_obs import vocabulary as v
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.records.model import LLMRecord, Record

Forward = Callable[[FinishedSpan | None, Sequence[Record]], None]

_ALWAYS = frozenset({v.KIND_COST, v.KIND_SESSION, v.KIND_SCORE, v.KIND_REPLAY})
_MAX_WAITING_TRACES = 2_000
_MAX_SPANS_OF_TRACE = 2_000


class _Waiting:
    __slots__ = ("cost", "interesting", "items")

    def __init__(self) -> None:
        self.items: list[tuple[FinishedSpan, Sequence[Record]]] = []
        self.cost = 0.0
        self.interesting = False


class TailSampler:
    """Passes on what is kept.

    Args:
        forward: takes a span with its records; the span is None for records that outlive a trace that is not kept.
        ratio: share of traces that is kept in any case.
        slow_ns: a span at least this long makes its trace interesting.
        costly_usd: calls that together cost at least this make a trace interesting.
    """

    def __init__(self, forward: Forward, *, ratio: float, slow_ns: float, costly_usd: float) -> None:
        self._forward = forward
        self._everything = ratio >= 1.0
        self._slow_ns = slow_ns
        self._costly = costly_usd
        self._traces: OrderedDict[str, _Waiting] = OrderedDict()
        self._kept: OrderedDict[str, bool] = OrderedDict()

    def offer(self, span: FinishedSpan, records: Sequence[Record]) -> None:
        """One finished span with its records."""
        if span.attributes.get(v.KIND) == v.KIND_REPLAY:
            self._forward(None, records)
            return
        if self._everything or span.keep:
            self._forward(span, records)
            return
        decided = self._kept.get(span.trace_id)
        if decided is not None:  # a late child of a trace that was decided
            self._pass(span, records, decided)
            return
        waiting = self._traces.setdefault(span.trace_id, _Waiting())
        self._note(waiting, span, records)
        if span.parent_id is None or span.remote_parent or len(waiting.items) >= _MAX_SPANS_OF_TRACE:
            self._decide(span.trace_id)
        elif len(self._traces) > _MAX_WAITING_TRACES:
            self._decide(next(iter(self._traces)))

    def flush(self) -> None:
        """Decide about every waiting trace with what is known."""
        for trace_id in list(self._traces):
            self._decide(trace_id)

    def _note(self, waiting: _Waiting, span: FinishedSpan, records: Sequence[Record]) -> None:
        waiting.items.append((span, records))
        first = records[0]
        waiting.cost += float(first.cost_usd or 0) if isinstance(first, LLMRecord) else 0.0
        slow = first.duration_ns >= self._slow_ns
        if slow or first.status == v.STATUS_ERROR or waiting.cost >= self._costly:
            waiting.interesting = True

    def _decide(self, trace_id: str) -> None:
        waiting = self._traces.pop(trace_id)
        self._kept[trace_id] = waiting.interesting
        if len(self._kept) > _MAX_WAITING_TRACES:
            self._kept.popitem(last=False)
        for span, records in waiting.items:
            self._pass(span, records, waiting.interesting)

    def _pass(self, span: FinishedSpan, records: Sequence[Record], keep: bool) -> None:
        if keep:
            self._forward(span, records)
            return
        lasting = [record for record in records if record.kind in _ALWAYS]
        if lasting:
            self._forward(None, lasting)

"""Tools and permissions of coding agents: what an event and a transcript both tell happened once.

The transcript counts, which knows the texts and what they put into the context; the other stays in the trace as a step
that says for which it stands aside. They are the same when they have the same call id, or, where one has none, the same
tool and about the same end.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.pricing.matching import TOLD_WITHIN_NS
from syndarix_obs.pricing.reports import coding_of
from syndarix_obs.records.conversion import from_span
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.records.model import DecisionRecord, Record, ToolRecord
from syndarix_obs.records.resource import Resource
from syndarix_obs.store.coding_steps import Told

if TYPE_CHECKING:
    from syndarix_obs.pricing.elsewhere import Elsewhere

_MOST_TRACES: Final = 500
_KINDS: Final = (v.GEN_AI_OPERATION_NAME, v.DECISION_TYPE, v.DECISION_OPTIONS, v.DECISION_SELECTED)


class _Session:
    """The steps of one trace that have no twin so far, and the span ids of all."""

    def __init__(self) -> None:
        self.single: list[Told] = []
        self.seen: set[str] = set()

    def add(self, told: Told) -> None:
        """Take one that another process may have told."""
        if told.span_id not in self.seen:
            self.seen.add(told.span_id)
            self.single.append(told)


class Steps:
    """What was told of each session; the sessions that were quiet longest are forgotten first."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[str, _Session] = OrderedDict()

    def settle(
        self, span: FinishedSpan, records: Sequence[Record], resource: Resource, elsewhere: Elsewhere | None
    ) -> Sequence[Record]:
        """The records that stand: the span's own, or those of a step that was told before by another source."""
        record = records[0]
        if not isinstance(record, (ToolRecord, DecisionRecord)) or coding_of(span.scope[0]) is None:
            return records
        mine = _told(span, record)
        if mine is None:
            return records
        session = self._session(mine.trace_id, elsewhere)
        if mine.span_id in session.seen:  # told again: it has a twin by now, or stands
            return records
        session.seen.add(mine.span_id)
        twin = _twin(mine, session.single)
        if twin is None:
            session.single.append(mine)
        elif not _tells_more(mine, twin):
            return _aside(span, twin, resource)
        if isinstance(record.attributes, dict):  # not handed out yet
            record.attributes.update(_told_of(mine, twin))
        return records

    def _session(self, trace_id: str, elsewhere: Elsewhere | None) -> _Session:
        session = self._sessions.get(trace_id)
        news = [] if elsewhere is None else elsewhere.new_steps()
        if session is None:
            session = self._sessions[trace_id] = _Session()
            news += [] if elsewhere is None else elsewhere.steps(trace_id)
        self._sessions.move_to_end(trace_id)
        for each in news:
            if each.trace_id in self._sessions:
                self._sessions[each.trace_id].add(each)
        while len(self._sessions) > _MOST_TRACES:
            self._sessions.popitem(last=False)
        return session


def _told_of(mine: Told, twin: Told | None) -> dict[str, str]:
    """What another process needs to know the step again, and which report the step takes the place of."""
    found = {v.OTEL_SCOPE_NAME: mine.scope}
    if mine.kind == v.KIND_DECISION:
        found[v.GEN_AI_TOOL_NAME] = mine.tool
        if mine.call_id is not None:
            found[v.GEN_AI_TOOL_CALL_ID] = mine.call_id
    return found if twin is None else {**found, v.REPLACES: twin.span_id}


def _told(span: FinishedSpan, record: ToolRecord | DecisionRecord) -> Told | None:
    attributes = span.attributes
    tool, call_id = attributes.get(v.GEN_AI_TOOL_NAME), attributes.get(v.GEN_AI_TOOL_CALL_ID)
    if isinstance(record, DecisionRecord) and record.decision_type != v.DECISION_PERMISSION:
        return None
    return Told(
        span.trace_id, span.span_id, record.kind, str(tool or ""), None if call_id is None else str(call_id),
        span.end_ns, span.scope[0],
    )  # fmt: skip


def _twin(mine: Told, known: list[Told]) -> Told | None:
    """The same step as another source tells it; each is the twin of one only."""
    others = [each for each in known if each.kind == mine.kind and coding_of(each.scope) != coding_of(mine.scope)]
    same = [each for each in others if mine.call_id is not None and each.call_id == mine.call_id]
    near = [
        each
        for each in others
        if (each.call_id is None or mine.call_id is None)
        and each.tool == mine.tool
        and abs(each.end_ns - mine.end_ns) <= TOLD_WITHIN_NS
    ]
    twin = min(same or near, key=lambda each: abs(each.end_ns - mine.end_ns), default=None)
    if twin is not None:
        known.remove(twin)
    return twin


def _tells_more(one: Told, other: Told) -> bool:
    return (coding_of(one.scope) or 0) < (coding_of(other.scope) or 0)


def _aside(span: FinishedSpan, twin: Told, resource: Resource) -> Sequence[Record]:
    for name in _KINDS:
        span.attributes.pop(name, None)
    span.attributes |= {
        v.KIND: v.KIND_SPAN, v.SET_ASIDE_REASON: v.ASIDE_SAME_CALL, v.SET_ASIDE_BY: twin.span_id,
        v.SET_ASIDE_REPORTER: span.scope[0],
    }  # fmt: skip
    return from_span(span, span.resource or resource)

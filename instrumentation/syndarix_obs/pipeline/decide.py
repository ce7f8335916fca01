"""Decisions without code: what a model chose, read from its answer, and what came of it.

A decision waits until its turn is over: the next model call of the same agent in the same session, the end of the
session, or a time. Until then the tools it chose say how they ended, and a decision that the agent's own code records
in the same turn takes its place. Only then it becomes a span like any other.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.pipeline.choices import ANSWER, Choice, choice_of, form_of
from syndarix_obs.records.finished import FinishedSpan

_LONGEST_TURN_S: Final = 30.0
"""A turn that lasts longer is told without its outcome: nobody should wait for it."""
_MOST_TURNS: Final = 10_000
_TOOL: Final = "tool_selection"
_RECOVERY: Final = "error_recovery"
_ARGUMENTS: Final = "parameter_generation"
_FORM: Final = "response_formatting"
_FREE_FORMS: Final = frozenset({"text"})

_Key = tuple[str, Any]


@dataclass(slots=True)
class _Turn:
    """One agent in one session: what its last answer decided, and what failed before that."""

    waiting: list[FinishedSpan] = field(default_factory=list)
    stated: list[tuple[int, str]] = field(default_factory=list)
    failed: str | None = None
    since_s: float = 0.0


class DecideStep:
    """Reads decisions out of model calls; `take` gives those whose turn is over.

    Args:
        clock: seconds; says how long a turn has waited here.

    Stands after the spans are normalised and before anything is redacted: what it makes takes the whole way itself.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._turns: OrderedDict[_Key, _Turn] = OrderedDict()
        self._ready: list[FinishedSpan] = []
        self._clock = clock

    def __call__(self, span: FinishedSpan) -> None:
        """Look at one span."""
        attributes = span.attributes
        if attributes.get(v.DECISION_AUTOMATIC):
            return
        operation = attributes.get(v.GEN_AI_OPERATION_NAME)
        kind = attributes.get(v.KIND)
        if kind == v.KIND_SESSION:
            self._session_ended(span)
        elif kind == v.KIND_DECISION:
            self._stated(span)
        elif operation == v.OPERATION_EXECUTE_TOOL:
            self._tool_ended(span)
        elif operation in v.LLM_OPERATIONS and operation != v.OPERATION_EMBEDDINGS:
            self._answered(span)

    def take(self, *, everything: bool = False) -> list[FinishedSpan]:
        """Decisions that are complete; with `everything` also those whose turn goes on."""
        if everything:
            for turn in self._turns.values():
                self._emit(turn)
        ready, self._ready = self._ready, []
        return ready

    def expire(self) -> None:
        """Let go of decisions whose turn lasts too long."""
        before = self._clock() - _LONGEST_TURN_S
        for turn in self._turns.values():
            if turn.waiting and turn.since_s < before:
                self._emit(turn)

    def withdraw(self, span: FinishedSpan) -> None:
        """Take back what was read from a span which turned out to report a call that another span tells."""
        turn = self._turns.get(_key(span))
        if turn is not None:
            turn.waiting = [each for each in turn.waiting if each.attributes.get(v.DECISION_OF) != span.span_id]

    # --- what spans say ---

    def _answered(self, span: FinishedSpan) -> None:
        turn = self._turn(_key(span))
        if turn.waiting and turn.waiting[0].end_ns <= span.start_ns:  # else they ran side by side: one turn
            self._emit(turn)
        choice = choice_of(span.payload)
        made = list(_decisions(span, choice, turn.failed))
        if choice is not None:
            turn.failed = None
        said = {kind for at, kind in turn.stated if at >= span.start_ns}
        turn.stated = []
        turn.waiting += [each for each in made if each.attributes[v.DECISION_TYPE] not in said]
        turn.since_s = self._clock()

    def _stated(self, span: FinishedSpan) -> None:
        """The agent's own decision takes the place of the one that was read, and the options that it left out."""
        attributes = span.attributes
        attributes.setdefault(
            v.DECISION_REASON_SOURCE, v.REASON_STATED if span.payload.get("reasoning") else v.REASON_NONE
        )
        turn = self._turn(_key(span))
        kind = str(attributes.get(v.DECISION_TYPE))
        selected = str(attributes.get(v.DECISION_SELECTED))
        for index in reversed(range(len(turn.waiting))):
            read = turn.waiting[index].attributes
            same_tool = selected == read[v.DECISION_SELECTED] and read[v.DECISION_TYPE] == _TOOL
            if read[v.DECISION_TYPE] == kind or (same_tool and kind not in v.DECISION_TYPES):
                del turn.waiting[index]
                if not attributes.get(v.DECISION_OPTIONS):
                    attributes[v.DECISION_OPTIONS] = read[v.DECISION_OPTIONS]
                attributes.setdefault(v.DECISION_OF, read[v.DECISION_OF])
                if kind != _ARGUMENTS:
                    return
        turn.stated.append((span.start_ns, kind))

    def _tool_ended(self, span: FinishedSpan) -> None:
        turn = self._turns.get(_key(span))
        if turn is None:
            return
        tool = str(span.attributes.get(v.GEN_AI_TOOL_NAME))
        if span.status == v.STATUS_ERROR:
            turn.failed = tool
        for decision in turn.waiting:
            if tool in str(decision.attributes[v.DECISION_SELECTED]).split(v.DECISION_AND):
                before = decision.attributes.get(v.DECISION_OUTCOME)
                decision.attributes[v.DECISION_OUTCOME] = v.STATUS_ERROR if before == v.STATUS_ERROR else span.status

    def _session_ended(self, span: FinishedSpan) -> None:
        self._settle(_key(span))

    # --- endings ---

    def _turn(self, key: _Key) -> _Turn:
        turn = self._turns.get(key)
        if turn is None:
            turn = self._turns[key] = _Turn()
            if len(self._turns) > _MOST_TURNS:
                self._settle(next(iter(self._turns)))
        return turn

    def _settle(self, key: _Key) -> None:
        turn = self._turns.pop(key, None)
        if turn is not None:
            self._emit(turn)

    def _emit(self, turn: _Turn) -> None:
        self._ready += turn.waiting
        turn.waiting = []


def _key(span: FinishedSpan) -> _Key:
    a = span.attributes
    return str(a.get(v.SESSION_ID) or span.trace_id), a.get(v.GEN_AI_AGENT_NAME)


def _decisions(span: FinishedSpan, choice: Choice | None, failed: str | None) -> Iterator[FinishedSpan]:
    """Everything that one answer decided."""
    if choice is not None:
        selected = v.DECISION_AND.join(choice.selected)
        common = {v.DECISION_FORCED: choice.forced, v.DECISION_REASON_SOURCE: choice.reason_source}
        reason = {} if choice.reasoning is None else {"reasoning": choice.reasoning}
        calls = [{"name": c.name, "arguments": c.arguments, "call_id": c.call_id} for c in choice.calls]
        payload = {**reason, "calls": calls} if calls else reason
        yield _decision(span, _TOOL, choice.options, selected, {**common}, payload)
        if failed is not None:
            yield _decision(span, _RECOVERY, *_recovery(choice, failed), {**common}, dict(reason))
        for index, call in enumerate(choice.calls):
            if call.arguments not in (None, "", "{}", {}):
                given = {"arguments": call.arguments}
                yield _decision(
                    span, _ARGUMENTS, (), call.name, {v.DECISION_REASON_SOURCE: v.REASON_NONE}, given, index
                )
    wanted = span.attributes.get(v.REQUEST_FORM)
    if isinstance(wanted, str) and wanted not in _FREE_FORMS:
        form = form_of(span.payload, wanted)
        if form is not None:
            yield _decision(span, _FORM, *form, {v.DECISION_REASON_SOURCE: v.REASON_NONE}, {})


def _recovery(choice: Choice, failed: str) -> tuple[tuple[str, ...], str]:
    """How an agent went on after a tool had failed."""
    options = (f"retry {failed}", "another tool", ANSWER)
    if failed in choice.selected:
        return options, options[0]
    return options, ANSWER if choice.selected == (ANSWER,) else options[1]


def _decision(
    span: FinishedSpan, kind: str, options: tuple[str, ...], selected: str, more: dict[str, Any],
    payload: dict[str, Any], index: int = 0,
) -> FinishedSpan:  # fmt: skip
    """A span of a decision under the model call. Its ids follow from the call's, so that it is the same each time."""
    own = blake2b(f"{span.trace_id}:{span.span_id}:{kind}:{index}".encode(), digest_size=24).hexdigest()
    a = span.attributes
    attributes: dict[str, Any] = {
        v.KIND: v.KIND_DECISION,
        v.DECISION_ID: own[16:],
        v.DECISION_TYPE: kind,
        v.DECISION_OPTIONS: options,
        v.DECISION_SELECTED: selected,
        v.DECISION_AUTOMATIC: True,
        v.DECISION_OF: span.span_id,
        **more,
    }
    attributes.update((name, a[name]) for name in _BELONGS if a.get(name) is not None)
    made = FinishedSpan(
        name="decide", trace_id=span.trace_id, span_id=own[:16], parent_id=span.span_id, start_ns=span.end_ns,
        end_ns=span.end_ns, attributes=attributes, payload=payload, correlation=span.correlation,
        resource=span.resource,
    )  # fmt: skip
    made.keep = span.keep
    return made


_BELONGS: Final = (
    v.SESSION_ID, v.GEN_AI_CONVERSATION_ID, v.GEN_AI_AGENT_NAME, v.AGENT_TYPE, v.AGENT_VERSION, v.PROJECT, v.USER_ID,
    v.TASK_TYPE,
)  # fmt: skip

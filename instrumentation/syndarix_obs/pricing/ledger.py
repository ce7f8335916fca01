"""The counting ledger: one line for one call, whoever reports it, in whatever order, however often.

A report is judged with all that is known when it comes. What comes later can change that: then the line that stood is
taken back by a line of its own (`…:void`, the same amounts below zero) and the right one is put in, so that sums are
right everywhere a line has gone. Reports that are set aside stay in the trace as spans that say why and for which.
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.pricing.books import Agent, Book
from syndarix_obs.pricing.matching import Verdict, decide, overlap
from syndarix_obs.pricing.reports import Report, same_tokens
from syndarix_obs.records.conversion import from_span, ledger_line
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.records.model import CostRecord, LLMRecord, Record
from syndarix_obs.records.resource import Resource
from syndarix_obs.store.schema import VOID_SUFFIX

Pair = tuple[FinishedSpan, Sequence[Record]]

_MOST_SPANS: Final = 100_000
_MOST_REPORTS: Final = 10_000
"""What is remembered, of all traces together: some 20 MB. The traces that were quiet longest are forgotten first."""
_MOST_RESPONSES: Final = 10_000
_NAMES: Final = ("agent", "session_id", "project", "user", "task_type", "agent_type", "agent_version")


@dataclasses.dataclass(frozen=True, slots=True)
class Correction:
    """A line that is taken back, and the one that stands in its place; either may be None.

    `void_call` and `call` are what the metrics take back and count; None where nothing changes for them.
    """

    void: CostRecord | None
    line: CostRecord | None
    void_call: LLMRecord | None
    call: LLMRecord | None


class Ledger:
    """Judges spans with their records, after all other steps. Runs on the worker only.

    Args:
        resource: the emitting process, for records that are made anew.
    """

    def __init__(self, resource: Resource) -> None:
        self._resource = resource
        self._books: OrderedDict[str, Book] = OrderedDict()
        self._responses: OrderedDict[str, Report] = OrderedDict()
        self._spans = self._reports = 0

    def settle(self, pairs: Sequence[Pair]) -> tuple[list[Pair], list[Correction]]:
        """The same spans with the records that stand, and what that changes of earlier ones.

        A span that was there before is left out: sent twice, it counts once. One that revises it corrects its line.
        """
        fresh: list[tuple[Pair, Report | None]] = []
        touched: dict[Report, Book] = {}
        again: list[tuple[Report | None, Sequence[Record]]] = []
        for span, records in pairs:
            book = self._book(span.trace_id)
            if span.span_id in book.parents:
                if span.revises:
                    again.append((book.reports.get(span.span_id), records))
                continue
            moved = book.note(span.span_id, span.parent_id)
            self._spans += 1
            report = self._report(span, records)
            if report is not None:
                book = self._joined(book, report)
                book.add(report)
                self._reports += 1
                touched[report] = book
            named = _agent(span, records)
            if named is not None:
                book.agents[span.span_id] = named
                moved = book.below.get(span.span_id, moved)
            touched.update(dict.fromkeys(moved, book))
            fresh.append(((span, records), report))
        corrections = self._judge(touched)
        settled = [(span, self._records(span, records, report)) for (span, records), report in fresh]
        corrections += [made for report, records in again for made in _revised(report, records)]
        self._forget()
        return settled, corrections

    def _book(self, trace_id: str) -> Book:
        book = self._books.get(trace_id)
        if book is None:
            book = self._books[trace_id] = Book()
        else:
            self._books.move_to_end(trace_id)
        return book

    def _forget(self) -> None:
        """Let go of the oldest traces, or of the beginning of one that is too large by itself."""
        while self._books and (self._spans > _MOST_SPANS or self._reports > _MOST_REPORTS):
            book = self._books.popitem(last=False)[1]
            if any(other is book for other in self._books.values()):
                continue  # shared with a trace that is still known
            self._spans -= len(book.parents)
            self._reports -= len(book.reports)

    def _joined(self, book: Book, report: Report) -> Book:
        """The report's book, together with that of another trace which tells of the same answer."""
        if report.response_id is None:
            return book
        known = self._responses.setdefault(report.response_id, report)
        if len(self._responses) > _MOST_RESPONSES:
            self._responses.popitem(last=False)
        other = self._books.get(known.trace_id)
        if known is report or other is None or other is book:
            return book
        polled = known.polled or report.polled
        if not polled and (known.scope == report.scope or not overlap(known, report) or not same_tokens(known, report)):
            return book
        other.absorb(book)
        for trace_id, each in list(self._books.items()):
            if each is book:
                self._books[trace_id] = other
        return other

    def _report(self, span: FinishedSpan, records: Sequence[Record]) -> Report | None:
        call = records[0] if records else None
        if not isinstance(call, LLMRecord):
            return None
        line = records[1] if len(records) > 1 else None
        billable = isinstance(line, CostRecord)
        report = Report(
            line if isinstance(line, CostRecord) else ledger_line(call, span),
            scope=span.scope[0], response_id=call.response_id, asked=call.request_model, agent=span.own_agent,
        )  # fmt: skip
        report.billable = billable
        report.polled = span.polled
        report.operation, report.stream, report.first_token_s = call.operation, call.stream, call.first_token_s
        return report

    def _judge(self, touched: dict[Report, Book]) -> list[Correction]:
        corrections: list[Correction] = []
        done: set[Report] = set()
        for report, book in touched.items():
            if report in done:
                continue
            book = self._books.get(report.trace_id, book)
            component = book.component(report)
            done.update(component)
            if len(component) == 1:
                if not report.seen and not book.agents:  # nearly every call there is
                    report.seen = report.standing = True
                    report.verdict = Verdict(None, report)
                    continue
                verdicts = {report: Verdict(None, report, (report,))}
            else:
                verdicts = decide(component, book.above)
            for each, verdict in sorted(verdicts.items(), key=lambda item: (item[0].start, item[0].span_id)):
                correction = self._apply(each, verdict, book)
                if correction is not None:
                    corrections.append(correction)
        return corrections

    def _apply(self, report: Report, verdict: Verdict, book: Book) -> Correction | None:
        """Note a verdict; a correction when the report was judged before and otherwise."""
        first = not report.seen
        report.seen = True
        report.verdict = verdict
        if verdict.reason is not None:
            if not report.standing:
                return None
            report.standing = False
            return Correction(_void(report, verdict), None, _call(report, report.line), None)
        names = _names(report, verdict.group, book)
        changed = {name: value for name, value in names.items() if value != getattr(report.line, name)}
        if report.standing and not changed:
            return None
        old = report.line
        if changed:
            report.line = dataclasses.replace(report.line, **changed)
        if first:
            report.standing = True
            return None
        renamed = report.standing
        void = _void(report, None, old) if renamed else None
        report.standing = True
        report.revision += 1
        base = f"{report.trace_id}:{report.span_id}:cost"
        report.line = dataclasses.replace(report.line, record_id=f"{base}:{report.revision + 1}")
        line = report.line if report.billable else None
        # Counters cannot move from one label to another: a call that is renamed stays counted once, where it was.
        return Correction(void, line, None, None if renamed else _call(report, report.line))

    def _records(self, span: FinishedSpan, records: Sequence[Record], report: Report | None) -> Sequence[Record]:
        if report is None:
            return records
        verdict = report.verdict
        if verdict.reason is not None:
            return _aside(span, report, verdict, span.resource or self._resource)
        call = records[0]
        if len(records) > 1 and report.line is records[1]:
            return records
        for name in _NAMES:
            value = getattr(report.line, name)
            if value != getattr(call, name):
                object.__setattr__(call, name, value)  # not handed out yet
        return (call, report.line) if report.billable else (call,)


def _revised(report: Report | None, records: Sequence[Record]) -> list[Correction]:
    """The same call with other numbers: its line is taken back, and the new one put in."""
    line = records[1] if len(records) > 1 else None
    if report is None or not isinstance(line, CostRecord) or not (report.billable and report.standing):
        return []
    void, void_call = _void(report, None), _call(report, report.line)
    report.revision += 1
    names = {name: getattr(report.line, name) for name in _NAMES}
    base = f"{report.trace_id}:{report.span_id}:cost"
    report.line = dataclasses.replace(line, record_id=f"{base}:{report.revision + 1}", **names)
    return [Correction(void, report.line, void_call, _call(report, report.line))]


def _agent(span: FinishedSpan, records: Sequence[Record]) -> Agent | None:
    """What a span says about who works below it."""
    record = records[0]
    session = record.kind == v.KIND_SESSION
    if not session and span.attributes.get(v.GEN_AI_OPERATION_NAME) != v.OPERATION_INVOKE_AGENT:
        return None
    return Agent(record.agent, record.session_id if session else None)


def _names(report: Report, group: Iterable[Report], book: Book) -> dict[str, Any]:
    """Whom a call belongs to: what is nearest to it names it, then what other reports of the same call say."""
    line = report.line
    names: dict[str, Any] = {name: getattr(line, name) for name in _NAMES}
    others = sorted((each for each in group if each is not report), key=lambda each: (each.start, each.span_id))
    around = [book.agent_of(each) for each in (report, *others)]
    if report.agent is None:
        told = [each.agent for each in others] + [agent.name for agent in around if agent is not None]
        nearest = around[0].name if around[0] is not None else None
        names["agent"] = nearest or next((name for name in told if name), None) or line.agent
    for name in _NAMES:
        if names[name] is None:
            names[name] = next((value for each in others if (value := getattr(each.line, name)) is not None), None)
    if names["session_id"] is None:
        names["session_id"] = next((found for each in (report, *others) if (found := book.session_of(each))), None)
    return names


def _void(report: Report, verdict: Verdict | None, line: CostRecord | None = None) -> CostRecord | None:
    """The line that takes a report's standing line back; None for a call that was never billed."""
    if not report.billable:
        return None
    line = line or report.line
    tokens = {name: -getattr(line, name) for name in _TOKENS}
    total = line.total_cost_usd
    return dataclasses.replace(
        line, record_id=f"{line.record_id}{VOID_SUFFIX}", total_cost_usd=None if total is None else -total,
        set_aside_reason=v.ASIDE_REVISED if verdict is None else verdict.reason,
        set_aside_by=report.span_id if verdict is None else verdict.by.span_id, **tokens,
    )  # fmt: skip


_TOKENS: Final = (
    "tokens_input", "tokens_output", "tokens_cache_read", "tokens_cache_write", "tokens_reasoning", "tokens_total",
)  # fmt: skip


def _call(report: Report, line: CostRecord) -> LLMRecord:
    """The call as the metrics know it."""
    return LLMRecord(
        record_id=f"{line.trace_id}:{line.span_id}", trace_id=line.trace_id, span_id=line.span_id,
        parent_id=line.parent_id, name=line.name, start_ns=line.start_ns, end_ns=line.end_ns, status=line.status,
        service=line.service, environment=line.environment, operation=report.operation, provider=line.provider,
        model=line.model, stream=report.stream, first_token_s=report.first_token_s, input_tokens=report.input,
        output_tokens=report.output, cache_read_tokens=line.tokens_cache_read,
        cache_write_tokens=line.tokens_cache_write, reasoning_tokens=line.tokens_reasoning, estimated=line.estimated,
        priced=line.priced, cost_usd=line.total_cost_usd, service_tier=line.service_tier,
        **{name: getattr(line, name) for name in _NAMES},
    )  # fmt: skip


def _aside(span: FinishedSpan, report: Report, verdict: Verdict, resource: Resource) -> Sequence[Record]:
    """The records of a span that does not count: a plain step that says why, without its texts and price."""
    attributes = span.attributes
    for name in (v.GEN_AI_OPERATION_NAME, v.COST_USD, v.PRICED, v.COST_ESTIMATED):
        attributes.pop(name, None)
    attributes[v.KIND] = v.KIND_SPAN
    attributes[v.SET_ASIDE_REASON] = verdict.reason
    attributes[v.SET_ASIDE_BY] = verdict.by.span_id
    attributes[v.SET_ASIDE_REPORTER] = report.scope
    attributes[v.SET_ASIDE_TOKENS] = f"{report.input}+{report.output}"
    span.payload_json, span.price = None, None
    return from_span(span, resource)

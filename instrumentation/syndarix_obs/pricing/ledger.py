"""The counting ledger: one line for one call, whoever reports it, in whatever order, however often.

A report is judged with all that is known when it comes. What comes later can change that: then the line that stood is
taken back by a line of its own (`…:void`, the same amounts below zero) and the right one is put in, so that sums are
right everywhere a line has gone. Reports that are set aside stay in the trace as spans that say why and for which.
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.pricing.books import Agent, Book
from syndarix_obs.pricing.lines import NAMES, aside, call_of, names_of, report_of, taken_back
from syndarix_obs.pricing.matching import Verdict, decide, overlap
from syndarix_obs.pricing.reports import Report, same_tokens
from syndarix_obs.pricing.steps import Steps
from syndarix_obs.records.conversion import ledger_line
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.records.model import CostRecord, LLMRecord, Record
from syndarix_obs.records.resource import Resource

if TYPE_CHECKING:
    from syndarix_obs.pricing.elsewhere import Elsewhere
    from syndarix_obs.store.reports import StoredReport

Pair = tuple[FinishedSpan, Sequence[Record]]

_MOST_SPANS: Final = 100_000
_MOST_REPORTS: Final = 10_000
"""What is remembered, of all traces together: some 20 MB. The traces that were quiet longest are forgotten first."""
_MOST_RESPONSES: Final = 10_000
_LONGEST_SCOPE: Final = 200


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
        elsewhere: what other processes report; None for an agent's own process.
    """

    def __init__(self, resource: Resource, elsewhere: Elsewhere | None = None) -> None:
        self._resource = resource
        self.elsewhere = elsewhere
        self._steps = Steps()
        self._sessions: OrderedDict[str, None] = OrderedDict()
        self._books: OrderedDict[str, Book] = OrderedDict()
        self._responses: OrderedDict[str, Report] = OrderedDict()
        self._spans = self._reports = 0

    def settle(self, pairs: Sequence[Pair]) -> tuple[list[Pair], list[Correction]]:
        """The same spans with the records that stand, and what that changes of earlier ones.

        A span that was there before is left out: sent twice, it counts once. One that revises it corrects its line.
        """
        fresh: list[tuple[Pair, Report | None]] = []
        touched: dict[Report, Book] = {}
        again: list[tuple[Report | None, FinishedSpan, Sequence[Record]]] = []
        self._read_news(touched, now=False)
        for span, records in pairs:
            book = self._looked_up(records, touched)
            if span.span_id in book.parents:
                if span.revises:
                    again.append((book.reports.get(span.span_id), span, records))
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
        corrections += [made for report, span, records in again for made in _revised(report, span, records)]
        self._forget()
        return settled, corrections

    def look(self) -> list[Correction]:
        """What other processes have reported since the last look, and what that changes here."""
        touched: dict[Report, Book] = {}
        self._read_news(touched, now=True)
        return self._judge(touched)

    def _looked_up(self, records: Sequence[Record], touched: dict[Report, Book]) -> Book:
        """The book of a trace, with what others have told of it when this is a call."""
        call = records[0]
        book = self._book(call.trace_id)
        if self.elsewhere is None or not isinstance(call, LLMRecord):
            return book
        if call.parent_id is None and call.session_id is None:
            return book  # alone in its trace: what others tell of it comes later, and is news
        if call.session_id is not None:
            self._sessions[call.session_id] = None
            if len(self._sessions) > _MOST_RESPONSES:
                self._sessions.popitem(last=False)
        known = len(book.parents)
        found = list(self.elsewhere.around(book, call.trace_id, call.session_id))
        self._spans += len(book.parents) - known
        for stored in found:
            self._take(stored, touched)
        return self._book(call.trace_id)

    def _read_news(self, touched: dict[Report, Book], *, now: bool) -> None:
        if self.elsewhere is None:
            return
        for news in self.elsewhere.news(now=now):
            book = self._books.get(news.trace_id)
            mine = None if book is None else book.reports.get(news.span_id)
            if mine is not None and _is_known(news.record_id, mine):
                continue
            if book is None and news.session_id not in self._sessions:
                continue
            stored = self.elsewhere.of_line(news)
            if stored is not None:
                self._take(stored, touched)

    def _take(self, stored: StoredReport, touched: dict[Report, Book]) -> None:
        """Learn how a report stands in the store. What another process took back stays so."""
        line = stored.line
        book = self._book(line.trace_id)
        known = book.reports.get(line.span_id)
        if known is None and stored.standing:
            report = report_of(stored)
            if report.span_id not in book.parents:
                book.note(report.span_id, line.parent_id)
                self._spans += 1
            book = self._joined(book, report)
            book.add(report)
            self._reports += 1
            touched[report] = book
        elif known is not None and known.standing and _is_newer(stored, known):
            known.line, known.revision, known.standing = line, stored.revision, stored.standing
            known.elsewhere = True
            touched[known] = book

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
        if self.elsewhere is not None and isinstance(call.attributes, dict):
            call.attributes[v.OTEL_SCOPE_NAME] = report.scope[:_LONGEST_SCOPE]  # for whoever looks it up there
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
                if report.elsewhere:
                    continue
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
            # The metrics of another process count what that one took: they are not ours to correct.
            return Correction(
                taken_back(report, verdict), None, None if report.elsewhere else call_of(report, report.line), None
            )
        if report.elsewhere and not report.standing:
            return None
        names = names_of(report, verdict.group, book)
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
        void = taken_back(report, None, old) if renamed else None
        report.standing = True
        report.revision += 1
        base = f"{report.trace_id}:{report.span_id}:cost"
        report.line = dataclasses.replace(report.line, record_id=f"{base}:{report.revision + 1}")
        line = report.line if report.billable else None
        # Counters cannot move from one label to another: a call that is renamed stays counted once, where it was.
        return Correction(void, line, None, None if renamed else call_of(report, report.line))

    def _records(self, span: FinishedSpan, records: Sequence[Record], report: Report | None) -> Sequence[Record]:
        if report is None:
            return self._steps.settle(span, records, self._resource, self.elsewhere)
        verdict = report.verdict
        if verdict.reason is not None:
            return aside(span, report, verdict, span.resource or self._resource)
        call = records[0]
        if len(records) > 1 and report.line is records[1]:
            return records
        for name in NAMES:
            value = getattr(report.line, name)
            if value != getattr(call, name):
                object.__setattr__(call, name, value)  # not handed out yet
        return (call, report.line) if report.billable else (call,)


def _is_known(record_id: str, report: Report) -> bool:
    """Whether a line that came into the store tells nothing new of a report."""
    own = report.line.record_id
    return record_id == own or (record_id.startswith(own) and not report.standing)


def _is_newer(stored: StoredReport, report: Report) -> bool:
    """Whether another process took a report's line back, or put in another."""
    return stored.revision > report.revision or (stored.revision == report.revision and not stored.standing)


def _revised(report: Report | None, span: FinishedSpan, records: Sequence[Record]) -> list[Correction]:
    """The same call with other numbers: its line is taken back, and the new one put in.

    A form that was told before changes nothing.
    """
    line = records[1] if len(records) > 1 else None
    if report is None or not isinstance(line, CostRecord) or not (report.billable and report.standing):
        return []
    if span.revises <= report.told:
        return []
    report.told = span.revises
    void, void_call = taken_back(report, None), None if report.elsewhere else call_of(report, report.line)
    report.revision += 1
    names = {name: getattr(report.line, name) for name in NAMES}
    base = f"{report.trace_id}:{report.span_id}:cost"
    report.line = dataclasses.replace(line, record_id=f"{base}:{report.revision + 1}", **names)
    return [Correction(void, report.line, void_call, None if void_call is None else call_of(report, report.line))]


def _agent(span: FinishedSpan, records: Sequence[Record]) -> Agent | None:
    """What a span says about who works below it."""
    record = records[0]
    session = record.kind == v.KIND_SESSION
    if not session and span.attributes.get(v.GEN_AI_OPERATION_NAME) != v.OPERATION_INVOKE_AGENT:
        return None
    return Agent(record.agent, record.session_id if session else None)

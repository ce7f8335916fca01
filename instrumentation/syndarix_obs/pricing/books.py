"""What is known of a trace: its tree of spans, the agents in it, and the reports of model calls, in any order."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from typing import Final

from syndarix_obs.pricing.matching import SLACK_NS, TOLD_WITHIN_NS, overlap, told_twice, within
from syndarix_obs.pricing.reports import Report

DEEPEST: Final = 64
"""Spans that a line of ancestors is followed up."""


class Agent:
    """An agent's span: its name, and the session that it opens or belongs to."""

    __slots__ = ("name", "session_id")

    def __init__(self, name: str | None, session_id: str | None) -> None:
        self.name = name
        self.session_id = session_id


class Timeline:
    """The reports of one library by time, for finding those that lie within another or around it."""

    def __init__(self) -> None:
        self._reports: list[Report] = []
        self._longest = 0

    def add(self, report: Report) -> None:
        """Take a report at its place."""
        insort(self._reports, report, key=_start)
        self._longest = max(self._longest, report.end - report.start)

    def alike(self, report: Report) -> Iterator[Report]:
        """Those that may be another view of the same call."""
        first = bisect_left(self._reports, report.start - self._longest - SLACK_NS, key=_start)
        last = bisect_right(self._reports, report.end + SLACK_NS, key=_start)
        return (other for other in self._reports[first:last] if within(report, other))


    def told_again(self, report: Report) -> Iterator[Report]:
        """Those that tell of the same call of a coding agent, by a clock of their own."""
        first = bisect_left(self._reports, report.end - self._longest - TOLD_WITHIN_NS, key=_start)
        last = bisect_right(self._reports, report.end + TOLD_WITHIN_NS, key=_start)
        return (other for other in self._reports[first:last] if told_twice(report, other))


def _start(report: Report) -> int:
    return report.start


def _may_be_same(one: Report, other: Report) -> bool:
    return one.polled or other.polled or overlap(one, other) or told_twice(one, other)


class Book:
    """One trace, or several that share a call. `looked_up`: traces and sessions that were read from the store."""

    def __init__(self) -> None:
        self.parents: dict[str, str | None] = {}
        self.agents: dict[str, Agent] = {}
        self.reports: dict[str, Report] = {}
        self.below: dict[str, list[Report]] = {}
        self.by_scope: dict[str, Timeline] = {}
        self.by_response: dict[str, list[Report]] = {}
        self.looked_up: set[str] = set()

    def note(self, span_id: str, parent_id: str | None) -> list[Report]:
        """Learn a span's place; returns the reports below it, whose line of ancestors has grown."""
        self.parents[span_id] = parent_id
        under = self.below.get(span_id)
        if not under or parent_id is None:
            return []
        for ancestor in self.ancestors(span_id):
            self.below.setdefault(ancestor, []).extend(under)
        return under

    def add(self, report: Report) -> None:
        """Take a report whose place is known."""
        self.reports[report.span_id] = report
        self.by_scope.setdefault(report.scope, Timeline()).add(report)
        if report.response_id is not None:
            self.by_response.setdefault(report.response_id, []).append(report)
        for ancestor in self.ancestors(report.span_id):
            self.below.setdefault(ancestor, []).append(report)

    def ancestors(self, span_id: str) -> Iterator[str]:
        """The ids of the spans above, nearest first, as far as the tree is known."""
        parent = self.parents.get(span_id)
        for _ in range(DEEPEST):
            if parent is None:
                return
            yield parent
            parent = self.parents.get(parent)

    def above(self, upper: Report, lower: Report) -> bool:
        """Whether a report's span is an ancestor of another's."""
        return upper is not lower and upper.span_id in self.ancestors(lower.span_id)

    def agent_of(self, report: Report) -> Agent | None:
        """The nearest agent around a report."""
        if not self.agents:
            return None
        return next((self.agents[each] for each in self.ancestors(report.span_id) if each in self.agents), None)

    def session_of(self, report: Report) -> str | None:
        """The session that an agent around a report opened."""
        if not self.agents:
            return None
        around = (self.agents[each] for each in self.ancestors(report.span_id) if each in self.agents)
        return next((agent.session_id for agent in around if agent.session_id), None)

    def component(self, start: Report) -> list[Report]:
        """A report with all whose verdict can depend on it."""
        found, pending = {start: None}, [start]
        while pending:
            for other in self._neighbours(pending.pop()):
                if other not in found:
                    found[other] = None
                    pending.append(other)
        return list(found)

    def _neighbours(self, report: Report) -> Iterator[Report]:
        for ancestor in self.ancestors(report.span_id):
            if ancestor in self.reports:
                yield self.reports[ancestor]
        yield from self.below.get(report.span_id, ())
        if report.response_id is not None:
            same = self.by_response[report.response_id]
            if len(same) > 1:
                yield from (each for each in same if _may_be_same(report, each))
        if len(self.by_scope) > 1:
            for scope, others in self.by_scope.items():
                if scope != report.scope:
                    yield from others.alike(report)
                    if report.coding is not None:
                        yield from others.told_again(report)

    def absorb(self, other: Book) -> None:
        """Take everything of another book: a call of both traces was found to be the same."""
        self.parents.update(other.parents)
        self.agents.update(other.agents)
        self.reports.update(other.reports)
        self.looked_up |= other.looked_up
        for mine, theirs in ((self.below, other.below), (self.by_response, other.by_response)):
            for key, reports in theirs.items():
                mine.setdefault(key, []).extend(reports)
        for report in other.reports.values():
            self.by_scope.setdefault(report.scope, Timeline()).add(report)

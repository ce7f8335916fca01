"""Which reports are the same call, and which of them counts: a function of the reports alone, not of their order.

Two reports are the same call when they have the same response id, or when they lie in one line of spans (or beside each
other, made by different libraries), name the same model, overlap in time and tell the same tokens. A library reports
each call once, so reports of one library that stand side by side are never the same call; that keeps parallel calls
with equal tokens apart. What lies nearest to the wire counts. A report whose tokens are the sum of those below it
restates them. A call that failed takes nothing away from one that did not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from syndarix_obs import vocabulary as v
from syndarix_obs.pricing.reports import Report, adds_up, same_model, same_tokens

SLACK_NS: Final = 2_000_000
"""Clocks of two libraries in one process differ by less."""

TOLD_WITHIN_NS: Final = 10 * 1_000_000_000
"""An event about a call of a coding agent and the line in its transcript tell of its end with clocks of their own."""

Above = Callable[[Report, Report], bool]
"""Whether the first report's span is an ancestor of the second's."""


@dataclass(slots=True)
class Verdict:
    """What becomes of a report: None as `reason` means that it counts, for its whole `group`."""

    reason: str | None
    by: Report
    group: tuple[Report, ...] = ()


def overlap(one: Report, other: Report) -> bool:
    """Whether two reports have a moment in common."""
    return one.start <= other.end + SLACK_NS and other.start <= one.end + SLACK_NS


def within(one: Report, other: Report) -> bool:
    """Whether either lies within the other, which two views of one call do."""
    first = one.start + SLACK_NS >= other.start and one.end <= other.end + SLACK_NS
    return first or (other.start + SLACK_NS >= one.start and other.end <= one.end + SLACK_NS)


def told_twice(one: Report, other: Report) -> bool:
    """Whether an event (or span) and a transcript of one session of a coding agent tell of the same call."""
    if one.coding is None or other.coding is None or one.coding == other.coding:
        return False
    if one.line.session_id is None or one.line.session_id != other.line.session_id:
        return False
    if one.response_id is not None and one.response_id == other.response_id:
        return True
    near = abs(one.end - other.end) <= TOLD_WITHIN_NS
    return near and same_model(one, other) and one.reported and other.reported and same_tokens(one, other)


def decide(reports: Iterable[Report], above: Above) -> dict[Report, Verdict]:
    """The verdict on each of some related reports."""
    ordered = sorted(reports, key=lambda r: (r.start, r.end, r.trace_id, r.span_id))
    groups = _grouped(ordered, above)
    verdicts: dict[Report, Verdict] = {}
    counted: list[tuple[Report, list[Report]]] = []
    for group in groups:
        best = min(group, key=lambda r: _rank(r, group, above))
        verdicts[best] = Verdict(None, best, tuple(group))
        counted.append((best, group))
        for report in group:
            if report is not best:
                same = report.response_id is not None and report.response_id == best.response_id
                verdicts[report] = Verdict(v.ASIDE_SAME_RESPONSE if same else v.ASIDE_SAME_CALL, best)
    _restated(counted, verdicts, above)
    _without_usage(counted, verdicts, above)
    return verdicts


def _rank(report: Report, group: list[Report], above: Above) -> tuple[bool, int, int, int, int, bool, int, int, str]:
    """Smaller counts: own tokens before estimates, near the wire before far, what tells more before what tells less.

    Of a coding agent's call the largest usage is the last one.
    """
    over_it = sum(above(other, report) for other in group)
    line = report.line
    details = sum(1 for n in (line.tokens_cache_read, line.tokens_cache_write, line.tokens_reasoning) if n)
    own = report.scope.startswith("syndarix_obs")
    coding, told = (0, 0) if report.coding is None else (report.coding, line.tokens_total)
    return (
        not report.reported, report.nearness, -over_it, -told, coding, not own, -details, report.start, report.span_id,
    )  # fmt: skip


def _grouped(reports: list[Report], above: Above) -> list[list[Report]]:
    """Reports joined pair by pair, the surest pairs first."""
    group_of = {report: [report] for report in reports}
    pairs = [
        (strength, abs(a.start - b.start) + abs(a.end - b.end), number, a, b)
        for number, (a, b) in enumerate(combinations(reports, 2))
        if (strength := _strength(a, b, above)) is not None
    ]
    for _, _, _, a, b in sorted(pairs, key=lambda pair: pair[:3]):
        one, other = group_of[a], group_of[b]
        if one is not other and _may_join(one, other, above):
            one += other
            for report in other:
                group_of[report] = one
    seen: dict[int, list[Report]] = {id(group): group for group in group_of.values()}
    return list(seen.values())


def _strength(a: Report, b: Report, above: Above) -> int | None:
    """How sure it is that two reports are the same call, 0 the surest; None when they are not."""
    if a.refused != b.refused or a.embeds != b.embeds:
        return None
    same_id = a.response_id is not None and a.response_id == b.response_id
    if same_id and (a.polled or b.polled):
        return 0
    if told_twice(a, b):
        return 0 if same_id else 2
    line = above(a, b) or above(b, a)
    if not (line or a.scope != b.scope) or not overlap(a, b):
        return None
    if same_id:
        return 0 if same_tokens(a, b) else 1
    if a.trace_id != b.trace_id or not same_model(a, b) or not within(a, b):
        return None
    if (a.refused and b.refused) or (a.reported and b.reported):
        return (2 if line else 3) if same_tokens(a, b) else None
    return 4 if line else 5


def _may_join(one: list[Report], other: list[Report], above: Above) -> bool:
    """Reports of one library side by side are calls of their own."""
    for a in one:
        for b in other:
            if a.scope == b.scope and not (a.polled or b.polled or above(a, b) or above(b, a)):
                return False
            told = a.reported and b.reported and a.response_id and b.response_id
            if told and a.response_id != b.response_id and (a.scope == b.scope or not same_tokens(a, b)):
                return False
    return True


def _restated(counted: list[tuple[Report, list[Report]]], verdicts: dict[Report, Verdict], above: Above) -> None:
    """Set aside what only sums up or passes on what is below it, from the bottom to the top."""
    height = {best: sum(above(best, other) for other, _ in counted) for best, _ in counted}
    for best, group in sorted(counted, key=lambda each: (height[each[0]], each[0].start, each[0].span_id)):
        below = [
            other
            for other, others in counted
            if other is not best and verdicts[other].reason is None and _is_below(others, group, above)
        ]
        failed = best.refused and bool(below)
        parts = [other for other in below if other.reported]
        summed = best.reported and len(parts) > 1 and adds_up(best, parts)
        if failed or summed:
            _set_aside(group, verdicts, v.ASIDE_RESTATES, below[0])


def _is_below(lower: list[Report], upper: list[Report], above: Above) -> bool:
    return any(above(high, low) for high in upper for low in lower)


def _without_usage(counted: list[tuple[Report, list[Report]]], verdicts: dict[Report, Verdict], above: Above) -> None:
    """Never estimate what a related report tells."""
    tells = [(best, group) for best, group in counted if best.reported and verdicts[best].reason is None]
    for best, group in counted:
        if best.reported or best.refused or best.polled or verdicts[best].reason is not None:
            continue
        relative = next((other for other, others in tells if _tells_of(group, others, above)), None)
        if relative is not None:
            _set_aside(group, verdicts, v.ASIDE_NO_USAGE, relative)


def _tells_of(silent: list[Report], telling: list[Report], above: Above) -> bool:
    return any(_relative(a, b, above) for a in silent for b in telling)


def _relative(silent: Report, telling: Report, above: Above) -> bool:
    if silent.embeds != telling.embeds:
        return False
    if above(silent, telling):
        return True
    if above(telling, silent):
        return silent.nearness >= telling.nearness
    return (
        silent.scope != telling.scope
        and silent.nearness > telling.nearness
        and same_model(silent, telling)
        and within(silent, telling)
    )


def _set_aside(group: list[Report], verdicts: dict[Report, Verdict], reason: str, by: Report) -> None:
    for report in group:
        verdicts[report] = Verdict(reason, by)

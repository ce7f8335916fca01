"""Lines of the ledger: whom a call belongs to, what takes a line back, what is left of a report that does not count."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.pricing.books import Book
from syndarix_obs.pricing.matching import Verdict
from syndarix_obs.pricing.reports import Report
from syndarix_obs.records.conversion import from_span
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.records.model import CostRecord, LLMRecord, Record
from syndarix_obs.records.resource import Resource
from syndarix_obs.store.schema import VOID_SUFFIX

if TYPE_CHECKING:
    from syndarix_obs.store.reports import StoredReport

NAMES: Final = ("agent", "session_id", "project", "user", "task_type", "agent_type", "agent_version")
"""What a line says about whom it belongs to."""
_OWN: Final = "syndarix_obs"
_TOKENS: Final = (
    "tokens_input", "tokens_output", "tokens_cache_read", "tokens_cache_write", "tokens_reasoning", "tokens_total",
)  # fmt: skip


def names_of(report: Report, group: Iterable[Report], book: Book) -> dict[str, Any]:
    """Whom a call belongs to: what is nearest to it names it, then what other reports of the same call say."""
    line = report.line
    names: dict[str, Any] = {name: getattr(line, name) for name in NAMES}
    others = sorted((each for each in group if each is not report), key=lambda each: (each.start, each.span_id))
    around = [book.agent_of(each) for each in (report, *others)]
    if report.agent is None:
        told = [each.agent for each in others] + [agent.name for agent in around if agent is not None]
        nearest = around[0].name if around[0] is not None else None
        names["agent"] = nearest or next((name for name in told if name), None) or line.agent
    for name in NAMES:
        if names[name] is None:
            names[name] = next((value for each in others if (value := getattr(each.line, name)) is not None), None)
    if names["session_id"] is None:
        names["session_id"] = next((found for each in (report, *others) if (found := book.session_of(each))), None)
    return names


def taken_back(report: Report, verdict: Verdict | None, line: CostRecord | None = None) -> CostRecord | None:
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


def call_of(report: Report, line: CostRecord) -> LLMRecord:
    """The call as the metrics know it."""
    return LLMRecord(
        record_id=f"{line.trace_id}:{line.span_id}", trace_id=line.trace_id, span_id=line.span_id,
        parent_id=line.parent_id, name=line.name, start_ns=line.start_ns, end_ns=line.end_ns, status=line.status,
        service=line.service, environment=line.environment, operation=report.operation, provider=line.provider,
        model=line.model, stream=report.stream, first_token_s=report.first_token_s, input_tokens=report.input,
        output_tokens=report.output, cache_read_tokens=line.tokens_cache_read,
        cache_write_tokens=line.tokens_cache_write, reasoning_tokens=line.tokens_reasoning, estimated=line.estimated,
        priced=line.priced, cost_usd=line.total_cost_usd, service_tier=line.service_tier,
        **{name: getattr(line, name) for name in NAMES},
    )  # fmt: skip


def aside(span: FinishedSpan, report: Report, verdict: Verdict, resource: Resource) -> Sequence[Record]:
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


def report_of(stored: StoredReport) -> Report:
    """A report that another process took, and that counts until it is judged otherwise."""
    line = stored.line
    report = Report(
        line, scope=stored.scope or _OWN, response_id=stored.response_id, asked=stored.asked, agent=line.agent
    )
    report.operation, report.stream, report.first_token_s = stored.operation, stored.stream, stored.first_token_s
    report.revision = stored.revision
    report.elsewhere = report.seen = report.standing = True
    report.verdict = Verdict(None, report)
    return report

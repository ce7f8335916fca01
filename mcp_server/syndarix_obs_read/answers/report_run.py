"""Sections of a report about one run."""

from __future__ import annotations

import html
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Final

from syndarix_obs import vocabulary as v
from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.decisions import list_decisions
from syndarix_obs_read.answers.exchanges import exchanges
from syndarix_obs_read.answers.explain import explain_trace
from syndarix_obs_read.answers.interactions import Interactions
from syndarix_obs_read.answers.messages import brief
from syndarix_obs_read.answers.quality import Score, scores_of_session
from syndarix_obs_read.answers.session import SessionDetail, get_session
from syndarix_obs_read.answers.trace import Trace, TraceSpan, get_trace
from syndarix_obs_read.backends.filters import LARGEST_NS, Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import StoredRecord
from syndarix_obs_read.reporting import parts
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.timerange import TimeRange

MOST_STEPS: Final = 2_000
"""Steps of one trace."""
MOST_TRACES: Final = 20
"""Traces of a session that are shown step by step."""
WORDS: Final = 300
"""Bytes of recorded text for each step, taken together: what keeps a report of 1,000 steps below a megabyte."""
_AROUND: Final = 80
"""Bytes that a file takes around one text."""
_LEAST: Final = 60
_LONGEST: Final = 4_000
_ROWS: Final = 200
_ALWAYS: Final = TimeRange(0, LARGEST_NS, "always")


async def run_sections(
    backend: Backend, settings: ReadSettings, found: Interactions, trace_ids: Sequence[str]
) -> list[parts.Section]:
    """What is said about a session or trace."""
    traces = [await get_trace(backend, each, limit=MOST_STEPS) for each in trace_ids[:MOST_TRACES]]
    session = traces[0].session_id if not found.is_session else found.run
    sections = [await _summary(backend, settings, found, traces)]
    sections.append(await _why(backend, [trace.trace_id for trace in traces]))
    if found.messages:
        flow = tuple((edge.before, edge.after, edge.count, edge.failed > 0) for edge in found.flow)
        sections.append(parts.Section(title="Who spoke to whom", blocks=(parts.Sequence(interactions=found),)))
        sections.append(parts.Section(title="Flow", blocks=(parts.Flow(edges=flow),)))
    sections += [_steps(trace) for trace in traces]
    sections.append(await _words(backend, found, [trace.trace_id for trace in traces]))
    where = Filter(session_id=found.run) if found.is_session else Filter(trace_id=found.run)
    sections += [each async for each in _judged(backend, where, session)]
    return [section for section in sections if section.blocks]


async def _summary(
    backend: Backend, settings: ReadSettings, found: Interactions, traces: Sequence[Trace]
) -> parts.Section:
    if not found.is_session:
        trace = traces[0]
        pairs = (("trace", trace.trace_id), ("status", trace.status), ("began", _when(trace, settings)),
                 ("took", f.duration(trace.duration_ms)), ("agents", ", ".join(trace.agents)),
                 ("project", trace.project or ""), ("user", trace.user or ""),
                 ("tokens", f.count(trace.tokens.total)), ("cost", f.cost_words(trace.cost)))  # fmt: skip
        return parts.Section(title="In short", blocks=(parts.Facts(pairs=_kept(pairs)),))
    detail = await get_session(backend, found.run, stalled_after_s=settings.stalled_after)
    return parts.Section(title="In short", blocks=(_facts(detail, settings), *_models(detail)))


def _when(trace: Trace, settings: ReadSettings) -> str:
    return f.moment(trace.started, settings.zone)


def _kept(pairs: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple(pair for pair in pairs if pair[1] not in ("", f.NOTHING))


def _facts(detail: SessionDetail, settings: ReadSettings) -> parts.Facts:
    one = detail.session
    error = f"{one.error_type}: {one.error_message}" if one.error_message else one.error_type or ""
    return parts.Facts(pairs=_kept((
        ("session", one.session_id), ("status", one.status), ("outcome", one.outcome or ""), ("error", error),
        ("began", f.moment(one.started, settings.zone)), ("took", f.duration(one.duration_ms)),
        ("agents", " → ".join(one.agents)), ("project", one.project or ""), ("user", one.user or ""),
        ("traces", f.count(len(one.trace_ids))), ("model calls", f.count(one.activity.llm_calls)),
        ("tool calls", f.count(one.activity.tool_calls)), ("errors", f.count(one.activity.errors)),
        ("tokens", f.count(one.tokens.total)), ("cost", f.cost_words(one.cost)),
    )))  # fmt: skip


def _models(detail: SessionDetail) -> Iterator[parts.Block]:
    if detail.models:
        yield parts.Table(
            heads=("model", ">calls", ">tokens", ">cost"),
            rows=tuple((m.model or f.NOTHING, f.count(m.cost.calls), f.count(m.tokens.total), f.cost(m.cost))
                       for m in detail.models),
        )  # fmt: skip


async def _why(backend: Backend, trace_ids: Sequence[str]) -> parts.Section:
    blocks: list[parts.Block] = []
    for trace_id in trace_ids:
        told = await explain_trace(backend, trace_id)
        blocks.append(parts.Prose(text=told.outcome))
        rows = tuple((f"+{f.duration(e.offset_ms)}", e.role, e.title, brief(e.text, 300)) for e in told.chain)
        bad = tuple(at for at, each in enumerate(told.chain) if each.status == v.STATUS_ERROR)
        blocks.append(parts.Table(heads=(">at", "part", "step", "what happened"), rows=rows, failed=bad))
    return parts.Section(title="Why it ended so", blocks=tuple(blocks))


def _steps(trace: Trace) -> parts.Section:
    steps = tuple(_step(span) for span in trace.spans)
    block = parts.Steps(whole_ms=trace.duration_ms, steps=steps, left=trace.total_spans - len(trace.spans))
    return parts.Section(title=f"Steps of trace {trace.trace_id}", blocks=(block,))


def _step(span: TraceSpan) -> parts.Step:
    cost = "" if span.total_cost_usd is None else f.money(span.total_cost_usd)
    return parts.Step(
        depth=span.depth, step_kind=span.kind, title=span.title, failed=span.status == v.STATUS_ERROR,
        offset_ms=round(span.offset_ms, 3), duration_ms=round(span.duration_ms, 3), tokens=span.total_tokens,
        cost=cost, said=brief(span.summary, 90),
    )  # fmt: skip


async def _words(backend: Backend, found: Interactions, trace_ids: Sequence[str]) -> parts.Section:
    """What passed between the participants, in order; long texts are cut so that all have room."""
    records: list[StoredRecord] = []
    for trace_id in trace_ids:
        records += (await backend.trace(trace_id, limit=MOST_STEPS, payloads=True)).rows
    told = [each for each in exchanges(records, found.run if found.is_session else None) if each.said]
    room = _room([_size(each.said) for each in told], WORDS * max(len(records), 300) - _AROUND * len(told))
    names = {each.id: each.name for each in found.participants}
    quotes = tuple(
        (f"{names.get(each.source, each.source)} → {names.get(each.target, each.target)}", _cut(each.said, room))
        for each in told
    )
    return parts.Section(title="What was said", blocks=(parts.Quotes(quotes=quotes),) if quotes else ())


def _room(sizes: Sequence[int], budget: int) -> int:
    """The longest a text may be so that all together keep within the budget."""
    left, room = budget, _LONGEST
    for place, size in enumerate(sorted(sizes)):
        room = left // (len(sizes) - place)
        if size > room:
            return max(_LEAST, min(room, _LONGEST))
        left -= size
    return _LONGEST


def _size(text: str) -> int:
    """Bytes that a text takes in HTML."""
    return len(html.escape(text).encode(errors="replace"))


def _cut(text: str, room: int) -> str:
    size = _size(text)
    return text if size <= room else f"{text[: len(text) * room // size]}… ({len(text):,} characters)"


async def _judged(backend: Backend, where: Filter, session: str | None) -> AsyncIterator[parts.Section]:
    decisions = (await list_decisions(backend, where, _ALWAYS, _ROWS)).decisions[::-1]
    if decisions:
        rows = tuple((d.decision_type, d.selected, ", ".join(o for o in d.options if o != d.selected),
                      f.confidence(d.confidence), brief(d.reasoning or "", 200)) for d in decisions)  # fmt: skip
        table = parts.Table(heads=("decision", "chose", "over", ">confidence", "because"), rows=rows)
        yield parts.Section(title="Decisions", blocks=(table,))
    scores = await scores_of_session(backend, session) if session else ()
    if scores:
        yield parts.Section(title="Scores", blocks=(_scores(scores),))


def _scores(scores: Sequence[Score]) -> parts.Table:
    rows = tuple((s.name, s.type, f"{s.value:g}" if s.value is not None else s.label or "", s.source,
                  brief(s.explanation or "", 200)) for s in scores)  # fmt: skip
    return parts.Table(heads=("name", "type", ">value", "from", "why"), rows=rows)

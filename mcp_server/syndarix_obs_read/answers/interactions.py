"""Who spoke to whom in one run? User, agents, tools and memories as a sequence, repeats collapsed, and its flow."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, Literal

from pydantic import Field

from syndarix_obs_read.amounts import Frozen, Usd
from syndarix_obs_read.answers import exchanges as x
from syndarix_obs_read.answers.base import ListAnswer
from syndarix_obs_read.answers.flow import END, START, mermaid
from syndarix_obs_read.answers.ids import resolve_session, resolve_trace
from syndarix_obs_read.answers.messages import brief
from syndarix_obs_read.answers.repeats import Block, collapse
from syndarix_obs_read.answers.sequence_text import Arrow, sequence_text
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import StoredRecord
from syndarix_obs_read.errors import NotFound

MOST_RECORDS: Final = 20_000
"""Records of one trace that are read."""
_SPANS: Final = 50
_TEXT: Final = 240


class Participant(Frozen):
    """Somebody in the diagram."""

    id: str = Field(description="`user`, or kind and name, such as `tool:search`.")
    kind: Literal["user", "agent", "tool", "memory"]
    name: str


class Interaction(Frozen):
    """One arrow of the diagram; of a repeated stretch the first one stands for all."""

    kind: x.Kind = Field(description="said, answered, called, returned, ordered, reported, or model: a call by itself.")
    source: str = Field(description="Id of a participant.")
    target: str
    title: str = Field(description="The tool, operation or model.")
    said: str = Field(description="The beginning of its text, arguments or result.")
    count: int = Field(description="How often it happened here, one after the other.")
    block: int | None = Field(description="Number of the repeated stretch that it belongs to.")
    failed: int
    model_calls: int = Field(description="Calls of models that led to it.")
    tokens: int = Field(description="Of those calls.")
    cost_usd: Usd | None = Field(description="Of those calls; null when none has a price.")
    offset_ms: float = Field(description="Milliseconds from the beginning of the run.")
    trace_id: str
    span_ids: tuple[str, ...] = Field(description=f"Spans that it stands for, the first {_SPANS}.")


class InteractionEdge(Frozen):
    """All interactions of one kind between two participants."""

    source: str
    target: str
    kind: x.Kind
    count: int
    failed: int


class FlowEdge(Frozen):
    """What came right after what, and how often."""

    before: str
    after: str
    count: int
    failed: int = Field(description="How often the second one failed.")


class Interactions(ListAnswer):
    """One run as a sequence of interactions."""

    run: str = Field(description="The session or trace.")
    is_session: bool
    duration_ms: float
    participants: tuple[Participant, ...]
    messages: tuple[Interaction, ...]
    edges: tuple[InteractionEdge, ...] = Field(description="Sums over the whole run, also where the list was cut.")
    model_calls: int = Field(description="Of the whole run.")
    tokens: int
    cost_usd: Usd | None
    flow: tuple[FlowEdge, ...] = Field(description="The run as a graph of what it did.")
    flow_mermaid: str = Field(description="The same as Mermaid text.")
    mermaid: str = Field(description="The sequence as Mermaid text.")


async def interactions(backend: Backend, run: str, *, limit: int = 200) -> Interactions:
    """The interactions of a session or trace, by id or a unique beginning of it.

    Args:
        limit: most arrows, repeats collapsed.

    Raises:
        NotFound, Ambiguous: see `resolve_session`.
    """
    name, traces = await traces_of(backend, run)
    records: list[StoredRecord] = []
    cut = False
    for trace_id in traces:
        page = await backend.trace(trace_id, limit=MOST_RECORDS, payloads=True)
        records += page.rows
        cut = cut or page.more
    found = x.exchanges(records, None if name in traces else name)
    hints = (f"only the first {MOST_RECORDS:,} records of a trace were looked at",) if cut else ()
    return _answer(backend.name, name, found, limit, hints, is_session=name not in traces)


async def traces_of(backend: Backend, run: str) -> tuple[str, tuple[str, ...]]:
    """The whole id of a session or trace, and its traces; raises like `interactions`."""
    try:
        session = await resolve_session(backend, run)
    except NotFound as error:
        try:
            trace_id = await resolve_trace(backend, run)
        except NotFound:
            raise error from None
        return trace_id, (trace_id,)
    row = (await backend.sessions(Filter(session_id=session), 1)).rows[0]
    return session, row.trace_ids


def _answer(
    backend: str, run: str, found: Sequence[x.Exchange], limit: int, hints: tuple[str, ...], *, is_session: bool
) -> Interactions:
    start = min((each.at_ns for each in found), default=0)
    blocks = collapse(found, key=lambda each: each.key, alone=lambda each: each.kind in ("said", "answered"))
    drawn = [each for number, block in enumerate(blocks) for each in _drawn(number, block, start)]
    models = [call for each in found for call in each.models]
    if len(drawn) > limit:
        hints = (*hints, f"{len(drawn) - limit:,} later interactions are not shown; raise the limit")
    shown = tuple(drawn[:limit])
    people = participants(found)
    flow = _flow(found)
    return Interactions(
        backend=backend, run=run, is_session=is_session, hints=hints, more=len(drawn) > limit, total=len(drawn),
        duration_ms=(max((each.at_ns for each in found), default=start) - start) / 1e6, participants=people,
        messages=shown, edges=_edges(found), model_calls=len(models), tokens=sum(call.tokens for call in models),
        cost_usd=_sum(call.cost_usd for call in models), flow=flow,
        flow_mermaid=mermaid(((e.before, e.after), f"{e.count}×", e.failed > 0) for e in flow),
        mermaid=sequence_text({each.id: each.name for each in people}, [_arrow(each) for each in shown]),
    )  # fmt: skip


def participants(found: Sequence[x.Exchange]) -> tuple[Participant, ...]:
    """Everybody who takes part: the user first, then in the order in which they come."""
    ids = dict.fromkeys(name for each in found for name in (each.source, each.target))
    ordered = sorted(ids, key=lambda name: name != x.USER)
    return tuple(
        Participant(id=name, kind=name.partition(":")[0], name=name.partition(":")[2] or "user")  # type: ignore[arg-type]  # `exchanges` makes only these
        for name in ordered
    )


def _drawn(number: int, block: Block[x.Exchange], start: int) -> list[Interaction]:
    return [_interaction(each, block, number, start) for each in block.parts]


def _interaction(same: Sequence[x.Exchange], block: Block[x.Exchange], number: int, start: int) -> Interaction:
    first = same[0]
    models = [call for each in same for call in each.models]
    return Interaction(
        kind=first.kind, source=first.source, target=first.target, title=first.title, said=brief(first.said, _TEXT),
        count=len(same), block=number if block.times > 1 else None, failed=sum(each.failed for each in same),
        model_calls=len(models), tokens=sum(call.tokens for call in models),
        cost_usd=_sum(call.cost_usd for call in models), offset_ms=(first.at_ns - start) / 1e6,
        trace_id=first.trace_id, span_ids=tuple(each.span_id for each in same[:_SPANS]),
    )  # fmt: skip


def _sum(amounts: object) -> Decimal | None:
    known = [each for each in amounts if each is not None]  # type: ignore[attr-defined]  # a generator of amounts
    return sum(known, Decimal(0)) if known else None


def _edges(found: Sequence[x.Exchange]) -> tuple[InteractionEdge, ...]:
    counts: Counter[tuple[str, str, x.Kind]] = Counter((each.source, each.target, each.kind) for each in found)
    failed: Counter[tuple[str, str, x.Kind]] = Counter(
        (each.source, each.target, each.kind) for each in found if each.failed
    )
    return tuple(
        InteractionEdge(source=key[0], target=key[1], kind=key[2], count=count, failed=failed[key])
        for key, count in counts.items()
    )


def _flow(found: Sequence[x.Exchange]) -> tuple[FlowEdge, ...]:
    """What followed what. An exchange counts where it began; answers of tools are told by whether they failed."""
    failed = {each.span_id for each in found if each.kind == "returned" and each.failed}
    steps = [(_activity(each), each.failed or each.span_id in failed) for each in found if each.kind not in x.RETURNS]
    if not steps:
        return ()
    whole = [(START, False), *steps, (END, False)]
    counts: Counter[tuple[str, str]] = Counter((a[0], b[0]) for a, b in itertools.pairwise(whole))
    bad: Counter[tuple[str, str]] = Counter((a[0], b[0]) for a, b in itertools.pairwise(whole) if b[1])
    return tuple(FlowEdge(before=a, after=b, count=count, failed=bad[a, b]) for (a, b), count in counts.items())


def _activity(each: x.Exchange) -> str:
    words: Mapping[str, str] = {"said": "user speaks", "answered": "answer", "model": "model alone"}
    return words.get(each.kind) or each.target.partition(":")[2]


def _arrow(each: Interaction) -> Arrow:
    title = each.title if each.kind in ("called", "model") else ""
    label = ": ".join(part for part in (title, brief(each.said, 60)) if part) or each.kind
    back = each.kind in x.RETURNS or each.kind == "answered"
    return Arrow(each.source, each.target, label, each.count, each.block, back=back, failed=bool(each.failed))

"""Calls that a provider served, and the spans by which several libraries report each of them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from syndarix_obs import vocabulary as v
from syndarix_obs.metrics.measure import Measure
from syndarix_obs.metrics.registry import Metrics
from syndarix_obs.pipeline.normalise import NormaliseStep
from syndarix_obs.pricing import PriceBook
from syndarix_obs.pricing.ledger import Ledger
from syndarix_obs.pricing.price_step import PriceStep
from syndarix_obs.pricing.token_step import TokensStep
from syndarix_obs.records.conversion import from_span
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.records.model import CostRecord
from syndarix_obs.records.resource import Resource

OURS = "syndarix_obs"
OFFICIAL = "opentelemetry.instrumentation.genai.openai"
LANGCHAIN = "openinference.instrumentation.langchain"
VERCEL = "ai"
BOOK = PriceBook()
MS = 1_000_000
START = 1_780_000_000 * 10**9
PRICES = {"gpt-4o-mini": (Decimal("0.15"), Decimal("0.6")), "claude-sonnet-4-5": (Decimal(3), Decimal(15))}
"""Dollars for a million tokens, in and out, as the providers publish them."""

Fields = dict[str, Any]


def span(
    scope: str, span_id: str, parent: str | None, at: int, ms: int, *, trace: str = "t", failed: bool = False,
    **attributes: Any,
) -> Fields:  # fmt: skip
    """What a span is made of, so that every delivery makes a new one."""
    return {
        "name": span_id, "trace_id": trace, "span_id": span_id, "parent_id": parent, "start_ns": START + at * MS,
        "end_ns": START + (at + ms) * MS, "scope": (scope, None), "resource": Resource("other"),
        "status": v.STATUS_ERROR if failed else v.STATUS_OK, "attributes": attributes,
    }  # fmt: skip


def semconv(model: str, tokens: tuple[int, int] | None, response: str | None = None) -> Fields:
    """A call in the words of the GenAI conventions."""
    found: Fields = {v.GEN_AI_OPERATION_NAME: "chat", v.GEN_AI_REQUEST_MODEL: model,
                     v.GEN_AI_PROVIDER_NAME: "anthropic" if "claude" in model else "openai"}  # fmt: skip
    if tokens is not None:
        found |= {v.GEN_AI_USAGE_INPUT_TOKENS: tokens[0], v.GEN_AI_USAGE_OUTPUT_TOKENS: tokens[1]}
    return found if response is None else {**found, v.GEN_AI_RESPONSE_ID: response}


def openinference(model: str, tokens: tuple[int, int] | None) -> Fields:
    """A call in the words of OpenInference."""
    found: Fields = {"openinference.span.kind": "LLM", "llm.model_name": model}
    if tokens is not None:
        found |= {"llm.token_count.prompt": tokens[0], "llm.token_count.completion": tokens[1]}
    return found


@dataclass
class World:
    """Spans of a trace, and what the provider served in it."""

    spans: list[Fields] = field(default_factory=list)
    served: list[tuple[str, int, int]] = field(default_factory=list)

    def dollars(self) -> Decimal:
        """What the calls cost, by the published prices."""
        return sum((n_in * PRICES[m][0] + n_out * PRICES[m][1] for m, n_in, n_out in self.served), Decimal(0)) / 10**6


@dataclass
class Outcome:
    """What a ledger said to all deliveries together."""

    lines: list[CostRecord]
    metrics: Metrics

    @property
    def calls(self) -> int:
        """Lines that stand."""
        return sum(-1 if line.record_id.endswith(":void") else 1 for line in self.lines)

    @property
    def tokens(self) -> tuple[int, int]:
        """Input and output, caches and reasoning included."""
        return (
            sum(x.tokens_input + x.tokens_cache_read + x.tokens_cache_write for x in self.lines),
            sum(x.tokens_output + x.tokens_reasoning for x in self.lines),
        )

    @property
    def dollars(self) -> Decimal:
        """The sum of all lines."""
        return sum((line.total_cost_usd or Decimal(0) for line in self.lines), Decimal(0))

    def standing(self) -> set[tuple[str, str | None, str | None]]:
        """Span, agent and session of the lines that stand."""
        gone = {line.record_id.removesuffix(":void") for line in self.lines if line.record_id.endswith(":void")}
        return {
            (line.span_id, line.agent, line.session_id)
            for line in self.lines
            if line.record_id not in gone and not line.record_id.endswith(":void")
        }

    def metric(self, name: str) -> float:
        """The sum of a counter over all its series."""
        families = self.metrics.registry.collect()
        return sum(s.value for family in families for s in family.samples if s.name == name)


def deliver(batches: Iterable[Sequence[Fields]], ledgers: list[Ledger] | None = None) -> Outcome:
    """Take the spans through the steps that matter here, batch by batch; `ledgers` gets the ledger that was used."""
    metrics = Metrics()
    ledger, measure = Ledger(Resource()), Measure(metrics)
    if ledgers is not None:
        ledgers.append(ledger)
    steps = (NormaliseStep(), TokensStep(), PriceStep(BOOK))
    lines: list[CostRecord] = []
    for batch in batches:
        spans = [FinishedSpan(**{**each, "attributes": dict(each["attributes"])}) for each in batch]
        for step in steps:
            for one in spans:
                step(one)
        pairs, corrections = ledger.settle([(one, from_span(one, Resource())) for one in spans])
        for c in corrections:
            if c.void_call is not None:
                measure.retract([c.void_call, *([c.void] if c.void else [])])
            if c.call is not None:
                measure.consume(None, [c.call, *([c.line] if c.line else [])])
            lines += [line for line in (c.void, c.line) if line is not None]
        for one, records in pairs:
            measure.consume(one, records)
            lines += [record for record in records if isinstance(record, CostRecord)]
    return Outcome(lines, metrics)


def shuffled(spans: Sequence[Fields], seed: int) -> Iterator[list[Fields]]:
    """The spans in batches of random size and order, each batch sent twice."""
    draw = random.Random(seed)
    left = list(spans)
    draw.shuffle(left)
    batches: list[list[Fields]] = []
    while left:
        size = draw.randint(1, 6)
        batches += [left[:size]] * 2
        left = left[size:]
    draw.shuffle(batches)
    yield from batches

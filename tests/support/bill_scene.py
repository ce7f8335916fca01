"""A month of calls that a fake provider served, and what was recorded of them by the pipeline's own steps."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fake_bill import ADMIN, FakeProvider
from ledger_world import BOOK

from syndarix_obs import vocabulary as v
from syndarix_obs.pipeline.normalise import NormaliseStep
from syndarix_obs.pricing.price_step import PriceStep
from syndarix_obs.pricing.token_step import TokensStep
from syndarix_obs.records.conversion import from_span
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.records.model import Record
from syndarix_obs.records.resource import Resource
from syndarix_obs.store.writer import StoreWriter
from syndarix_obs_read.answers.bill import Reconciliation

MONTH = "2026-10"
FIRST = datetime(2026, 10, 1, tzinfo=UTC)
AFTER = datetime(2026, 11, 5, tzinfo=UTC)
"""When every day of the month is settled."""
Ask = Callable[..., Awaitable[Reconciliation]]
"""Holds what a recorder has against its provider's reports."""


class Recorder:
    """Records answers as an instrumented program does; what it is not told of, nobody recorded."""

    def __init__(self, provider: FakeProvider) -> None:
        self.provider = provider
        self.records: list[Record] = []
        self._steps = (NormaliseStep(), TokensStep(), PriceStep(BOOK))

    def call(self, model: str, at: datetime, *, seen_tier: str | None = None, usage: bool = True, **how: Any) -> None:
        """Make a call and record it.

        Args:
            seen_tier: what was recorded of the tier, if it is not what the answer says.
            usage: False for an answer that came without one.
            how: what `FakeProvider.call` takes.
        """
        body = self.provider.call(model, at, **how)
        number = len(self.records)
        start = int(at.timestamp()) * 10**9
        attributes: dict[str, Any] = {
            v.GEN_AI_OPERATION_NAME: "chat", v.GEN_AI_PROVIDER_NAME: self.provider.name,
            v.GEN_AI_REQUEST_MODEL: model, v.GEN_AI_RESPONSE_MODEL: body["model"], v.GEN_AI_RESPONSE_ID: body["id"],
        }  # fmt: skip
        tier = seen_tier or body.get("service_tier")
        if tier is not None:
            attributes[v.SERVICE_TIER] = tier
        told = dict(body["usage"])
        if seen_tier is not None:
            told.pop("service_tier", None)
        words = {"input": [{"role": "user", "content": "word " * (how["input"] * 4 // 5)}],
                 "output": [{"role": "assistant", "content": "word " * (how["output"] * 4 // 5)}]}  # fmt: skip
        span = FinishedSpan(
            name=f"chat {model}", trace_id=f"{number:032x}", span_id=f"{number:016x}", start_ns=start,
            end_ns=start + 2 * 10**9, attributes=attributes, payload={"usage": told} if usage else words,
            resource=Resource("desk"),
        )  # fmt: skip
        for step in self._steps:
            step(span)
        self.records += [each for each in from_span(span, Resource("desk")) if each.kind == v.KIND_COST]

    def days(self, model: str, count: int = 31, *, start: int = 0, cached: int = 1_000, **how: Any) -> None:
        """Three calls a day of different sizes; `cached` of the smallest."""
        for day in range(start, start + count):
            for number in range(3):
                at = FIRST + timedelta(days=day, hours=3 + 5 * number)
                size = 1 + (day * 7 + number * 3) % 5
                self.call(model, at, input=4_000 * size, cached=cached * size, output=700 * size, **how)

    def write(self, path: Path) -> None:
        """Into a store."""
        write(path, self.records)


def write(path: Path, records: Sequence[Record]) -> None:
    """Some records into a store."""
    writer = StoreWriter(path)
    writer.write(list(records))
    writer.close()


def key_file(folder: Path, provider: str, key: str | None = None) -> Path:
    """A file with an admin key."""
    path = folder / f"{provider}.key"
    path.write_text((key or ADMIN[provider]) + "\n")
    return path


def unseen(provider: FakeProvider, model: str, days: Sequence[int], **how: Any) -> None:
    """Calls that nobody recorded."""
    for day in days:
        provider.call(model, FIRST + timedelta(days=day, hours=9), input=50_000, cached=0, output=4_000, **how)



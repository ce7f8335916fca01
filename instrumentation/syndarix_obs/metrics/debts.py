"""What counters are ahead of the ledger. Counters never fall: a call that was counted and is then set aside is made up
for by the calls of the same model that follow, mostly by the very one that takes its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from syndarix_obs import vocabulary as v
from syndarix_obs.pricing.reports import plain_model
from syndarix_obs.records.model import LLMRecord

_NOTHING: Mapping[str, float] = {}


class Debts:
    """Amounts by model and class."""

    def __init__(self) -> None:
        self._ahead: dict[str | None, dict[str, float]] = {}
        self._observed: Counter[str | None] = Counter()

    def __bool__(self) -> bool:
        return bool(self._ahead)

    def add(self, record: LLMRecord) -> None:
        """A call that was counted is taken back."""
        model = plain_model(record.model)
        ahead = self._ahead.setdefault(model, {})
        for name, amount in amounts(record):
            ahead[name] = ahead.get(name, 0.0) + amount
        self._observed[model] += 1

    def settle(self, record: LLMRecord) -> tuple[Mapping[str, float], bool]:
        """What to leave out of a call that is about to be counted, by class; and whether to observe its times."""
        model = plain_model(record.model)
        ahead = self._ahead.get(model)
        if ahead is None:
            return _NOTHING, True
        less: dict[str, float] = {}
        for name, amount in amounts(record):
            less[name] = min(ahead.get(name, 0.0), amount)
            ahead[name] = ahead.get(name, 0.0) - less[name]
        fresh = not self._observed[model]
        self._observed[model] -= not fresh
        if not any(amount > 1e-12 for amount in ahead.values()):
            del self._ahead[model], self._observed[model]
        return less, fresh


def amounts(record: LLMRecord) -> Iterator[tuple[str, float]]:
    """What a call adds to the counters: one request by its status, its tokens by class, its dollars."""
    yield record.status, 1.0
    tokens = (
        record.input_tokens, record.output_tokens, record.cache_read_tokens, record.cache_write_tokens,
        record.reasoning_tokens,
    )  # fmt: skip
    yield from ((name, float(number)) for name, number in zip(v.TOKEN_TYPES, tokens, strict=True) if number)
    if record.cost_usd:
        yield "cost", float(record.cost_usd)

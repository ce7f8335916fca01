"""From a span in Tempo to the record that it was."""

from __future__ import annotations

import json
from typing import Any

from syndarix_obs import vocabulary as v
from syndarix_obs.records.conversion import from_span
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.records.resource import Resource
from syndarix_obs_read.backends.rows import StoredRecord


def record(span: FinishedSpan, resource: Resource) -> StoredRecord:
    """The record without its payload, which never was on the span."""
    found = from_span(span, resource)[0]
    data: dict[str, Any] = json.loads(found.line(payload=False))
    if found.kind == v.KIND_LLM_CALL:
        data |= _price(span.attributes)
    return StoredRecord(data, found.level)


def is_plain(found: StoredRecord) -> bool:
    """Whether the record has no line in Loki."""
    return found.kind == v.KIND_SPAN


def _price(attributes: dict[str, Any]) -> dict[str, Any]:
    cost = attributes.get(v.COST_USD)
    return {"priced": False} if cost is None else {"priced": True, "cost_usd": str(cost)}

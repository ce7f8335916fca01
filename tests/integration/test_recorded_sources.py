"""What a dozen frameworks and clients really sent, in any order and each batch twice: every call once, to the cent."""

from __future__ import annotations

import base64
import json
import random
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs, ScopeLogs
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans

from syndarix_obs.receivers.receiver import Receiver
from syndarix_obs.records.model import CostRecord
from syndarix_obs.testing import Kit, recording

RECORDED = Path(__file__).parents[1] / "frameworks" / "recorded"
SOURCES = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(RECORDED.glob("*.json"))}
ORDERS = 100
HEADERS = {"content-type": "application/x-protobuf"}
_ANSWERS = ("gen_ai.response.id", "ai.response.id", "session.id", "gen_ai.conversation.id")
"""Attributes that must differ from one order to the next, as they would between two runs."""

_IDS_IN_TEXTS = re.compile(r"\b(msg_|chatcmpl-)\d+")

Group = ResourceSpans | ResourceLogs


def parts() -> Iterator[tuple[str, Group]]:
    """Every recorded span and event as a group of its own, with its source."""
    for source, found in SOURCES.items():
        spans = ParseDict(_with_bytes(found["otlp"]), ExportTraceServiceRequest())
        for group in spans.resource_spans:
            for scope in group.scope_spans:
                for span in scope.spans:
                    yield (
                        source,
                        ResourceSpans(
                            resource=group.resource, scope_spans=[ScopeSpans(scope=scope.scope, spans=[span])]
                        ),
                    )
        logs = ParseDict(found.get("logs", {}), ExportLogsServiceRequest(), ignore_unknown_fields=True)
        for each in logs.resource_logs:
            for told in each.scope_logs:
                for record in told.log_records:
                    yield source, ResourceLogs(resource=each.resource, scope_logs=[ScopeLogs(log_records=[record])])


def _with_bytes(value: Any) -> Any:
    """Ids as protobuf's own JSON has them."""
    if isinstance(value, list):
        return [_with_bytes(each) for each in value]
    if isinstance(value, dict):
        ids = ("traceId", "spanId", "parentSpanId")
        return {
            key: base64.b64encode(bytes.fromhex(each)).decode() if key in ids else _with_bytes(each)
            for key, each in value.items()
            if key != "flags"
        }
    return value


PARTS = list(parts())


def other(source: str, part: Group, order: int) -> Group:
    """A part as another run would have told it: with a trace, answers and sessions of its own."""
    made = type(part)()
    made.CopyFrom(part)
    mark = f"-{source}-{order}"
    rows = made.scope_spans[0].spans if isinstance(made, ResourceSpans) else made.scope_logs[0].log_records
    for row in rows:
        if isinstance(made, ResourceSpans):
            row.trace_id = row.trace_id[:12] + order.to_bytes(4, "big")
        for pair in row.attributes:
            text = pair.value.string_value
            if text and pair.key in _ANSWERS:
                pair.value.string_value = text + mark
            elif text and pair.key == "output.value":
                pair.value.string_value = _IDS_IN_TEXTS.sub(lambda found: found.group() + mark, text)
    return made


def batches(order: int) -> list[tuple[str, bytes]]:
    """All sources together in a random order and in batches of random size, each sent twice."""
    dice = random.Random(order)
    mixed = [other(source, part, order) for source, part in PARTS]
    dice.shuffle(mixed)
    spans = [each for each in mixed if isinstance(each, ResourceSpans)]
    logs = [each for each in mixed if isinstance(each, ResourceLogs)]
    made: list[tuple[str, bytes]] = []
    while spans:
        size = dice.randint(1, 40)
        request = ExportTraceServiceRequest(resource_spans=spans[:size])
        made.append(("/v1/traces", request.SerializeToString()))
        spans = spans[size:]
    made.append(("/v1/logs", ExportLogsServiceRequest(resource_logs=logs).SerializeToString()))
    twice = made * 2
    dice.shuffle(twice)
    return twice


@pytest.fixture(scope="module")
def played() -> Iterator[dict[int, list[CostRecord]]]:
    """Lines of the ledger by order, after all orders have been sent."""
    with recording() as kit:
        receiver = Receiver(kit.obs.runtime)
        for order in range(ORDERS):
            for path, body in batches(order):
                assert 200 == receiver.receive(path, HEADERS, body).status
        receiver.close()
        yield _by_order(kit)


def _by_order(kit: Kit) -> dict[int, list[CostRecord]]:
    found: defaultdict[int, list[CostRecord]] = defaultdict(list)
    for record in kit.records("cost"):
        told = record.session_id or ""
        in_events = told.rpartition("-")[2] if "claude-code-" in told else ""
        found[int(in_events) if in_events.isdigit() else int(record.trace_id[24:], 16)].append(record)
    return found


def test_there_are_at_least_ten_sources() -> None:
    assert len(SOURCES) >= 10
    assert all(found["served"] for found in SOURCES.values())


@pytest.mark.parametrize("order", range(ORDERS))
def test_the_sums_are_what_the_provider_served(played: dict[int, list[CostRecord]], order: int) -> None:
    served = [each for source in SOURCES.values() for each in source["served"]]
    lines = played[order]
    inputs = ("tokens_input", "tokens_cache_read", "tokens_cache_write")
    assert {
        "calls": len(served),
        "input": sum(each["input"] for each in served),
        "output": sum(each["output"] for each in served),
        "cached": sum(each["cached"] for each in served),
    } == {
        "calls": sum(-1 if line.record_id.endswith(":void") else 1 for line in lines),
        "input": sum(getattr(line, name) for line in lines for name in inputs),
        "output": sum(line.tokens_output + line.tokens_reasoning for line in lines),
        "cached": sum(line.tokens_cache_read for line in lines),
    }
    dollars = sum(float(line.total_cost_usd or 0) for line in lines)
    assert pytest.approx(sum(each["dollars"] for each in served), abs=1e-9) == dollars

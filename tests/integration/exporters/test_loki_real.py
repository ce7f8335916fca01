"""The Loki exporter against a real Loki: what was recorded is there, once, whole, under its own time."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from real_servers import Ledger, get, server, until

from syndarix_obs import vocabulary as v
from syndarix_obs.delivery.disk_budget import DiskBudget
from syndarix_obs.delivery.frames import parse
from syndarix_obs.delivery.http import HttpPost
from syndarix_obs.delivery.spooled import Post
from syndarix_obs.destinations.loki import PUSH_PATH, LokiDestination
from syndarix_obs.destinations.loki_push import encode_line, labels_text, metadata_fields, push_body
from syndarix_obs.records import model as r
from syndarix_obs_stack.launcher import Stack

pytestmark = [pytest.mark.real_servers, pytest.mark.slow]

HOUR_NS = 3600 * 10**9


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with server("loki", tmp_path_factory.mktemp("loki")) as running:
        yield running


@pytest.fixture
def health() -> Ledger:
    return Ledger()


@pytest.fixture
def loki(stack: Stack, tmp_path: Path, health: Ledger) -> Iterator[LokiDestination]:
    url = f"http://127.0.0.1:{stack.options.ports.loki}"
    exporter = LokiDestination(url, Post(tmp_path / "spool", DiskBudget(1 << 28), health))
    yield exporter
    exporter.close(5)


def llm(service: str, number: int, *, text: str = "hello", **fields: Any) -> r.LLMRecord:
    now = time.time_ns()
    values: dict[str, Any] = {
        "record_id": f"{service}-{number}", "trace_id": f"{number + 1:032x}", "span_id": f"{number + 1:016x}",
        "start_ns": now - 10**9, "end_ns": now, "service": service, "environment": "test",
        "session_id": f"s-{number % 10}", "agent": "support", "model": "gpt-4o",
        "payload": json.dumps({"input": text}, ensure_ascii=False),
    }  # fmt: skip
    return r.LLMRecord(**{**values, **fields})


def found(stack: Stack, service: str, more: str = "") -> list[tuple[int, dict[str, Any], dict[str, str]]]:
    """Time, line and metadata of everything a service left."""
    lines, end = [], time.time_ns() + HOUR_NS
    while True:
        answer = get(
            stack.options.ports.loki, "/loki/api/v1/query_range", query=f'{{service_name="{service}"}}{more}',
            start=time.time_ns() - 29 * 24 * HOUR_NS, end=end, limit=1000, direction="backward",
        )  # fmt: skip
        page = [
            (int(value[0]), json.loads(value[1]), value[2].get("structuredMetadata", {}))
            for stream in answer["data"]["result"]
            for value in stream["values"]
        ]
        lines += [line for line in page if line[1]["record_id"] not in {seen[1]["record_id"] for seen in lines[-2000:]}]
        if len(page) < 1000:
            return lines
        end = min(line[0] for line in page) + 1


def total(stack: Stack, service: str) -> int:
    """Lines by Loki's own count, duplicates included."""
    answer = get(
        stack.options.ports.loki, "/loki/api/v1/query", time=time.time_ns() + 20 * 60 * 10**9,
        query=f'sum(count_over_time({{service_name="{service}"}}[40d]))',
    )  # fmt: skip
    return sum(int(series["value"][1]) for series in answer["data"]["result"])


def ids(stack: Stack, service: str, more: str = "") -> Counter[str]:
    return Counter(line["record_id"] for _, line, _ in found(stack, service, more))


def expected(service: str, count: int) -> Counter[str]:
    return Counter({f"{service}-{number}": 1 for number in range(count)})


def test_every_record_is_found_once_with_its_line_time_and_metadata(
    stack: Stack, loki: LokiDestination, health: Ledger
) -> None:
    sent = [llm("counts", number) for number in range(3_000)]
    for start in range(0, 3_000, 100):
        loki.consume(None, sent[start : start + 100])
        loki.tick()
    assert loki.flush(20)
    lines = {line["record_id"]: (time_ns, line, metadata) for time_ns, line, metadata in found(stack, "counts")}
    assert {
        record.record_id: (
            record.end_ns,
            json.loads(record.line()),
            {
                "trace_id": record.trace_id, "span_id": record.span_id, "session_id": record.session_id,
                "agent": "support", "model": "gpt-4o",
            },
        )
        for record in sent
    } == lines  # fmt: skip
    assert 3_000 == total(stack, "counts")
    assert ({}, 0) == (health.drops, health.failures)
    assert 300 == len(ids(stack, "counts", ' | session_id="s-7"'))
    assert 1 == len(ids(stack, "counts", f' | trace_id="{5:032x}"'))


def test_streams_have_the_labels_of_the_vocabulary_and_no_others(stack: Stack, loki: LokiDestination) -> None:
    loki.consume(None, [llm("labels", 0)])
    assert loki.flush(20)
    answer = get(stack.options.ports.loki, "/loki/api/v1/series", **{"match[]": '{service_name="labels"}'})
    assert [{"service_name": "labels", "environment": "test", "kind": "llm_call", "level": "info"}] == answer["data"]
    assert set(v.LOKI_LABELS) == set(answer["data"][0])


def test_the_ledger_adds_up_in_loki(stack: Stack, loki: LokiDestination) -> None:
    costs = [Decimal(number) / 7_000_000 for number in range(1, 501)]
    now = time.time_ns()
    records = [
        r.CostRecord(
            record_id=f"c{number}", trace_id="1" * 32, span_id="2" * 16, end_ns=now + number, service="ledger",
            environment="test", model="gpt-4o", priced=True, total_cost_usd=cost,
        )
        for number, cost in enumerate(costs)
    ]  # fmt: skip
    loki.consume(None, records)
    assert loki.flush(20)
    assert sum(costs) == sum(Decimal(line["total_cost_usd"]) for _, line, _ in found(stack, "ledger"))


def test_a_prompt_of_two_megabytes_arrives_whole_beside_small_ones(
    stack: Stack, loki: LokiDestination, health: Ledger
) -> None:
    text = "prompt " * 300_000
    loki.consume(None, [llm("large", 0), llm("large", 1, text=text), llm("large", 2)])
    assert loki.flush(20)
    until(lambda: total(stack, "large") == 3)
    lines = {line["record_id"]: line for _, line, _ in found(stack, "large")}
    assert text == lines["large-1"]["input"]
    assert ({}, {}) == (health.drops, health.cuts)


def test_a_line_beyond_lokis_limit_is_shortened_and_its_neighbours_arrive(
    stack: Stack, loki: LokiDestination, health: Ledger
) -> None:
    records = [llm("beyond", number) for number in range(20)]
    records[7] = llm("beyond", 7, text="y" * 6_000_000)
    loki.consume(None, records)
    until(lambda: loki.flush(1) and not loki.spool.waiting_bytes)
    assert expected("beyond", 20) == ids(stack, "beyond")
    assert 20 == total(stack, "beyond")
    cut = next(line for _, line, _ in found(stack, "beyond") if line["record_id"] == "beyond-7")
    assert cut["truncated"].endswith(f"{v.TRUNCATED_SUFFIX}{len(records[7].payload or '')}")
    assert ({}, {"destination": 1}) == (health.drops, health.cuts)


def test_hostile_text_arrives(stack: Stack, loki: LokiDestination, health: Ledger) -> None:
    texts = ["lone \ud83d", "nul \x00", "🙂", 'q"uo\\te', "\u2028", "tab\tnew\nline"]
    loki.consume(None, [llm("hostile", n, text=text, session_id=text) for n, text in enumerate(texts)])
    assert loki.flush(20)
    lines = {line["record_id"]: line["input"] for _, line, _ in found(stack, "hostile")}
    assert {f"hostile-{n}": text.replace("\ud83d", "?") for n, text in enumerate(texts)} == lines
    assert {} == health.drops


def test_lines_out_of_time_are_kept_once_under_lokis_time(stack: Stack, loki: LokiDestination, health: Ledger) -> None:
    now = time.time_ns()
    loki.consume(None, [llm("late", number, end_ns=now + number) for number in range(10)])
    assert loki.flush(20)
    odd = [now - 3 * HOUR_NS, now - 10**6, now - 40 * 24 * HOUR_NS, now + HOUR_NS, now + 60 * 10**9]
    loki.consume(None, [llm("late", 10 + n, end_ns=end) for n, end in enumerate(odd)])
    loki.consume(None, [llm("late", 15 + n, end_ns=now - 5 * HOUR_NS + n) for n in range(500)])
    until(lambda: loki.flush(1) and not loki.spool.waiting_bytes)
    assert expected("late", 515) == ids(stack, "late")
    assert 515 == total(stack, "late")
    lines = {line["record_id"]: (time_ns, line["end_ns"]) for time_ns, line, _ in found(stack, "late")}
    assert [now - 10**6, now + 60 * 10**9] == [lines["late-11"][0], lines["late-14"][0]]
    assert odd == [lines[f"late-{10 + n}"][1] for n in range(5)]
    assert {} == health.drops


def test_loki_takes_gzip_around_a_push(stack: Stack) -> None:
    post = HttpPost(
        f"http://127.0.0.1:{stack.options.ports.loki}{PUSH_PATH}",
        {"Content-Type": "application/x-protobuf"},
        compress=True,
    )
    sent = [llm("gzip", number, text=f"prompt {number} " * 1_000) for number in range(100)]
    labels = labels_text(("gzip", "test", v.KIND_LLM_CALL, "info"))
    data = b"".join(
        encode_line(each.line(payload=False), each.payload, labels, metadata_fields({"agent": "a"}), each.end_ns)
        for each in sent
    )
    assert 204 == post(push_body(parse(data).frames), 10).status
    lines = {line["record_id"]: (time_ns, line, metadata) for time_ns, line, metadata in found(stack, "gzip")}
    assert {each.record_id: (each.end_ns, json.loads(each.line()), {"agent": "a"}) for each in sent} == lines


@pytest.mark.parametrize("service", ['q"uo\\te', "tab\tnew\nline", "nul \x00", "\u2028 🙂", '{a="b"}'])
def test_any_text_is_a_label(stack: Stack, loki: LokiDestination, health: Ledger, service: str) -> None:
    loki.consume(None, [llm(service, 0)])
    assert loki.flush(20)
    answer = get(stack.options.ports.loki, "/loki/api/v1/label/service_name/values")
    assert service in answer["data"]
    assert {} == health.drops


def test_what_is_sent_twice_is_there_once(stack: Stack, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{stack.options.ports.loki}"
    records = [llm("twice", number) for number in range(100)]
    for folder in ("a", "b"):  # as after a crash between the answer and its note on disk
        exporter = LokiDestination(url, Post(tmp_path / folder, DiskBudget(1 << 28), Ledger()))
        exporter.consume(None, records)
        assert exporter.flush(20)
        exporter.close(5)
    assert 100 == total(stack, "twice")


def test_stopping_loki_in_the_middle_loses_nothing(stack: Stack, loki: LokiDestination, health: Ledger) -> None:
    def emit(first: int, last: int) -> None:
        for number in range(first, last):
            loki.consume(None, [llm("outage", number)])
            if number % 50 == 49:
                loki.tick()

    emit(0, 500)
    assert loki.flush(20)
    stack.down()
    emit(500, 1_000)
    until(lambda: health.failures > 0)
    assert loki.spool.waiting_bytes > 0
    stack.up(only=["loki"])
    emit(1_000, 1_500)
    until(lambda: loki.flush(1) and not loki.spool.waiting_bytes)
    assert expected("outage", 1_500) == ids(stack, "outage")
    assert 1_500 == total(stack, "outage")
    assert {} == health.drops

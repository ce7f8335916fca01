"""Lines that Loki refuses while it stores their neighbours: nothing is lost, and nothing stored twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from email.utils import formatdate

from exporter_samples import record
from scripted_sink import Answer, Ledger, Request, ScriptedSink, until

from syndarix_obs import vocabulary as v
from syndarix_obs.delivery.http import Reply
from syndarix_obs.destinations.loki import LokiDestination
from syndarix_obs.destinations.loki_refusals import refusal

Make = Callable[[], LokiDestination]
NOW = 1_900_000_000
HOUR = 3600


class LokiLike:
    """Refuses as Loki 3.4 does, in its words, stores the rest, and notices nothing that comes twice."""

    def __init__(self, max_line: int = 100_000) -> None:
        self.max_line = max_line
        self.stored: Counter[str] = Counter()
        self.times: dict[str, int] = {}
        self.refusals = 0

    def __call__(self, request: Request) -> Answer:
        large, old = 0, 0
        for time_ns, line, _ in request.lines:
            size = max(len(str(value)) for value in line.values())
            if size > self.max_line:
                large += 1
            elif time_ns < (NOW - HOUR) * 10**9:
                old += 1
            else:
                self.stored[line["record_id"]] += 1
                self.times[line["record_id"]] = time_ns
        headers = {"Date": formatdate(NOW, usegmt=True)}
        said = []
        if large:
            said.append(f"{large} errors like: Max entry size '{self.max_line}' bytes exceeded for stream 'x'")
        if old:
            text = "has timestamp too old: 2026-10-13T19:43:32Z, oldest acceptable timestamp is: 2030-03-17T16:46:40Z"
            said.append(f"{old} errors like: entry for stream 'x' {text}")
        self.refusals += bool(said)
        return Answer(400 if said else 204, "; ".join(said).encode(), headers=headers)


def each(count: int) -> dict[str, int]:
    return {f"r{number}": 1 for number in range(count)}


def test_too_long_lines_are_cut_and_sent_again_without_their_neighbours(
    loki: Make, sink: ScriptedSink, health: Ledger
) -> None:
    sink.policy = server = LokiLike()
    exporter = loki()
    long = {3, 4, 17}
    records = [record(n, end_ns=NOW * 10**9, text="y" * (300_000 if n in long else 10)) for n in range(30)]
    exporter.consume(None, records)
    assert exporter.flush(10)
    assert each(30) == server.stored
    until(lambda: health.cuts == {"destination": 3})
    assert {} == health.drops


def test_the_limit_is_learned_once(loki: Make, sink: ScriptedSink, health: Ledger) -> None:
    sink.policy = server = LokiLike()
    exporter = loki()
    for number in range(5):
        exporter.consume(None, [record(number, end_ns=NOW * 10**9, text="é" * 300_000)])
        assert exporter.flush(10)
    assert each(5) == server.stored
    assert 1 == server.refusals
    assert {"destination": 5} == health.cuts
    line = sink.taken[-1].lines[0][1]
    assert v.TRUNCATED_SUFFIX in line[v.LOG_TRUNCATED]


def test_old_lines_are_sent_again_without_their_neighbours(loki: Make, sink: ScriptedSink, health: Ledger) -> None:
    sink.policy = server = LokiLike()
    exporter = loki()
    ends = [NOW - (5 * HOUR if number % 3 else 0) for number in range(30)]
    kinds = [{"status": v.STATUS_ERROR} if number % 2 else {} for number in range(30)]  # two streams
    exporter.consume(None, [record(n, end_ns=ends[n] * 10**9, **kinds[n]) for n in range(30)])
    assert exporter.flush(10)
    assert each(30) == server.stored
    assert {} == health.drops


def test_a_batch_with_both_faults_arrives(loki: Make, sink: ScriptedSink, health: Ledger) -> None:
    sink.policy = server = LokiLike()
    exporter = loki()
    ends = [NOW - (5 * HOUR if number == 2 else 0) for number in range(10)]
    records = [record(n, end_ns=ends[n] * 10**9, text="y" * (300_000 if n == 5 else 10)) for n in range(10)]
    exporter.consume(None, records)
    until(lambda: exporter.flush(1) and not exporter.spool.waiting_bytes)
    assert set(each(10)) == set(server.stored)
    assert ({"destination": 1}, {}) == (health.cuts, health.drops)


def test_lines_too_far_behind_in_one_of_two_streams_arrive(loki: Make, sink: ScriptedSink, health: Ledger) -> None:
    stored: Counter[str] = Counter()

    def ingester(request: Request) -> Answer:
        behind = [line for time_ns, line, _ in request.lines if time_ns < (NOW - HOUR) * 10**9]
        ids = {line["record_id"] for line in behind}
        stored.update(line["record_id"] for _, line, _ in request.lines if line["record_id"] not in ids)
        text = (
            "entry with timestamp x ignored, reason: 'entry too far behind, entry timestamp is: x, oldest acceptable "
            f"timestamp is: 2030-03-17T16:46:40Z',\nuser 'fake', total ignored: {len(behind)} out of "
            f"{sum(line['level'] == 'x' for line in behind) or len(request.lines)} for stream: {{}}"
        )
        headers = {"Date": formatdate(NOW, usegmt=True)}
        return Answer(400 if behind else 204, text.encode() if behind else b"", headers=headers)

    sink.policy = lambda request: ingester(_with_levels(request))
    exporter = loki()
    ends = [NOW - (5 * HOUR if number % 4 == 1 else 0) for number in range(12)]
    kinds = [{"status": v.STATUS_ERROR} if number % 2 else {} for number in range(12)]
    exporter.consume(None, [record(n, end_ns=ends[n] * 10**9, **kinds[n]) for n in range(12)])
    assert exporter.flush(10)
    assert set(each(12)) == set(stored)
    assert {} == health.drops


def _with_levels(request: Request) -> Request:
    for _, line, _ in request.lines:
        line.setdefault("level", "")
    return request


def test_an_answer_that_names_nothing_we_know_is_no_refusal_of_single_lines() -> None:
    assert refusal(Reply(400, b"parse error")) is None
    assert refusal(Reply(500, b"too old")) is None


def test_a_time_that_cannot_be_read_is_left_out() -> None:
    found = refusal(Reply(400, b"too old, oldest acceptable timestamp is: 99-99", {"Date": formatdate(NOW)}))
    assert found is not None
    assert (0, NOW * 10**9) == (found.oldest_ns, found.now_ns)
    assert [] == found.out_of_time([])

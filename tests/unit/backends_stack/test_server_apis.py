"""One server's API each: what is asked, how answers are read, what garbage leads to."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from fake_servers import NOW, SECOND, Lines, client, streams, vector

from syndarix_obs_read.backends.stack.clients.alertmanager import Alertmanager
from syndarix_obs_read.backends.stack.clients.loki import DAY_NS, PAGE, Loki
from syndarix_obs_read.backends.stack.clients.prometheus import Prometheus
from syndarix_obs_read.backends.stack.clients.tempo import Tempo
from syndarix_obs_read.errors import BackendAnswer, NotFound, QueryError, Refused

GARBAGE: list[Any] = [[], {}, {"data": 1}, {"data": {"resultType": "matrix", "result": []}}, "text", None]


def loki(answer: Any) -> Loki:
    return Loki(client("loki", answer))


async def walked(found: Loki, since: int, until: int, size: int) -> list[str]:
    return [line.text async for page in found.walk("{}", since, until, size) for line in page]


async def test_pages_go_from_the_newest_line_to_the_oldest_and_miss_none() -> None:
    held = Lines(*((NOW + n, str(n)) for n in range(25)))
    assert [str(n) for n in range(24, -1, -1)] == await walked(loki(held), NOW, NOW + 100, 10)


async def test_lines_of_the_same_moment_are_not_lost_between_pages() -> None:
    held = Lines(*((NOW + n // 4, str(n)) for n in range(12)))
    assert {str(n) for n in range(12)} == set(await walked(loki(held), NOW, NOW + 100, 5))


async def test_more_lines_of_one_moment_than_a_page_holds_do_not_stop_the_walk() -> None:
    held = Lines((NOW, "old"), *((NOW + 1, str(n)) for n in range(7)))
    assert "old" in await walked(loki(held), NOW, NOW + 100, 5)


async def test_a_page_that_is_too_large_is_asked_for_in_smaller_ones() -> None:
    held = Lines(*((NOW + n, str(n)) for n in range(30)), most=12)
    assert 30 == len(await walked(loki(held), NOW, NOW + 100, 40))


async def test_a_single_line_that_is_too_large_is_an_error() -> None:
    with pytest.raises(Refused, match="larger than max"):
        await walked(loki(Lines((NOW, "x"), most=0)), NOW, NOW + 100, 40)


async def test_a_query_that_is_refused_is_not_asked_again() -> None:
    asked: list[httpx.Request] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(400, text="parse error")

    with pytest.raises(Refused, match="parse error"):
        await walked(loki(refuse), NOW, NOW + 100, 40)
    assert 1 == len(asked)


async def test_no_question_spans_more_than_a_week() -> None:
    held = Lines()
    await loki(held).every("{}", NOW, NOW + 30 * DAY_NS)
    await walked(loki(held), NOW, NOW + 30 * DAY_NS, 10)
    assert all(int(asked["end"]) - int(asked["start"]) <= 7 * DAY_NS for asked in held.asked)
    assert 5 <= len(held.asked)


async def test_everything_is_everything_once() -> None:
    held = Lines(*((NOW + n * SECOND, str(n)) for n in range(2 * PAGE + 500)))
    found = await loki(held).every("{}", NOW, NOW + DAY_NS)
    assert 2 * PAGE + 500 == len({line.text for line in found}) == len(found)


def uneven(request: httpx.Request) -> Any:
    """A Loki that cuts one stream of a full answer earlier than the other, as 3.4 does."""
    asked = dict(request.url.params)
    begin, end, limit = (int(asked[name]) for name in ("start", "end", "limit"))
    often = [NOW + n * SECOND for n in range(6_000) if begin <= NOW + n * SECOND < end]
    seldom = [each + 1 for each in often[::100]]
    if len(often) + len(seldom) > limit:
        often = often[-(limit - len(seldom)) :]
    return {"data": {"resultType": "streams", "result": [
        {"stream": {"level": level}, "values": [[str(ts), str(ts)] for ts in reversed(times)]}
        for level, times in (("info", often), ("error", seldom))
    ]}}  # fmt: skip


async def test_lines_of_a_stream_that_is_cut_earlier_than_another_are_asked_for_again() -> None:
    found = await loki(uneven).every("{}", NOW, NOW + DAY_NS)
    assert 6_060 == len({line.text for line in found}) == len(found)
    texts = await walked(loki(uneven), NOW, NOW + DAY_NS, 1_000)
    assert 6_060 == len(set(texts)) == len(texts)
    assert sorted(texts, reverse=True) == texts


async def test_an_empty_range_asks_nothing() -> None:
    held = Lines()
    assert [] == await loki(held).page("{}", NOW, NOW, 10)
    assert [] == held.asked


async def test_labels_and_counts_are_read() -> None:
    assert {"b": 2} == await loki(lambda _: vector(({"a": "b"}, 2.0), ({}, 9.0))).counts("q", "a", NOW)
    level = (await loki(lambda _: streams([("1", "x")], level="error", a="b")).page("{}", 0, 2, 1))[0]
    assert ("error", {"level": "error", "a": "b"}) == (level.level, level.labels)


@pytest.mark.parametrize("answer", GARBAGE)
async def test_garbage_from_loki_is_said_to_be_garbage(answer: Any) -> None:
    with pytest.raises(BackendAnswer):
        await loki(lambda _: answer).page("{}", 0, 1, 1)


def span(**fields: Any) -> dict[str, Any]:
    return {"traceId": "AAAAAAAAAAAAAAAAAAAACw==", "spanId": "AAAAAAAAAEU=", "name": "x", **fields}


def batch(*spans: dict[str, Any]) -> dict[str, Any]:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "desk"}}]}
    return {"trace": {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": list(spans)}]}]}}


async def test_a_span_is_read_with_its_ids_attributes_and_events() -> None:
    attributes = [
        {"key": "count", "value": {"intValue": "3"}},
        {"key": "list", "value": {"arrayValue": {"values": [{"stringValue": "a"}]}}},
        {"key": "nothing", "value": {}},
    ]
    events = [{"name": "exception", "timeUnixNano": "7", "attributes": attributes[:1]}]
    answer = batch(
        span(parentSpanId="AAAAAAAAAEQ=", kind="SPAN_KIND_CLIENT", startTimeUnixNano="5", endTimeUnixNano="9",
             attributes=attributes, events=events, status={"code": "STATUS_CODE_ERROR", "message": "gone"})
    )  # fmt: skip
    found, resource = (await Tempo(client("tempo", lambda _: answer)).trace("b" * 32))[0]
    assert ("0" * 31 + "b", "0" * 14 + "45", "0" * 14 + "44") == (found.trace_id, found.span_id, found.parent_id)
    assert ("client", 5, 9, "error", "gone") == (
        found.span_kind, found.start_ns, found.end_ns, found.status, found.status_message,
    )  # fmt: skip
    assert {"count": 3, "list": ["a"], "nothing": None} == found.attributes
    assert ("exception", 7, {"count": 3}) == (
        found.events[0].name, found.events[0].timestamp_ns, found.events[0].attributes,
    )  # fmt: skip
    assert "desk" == resource.service


@pytest.mark.parametrize("answer", [{"trace": {}}, {"trace": None}, {}])
async def test_a_trace_that_does_not_exist_has_no_spans(answer: Any) -> None:
    assert [] == await Tempo(client("tempo", lambda _: answer)).trace("b" * 32)


@pytest.mark.parametrize("answer", [[], {"trace": {"resourceSpans": [1]}}, batch({"name": "no ids"})])
async def test_garbage_from_tempo_is_said_to_be_garbage(answer: Any) -> None:
    with pytest.raises(BackendAnswer):
        await Tempo(client("tempo", lambda _: answer)).trace("b" * 32)


async def test_a_search_pads_ids_and_stays_within_a_week() -> None:
    asked: list[dict[str, str]] = []

    def answer(request: httpx.Request) -> Any:
        asked.append(dict(request.url.params))
        traces = {"traceID": f"b{len(asked)}", "startTimeUnixNano": "5", "durationMs": 2,
                  "spanSets": [{"spans": [{"spanID": "45"}], "matched": 4}]}  # fmt: skip
        return {"traces": [traces]}

    found = await Tempo(client("tempo", answer)).search("{}", NOW, NOW + 20 * DAY_NS, 2)
    assert ["b1".rjust(32, "0"), "b2".rjust(32, "0")] == [each.trace_id for each in found]
    assert (5, 2_000_005, 4, ["45".rjust(16, "0")]) == (
        found[0].start_ns, found[0].end_ns, found[0].matched, list(found[0].spans),
    )  # fmt: skip
    assert 2 == len(asked), "enough was found in the newest two weeks"
    assert all(int(each["end"]) - int(each["start"]) <= 168 * 3600 for each in asked)


async def test_a_search_that_is_no_answer_is_said_to_be_none() -> None:
    with pytest.raises(BackendAnswer, match="is it Tempo"):
        await Tempo(client("tempo", lambda _: [])).search("{}", NOW, NOW + SECOND, 2)


async def test_series_of_prometheus_are_read() -> None:
    matrix = {"data": {"resultType": "matrix", "result": [{"metric": {"a": "b"}, "values": [[1.5, "2"], [2, "NaN"]]}]}}
    found = (await Prometheus(client("prometheus", lambda _: matrix)).range("up", 0, SECOND, 1))[0]
    assert ({"a": "b"}, (1_500_000_000, 2.0)) == (found.labels, found.points[0])
    scalar = {"data": {"resultType": "scalar", "result": [1, "4"]}}
    assert ((SECOND, 4.0),) == (await Prometheus(client("p", lambda _: scalar)).instant("4", NOW))[0].points
    assert 3.0 == (await Prometheus(client("p", lambda _: vector(({}, 3)))).instant("x"))[0].points[0][1]


@pytest.mark.parametrize("answer", [[], {}, {"data": {"resultType": "vector", "result": [{"metric": {}}]}}])
async def test_garbage_from_prometheus_is_said_to_be_garbage(answer: Any) -> None:
    with pytest.raises(BackendAnswer):
        await Prometheus(client("prometheus", lambda _: answer)).instant("up")
    with pytest.raises(BackendAnswer):
        await Prometheus(client("prometheus", lambda _: answer)).targets()


ALERT = {
    "fingerprint": "f", "labels": {"alertname": "A"}, "annotations": {"summary": "s"},
    "status": {"state": "suppressed", "silencedBy": ["1"], "inhibitedBy": []}, "receivers": [{"name": "mail"}],
    "startsAt": "2026-01-01T00:00:00.000Z", "endsAt": "2026-01-01T00:05:00.000+00:00",
}  # fmt: skip
SILENCE = {
    "id": "s-1", "status": {"state": "active"}, "matchers": [{"name": "alertname", "value": "A"}],
    "startsAt": "2026-01-01T00:00:00Z", "endsAt": "2026-01-01T01:00:00Z", "createdBy": "ann", "comment": "known",
}  # fmt: skip


class Manager:
    """An Alertmanager that notes what it is asked."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> Any:
        self.asked.append(request)
        return [SILENCE] if request.method == "GET" and request.url.path.endswith("silences") else self.answer


async def test_alerts_are_read_and_labels_are_data() -> None:
    manager = Manager([ALERT])
    found = (await Alertmanager(client("am", manager)).alerts({"alertname": 'A"} x'}))[0]
    assert ("suppressed", ("1",), ("mail",), NOW, NOW + 300 * SECOND) == (
        found.state, found.silenced_by, found.receivers, found.since_ns, found.until_ns,
    )  # fmt: skip
    assert r'alertname="A\"} x"' == manager.asked[0].url.params["filter"]


async def test_silences_that_are_over_are_not_listed() -> None:
    over = {**SILENCE, "id": "s-0", "status": {"state": "expired"}}
    found = await Alertmanager(client("am", lambda _: [over, SILENCE])).silences()
    assert [("s-1", {"alertname": "A"}, "ann")] == [(each.silence_id, each.labels, each.author) for each in found]


async def test_an_alert_and_a_silence_are_made() -> None:
    manager = Manager({"silenceID": "s-2"})
    found = Alertmanager(client("am", manager))
    await found.trigger({"alertname": "A"}, {"summary": "s"}, NOW, NOW + SECOND)
    assert "s-2" == await found.silence({"alertname": "A.*"}, NOW, NOW + SECOND, "ann", "known")
    alert, silence = (json.loads(request.content) for request in manager.asked)
    assert ("2026-01-01T00:00:00.000+00:00", "2026-01-01T00:00:01.000+00:00") == (
        alert[0]["startsAt"], alert[0]["endsAt"],
    )  # fmt: skip
    assert [{"name": "alertname", "value": "A.*", "isRegex": False, "isEqual": True}] == silence["matchers"]


async def test_what_alertmanager_does_not_take_is_said_in_its_words() -> None:
    for status in (400, 422):
        manager = Manager(httpx.Response(status, text="comment missing"))
        with pytest.raises(QueryError, match="comment missing"):
            await Alertmanager(client("am", manager)).silence({"a": "b"}, NOW, NOW, "ann", "known")
    with pytest.raises(Refused):
        await Alertmanager(client("am", Manager(httpx.Response(500)))).trigger({}, {}, NOW, NOW)


async def test_a_silence_is_ended_and_one_that_is_not_there_is_said_so() -> None:
    manager = Manager(httpx.Response(200))
    await Alertmanager(client("am", manager)).expire("s-1")
    assert ("DELETE", "/api/v2/silence/s-1") == (manager.asked[-1].method, manager.asked[-1].url.path)
    with pytest.raises(NotFound, match="in force: s-1"):
        await Alertmanager(client("am", manager)).expire("../alerts")
    with pytest.raises(NotFound, match="none is in force"):
        await Alertmanager(client("am", lambda _: [])).expire("s-1")


async def test_garbage_from_alertmanager_is_said_to_be_garbage() -> None:
    for answer in ({}, [{}], [1]):
        with pytest.raises(BackendAnswer):
            await Alertmanager(client("am", lambda _, answer=answer: answer)).alerts({})
        with pytest.raises(BackendAnswer):
            await Alertmanager(client("am", lambda _, answer=answer: answer)).silences()
    with pytest.raises(BackendAnswer):
        await Alertmanager(client("am", lambda _: {})).silence({"a": "b"}, NOW, NOW, "a", "b")


@pytest.mark.parametrize(
    ("labels", "author", "comment"), [({}, "a", "b"), ({"a": "b"}, " ", "b"), ({"a": "b"}, "a", "")]
)
async def test_a_silence_of_everything_or_without_a_reason_is_refused(
    labels: dict[str, str], author: str, comment: str
) -> None:
    manager = Manager({})
    with pytest.raises(QueryError, match="a comment that says why"):
        await Alertmanager(client("am", manager)).silence(labels, NOW, NOW, author, comment)
    assert [] == manager.asked

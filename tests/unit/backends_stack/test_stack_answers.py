"""The stack backend where the scene of the behaviour suite does not reach: servers down, odd lines, limits, health."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC
from typing import Any

import httpx
import pytest
from fake_servers import NOW, SECOND, Lines, backend, line, streams, vector

from syndarix_obs_read.backends.choose import open_backend
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import AlertSource, Backend, RawSource
from syndarix_obs_read.backends.sql.scratch import Scratch
from syndarix_obs_read.backends.stack.backend import StackBackend
from syndarix_obs_read.backends.stack.clients.loki import Line
from syndarix_obs_read.backends.stack.lines import head, record
from syndarix_obs_read.backends.stack.queries.logql import HEAD_CHARS
from syndarix_obs_read.errors import BackendTimeout, BackendUnavailable, FilterError, QueryError
from syndarix_obs_read.settings import ReadSettings

MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
TRACE = "a" * 32


def call(number: int, start_ns: int, **fields: Any) -> tuple[int, str]:
    return start_ns, line(f"r{number}", start_ns, "llm_call", trace_id=TRACE, span_id=f"s{number}", **fields)


def cut(text: str) -> str:
    return text[:HEAD_CHARS]


def test_the_backend_fulfils_every_protocol() -> None:
    found = open_backend(ReadSettings(backend="stack"))
    assert isinstance(found, StackBackend)
    assert isinstance(found, Backend)
    assert isinstance(found, AlertSource)
    assert isinstance(found, RawSource)


async def test_a_server_that_is_down_is_named_with_its_setting() -> None:
    found = backend()
    for question in (found.costs(Filter(), (), UTC), found.records(Filter(), limit=1, payloads=False)):
        with pytest.raises(BackendUnavailable, match=r"Loki at http://loki.*SYNDARIX_OBS_READ_LOKI_URL"):
            await question
    await found.close()


async def test_without_tempo_traces_come_from_their_lines() -> None:
    held = Lines(call(1, NOW - HOUR), call(2, NOW - HOUR + SECOND, parent_id="s1"))
    page = await backend(loki=held).trace(TRACE, limit=10, payloads=True)
    assert ["r1", "r2"] == [each.text("record_id") for each in page.rows]
    assert [TRACE] == await backend(loki=lambda _: streams([("1", TRACE)])).trace_ids(TRACE, 5)
    found = await backend(loki=held).search_traces(Filter(), 5)
    assert ([NOW - HOUR], False) == ([each.start_ns for each in found.rows], found.more)


async def test_a_question_that_takes_too_long_is_given_up() -> None:
    def slow(_: httpx.Request) -> Any:
        return httpx.ReadTimeout("slow")

    with pytest.raises(BackendTimeout):
        await backend(loki=slow).extent()


async def test_a_whole_question_has_a_limit_too() -> None:
    found = backend(timeout_s=0.05)

    async def hang(*_: Any) -> None:
        await asyncio.Event().wait()

    with pytest.raises(BackendTimeout, match="the stack did not answer"):
        await found._within(hang())


async def test_a_question_that_is_given_up_in_the_middle_of_a_sum_leaves_the_store_alone() -> None:
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
    with Scratch() as scratch:
        work = asyncio.ensure_future(scratch.ask(lambda s: s.connection.execute(endless).fetchone()))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(work, 0.05)


async def test_plain_spans_are_not_looked_for_among_log_lines() -> None:
    found = backend(loki=Lines())
    with pytest.raises(FilterError, match="plain spans are no log lines"):
        await found.records(Filter(kinds=("span",)), limit=1, payloads=False)
    with pytest.raises(FilterError, match="plain spans"):
        await anext(aiter(found.follow(Filter(kinds=("span",)))))


@pytest.mark.parametrize("text", ["not json", "{}", '{"kind":"app"}', "[1]", '{"kind":"app","duration_ms":x}'])
async def test_lines_of_somebody_else_are_passed_over(text: str) -> None:
    held = Lines((NOW - 2, text), (NOW - 1, line("r1", NOW - 1)))
    for payloads in (True, False):
        page = await backend(loki=held).records(Filter(), limit=5, payloads=payloads)
        assert ["r1"] == [each.text("record_id") for each in page.rows]
    assert 0 == len(await backend(loki=Lines((NOW, text))).costs(Filter(), (), UTC))


async def test_a_record_whose_fields_are_longer_than_a_head_is_fetched_whole() -> None:
    whole = line("r1", NOW - 1, error_message="x" * 3 * HEAD_CHARS, attributes={"a": 1})

    def answer(request: httpx.Request) -> Any:
        text = cut(whole) if "trunc" in request.url.params["query"] else whole
        return streams([(str(NOW - 1), text)])

    page = await backend(loki=answer).records(Filter(), limit=5, payloads=False)
    assert [3 * HEAD_CHARS] == [len(each.text("error_message")) for each in page.rows]


async def test_attributes_that_a_head_cuts_through_are_fetched_whole() -> None:
    whole = line("r1", NOW - 1, attributes={"a": "x" * 2 * HEAD_CHARS}, payload={"message": "m"})

    def answer(request: httpx.Request) -> Any:
        text = cut(whole) if "trunc" in request.url.params["query"] else whole
        return streams([(str(NOW - 1), text)])

    page = await backend(loki=answer).records(Filter(), limit=5, payloads=False)
    assert 2 * HEAD_CHARS == len(page.rows[0].get("attributes")["a"])
    assert {} == page.rows[0].payload


def test_a_payload_that_is_cut_does_not_matter_to_the_fields() -> None:
    text = line("r1", 1, attributes={"duration_ms": 5}, events=[{"name": "e"}], payload={"input": "x" * 5_000})
    for found in (record(Line(1, "info", cut(text)), payload=False), record(Line(1, "info", text), payload=True)):
        assert found is not None
        assert ({"duration_ms": 5}, [{"name": "e"}]) == (found.get("attributes"), found.get("events"))


def test_a_section_named_like_the_last_field_does_not_confuse() -> None:
    text = line("r1", 1, "context", sections={"a": 1, "duration_ms": 2}, tokens=3)
    found = head(Line(1, "info", text + '{"cut'))
    assert found is not None
    assert ({"a": 1, "duration_ms": 2}, 3) == (found.get("sections"), found.get("tokens"))


async def test_newest_first_goes_by_the_beginning_though_loki_goes_by_the_end() -> None:
    long = line("long", NOW - HOUR, "session", session_id="s", end_ns=NOW - 1)
    held = Lines((NOW - 1, long), *((NOW - n * MINUTE, line(f"r{n}", NOW - n * MINUTE)) for n in range(1, 300)))
    page = await backend(loki=held).records(Filter(), limit=3, payloads=False)
    assert ["r1", "r2", "r3"] == [each.text("record_id") for each in page.rows]
    assert (True, None) == (page.more, page.total)


async def test_records_that_began_outside_the_period_are_left_out() -> None:
    held = Lines((NOW - 1, line("early", NOW - HOUR)), (NOW, line("late", NOW - MINUTE)))
    page = await backend(loki=held).records(Filter(since_ns=NOW - 2 * MINUTE), limit=3, payloads=False)
    assert ["late"] == [each.text("record_id") for each in page.rows]


async def test_following_shows_what_arrives_once_and_in_order() -> None:
    held = Lines((NOW - SECOND, line("before", NOW - SECOND)))
    feed = aiter(backend(loki=held).follow(Filter()))
    first = asyncio.ensure_future(anext(feed))
    while not held.asked:
        await asyncio.sleep(0)
    running = line("run", NOW - 3, "session", status="running")
    held.lines += [
        (NOW - 3, running),
        (NOW - 2, line("a", NOW - 2, payload={"message": "m"})),
        (NOW - 1, line("b", NOW - 1)),
    ]
    found = await asyncio.wait_for(first, 5)
    assert ("a", {"message": "m"}) == (found.text("record_id"), found.payload)
    assert "b" == (await asyncio.wait_for(anext(feed), 5)).text("record_id")
    held.lines.append((NOW, line("c", NOW)))
    assert "c" == (await asyncio.wait_for(anext(feed), 5)).text("record_id")


async def test_more_names_than_loki_gives_series_for_are_read_off_the_lines() -> None:
    held = Lines(*((NOW - n, line(f"r{n}", NOW - n, "session", agent=f"a{n % 3}")) for n in range(1, 10)))

    def answer(request: httpx.Request) -> Any:
        if request.url.path.endswith("/query"):
            return httpx.Response(500, text="maximum number of series (500) reached for a single query")
        return held(request)

    assert ["a0", "a1"] == await backend(loki=answer).names("agent", 2)
    with pytest.raises(FilterError, match="there are no names"):
        await backend(loki=answer).names("password", 2)


async def test_an_empty_loki_has_no_extent() -> None:
    assert await backend(loki=Lines()).extent() is None


async def test_late_lines_of_a_trace_are_looked_for_until_now() -> None:
    """A line that Loki has under the time of its arrival, because it waited for days on disk."""
    span = {"traceId": "qqqqqqqqqqqqqqqqqqqqqg==", "spanId": "AAAAAAAAAEU=", "name": "chat m",
            "startTimeUnixNano": str(NOW - 40 * HOUR), "endTimeUnixNano": str(NOW - 40 * HOUR + 1),
            "attributes": [{"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}}]}  # fmt: skip
    trace = {"trace": {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}}
    record_id = f"{TRACE}:{'45'.rjust(16, '0')}"
    late = line(record_id, NOW - 40 * HOUR, "llm_call", trace_id=TRACE, payload={"input": "late"})
    page = await backend(loki=Lines((NOW - MINUTE, late)), tempo=lambda _: trace).trace(TRACE, limit=5, payloads=True)
    assert [{"input": "late"}] == [each.payload for each in page.rows]


async def test_a_span_whose_line_is_lost_still_shows_with_its_price() -> None:
    attributes = [{"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
                  {"key": "syndarix.cost.usd", "value": {"doubleValue": 0.25}}]  # fmt: skip
    span = {"traceId": "qqqqqqqqqqqqqqqqqqqqqg==", "spanId": "AAAAAAAAAEU=", "name": "chat m", "attributes": attributes,
            "startTimeUnixNano": str(NOW - HOUR), "endTimeUnixNano": str(NOW)}  # fmt: skip
    trace = {"trace": {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}}
    page = await backend(loki=Lines(), tempo=lambda _: trace).trace(TRACE, limit=5, payloads=True)
    assert [("llm_call", "0.25", True)] == [(r.kind, r.get("cost_usd"), r.get("priced")) for r in page.rows]


async def test_raw_queries_are_limited_and_say_so() -> None:
    found = backend(
        prometheus=lambda _: vector(({"a": "1"}, 1), ({"a": "2"}, 2)),
        tempo=lambda _: {"traces": [{"traceID": "b"}]},
        loki=lambda _: streams([("2", "b"), ("1", "a")], kind="app"),
    )
    metrics = await found.query_metrics("up", NOW - HOUR, NOW, None, 1)
    assert ([{"a": "1"}], True) == ([dict(each.labels) for each in metrics.rows], metrics.more)
    logs = await found.query_logs("{}", NOW - HOUR, NOW, 1)
    assert (["b"], True) == ([each.text for each in logs.rows], logs.more)
    traces = await found.query_traces("{}", NOW - HOUR, NOW, 5)
    assert (["b".rjust(32, "0")], 1) == ([each["traceID"] for each in traces.rows], traces.total)


async def test_a_metric_query_of_logs_gives_series() -> None:
    matrix = {"data": {"resultType": "matrix", "result": [{"metric": {"a": "b"}, "values": [[1, "2"]]}]}}
    page = await backend(loki=lambda _: matrix).query_logs("rate({}[1m])", NOW - HOUR, NOW, 5)
    assert [((SECOND, 2.0),)] == [each.points for each in page.rows]


async def test_raw_queries_beyond_the_limits_or_that_cannot_be_read_are_refused_in_words() -> None:
    def refuse(_: httpx.Request) -> Any:
        return httpx.Response(400, text="unexpected character")

    found = backend(prometheus=refuse, loki=refuse, tempo=refuse)
    for question in (
        found.query_metrics("up{", NOW - HOUR, NOW, 60, 5), found.query_logs("{", NOW - HOUR, NOW, 5),
        found.query_traces("{", NOW - HOUR, NOW, 5),
    ):  # fmt: skip
        with pytest.raises(QueryError, match="unexpected character"):
            await question
    with pytest.raises(QueryError, match="31 days at most"):
        await found.query_logs("{}", NOW - 40 * 24 * HOUR, NOW, 5)
    with pytest.raises(QueryError, match="take a step of 14 s"):
        await found.query_metrics("up", NOW - HOUR, NOW, 0.1, 5)


def healthy(request: httpx.Request) -> Any:
    if request.url.path == "/api/v1/targets":
        return {"data": {"activeTargets": [{"labels": {"job": "agents"}, "health": "up"}]}}
    return [] if request.url.path.startswith("/api/v2") else vector() if "query" in request.url.path else {}


def ailing(request: httpx.Request) -> Any:
    path, query = request.url.path, request.url.params.get("query", "")
    if path == "/api/v1/targets":
        return {"data": {"activeTargets": [{"labels": {"job": "agents"}, "health": "down"}]}}
    if "spool_bytes" in query:
        return vector(({"destination": "loki"}, 5e8))
    if "increase" in query:
        return vector(({"reason": "queue_full", "destination": "tempo"}, 3))
    if path == "/api/v2/alerts":
        return [{"fingerprint": "f", "labels": {"alertname": "A"}, "annotations": {}, "receivers": [],
                 "status": {"state": "active", "silencedBy": [], "inhibitedBy": []},
                 "startsAt": "2026-01-01T00:00:00Z", "endsAt": "2026-01-01T00:00:00Z"}]  # fmt: skip
    return {}


async def test_health_is_fine_where_everything_is() -> None:
    held = Lines((NOW - SECOND, line("r1", NOW - SECOND)))
    checks = await backend(loki=held, tempo=healthy, prometheus=healthy, alertmanager=healthy).health()
    assert {"ok"} == {each.state for each in checks}
    assert "the newest is 1 s old" in [each.finding for each in checks]


async def test_health_names_what_ails_and_how_to_mend_it() -> None:
    begun = line("r1", NOW - 2 * HOUR, "session", session_id="s", status="running")
    held = Lines((NOW - 2 * HOUR, begun))

    def loki(request: httpx.Request) -> Any:
        if request.url.path.endswith("/query"):
            return vector(({"field_model": "mystery"}, 7))
        return held(request)

    found = await backend(loki=loki, prometheus=ailing, alertmanager=ailing).health()
    checks = {each.name: each for each in found}
    expected = {
        "Tempo": "cannot be reached", "sessions": "1 of them without progress", "prices": "7 calls of 7 days",
        "scraping": "1 of 1 targets are down: agents", "records lost": "3 queue_full", "exports": "3 tempo",
        "spool": "476.8 MiB wait", "alerts": "1 firing: A",
    }  # fmt: skip
    for name, words in expected.items():
        assert words in checks[name].finding
        assert checks[name].mend
    assert "failing" == checks["Tempo"].state
    assert "ok" == checks["Loki"].state


async def test_an_empty_loki_is_a_finding() -> None:
    checks = {each.name: each for each in await backend(loki=Lines()).health()}
    assert ("warning", "Loki holds no record") == (checks["records"].state, checks["records"].finding)


async def test_alerts_go_through_the_backend() -> None:
    asked: list[Any] = []

    def answer(request: httpx.Request) -> Any:
        asked.append((request.method, request.url.path))
        if request.method == "POST" and request.url.path.endswith("silences"):
            assert json.loads(request.content)["comment"] == "known"
            return {"silenceID": "s-1"}
        return [] if request.method == "GET" else httpx.Response(200)

    found = backend(alertmanager=answer)
    assert ([], []) == (await found.alerts({}), await found.silences())
    await found.trigger({"alertname": "A"}, {}, NOW, NOW + HOUR)
    assert "s-1" == await found.silence({"alertname": "A"}, NOW, NOW + HOUR, "ann", "known")
    with pytest.raises(Exception, match="there is no silence"):
        await found.expire("s-9")
    assert ("POST", "/api/v2/alerts") in asked

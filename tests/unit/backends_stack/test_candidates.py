"""Which traces and sessions are looked at: what a filter of several parts is narrowed by."""

from __future__ import annotations

from typing import Any

import httpx
from fake_servers import NOW, client, streams

from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.stack.candidates import Servers, driver, having_the_rest
from syndarix_obs_read.backends.stack.clients.loki import Loki
from syndarix_obs_read.backends.stack.clients.tempo import Tempo
from syndarix_obs_read.backends.stack.ledger import Ledger
from syndarix_obs_read.backends.stack.time_bounds import TimeBounds


def servers(**named: list[str]) -> Servers:
    """A Loki whose lines name these traces where the query holds the key."""

    def answer(request: httpx.Request) -> Any:
        query = request.url.params["query"]
        found = next((traces for part, traces in named.items() if part in query), [])
        return streams([(str(NOW), f"r{n} {NOW} {trace}") for n, trace in enumerate(found)])

    loki, tempo = Loki(client("loki", answer)), Tempo(client("tempo", answer))
    bounds = TimeBounds(loki, tempo, 2, lambda: NOW)
    return Servers(loki, tempo, bounds, Ledger(loki, bounds))


async def test_what_the_filter_names_besides_is_had_by_all_that_are_left() -> None:
    where = Filter(tool="refund", model="gpt-4o", status="error", agent="support")
    assert ("refund", ("tool_call",)) == (driver(where, "trace_id")[0].tool, driver(where, "trace_id")[1])
    found = await having_the_rest(servers(status=["a", "b"], gpt=["b", "c"]), where, "trace_id")
    assert {"b"} == found


async def test_a_filter_of_one_part_is_narrowed_by_nothing_else() -> None:
    for where in (Filter(tool="refund"), Filter(agent="support"), Filter(text="x", tool="refund")):
        assert await having_the_rest(servers(), where, "trace_id") is None


async def test_beside_one_telling_part_the_agent_narrows() -> None:
    where = Filter(tool="refund", agent="support")
    assert {"a"} == await having_the_rest(servers(support=["a"]), where, "trace_id")

"""Statistics by agent from lines of a few columns."""

from __future__ import annotations

from typing import Any

import httpx
from fake_servers import NOW, SECOND, backend, streams

from syndarix_obs_read.backends.filters import Filter

BEGAN = NOW - 600 * SECOND
HOUR = Filter(since_ns=NOW - 3_600 * SECOND, until_ns=NOW)


def loki(**by_kind: list[str]) -> Any:
    """A Loki with these lines of each kind, all of the agent `desk` and the tool `search`."""

    def answer(request: httpx.Request) -> Any:
        query = request.url.params["query"]
        if not int(request.url.params["start"]) <= BEGAN < int(request.url.params["end"]):
            return streams([])
        lines = next((found for kind, found in by_kind.items() if f'kind="{kind}"' in query), [])
        return streams([(str(BEGAN), text) for text in lines], field_agent="desk", field_tool="search")

    return answer


def call(record_id: str, seconds: float, *rest: str) -> str:
    return " ".join((record_id, str(BEGAN), str(BEGAN + int(seconds * SECOND)), *rest))


async def test_a_call_that_came_twice_counts_once() -> None:
    held = loki(llm_call=[call("r1", 2, "0.5", "ok"), call("r1", 2, "0.5", "ok"), call("r2", 4, "", "error")])
    (agent,) = await backend(loki=held).agents(HOUR)
    assert ("desk", 2, 1) == (agent.agent, agent.requests, agent.request_errors)
    assert (3.0, 0.5) == (agent.latency.mean, agent.first_token.p50)


async def test_calls_outside_of_the_period_do_not_count() -> None:
    held = loki(tool_call=[call("r1", 1, "", "ok"), f"r2 {HOUR.since_ns - 1} {NOW}  ok", f"r3 {NOW} {NOW}  ok"])
    (agent,) = await backend(loki=held).agents(HOUR)
    assert [("search", 1)] == [(tool.tool, tool.calls) for tool in agent.tools]


async def test_loops_confidence_and_failed_checks_are_counted() -> None:
    held = loki(
        tool_call=[call("r1", 1, "3", "ok"), call("r2", 1, "", "error")],
        decision=[f"r3 {BEGAN} 0.25", f"r4 {BEGAN} 0.75", f"r5 {BEGAN} "],
        safety=[f"r6 {BEGAN} true", f"r7 {BEGAN} false"],
    )
    (agent,) = await backend(loki=held).agents(HOUR)
    assert [(2, 1, 1)] == [(tool.calls, tool.errors, tool.loops) for tool in agent.tools]
    assert (3, 0.5, 2, 1) == (agent.decisions, agent.confidence, agent.safety_checks, agent.safety_failures)

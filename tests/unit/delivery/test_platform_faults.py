"""Whole platforms with every destination behind them, while destinations, disk and clock misbehave."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scripted_sink import Answer, Request, ScriptedSink, until

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs.store.database import open_for_read

Platform = Callable[..., ObservabilityPlatform]


@pytest.fixture
def platform(sink: ScriptedSink, tmp_path: Path) -> Any:
    """Makes platforms that send to the sink and store in one folder; ends them."""
    made: list[ObservabilityPlatform] = []

    def make(**settings: Any) -> ObservabilityPlatform:
        values = {"backend": "both", "home": tmp_path, "otlp_endpoint": sink.url, "loki_url": sink.url, **settings}
        clock = values.pop("clock", None)
        more = {} if clock is None else {"clock": clock}
        made.append(ObservabilityPlatform(Settings(set_global=False, **values), **more))
        return made[-1]

    yield make
    sink.release.set()
    for one in made:
        one.shutdown(5)


def tools_at_loki(sink: ScriptedSink) -> Counter[str]:
    """How often each tool call arrived, by the name of the tool."""
    pushes = [request for request in list(sink.taken) if request.path.endswith("/push")]
    return Counter(line["tool"] for request in pushes for _, line, _ in request.lines if line["kind"] == "tool_call")


def stored_tools(home: Path) -> Counter[str]:
    """How often each tool call was stored."""
    reader = open_for_read(next(home.rglob("*.sqlite3")))
    rows = reader.execute("SELECT tool FROM records WHERE kind = 'tool_call'").fetchall()
    reader.close()
    return Counter(row[0] for row in rows)


def use_tools(obs: ObservabilityPlatform, names: list[str]) -> Counter[str]:
    """One call of each; what has to be found afterwards."""
    for name in names:
        with obs.tool(name, arguments={"name": name}):
            pass
    return Counter(names)


def test_two_platforms_that_share_a_folder_store_and_send_everything_once(
    platform: Platform, sink: ScriptedSink, tmp_path: Path
) -> None:
    first, second = platform(), platform()
    expected = use_tools(first, [f"a{n}" for n in range(50)]) + use_tools(second, [f"b{n}" for n in range(50)])
    assert first.flush(20)
    assert second.flush(20)
    assert expected == tools_at_loki(sink)
    assert expected == stored_tools(tmp_path)


async def test_ten_thousand_tasks_at_once_reach_store_and_server(
    platform: Platform, sink: ScriptedSink, tmp_path: Path
) -> None:
    obs = platform()

    async def work(number: int) -> None:
        with obs.tool(f"t{number}"):
            await asyncio.sleep(0)

    await asyncio.gather(*(work(number) for number in range(10_000)))
    assert obs.flush(60)
    expected = Counter(f"t{number}" for number in range(10_000))
    assert expected == stored_tools(tmp_path)
    until(lambda: expected == tools_at_loki(sink), 60)


def test_a_clock_that_steps_back_a_day_costs_no_record(
    platform: Platform, sink: ScriptedSink, tmp_path: Path
) -> None:
    now = [1_900_000_000 * 10**9]
    obs = platform(clock=lambda: now[0])
    expected = use_tools(obs, ["before"])
    now[0] -= 86_400 * 10**9
    expected += use_tools(obs, ["after"])
    assert obs.flush(20)
    assert expected == stored_tools(tmp_path)
    until(lambda: expected == tools_at_loki(sink))


def test_a_server_that_fails_in_every_way_gets_everything_once_it_is_well(
    platform: Platform, sink: ScriptedSink
) -> None:
    ill = [Answer(500), Answer(429, headers={"Retry-After": "0"}), Answer(413), Answer(200, b"half", declared=999)]
    sink.script.extend(ill * 2)
    obs = platform(backend="stack")
    expected = use_tools(obs, [f"t{number}" for number in range(40)])
    until(lambda: obs.flush(1) and expected == tools_at_loki(sink))


def test_a_poisonous_span_does_not_keep_the_others(platform: Platform, sink: ScriptedSink) -> None:
    sink.policy = lambda request: Answer(400, b"no") if b"poison" in request.body else Answer()
    obs = platform(backend="stack")
    expected = use_tools(obs, [f"t{number}" for number in range(10)] + ["poison"] + ["last"])
    del expected["poison"]
    until(lambda: obs.flush(1) and expected == tools_at_loki(sink))
    spans = {name for request in list(sink.taken) for name in span_names(request)}
    assert {f"execute_tool {name}" for name in expected} == spans


def span_names(request: Request) -> list[str]:
    """Names of the spans of an OTLP request."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    if not request.path.endswith("/v1/traces"):
        return []
    found = ExportTraceServiceRequest.FromString(request.body)
    return [s.name for resource in found.resource_spans for scope in resource.scope_spans for s in scope.spans]


PROGRAM = """
import sys, time
from syndarix_obs import ObservabilityPlatform, Settings
obs = ObservabilityPlatform(Settings(backend="both", home=sys.argv[2], otlp_endpoint=sys.argv[1], loki_url=sys.argv[1]))
for number in range(100):
    with obs.tool(f"t{number}"):
        pass
"""


@pytest.mark.parametrize("server", ["hangs", "refuses"])
def test_a_program_that_forgets_to_shut_down_ends_and_its_heir_sends_what_it_left(
    platform: Platform, sink: ScriptedSink, tmp_path: Path, server: str
) -> None:
    if server == "hangs":
        sink.policy = lambda _request: Answer(503, hang=True)
    else:
        sink.stop()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, sink.url, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, timeout=30, check=False, capture_output=True,
    )  # fmt: skip
    assert 0 == done.returncode, done.stderr
    sink.policy = lambda _request: Answer()
    sink.release.set()
    if server == "refuses":
        sink.start()
    heir = platform()
    expected = Counter(f"t{number}" for number in range(100)) + use_tools(heir, ["heir"])
    until(lambda: heir.flush(1) and expected == tools_at_loki(sink))
    assert expected == stored_tools(tmp_path)

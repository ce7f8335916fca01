"""A whole platform with the stack as its backend."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from scripted_sink import Answer, Request, ScriptedSink, until

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs import vocabulary as v

PROGRAM = """
import sys, time
from syndarix_obs import ObservabilityPlatform, Settings
url, home, sessions = sys.argv[1], sys.argv[2], int(sys.argv[3])
obs = ObservabilityPlatform(Settings(backend="stack", loki_url=url, otlp_endpoint=url, home=home, send_timeout=30))
for number in range(sessions):
    with obs.session(agent="support", session_id=f"s-{number}"):
        with obs.llm(provider="openai", model="gpt-4o", messages=[{"role": "user", "content": "hello"}]) as call:
            call.response(usage={"input_tokens": 10, "output_tokens": 5})
print("done", flush=True)
"""


def run(sink: ScriptedSink, home: Path, sessions: int) -> float:
    """Run the program, which never shuts down; seconds from its last line to its end."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, sink.url, str(home), str(sessions)],
        stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3] / "instrumentation")},
    )  # fmt: skip
    assert process.stdout is not None
    assert "done\n" == process.stdout.readline()
    started = time.monotonic()
    assert 0 == process.wait(30)
    return time.monotonic() - started


def spans_in(request: Request) -> int:
    body = ExportTraceServiceRequest.FromString(request.body)
    return sum(len(scope.spans) for resource in body.resource_spans for scope in resource.scope_spans)


def arrived(sink: ScriptedSink) -> tuple[Counter[str], int]:
    """Lines of ended things by record id, and the number of spans."""
    lines: Counter[str] = Counter()
    spans = 0
    for request in list(sink.taken):
        if request.path == "/v1/traces":
            spans += spans_in(request)
        else:
            lines.update(line["record_id"] for _, line, _ in request.lines if line["status"] != v.STATUS_RUNNING)
    return lines, spans


def test_a_program_that_forgets_to_shut_down_delivers_everything(sink: ScriptedSink, tmp_path: Path) -> None:
    run(sink, tmp_path, 50)
    lines, spans = arrived(sink)
    assert (150, 150, 100) == (len(lines), sum(lines.values()), spans)  # session, call and cost; two spans
    assert [] == list((tmp_path / "spool").rglob("*.seg1"))


@pytest.mark.slow
def test_a_program_whose_stack_hangs_ends_in_time_and_the_next_one_delivers(sink: ScriptedSink, tmp_path: Path) -> None:
    sink.policy = lambda _request: Answer(503, hang=True)
    assert run(sink, tmp_path, 50) < 6.0  # 5 s for the destinations, the rest for the interpreter
    sink.policy = lambda _request: Answer()
    sink.release.set()
    sink.taken.clear()
    run(sink, tmp_path, 1)
    until(lambda: arrived(sink)[1] == 102)
    lines, _ = arrived(sink)
    assert (153, 153) == (len(lines), sum(lines.values()))


def test_payloads_are_in_loki_and_not_on_spans(sink: ScriptedSink, tmp_path: Path) -> None:
    settings = Settings(
        backend="stack", loki_url=sink.url, otlp_endpoint=sink.url, home=tmp_path, preview_chars=0, set_global=False
    )
    messages = [{"role": "user", "content": "marker-42"}]
    with (
        ObservabilityPlatform(settings) as obs,
        obs.session(agent="support", session_id="s-1"),
        obs.llm(provider="openai", model="gpt-4o", messages=messages) as call,
    ):
        call.response(usage={"input_tokens": 1, "output_tokens": 1})
    by_path = {path: b"".join(r.body for r in sink.taken if r.path == path) for path in {r.path for r in sink.taken}}
    assert b"marker-42" in by_path["/loki/api/v1/push"]
    assert b"marker-42" not in by_path["/v1/traces"]

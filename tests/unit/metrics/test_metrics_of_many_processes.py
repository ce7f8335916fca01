"""With PROMETHEUS_MULTIPROC_DIR, any process's endpoint shows the sum over all of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

WORKER = """
import sys
from syndarix_obs.records import model as r
from syndarix_obs.metrics.registry import Metrics
from syndarix_obs.metrics.measure import Measure
number = int(sys.argv[1])
metrics = Metrics()
measure = Measure(metrics)
common = dict(trace_id="ab" * 16, agent="support", end_ns=number * 10**9)
measure.session_started(r.SessionRecord(record_id="s", span_id="s", agent_type="worker", **common))
for index in range(number):
    record = r.LLMRecord(record_id=str(index), span_id=str(index), provider="openai", model="m", **common)
    measure.consume(None, (record,))
print("ready", flush=True)
sys.stdin.read()
"""
READER = """
from prometheus_client import generate_latest
from syndarix_obs.metrics.scrape_endpoint import exposed_registry
from syndarix_obs.metrics.registry import Metrics
print(generate_latest(exposed_registry(Metrics().registry)).decode())
"""


def test_counters_of_two_processes_add_up_and_gauges_combine(tmp_path: Path) -> None:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(number)], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for number in (3, 4)
    ]
    try:
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == b"ready\n"
        reader = [sys.executable, "-c", READER]
        shown = subprocess.run(reader, env=environment, capture_output=True, text=True, check=True).stdout
    finally:
        for worker in workers:
            worker.communicate(timeout=30)
    labels = 'agent="support",model="m",project="unknown",provider="openai",status="ok"'
    assert f"llm_requests_total{{{labels}}} 7.0" in shown
    assert 'agent_sessions_active{agent="support",type="worker"} 2.0' in shown
    assert 'agent_last_progress_timestamp_seconds{agent="support"} 4.0' in shown

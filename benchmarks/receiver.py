"""How many spans a second the receiver takes with the load from the same machine, and whether any is lost or doubled.

    python benchmarks/receiver.py [--seconds 10] [--senders 2] [--json]

Each span is a model call of about 2 KB. A batch is answered when its spans are in the store.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

BATCH = 200
SERVER = """
import sys
from pathlib import Path
from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs.receivers.receiver import Receiver
from syndarix_obs.receivers.server import ReceiverServer
platform = ObservabilityPlatform(Settings(home=Path(sys.argv[1]), set_global=False))
server = ReceiverServer(Receiver(platform.runtime), port=0)
server.start()
print(server.port, flush=True)
sys.stdin.read()
server.close()
platform.shutdown()
import resource
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, flush=True)
"""


def batch(sender: int, number: int) -> bytes:
    """A protobuf request of `BATCH` spans."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.add(key="service.name").value.string_value = "load"
    spans = group.scope_spans.add().spans
    text = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "Where is my order? " * 90}]}])
    now = time.time_ns()
    for i in range(BATCH):
        span = spans.add(name="chat gpt-4o-mini", start_time_unix_nano=now, end_time_unix_nano=now + 1_000_000)
        span.trace_id = os.urandom(16)
        span.span_id = (sender << 48 | number << 16 | i + 1).to_bytes(8, "big")
        for key, value in (("gen_ai.operation.name", "chat"), ("gen_ai.provider.name", "openai"),
                           ("gen_ai.request.model", "gpt-4o-mini"), ("gen_ai.input.messages", text)):  # fmt: skip
            span.attributes.add(key=key).value.string_value = value
        for key, count in (("gen_ai.usage.input_tokens", 420), ("gen_ai.usage.output_tokens", 30)):
            span.attributes.add(key=key).value.int_value = count
    return request.SerializeToString()


def send(url: str, sender: int, until: float, taken: list[int]) -> None:
    """Send batches until the time is over; count what was acknowledged."""
    bodies = [batch(sender, number) for number in range(3)]
    number = 3
    while time.monotonic() < until:
        body = bodies.pop() if bodies else batch(sender, number)
        number += 1
        request = urllib.request.Request(f"{url}/v1/traces", body, {"Content-Type": "application/x-protobuf"})
        with urllib.request.urlopen(request) as answer:
            if answer.status == 200:
                taken[sender] += BATCH


def measure(seconds: float, senders: int) -> dict[str, Any]:
    """Run the load; returns the figures."""
    with tempfile.TemporaryDirectory() as home:
        server = subprocess.Popen(
            [sys.executable, "-c", SERVER, home], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert server.stdout is not None
        assert server.stdin is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        taken = [0] * senders
        begun = time.monotonic()
        threads = [threading.Thread(target=send, args=(url, i, begun + seconds, taken)) for i in range(senders)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.monotonic() - begun
        server.stdin.close()
        memory = int(server.stdout.readline())
        server.wait()
        connection = sqlite3.connect(Path(home) / "store.sqlite3")
        stored = connection.execute("SELECT count(*), count(DISTINCT record_id) FROM ledger").fetchone()
        connection.close()
    return {
        "spans_per_second": round(sum(taken) / took), "acknowledged": sum(taken), "stored": stored[0],
        "distinct": stored[1], "peak_memory_mb": memory, "seconds": round(took, 1),
    }  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--senders", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    found = measure(arguments.seconds, arguments.senders)
    if arguments.json:
        print(json.dumps(found))
        return
    print(f"{found['spans_per_second']:,} spans/s over {found['seconds']} s, peak memory {found['peak_memory_mb']} MB")
    print(f"{found['acknowledged']:,} acknowledged, {found['stored']:,} stored, {found['distinct']:,} distinct")


if __name__ == "__main__":
    main()

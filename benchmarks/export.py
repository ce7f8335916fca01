"""An export of a million records in every format: speed, memory, kill and resume, and read back by other programs.

Run: `python benchmarks/export.py [--rows 1000000] [--json FILE]`. It works in a temporary folder (2 GB for a million)
and needs the extra `archive`. MB are those of the files; for Parquet, which compresses, those of the same records as
JSON lines. Memory is the sum over all processes of the export, looked at ten times a second.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.csv as pc
import pyarrow.parquet as pq
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

import results
from read_embedded import records
from syndarix_obs.store.database import open_for_read
from syndarix_obs.store.location import store_path
from syndarix_obs.store.writer import StoreWriter
from syndarix_obs_read.export import rows as r

FORMATS = ("jsonl", "csv", "parquet", "otlp")
RECORDS_PER_TRACE = 17
ALL = r.Choice("records", 0, 2**62)
ROW = tuple[Any, ...]


def fill(home: Path, count: int) -> int:
    """A store of about so many records."""
    batch = []
    total = 0
    with contextlib.closing(StoreWriter(store_path(home))) as writer:
        for record in records(count // RECORDS_PER_TRACE, 8, 8, []):
            batch.append(record)
            if len(batch) >= 4_000:
                total += writer.write(batch)
                batch = []
        return total + writer.write(batch)


class Memory:
    """The most that a process and its children held together, in MB."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.peak = 0.0
        self._over = threading.Event()
        threading.Thread(target=self._look, daemon=True).start()

    def stop(self) -> float:
        """The figure."""
        self._over.set()
        return round(self.peak, 1)

    def _look(self) -> None:
        while not self._over.wait(0.1):
            self.peak = max(self.peak, sum(map(_rss_mb, _family(self._pid))))


def _family(pid: int) -> Iterator[int]:
    yield pid
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _family(int(child))


def _rss_mb(pid: int) -> float:
    with contextlib.suppress(OSError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize() / 1e6
    return 0.0


def export(home: Path, folder: Path, form: str, *, kill_at: int = 0) -> dict[str, float]:
    """Run the command; with `kill_at`, kill all of it once that many files are whole, and run it again."""
    command = [sys.executable, "-m", "syndarix_obs_read.cli", "export", "--home", str(home), "--since", "1970-01-01",
               "--to", str(folder), "--format", form, "--json"]  # fmt: skip
    begun, cpu = time.perf_counter(), _cpu_of_children()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    memory = Memory(process.pid)
    while kill_at and process.poll() is None and len(list(folder.glob("records-*"))) < kill_at:
        time.sleep(0.02)
    if kill_at:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert not (folder / "_manifest.json").exists(), "the export was over before it was killed: take more rows"
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    if process.wait():
        raise SystemExit(f"the export ended with {process.returncode}")
    return {"s": time.perf_counter() - begun, "cpu_s": _cpu_of_children() - cpu, "memory_mb": memory.stop()}


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def stored(home: Path) -> Iterator[ROW]:
    """What other programs have to read: identity, time, tokens, cost and payload of each record, in order."""
    with contextlib.closing(open_for_read(store_path(home))) as connection:
        for page in r.entries(connection, ALL, 0):
            for row, body in page:
                yield row["record_id"], row["start_ns"], row.get("input_tokens"), row.get("cost_usd"), body


COLUMNS = ("record_id", "start_ns", "input_tokens", "cost_usd", "payload")


def from_parquet(folder: Path) -> Iterator[ROW]:
    """Read by pyarrow."""
    for path in sorted(folder.glob("*.parquet")):
        for batch in pq.ParquetFile(path).iter_batches(columns=list(COLUMNS)):
            found = batch.to_pydict()
            yield from zip(*(found[name] for name in COLUMNS), strict=True)


def from_csv(folder: Path) -> Iterator[ROW]:
    """Read by pyarrow's reader of CSV."""
    options = pc.ConvertOptions(
        include_columns=list(COLUMNS), strings_can_be_null=True, quoted_strings_can_be_null=False,
        column_types={"start_ns": "int64", "input_tokens": "int64", "cost_usd": "string", "payload": "string"},
    )  # fmt: skip
    for path in sorted(folder.glob("*.csv")):
        parse = pc.ParseOptions(newlines_in_values=True)
        for batch in pc.open_csv(path, parse_options=parse, convert_options=options):
            found = batch.to_pydict()
            yield from zip(*(found[name] for name in COLUMNS), strict=True)


def from_jsonl(folder: Path) -> Iterator[ROW]:
    """Read by the standard library; payloads as text, as they stand there."""
    for path in sorted(folder.glob("*.jsonl")):
        with path.open(encoding="utf-8") as file:
            for line in file:
                row = json.loads(line)
                body = line[line.index(',"payload":') + 11 : -2] if "payload" in row else None
                yield row["record_id"], row["start_ns"], row.get("input_tokens"), row.get("cost_usd"), body


def from_otlp(folder: Path) -> Iterator[ROW]:
    """Read by OpenTelemetry's protobuf: what it tells of each span."""
    for path in sorted(folder.glob("*.otlp.jsonl")):
        with path.open(encoding="utf-8") as file:
            for line in file:
                request = json_format.ParseDict(_with_bytes(json.loads(line)), ExportTraceServiceRequest())
                for batch in request.resource_spans:
                    for span in batch.scope_spans[0].spans:
                        found = {each.key: each.value for each in span.attributes}
                        tokens, cost = found.get("gen_ai.usage.input_tokens"), found.get("syndarix.cost.usd")
                        body = found.get("syndarix.payload")
                        yield (span.span_id.hex(), span.start_time_unix_nano, tokens and tokens.int_value,
                               cost and cost.string_value, body and body.string_value)  # fmt: skip


def _with_bytes(document: dict[str, Any]) -> dict[str, Any]:
    """OTLP's JSON has ids as hex, protobuf's own as base64."""
    for batch in document["resourceSpans"]:
        for span in batch["scopeSpans"][0]["spans"]:
            for name in ("traceId", "spanId", "parentSpanId"):
                if name in span:
                    span[name] = base64.b64encode(bytes.fromhex(span[name])).decode()
    return document


READERS: dict[str, Callable[[Path], Iterator[ROW]]] = {
    "jsonl": from_jsonl, "csv": from_csv, "parquet": from_parquet, "otlp": from_otlp,
}  # fmt: skip


def unequal(home: Path, folder: Path, form: str) -> int:
    """Rows that another program reads otherwise than the store holds them. OTLP groups by resource within a page."""
    rows = json.loads((folder / "_manifest.json").read_text("utf-8"))["rows"]
    ours, theirs = itertools.islice(stored(home), rows), READERS[form](folder)  # the last row notes the export itself
    if form == "otlp":
        left = {hash(row[1:]) for row in ours}
        return len(left ^ {hash(row[1:]) for row in theirs})
    return sum(a != b for a, b in _pairs(ours, theirs))


def _pairs(ours: Iterator[ROW], theirs: Iterator[ROW]) -> Iterator[tuple[Any, Any]]:
    while True:
        pair = next(ours, None), next(theirs, None)
        if pair == (None, None):
            return
        yield pair


def main() -> None:
    """Fill a store, export it in every format, kill one export and go on with it, and read everything back."""
    parser = results.parser(__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="about so many records")
    options = parser.parse_args()
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        home = Path(name) / "home"
        total = fill(home, options.rows)
        print(f"{total:,} rows written, records and lines of the ledger")
        lines_mb = 0.0
        for form in FORMATS:
            folder = Path(name) / form
            found = export(home, folder, form)
            size = sum(path.stat().st_size for path in folder.glob("records-*")) / 1e6
            lines_mb = lines_mb or size
            manifest = json.loads((folder / "_manifest.json").read_text("utf-8"))
            figures[form] = {
                **{key: round(value, 1) for key, value in found.items()}, "rows": manifest["rows"],
                "file_mb": round(size, 1), "mb_per_s": round((lines_mb if form == "parquet" else size) / found["s"], 1),
                "unequal": unequal(home, folder, form),
            }  # fmt: skip
            print(form, figures[form])
            shutil.rmtree(folder)
        folder = Path(name) / "killed"
        export(home, folder, "parquet", kill_at=2)
        figures["killed and resumed"] = {"unequal": unequal(home, folder, "parquet")}
        print("killed and resumed", figures["killed and resumed"])
    results.save(options.json, figures)


if __name__ == "__main__":
    main()

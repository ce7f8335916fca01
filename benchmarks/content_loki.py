"""Content once on the way to Loki: would it pay? What chunks take on disk for whole payloads, and with references.

    python benchmarks/content_loki.py [tau_bench_airline_gpt4o.jsonl] [--json FILE]

The sessions of `content_once.py` go to a real Loki twice: as today, each line with its whole payload, and once, a line
for each content that is new and lines that refer to them (the store's own references, so that both mean the same).
`at once` is how many sessions run side by side: repeats lie further apart then. For each encoding of chunks, Loki is
started from the repository's file with that encoding. Needs Loki on the PATH.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
import urllib.request
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import results
from content_once import FILE, recorded
from read_stack import ROOT, free_ports
from syndarix_obs.records.model import LLMRecord
from syndarix_obs.store.database import open_for_read
from syndarix_obs.store.writer import StoreWriter
from syndarix_obs_stack.launcher import running_stack
from syndarix_obs_stack.options import HOST, Options

Line = tuple[str, str, str]
"""Kind, session and text of a line."""
ENCODINGS: Final = ("snappy", "gzip", "zstd")
AT_ONCE: Final = (1, 16)
_SENT_TOGETHER: Final = 200
_LIST: Final = "\x05"


def side_by_side(records: Sequence[LLMRecord], at_once: int) -> list[LLMRecord]:
    """The calls in the order in which so many sessions make them side by side."""
    sessions: dict[str, list[LLMRecord]] = {}
    for record in records:
        sessions.setdefault(record.trace_id, []).append(record)
    waiting, running = list(sessions.values()), list[list[LLMRecord]]()
    found: list[LLMRecord] = []
    while waiting or running:
        while waiting and len(running) < at_once:
            running.append(waiting.pop(0))
        found += [calls.pop(0) for calls in running]
        running = [calls for calls in running if calls]
    return found


def whole(records: Sequence[LLMRecord]) -> list[Line]:
    """A line for each call, as today."""
    return [("llm_call", r.trace_id, _joined(r.line(payload=False), r.payload or "{}")) for r in records]


def once(records: Sequence[LLMRecord], path: Path) -> list[Line]:
    """A line for each content before the first call that needs it, and a line for each call that refers to them."""
    writer, found, known = StoreWriter(path), list[Line](), 0
    for record in records:
        writer.write([record])
        with closing(open_for_read(path)) as store:
            (body,) = store.execute("SELECT body FROM payloads ORDER BY id DESC LIMIT 1").fetchone()
            new = store.execute("SELECT id, hash, body FROM contents WHERE id > ? ORDER BY id", (known,)).fetchall()
        for number, key, text in new:
            known = number
            found.append(("content", record.trace_id, json.dumps({"id": key.hex(), "text": _plain(text)})))
        refers = json.dumps({"refers": _plain(body)})
        found.append(("llm_call", record.trace_id, _joined(record.line(payload=False), refers)))
    writer.close()
    return found


def _joined(line: str, payload: str) -> str:
    return f"{line[:-1]},{payload[1:]}"


def _plain(body: str | bytes) -> str:
    if isinstance(body, str):
        return body
    return body.decode() if body[:1] in (b"\x01", b"\x05") else zlib.decompress(body).decode()


def push(url: str, lines: Sequence[Line], service: str, start_ns: int) -> None:
    """Send lines as agents do: a stream for each kind, ids as structured metadata."""
    for first in range(0, len(lines), _SENT_TOGETHER):
        streams: dict[str, list[Any]] = {}
        for place, (kind, trace, text) in enumerate(lines[first : first + _SENT_TOGETHER], first):
            streams.setdefault(kind, []).append([str(start_ns + place * 10**6), text, {"trace_id": trace}])
        labels = {"service_name": service, "environment": "production", "level": "info"}
        body = {"streams": [{"stream": {**labels, "kind": kind}, "values": v} for kind, v in streams.items()]}
        _post(f"{url}/loki/api/v1/push", json.dumps(body).encode())


def _post(url: str, body: bytes = b"") -> None:
    headers = {"Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(url, body, headers, method="POST"), timeout=60).close()


@contextmanager
def loki(folder: Path, encoding: str) -> Iterator[tuple[str, Path]]:
    """A Loki with chunks of this encoding: its URL, and the folder of its chunks."""
    root, secrets, ports = folder / "root", folder / "secrets", free_ports()
    secrets.mkdir(parents=True)
    for name in ("loki", "tempo", "prometheus", "alertmanager"):
        shutil.copytree(ROOT / name, root / name)
    text = (ROOT / "loki" / "loki.yml").read_text("utf-8")
    (root / "loki" / "loki.yml").write_text(text.replace("chunk_encoding: snappy", f"chunk_encoding: {encoding}"))
    with running_stack(Options(root, folder / "data", secrets, ports, {}), only=("loki",)):
        yield f"http://{HOST}:{ports.loki}", folder / "data" / "loki" / "chunks"


def on_disk(chunks: Path) -> int:
    """Bytes of all chunks, once Loki has stopped writing them."""
    last, same = -1, 0
    while same < 10:
        size = sum(each.stat().st_size for each in chunks.rglob("*") if each.is_file())
        same = same + 1 if size == last else 0
        last = size
        time.sleep(0.2)
    return last


def measure(records: Sequence[LLMRecord], folder: Path) -> list[dict[str, Any]]:
    """Bytes on disk for each encoding, number of sessions at once, and way."""
    found = []
    ordered = {n: side_by_side(records, n) for n in AT_ONCE}
    told = {
        (n, way): lines
        for n, calls in ordered.items()
        for way, lines in (("whole", whole(calls)), ("once", once(calls, folder / f"store-{n}.sqlite3")))
    }
    for encoding in ENCODINGS:
        with loki(folder / encoding, encoding) as (url, chunks):
            before = 0
            for (n, way), lines in told.items():
                push(url, lines, f"{way}-{n}", time.time_ns() - 3_600 * 10**9)
                _post(f"{url}/flush")
                size = on_disk(chunks)
                text = sum(len(line[2].encode()) for line in lines)
                found.append({
                    "encoding": encoding, "at_once": n, "way": way, "lines": len(lines), "text": text,
                    "disk": size - before,
                })  # fmt: skip
                before = size
                print(f"{encoding:8} {n:3} at once, {way:6} {len(lines):6,} lines {text:12,} B text "
                      f"{found[-1]['disk']:12,} B on disk", flush=True)  # fmt: skip
    return found


def main() -> None:
    """See the module's text."""
    parser = results.parser(__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=FILE)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="syndarix-obs-") as name:
        found = measure(recorded(options.file, Path(name) / "home"), Path(name))
    results.save(options.json, {"ways": found})


if __name__ == "__main__":
    main()

"""Content once: what payloads of real sessions take in the embedded store, whole and with references.

    python benchmarks/content_once.py [tau_bench_airline_gpt4o.jsonl] [--json]

Every session of the file (tau-bench, airline, 60 by default) is recorded with our own API as its agent ran: a model
call for each answer, with everything that was said before it. The payloads are read back and compared with the text
that went in, byte for byte. `text` is the size of all payloads as JSON; `whole` is what the store took for them before
references (compressed from 8 KB on); `once` is what it takes now: bodies, contents, hashes and fingerprints.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs.records.model import LLMRecord
from syndarix_obs.store import rows
from syndarix_obs.store.database import open_for_read
from syndarix_obs.store.writer import StoreWriter

FILE = Path(__file__).resolve().parents[2] / "shared" / "data" / "tau_bench_airline_gpt4o.jsonl"
_KEPT = (
    "SELECT coalesce(sum(octets), 0) FROM (SELECT length(CAST(body AS BLOB)) AS octets FROM payloads"
    " UNION ALL SELECT length(CAST(body AS BLOB)) + length(hash) + coalesce(length(mark), 0) FROM contents)"
)
_UNPACKED = _KEPT.replace(
    "length(CAST(body AS BLOB)) + length(hash)", "length(CAST(unpack(body) AS BLOB)) + length(hash)"
)
"""The same before compression: what is compared with texts."""


class Kept:
    """A destination that keeps records for later."""

    def __init__(self) -> None:
        self.records: list[LLMRecord] = []

    def consume(self, _span: Any, records: Any) -> None:
        """Keep the model calls."""
        self.records += [record for record in records if isinstance(record, LLMRecord)]

    def session_started(self, record: Any) -> None:
        """Nothing to keep."""

    def tick(self) -> None:
        """Nothing to do."""

    def flush(self, _timeout: float) -> bool:
        """All is kept."""
        return True

    def close(self, _timeout: float) -> None:
        """Nothing to close."""


def sessions(path: Path) -> Iterator[list[dict[str, Any]]]:
    """The messages of each session."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)["messages"]


def recorded(path: Path, home: Path) -> list[LLMRecord]:
    """The records of all model calls, with redacted payloads and fingerprints, as every destination gets them."""
    kept = Kept()
    settings = Settings(backend="embedded", home=home, set_global=False, queue_max_records=10**6, queue_max_bytes=2**31)
    obs = ObservabilityPlatform(settings, consumers=[kept])
    for messages in sessions(path):
        with obs.session("airline"):
            for place, message in enumerate(messages):
                if message["role"] == "assistant":
                    with obs.llm(provider="openai", model="gpt-4o", messages=messages[:place]) as call:
                        call.response([message], usage={"input_tokens": 100, "output_tokens": 10}, model="gpt-4o")
        obs.flush(60)
    obs.shutdown()
    return kept.records


def sizes(records: list[LLMRecord], path: Path) -> dict[str, float]:
    """Bytes and seconds of storing them."""
    texts = [record.payload or "" for record in records]
    writer = StoreWriter(path)
    start = time.process_time()
    for first in range(0, len(records), 250):
        writer.write(records[first : first + 250])
    seconds = time.process_time() - start
    writer.close()
    with closing(open_for_read(path)) as connection:
        again = [row[0] for row in connection.execute("SELECT unpack(body) FROM payloads ORDER BY id")]
        (once,) = connection.execute(_KEPT).fetchone()
        (plain,) = connection.execute(_UNPACKED).fetchone()
        (count,) = connection.execute("SELECT count(*) FROM contents").fetchone()
    if again != texts:
        raise SystemExit("a payload does not read back as it was written")
    whole = [rows.payload_values(text) for text in texts]
    text = sum(size for size, _ in whole)
    bodies = sum(len(body) if isinstance(body, bytes) else len(body.encode()) for _, body in whole)
    return {
        "calls": len(texts), "contents": count, "text_bytes": text, "whole_bytes": bodies, "once_bytes": once,
        "once_text_bytes": plain, "text_over_once_text": text / plain, "text_over_once": text / once,
        "whole_over_once": bodies / once, "store_cpu_us_per_call": seconds / len(texts) * 1e6,
    }  # fmt: skip


def main() -> None:
    """See the module's text."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", nargs="?", type=Path, default=FILE)
    parser.add_argument("--json", action="store_true", dest="as_json")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="syndarix-bench-") as home:
        found = sizes(recorded(given.file, Path(home) / "home"), Path(home) / "store.sqlite3")
    if given.as_json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name.replace('_', ' '):24} {value:14,.1f}")


if __name__ == "__main__":
    main()

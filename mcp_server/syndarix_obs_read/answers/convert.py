"""A run for other programs: Chrome's trace events for Perfetto, speedscope, OTLP or Mermaid text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

from pydantic import Field

from syndarix_obs_read.answers.base import Answer
from syndarix_obs_read.answers.interactions import MOST_RECORDS, interactions, traces_of
from syndarix_obs_read.answers.trace import tree
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.backends.rows import StoredRecord
from syndarix_obs_read.errors import FilterError
from syndarix_obs_read.export.formats import otlp_line
from syndarix_obs_read.export.privacy import WithoutSecrets
from syndarix_obs_read.export.trace_files import Track, chrome, speedscope

Form = Literal["perfetto", "speedscope", "otlp", "mermaid"]
FORMS: Final[tuple[Form, ...]] = get_args(Form)
"""Forms by name."""
_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode


@dataclass(frozen=True, slots=True)
class FileType:
    """What files of a form are called, and what opens them."""

    suffix: str
    media: str
    about: str


FILES: Final = {
    "perfetto": FileType(
        ".perfetto.json", "application/json", "Chrome trace events: ui.perfetto.dev, chrome://tracing"
    ),
    "speedscope": FileType(".speedscope.json", "application/json", "flame views by time, tokens and dollars"),
    "otlp": FileType(".otlp.json", "application/json", "spans with messages, for any receiver of OTLP"),
    "mermaid": FileType(".mmd", "text/plain", "the sequence diagram as text, for documents and tickets"),
}
"""By name of the form."""


class Converted(Answer):
    """A run in another program's form."""

    run: str
    form: Form
    trace_ids: tuple[str, ...]
    spans: int = Field(description="Spans in it; lines of the application's log are none.")
    text: str = Field(description="The file.")


async def convert(backend: Backend, run: str, form: str) -> Converted:
    """A session or trace in one of `FORMS`; secrets are masked, whatever the store holds.

    Raises:
        FilterError: there is no such form.
        NotFound, Ambiguous: see `resolve_session`.
    """
    if form not in FORMS:
        raise FilterError(f"cannot convert to {form!r}; possible: {', '.join(FORMS)}")
    name, ids = await traces_of(backend, run)
    if form == "mermaid":
        found = await interactions(backend, name, limit=1_000)
        count = sum(each.count for each in found.messages)
        return Converted(backend=backend.name, run=name, form=form, trace_ids=ids, spans=count, text=found.mermaid,
                         hints=found.hints)  # fmt: skip
    pages = [await backend.trace(trace_id, limit=MOST_RECORDS, payloads=True) for trace_id in ids]
    records = [_masked(page.rows) for page in pages]
    hints = (f"only the first {MOST_RECORDS:,} records of a trace are in it",) if any(p.more for p in pages) else ()
    tracks = [Track.of(trace_id, _begun(rows), tree(rows, payloads=False))
              for trace_id, rows in zip(ids, records, strict=True) if rows]  # fmt: skip
    text = _otlp(records) if form == "otlp" else _dumps((chrome if form == "perfetto" else speedscope)(tracks, name))
    spans = sum(len(track.spans) for track in tracks)
    return Converted(backend=backend.name, run=name, form=form, trace_ids=ids, spans=spans, text=text, hints=hints)


def _begun(rows: Sequence[StoredRecord]) -> int:
    return min(row.start_ns for row in rows)


def _masked(rows: Sequence[StoredRecord]) -> tuple[StoredRecord, ...]:
    mask = WithoutSecrets()
    found = []
    for row in rows:
        data, payload = mask((dict(row.data), json.dumps(row.payload) if row.payload else None))
        found.append(StoredRecord(data, row.level, json.loads(payload) if payload else {}))
    return tuple(found)


def _otlp(records: Sequence[Sequence[StoredRecord]]) -> str:
    entries = [(dict(row.data), json.dumps(row.payload) if row.payload else None) for rows in records for row in rows]
    return otlp_line(entries).strip()

"""A person's own data on request: everything recorded under the pseudonym, as JSON and as a page to read."""

from __future__ import annotations

import contextlib
import html
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TextIO

from syndarix_obs.store.database import open_for_read
from syndarix_obs_read.backends.decrypted import Texts
from syndarix_obs_read.errors import NotFound, UsageError
from syndarix_obs_read.export import rows as r
from syndarix_obs_read.export.privacy import for_person
from syndarix_obs_read.export.register import note_export
from syndarix_obs_read.export.rows import Row
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.timerange import to_datetime

_ALL: Final = (0, 2**63 - 1)
_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "article{border-top:1px solid #bbb;padding:.5rem 0}pre{white-space:pre-wrap;overflow-wrap:anywhere}"
    "h2{font-size:1rem;margin:.5rem 0}dt{font-weight:600;float:left;margin-right:.5em}"
)


def export_person(settings: ReadSettings, pseudonym: str, folder: Path) -> dict[str, Any]:
    """Write `data.json` and `data.html` into a folder; returns how many rows there are of each kind.

    What may be about others is masked: other people's pseudonyms, and personal data that the patterns find.

    Raises:
        NotFound: nothing is recorded of this person.
        UsageError: the folder is not empty.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty: choose another folder (--to)")
    with contextlib.closing(open_for_read(settings.store_path)) as connection:
        choices = [r.Choice(what, *_ALL, (("user", pseudonym),)) for what in ("records", "ledger")]
        counts: dict[str, Any] = {choice.what: r.count(connection, choice) for choice in choices}
        if not any(counts.values()):
            raise NotFound(f"nothing is recorded of {pseudonym}: there is nothing to export")
        note_export(settings.home, folder, "person")
        change, texts = for_person(pseudonym), Texts(settings.home, only=pseudonym)
        with _new(folder / "data.json") as data, _new(folder / "data.html") as page:
            page.write(_head(pseudonym, counts))
            data.write(f'{{"pseudonym": {json.dumps(pseudonym)}')
            for choice in choices:
                rows = (change(_readable(row, texts)) for found in r.pages(connection, choice, 0) for row in found)
                data.write(f',\n"{choice.what}": [')
                for place, row in enumerate(rows):
                    data.write((",\n" if place else "\n") + json.dumps(row, ensure_ascii=False))
                    page.writelines(_article(row) if choice.what == "records" else ())
                data.write("\n]")
            data.write("}\n")
            page.write("</main></body></html>\n")
    return counts


def _readable(row: Row, texts: Texts) -> Row:
    """The row with its encrypted texts as the person said them."""
    if not texts:
        return row
    payload = row.get("payload")
    found: Row = texts.value({name: value for name, value in row.items() if name != "payload"})
    return {**found, "payload": texts.payload(payload)} if payload else found


def _new(path: Path) -> TextIO:
    return path.open("w", encoding="utf-8", errors="replace")


def _head(pseudonym: str, counts: dict[str, Any]) -> str:
    said = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Data of {html.escape(pseudonym)}</title>'
        f"<style>{_STYLE}</style></head><body><main><h1>What was recorded of you</h1>"
        f"<p>You appear as {html.escape(pseudonym)}. Recorded: {said}. What may be about other people, and secrets, is "
        "masked. The same data, complete and for machines, is in data.json.</p>\n"
    )


def _article(row: Row) -> Iterator[str]:
    when = to_datetime(int(row["start_ns"])).isoformat(timespec="seconds")
    title = html.escape(f"{when} · {row['kind']} · {row['name']}")
    yield f"<article><h2>{title}</h2><dl>"
    for name in ("agent", "model", "tool", "status", "selected", "cost_usd", "error_message"):
        if row.get(name) not in (None, ""):
            yield f"<dt>{name}</dt><dd>{html.escape(str(row[name]))}</dd>"
    yield "</dl>"
    if row.get("payload"):
        yield f"<pre>{html.escape(json.dumps(row['payload'], indent=1, ensure_ascii=False))}</pre>"
    yield "</article>\n"

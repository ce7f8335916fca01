"""One Parquet file of an archive: written in groups of rows, compressed with zstd, read back in batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from syndarix_obs_read.archive.tables import Table, Values
from syndarix_obs_read.errors import UsageError

ROWS_PER_FILE: Final = 100_000
"""Rows of one file."""
_GROUP: Final = 5_000
_REALS: Final = frozenset({"first_token_s", "confidence"})
_INTEGERS: Final = frozenset({
    "ts_ns", "duration_ns", "end_ns", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens",
    "reasoning_tokens", "estimated", "priced", "found", "loop_count", "passed", "tokens", "tokens_input",
    "tokens_output", "tokens_cache_read", "tokens_cache_write", "tokens_reasoning", "tokens_total", "cost_pico",
    "started_ns", "ended_ns", "last_progress_ns",
})  # fmt: skip


def write(path: Path, table: Table, pages: Iterable[list[Values]], most: int = ROWS_PER_FILE) -> int:
    """Write up to `most` rows (by whole pages) into a new file; returns how many. Raises OSError."""
    pa, pq = arrow()
    schema = pa.schema([(name, _type(pa, name)) for name in table.columns])
    count, held = 0, []
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for page in pages:
            held += page
            count += len(page)
            if len(held) >= _GROUP:
                writer.write_table(_group(pa, schema, held))
                held = []
            if count >= most:
                break
        if held:
            writer.write_table(_group(pa, schema, held))
    return count


def read(path: Path, table: Table) -> Iterator[list[Values]]:
    """Batches of the rows of a file, in order."""
    _, pq = arrow()
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=_GROUP, columns=list(table.columns)):
            columns = batch.to_pydict()
            yield list(zip(*(columns[name] for name in table.columns), strict=True))


def column(path: Path, *names: str) -> Iterator[Values]:
    """Some columns of a file, row by row."""
    _, pq = arrow()
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(columns=list(names)):
            found = batch.to_pydict()
            yield from zip(*(found[name] for name in names), strict=True)


def arrow() -> tuple[Any, Any]:
    """`pyarrow` and its Parquet part. Raises UsageError without the extra."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise UsageError("an archive needs pyarrow: pip install 'syndarix-obs[archive]'") from None
    return pa, pq


def _type(pa: Any, name: str) -> Any:
    if name in _INTEGERS:
        return pa.int64()
    return pa.float64() if name in _REALS else pa.string()


def _group(pa: Any, schema: Any, rows: list[Values]) -> Any:
    columns = zip(*rows, strict=True)
    arrays = [pa.array(list(values), type=field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)

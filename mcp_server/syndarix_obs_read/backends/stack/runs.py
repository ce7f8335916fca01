"""Runs of agents: the line that each writes when it ends, and, of those that have not, the line of their beginning."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.sql.conditions import DEFAULT_KINDS
from syndarix_obs_read.backends.sql.scratch import Scratch
from syndarix_obs_read.backends.stack.clients.loki import Loki, Stream
from syndarix_obs_read.backends.stack.columns import Columns
from syndarix_obs_read.backends.stack.queries import logql
from syndarix_obs_read.backends.stack.time_bounds import Range
from syndarix_obs_read.backends.together import together

_COLUMNS: Final = (
    "session_id", "trace_id", "span_id", "record_id", "status", "started_ns", "ended_ns", "last_progress_ns",
)  # fmt: skip
_STEPS: Final = tuple(kind for kind in DEFAULT_KINDS if kind not in (v.KIND_SESSION, v.KIND_SCORE))
_MOST_NAMED: Final = 500
"""Ids that stand in one query."""


class Runs:
    """Fetches runs as rows of `sessions`.

    Args:
        loki: the lines.
        place: where they lie.
        given: columns that the filter fixed.
    """

    def __init__(self, loki: Loki, place: Range, given: Mapping[str, Any]) -> None:
        self._loki = loki
        self._place = place
        others = {name: value for name, value in given.items() if name != "session_id"}
        self._columns = Columns(("end_ns", "status", "session_id"), ("agent", "outcome"), others)

    async def into(self, scratch: Scratch, where: Filter) -> None:
        """Put those that fit into a scratch store."""
        query = logql.lines(where, (v.KIND_SESSION,))
        ended, begun = await together(
            self._loki.streams(self._columns.query(logql.ended(query)), *self._place),
            self._loki.streams(logql.record_ids(logql.running(query)), *self._place),
        )
        names, rows = (*_COLUMNS, *self._columns.tail), list(self._rows(ended, {}))
        await scratch.ask(lambda s: s.add_rows("sessions", names, rows))
        if running := _record_ids(begun) - {row[_COLUMNS.index("record_id")] for row in rows}:
            still = await self._still(query, running)
            last = await self._progress(still)
            await scratch.ask(lambda s: s.add_rows("sessions", names, self._rows(still, last)))

    async def _still(self, query: str, running: set[str]) -> list[Stream]:
        """Lines of these runs."""
        if len(running) <= _MOST_NAMED:
            query = f"{query} {logql.among('trace_id', sorted({each.partition(':')[0] for each in running}))}"
        streams = await self._loki.streams(self._columns.query(logql.running(query)), *self._place)
        return [Stream(labels, [v for v in lines if v[1].partition(" ")[0] in running]) for labels, lines in streams]

    async def _progress(self, still: Sequence[Stream]) -> dict[str, int]:
        """When the last step of each session ended; any step of theirs is progress."""
        named = sorted({values[-1] for values, _ in self._columns.rows(still)} - {""})[:_MOST_NAMED]
        if not named:
            return {}
        columns = Columns(("end_ns", "session_id"))
        steps = f"{logql.selector(kind=_STEPS)} {logql.among('session_id', named)}"
        last: dict[str, int] = {}
        for (_, _, end, session_id), _ in columns.rows(await self._loki.streams(columns.query(steps), *self._place)):
            last[session_id] = max(last.get(session_id, 0), int(end or 0))
        return last

    def _rows(self, streams: Iterable[Stream], progress: Mapping[str, int]) -> Iterator[tuple[Any, ...]]:
        for (record_id, begun, ended, status, named), tail in self._columns.rows(streams):
            trace_id, _, span_id = record_id.partition(":")
            start, end, running = int(begun), int(ended or begun), status == v.STATUS_RUNNING
            last = max(start, end, progress.get(named, 0))
            ids = named or trace_id, trace_id, span_id, record_id
            yield (*ids, status, start, None if running else end, last, *tail)


def _record_ids(streams: Iterable[Stream]) -> set[str]:
    return {line[1] for _, lines in streams for line in lines}

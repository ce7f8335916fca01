"""Loki's HTTP API: pages of lines, counts, label values."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

from syndarix_obs_read.backends.stack.clients.http_client import HttpClient
from syndarix_obs_read.backends.together import together
from syndarix_obs_read.errors import BackendAnswer, Refused, TooLarge

PAGE: Final = 5_000
"""Most lines of one answer: Loki's default limit."""
DAY_NS: Final = 86_400 * 10**9
_WINDOWS_NS: Final = (DAY_NS // 4, DAY_NS, 2 * DAY_NS, 4 * DAY_NS, 7 * DAY_NS)
_AT_ONCE: Final = 4
_PARTS: Final = 16
_FILLED: Final = 0.8
"""How full the next pages should become: one that is full ends too early, and its rest takes a second question."""
_SMALLEST_PAGE: Final = 10
_TOO_LARGE: Final = ("larger than", "ResourceExhausted", "max_bytes", "message size")


class Line(NamedTuple):
    """One line: Loki's time for it in nanoseconds, the label `level`, the text. `labels` are all labels asked for."""

    ts_ns: int
    level: str
    text: str
    labels: Mapping[str, str] = {}


class Stream(NamedTuple):
    """Lines with the same labels, as they came: pairs of Loki's time, as digits, and the text."""

    labels: Mapping[str, str]
    values: Sequence[Sequence[str]]


class Loki:
    """Loki behind a client. Ranges are [start, end) in nanoseconds; a question never spans more than a week."""

    def __init__(self, client: HttpClient) -> None:
        self.client = client
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def page(self, query: str, start_ns: int, end_ns: int, limit: int, *, forward: bool = False) -> list[Line]:
        """Up to `limit` lines without a gap between them, newest first unless `forward`."""
        return (await self._page(query, start_ns, end_ns, limit, forward=forward))[0]

    async def _page(
        self, query: str, start_ns: int, end_ns: int, limit: int, *, forward: bool = False
    ) -> tuple[list[Line], bool]:
        """Lines as in `page`, and whether there may be more."""
        if start_ns >= end_ns:
            return [], False
        limit = min(limit, PAGE)
        found = _streams(await self.range(query, start_ns, end_ns, limit, forward=forward))
        full = sum(len(stream.values) for stream in found) >= limit
        lines = sorted(_lines(found), key=_when, reverse=not forward)
        if full and len(found) > 1:
            edge = _edge(found, forward=forward)
            lines = [line for line in lines if (line.ts_ns <= edge if forward else line.ts_ns >= edge)]
        return lines, full

    async def range(
        self, query: str, start_ns: int, end_ns: int, limit: int, *, forward: bool = False, step_s: float | None = None
    ) -> dict[str, Any]:
        """The `data` of a range query as Loki gives it."""
        params: dict[str, str | int | float | list[str]] = {
            "query": query,
            "start": str(start_ns),
            "end": str(end_ns),
            "limit": limit,
            "direction": "forward" if forward else "backward",
        }
        if step_s is not None:
            params["step"] = step_s
        async with self._slots:
            return _data(await self.client.get("/loki/api/v1/query_range", params))

    async def walk(self, query: str, start_ns: int, end_ns: int, size: int = PAGE) -> AsyncGenerator[list[Line], None]:
        """Pages of all lines, newest first, from newer windows to older ones. Pages shrink when they get too large."""
        for since, until in _windows(start_ns, end_ns):
            async for page in self._pages(query, since, until, size):
                yield page

    async def ahead(self, query: str, start_ns: int, end_ns: int, size: int = PAGE) -> AsyncGenerator[list[Line], None]:
        """The same; Loki is asked for the next page while the caller reads one. Close it when you stop early."""
        async with contextlib.aclosing(self.walk(query, start_ns, end_ns, size)) as pages:
            coming = asyncio.ensure_future(anext(pages, None))
            try:
                while (page := await coming) is not None:
                    coming = asyncio.ensure_future(anext(pages, None))
                    yield page
            finally:
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)

    async def every(self, query: str, start_ns: int, end_ns: int) -> list[Line]:
        """All lines, several weeks at once, in no order."""
        return list(_lines(await self.streams(query, start_ns, end_ns)))

    async def streams(self, query: str, start_ns: int, end_ns: int) -> list[Stream]:
        """The same by stream; a stream may come in several parts."""
        found = await together(*(self._all(query, *window) for window in _weeks(start_ns, end_ns)))
        return [stream for streams in found for stream in streams]

    async def counts(self, query: str, name: str, at_ns: int) -> dict[str, int]:
        """Result of an instant metric query by the label `name`; lines without it are left out."""
        async with self._slots:
            data = _data(await self.client.get("/loki/api/v1/query", {"query": query, "time": str(at_ns)}))
        return {
            str(each["metric"][name]): int(float(each["value"][1]))
            for each in data.get("result", [])
            if each.get("metric", {}).get(name)
        }

    async def _all(self, query: str, start_ns: int, end_ns: int) -> list[Stream]:
        """One page; if it is full, the rest of the window in parts that should nearly fill one each, all at once."""
        try:
            found = _streams(await self.range(query, start_ns, end_ns, PAGE))
        except (TooLarge, Refused) as error:
            if not _is_too_large(error):
                raise
            return await self._one_by_one(query, start_ns, end_ns)
        if sum(len(stream.values) for stream in found) < PAGE:
            return found
        oldest = _edge(found)
        # That moment may go on behind the page: it is asked for again.
        newer = [Stream(labels, [v for v in values if int(v[0]) > oldest]) for labels, values in found]
        if not any(stream.values for stream in newer):
            return await self._one_by_one(query, start_ns, end_ns)
        rest = oldest + 1
        step = max(int((end_ns - rest) * _FILLED), (rest - start_ns) // _PARTS) + 1
        starts = range(start_ns, rest, step)
        parts = await together(*(self._all(query, start, min(start + step, rest)) for start in starts))
        return [*newer, *(stream for part in parts for stream in part)]

    async def _one_by_one(self, query: str, start_ns: int, end_ns: int) -> list[Stream]:
        pages = self._pages(query, start_ns, end_ns, PAGE)
        return [Stream(line.labels, [(str(line.ts_ns), line.text)]) async for page in pages for line in page]

    async def _pages(self, query: str, start_ns: int, end_ns: int, size: int) -> AsyncGenerator[list[Line], None]:
        seen: set[tuple[int, str, str]] = set()
        while start_ns < end_ns:
            try:
                page, full = await self._page(query, start_ns, end_ns, size)
            except (TooLarge, Refused) as error:
                if not _is_too_large(error) or size <= _SMALLEST_PAGE:
                    raise
                size = max(_SMALLEST_PAGE, size // 4)
                continue
            new = [line for line in page if line[:3] not in seen] if seen else page
            if new:
                yield new
            if not full:
                return
            # Lines of the last moment may go on behind the page: that moment is asked for again, unless it fills one.
            last = page[-1].ts_ns
            end_ns = last + 1 if new and page[0].ts_ns != last else last
            seen = {line[:3] for line in page if line.ts_ns == last}


def _windows(start_ns: int, end_ns: int) -> Iterator[tuple[int, int]]:
    sizes = iter(_WINDOWS_NS)
    size = next(sizes)
    while start_ns < end_ns:
        since = max(start_ns, end_ns - size)
        yield since, end_ns
        end_ns, size = since, next(sizes, size)


def _weeks(start_ns: int, end_ns: int) -> list[tuple[int, int]]:
    """Weeks that begin at midnight (UTC), where Loki cuts a question by itself: each piece costs milliseconds."""
    week = _WINDOWS_NS[-1]
    edges = [start_ns, *range((start_ns // week + 1) * week, end_ns, week), end_ns]
    return [(since, until) for since, until in pairwise(edges) if since < until]


def _is_too_large(error: BackendAnswer) -> bool:
    return isinstance(error, TooLarge) or (isinstance(error, Refused) and any(t in error.said for t in _TOO_LARGE))


def _data(answer: Any) -> dict[str, Any]:
    try:
        data = answer["data"]
    except (TypeError, KeyError):
        data = None
    if not isinstance(data, dict):
        raise BackendAnswer(f"Loki answered something else than data: {str(answer)[:80]!r}; is it Loki?")
    return data


def _streams(data: dict[str, Any]) -> list[Stream]:
    if data.get("resultType") != "streams":
        raise BackendAnswer(f"Loki answered {data.get('resultType')!r} where lines were asked for")
    return [Stream(each["stream"], each["values"]) for each in data["result"]]


def _edge(streams: Iterable[Stream], *, forward: bool = False) -> int:
    """How far a full answer reaches without a gap.

    Loki 3.4 cuts the streams of an answer at different times: where one of few lines goes on, lines of another are
    missing. Only up to the end of the shortest is everything there.
    """
    ends = [[int(value[0]) for value in stream.values] for stream in streams if stream.values]
    return min(map(max, ends)) if forward else max(map(min, ends))


def _lines(streams: Iterable[Stream]) -> Iterator[Line]:
    for labels, values in streams:
        level = labels.get("level", "info")
        for value in values:
            yield Line(int(value[0]), level, value[1], labels)


def _when(line: Line) -> int:
    return line.ts_ns

"""Tempo's HTTP API: a trace by id as spans, search by TraceQL."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.records.model import SpanEvent
from syndarix_obs.records.resource import Resource
from syndarix_obs_read.backends.stack.clients.http_client import HttpClient
from syndarix_obs_read.errors import BackendAnswer
from syndarix_obs_read.timerange import SECOND_NS

LONGEST_SEARCH_S: Final = 167 * 3_600
"""One search spans less than a week: Tempo's default limit is 168 h."""
_AT_ONCE: Final = 6


@dataclass(frozen=True, slots=True)
class FoundTrace:
    """One trace of a search: its beginning in nanoseconds, and which spans fit, as id to attributes."""

    trace_id: str
    start_ns: int
    end_ns: int
    spans: Mapping[str, Mapping[str, Any]]
    matched: int


class Tempo:
    """Tempo behind a client."""

    def __init__(self, client: HttpClient) -> None:
        self.client = client
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def trace(self, trace_id: str, place: tuple[int, int] | None = None) -> list[tuple[FinishedSpan, Resource]]:
        """Spans of a trace; none when it does not exist. `trace_id` is 32 hex digits.

        Knowing the time (nanoseconds) in which the spans arrived, Tempo looks at few of its blocks instead of all.
        """
        params = {"start": place[0] // SECOND_NS, "end": -(-place[1] // SECOND_NS)} if place else None
        async with self._slots:
            answer = await self.client.get(f"/api/v2/traces/{trace_id}", params)
        try:
            batches = (answer.get("trace") or {}).get("resourceSpans") or []
            return [each for batch in batches for each in _spans(batch)]
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise BackendAnswer(f"Tempo answered a trace that cannot be read: {error!r}") from error

    async def search(self, query: str, start_ns: int, end_ns: int, limit: int, *, spans: int = 3) -> list[FoundTrace]:
        """Up to `limit` traces, with up to `spans` of the spans that fit; newest weeks first."""
        found: dict[str, FoundTrace] = {}
        for since, until in _windows(start_ns, end_ns):
            for each in await self._search(query, since, until, limit - len(found), spans):
                found.setdefault(each.trace_id, each)
            if len(found) >= limit:
                break
        return list(found.values())

    async def raw(self, query: str, start_ns: int, end_ns: int, limit: int) -> list[dict[str, Any]]:
        """Traces of one search as Tempo gives them."""
        found: list[dict[str, Any]] = []
        for since, until in _windows(start_ns, end_ns):
            found += await self._raw(query, since, until, limit - len(found))
            if len(found) >= limit:
                break
        return found

    async def _search(self, query: str, since: int, until: int, limit: int, spans: int) -> list[FoundTrace]:
        return [_found(each) for each in await self._raw(query, since, until, limit, spans)]

    async def _raw(self, query: str, since: int, until: int, limit: int, spans: int = 3) -> list[dict[str, Any]]:
        params: dict[str, str | int | float | list[str]] = {
            "q": query, "start": since, "end": until, "limit": limit, "spss": spans,
        }  # fmt: skip
        async with self._slots:
            answer = await self.client.get("/api/search", params)
        if not isinstance(answer, dict):
            raise BackendAnswer(f"Tempo answered a search with {str(answer)[:80]!r}; is it Tempo?")
        return list(answer.get("traces") or ())


def _windows(start_ns: int, end_ns: int) -> Iterator[tuple[int, int]]:
    """Ranges in whole seconds, newest first."""
    start, end = start_ns // SECOND_NS, -(-end_ns // SECOND_NS)
    while start < end:
        since = max(start, end - LONGEST_SEARCH_S)
        yield since, end
        end = since


def _found(each: Mapping[str, Any]) -> FoundTrace:
    start = int(each.get("startTimeUnixNano") or 0)
    sets = each.get("spanSets") or ([each["spanSet"]] if each.get("spanSet") else [])
    spans = {span["spanID"].rjust(16, "0"): _attributes(span) for one in sets for span in one.get("spans") or ()}
    return FoundTrace(
        trace_id=str(each["traceID"]).rjust(32, "0"),  # Tempo leaves leading zeros out
        start_ns=start,
        end_ns=start + int(each.get("durationMs") or 0) * 1_000_000,
        spans=spans,
        matched=sum(int(one.get("matched") or 0) for one in sets),
    )


def _spans(batch: Mapping[str, Any]) -> Iterator[tuple[FinishedSpan, Resource]]:
    own = _attributes(batch.get("resource") or {})
    service = str(own.pop(v.SERVICE_NAME, ""))
    environment = str(own.pop(v.DEPLOYMENT_ENVIRONMENT, ""))
    resource = Resource(service, environment, own)
    for scope in batch.get("scopeSpans") or ():
        for span in scope.get("spans") or ():
            yield _span(span), resource


def _span(span: Mapping[str, Any]) -> FinishedSpan:
    status = span.get("status") or {}
    parent = _hex(span.get("parentSpanId"))
    return FinishedSpan(
        name=span.get("name", ""),
        trace_id=_hex(span["traceId"]) or "",
        span_id=_hex(span["spanId"]) or "",
        parent_id=parent if parent and parent.strip("0") else None,
        span_kind=str(span.get("kind", "")).removeprefix("SPAN_KIND_").lower() or "internal",
        start_ns=int(span.get("startTimeUnixNano") or 0),
        end_ns=int(span.get("endTimeUnixNano") or 0),
        status=v.STATUS_ERROR if status.get("code") in ("STATUS_CODE_ERROR", 2) else v.STATUS_OK,
        status_message=status.get("message") or None,
        attributes=_attributes(span),
        events=[
            SpanEvent(event.get("name", ""), int(event.get("timeUnixNano") or 0), _attributes(event))
            for event in span.get("events") or ()
        ],
    )


def _hex(text: str | None) -> str | None:
    return base64.b64decode(text).hex() if text else None


def _attributes(holder: Mapping[str, Any]) -> dict[str, Any]:
    return {pair["key"]: _value(pair.get("value") or {}) for pair in holder.get("attributes") or ()}


def _value(value: Mapping[str, Any]) -> Any:
    for kind, found in value.items():
        if kind == "intValue":
            return int(found)
        if kind == "arrayValue":
            return [_value(each) for each in found.get("values") or ()]
        return found
    return None

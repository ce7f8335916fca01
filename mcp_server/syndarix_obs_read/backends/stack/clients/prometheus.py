"""Prometheus' HTTP API: instant and range queries, targets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syndarix_obs_read.backends.rows import Series
from syndarix_obs_read.backends.stack.clients.http_client import HttpClient
from syndarix_obs_read.errors import BackendAnswer
from syndarix_obs_read.timerange import SECOND_NS


class Prometheus:
    """Prometheus behind a client."""

    def __init__(self, client: HttpClient) -> None:
        self.client = client

    async def instant(self, query: str, at_ns: int | None = None) -> list[Series]:
        """Values of an expression at a moment, now without one."""
        params = {"query": query} if at_ns is None else {"query": query, "time": f"{at_ns / SECOND_NS:.3f}"}
        return _series(await self.client.get("/api/v1/query", params))

    async def range(self, query: str, start_ns: int, end_ns: int, step_s: float) -> list[Series]:
        """Values of an expression over a range."""
        start, end = f"{start_ns / SECOND_NS:.3f}", f"{end_ns / SECOND_NS:.3f}"
        params = {"query": query, "start": start, "end": end, "step": f"{step_s:g}"}
        return _series(await self.client.get("/api/v1/query_range", params))

    async def targets(self) -> list[dict[str, Any]]:
        """Targets that are scraped, as Prometheus describes them."""
        answer = await self.client.get("/api/v1/targets", {"state": "active"})
        try:
            return list(answer["data"]["activeTargets"])
        except (TypeError, KeyError):
            raise BackendAnswer(f"Prometheus answered {str(answer)[:80]!r} where targets were asked for") from None


def _series(answer: Any) -> list[Series]:
    try:
        data = answer["data"]
        if data["resultType"] in ("scalar", "string"):
            return [Series({}, (_point(data["result"]),))]
        return [Series(each["metric"], _points(each)) for each in data["result"]]
    except (TypeError, KeyError, IndexError, ValueError):
        raise BackendAnswer(f"Prometheus answered {str(answer)[:80]!r}; is it Prometheus?") from None


def _points(each: Mapping[str, Any]) -> tuple[tuple[int, float], ...]:
    return tuple(map(_point, each["values"] if "values" in each else [each["value"]]))


def _point(pair: Any) -> tuple[int, float]:
    return round(float(pair[0]) * SECOND_NS), float(pair[1])

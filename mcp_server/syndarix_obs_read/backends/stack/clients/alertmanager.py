"""Alertmanager's HTTP API, version 2: alerts, silences, alerts of our own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from syndarix_obs_read.backends.rows import AlertRow, SilenceRow
from syndarix_obs_read.backends.stack.clients.http_client import HttpClient
from syndarix_obs_read.backends.stack.queries.quoting import label_quoted, sendable
from syndarix_obs_read.errors import BackendAnswer, NotFound, QueryError, Refused
from syndarix_obs_read.timerange import to_datetime


class Alertmanager:
    """Alertmanager behind a client."""

    def __init__(self, client: HttpClient) -> None:
        self.client = client

    async def alerts(self, labels: Mapping[str, str]) -> list[AlertRow]:
        """Alerts that have these labels, silenced and inhibited ones included, the last begun first."""
        filters = [f"{name}={label_quoted(value)}" for name, value in labels.items()]
        answer = await self._ask("/api/v2/alerts", {"filter": filters} if filters else None)
        return sorted((_alert(each) for each in answer), key=lambda row: -row.since_ns)

    async def silences(self) -> list[SilenceRow]:
        """Silences that are or will be in force."""
        found = [_silence(each) for each in await self._ask("/api/v2/silences", None)]
        return sorted((row for row in found if row.state != "expired"), key=lambda row: row.until_ns)

    async def trigger(
        self, labels: Mapping[str, str], annotations: Mapping[str, str], start_ns: int, end_ns: int
    ) -> None:
        """Raise an alert; with an end in the past, resolve it.

        Raises:
            QueryError: a label is not allowed.
        """
        alert = {
            "labels": _sendable(labels), "annotations": _sendable(annotations),
            "startsAt": _text(start_ns), "endsAt": _text(end_ns),
        }  # fmt: skip
        await self._send("POST", "/api/v2/alerts", [alert])

    async def silence(self, labels: Mapping[str, str], start_ns: int, end_ns: int, author: str, comment: str) -> str:
        """Keep alerts with these labels from notifying anybody; returns the silence's id.

        Raises:
            QueryError: Alertmanager does not take it, for example without a comment.
        """
        if not comment.strip() or not author.strip() or not labels:  # 0.25 takes it without
            raise QueryError("a silence needs labels, an author and a comment that says why")
        matchers = [
            {"name": name, "value": value, "isRegex": False, "isEqual": True}
            for name, value in _sendable(labels).items()
        ]
        silence = {
            "matchers": matchers, "startsAt": _text(start_ns), "endsAt": _text(end_ns),
            "createdBy": sendable(author), "comment": sendable(comment),
        }  # fmt: skip
        answer = await self._send("POST", "/api/v2/silences", silence)
        try:
            return str(answer["silenceID"])
        except (TypeError, KeyError):
            raise BackendAnswer(f"Alertmanager answered {str(answer)[:80]!r} where a silence was made") from None

    async def expire(self, silence_id: str) -> None:
        """End a silence.

        Raises:
            NotFound: there is none with this id.
        """
        known = {row.silence_id for row in await self.silences()}
        if silence_id not in known:  # older versions answer 500 to an unknown id
            listed = f"; in force: {', '.join(sorted(known))}" if known else "; none is in force"
            raise NotFound(f"there is no silence {silence_id!r}{listed}", tuple(sorted(known))[:3])
        await self._send("DELETE", f"/api/v2/silence/{silence_id}", None)

    async def _ask(self, path: str, params: Mapping[str, list[str]] | None) -> list[dict[str, Any]]:
        answer = await self.client.get(path, params)
        if not isinstance(answer, list):
            raise BackendAnswer(f"Alertmanager answered {str(answer)[:80]!r}; is it Alertmanager?")
        return answer

    async def _send(self, method: str, path: str, body: Any) -> Any:
        try:
            return await self.client.send(method, path, body)
        except Refused as error:
            if error.status in (400, 422):
                raise QueryError(f"Alertmanager does not take this: {error.said}") from error
            raise


def _alert(each: Mapping[str, Any]) -> AlertRow:
    try:
        status = each["status"]
        return AlertRow(
            fingerprint=each["fingerprint"],
            labels=each["labels"],
            annotations=each["annotations"],
            state=status["state"],
            silenced_by=tuple(status["silencedBy"]),
            inhibited_by=tuple(status["inhibitedBy"]),
            receivers=tuple(receiver["name"] for receiver in each["receivers"]),
            since_ns=_ns(each["startsAt"]),
            until_ns=_ns(each["endsAt"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BackendAnswer(f"Alertmanager described an alert that cannot be read: {error!r}") from error


def _silence(each: Mapping[str, Any]) -> SilenceRow:
    try:
        return SilenceRow(
            silence_id=each["id"],
            state=each["status"]["state"],
            labels={matcher["name"]: matcher["value"] for matcher in each["matchers"]},
            since_ns=_ns(each["startsAt"]),
            until_ns=_ns(each["endsAt"]),
            author=each["createdBy"],
            comment=each["comment"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BackendAnswer(f"Alertmanager described a silence that cannot be read: {error!r}") from error


def _ns(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1e6) * 1000


def _text(ns: int) -> str:
    return to_datetime(ns, UTC).isoformat(timespec="milliseconds")


def _sendable(texts: Mapping[str, str]) -> dict[str, str]:
    """The texts as they are asked for later: a `?` for half a surrogate, of which Go's JSON makes something else."""
    return {name: sendable(value) for name, value in texts.items()}

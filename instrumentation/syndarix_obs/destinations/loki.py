"""Records as Loki lines: batched, with their own time and structured metadata.

A line's time is the end of what it tells of, because Loki takes lines only in rough order of time. A line that is too
old or too far behind for Loki is stored under Loki's present time: its own times are in the line, nothing is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.delivery.frames import Frame
from syndarix_obs.delivery.http import HttpPost, Reply, describe, outcome
from syndarix_obs.delivery.outcome import Kind, Outcome
from syndarix_obs.delivery.spooled import Post, SpooledDestination
from syndarix_obs.destinations.loki_push import (
    anonymous_frame,
    by_key,
    encode_line,
    labels_text,
    line_bytes,
    metadata_field,
    metadata_fields,
    metadata_name,
    push_body,
    shorten,
)
from syndarix_obs.destinations.loki_refusals import Refusal, longer_than, refusal
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.records.model import Record, SessionRecord

MAX_REQUEST_BYTES: Final = 4 * 1024 * 1024
"""Bytes of lines in one push, before compression; a longer line travels alone."""
PUSH_PATH: Final = "/loki/api/v1/push"
_LONGEST_METADATA: Final = 4096
_MOST_REMEMBERED: Final = 4096
_IDS: Final = 2
"""How many of `LOG_METADATA`, in front, are ids of trace and span."""
_TRACE_ID, _SPAN_ID = (metadata_name(name) for name in v.LOG_METADATA[:_IDS])
_TAKEN: Final = frozenset({204})
"""What Loki answers when it took everything."""
_KIND_LABEL = re.compile(rb'kind="([a-z_]+)"')
_RECORD_ID = re.compile(rb'"record_id":"([0-9A-Za-z:._-]{1,100})"')
_NO_LINE = frozenset(v.KINDS) - frozenset(v.LOG_KINDS)


def _outcome(reply: Reply) -> Outcome:
    return outcome(reply, _TAKEN)


class LokiEmitter:
    """Loki as a destination: many lines in one push, compressed unless Loki is on this machine.

    Args:
        url: base URL of Loki, or of its push API.
        tags: labels of plain log records (see `SyndarixLokiHandler`).
        auth: user and password.
        tenant: value of the tenant header.
    """

    name = "loki"
    max_request_bytes = MAX_REQUEST_BYTES

    def __init__(
        self,
        url: str,
        tags: dict[str, Any] | None = None,
        auth: tuple[str, str] | None = None,
        tenant: str | None = None,
    ) -> None:
        base = url.rstrip("/")
        self.url = base if base.endswith("/push") else base + PUSH_PATH
        self.tags = dict(tags or {})
        self.auth = auth
        headers = {"Content-Type": "application/x-protobuf", **({"X-Scope-OrgID": tenant} if tenant else {})}
        self._headers = headers
        self._max_line = self._cut = 0
        self._http: HttpPost | None = None

    def post(self, body: bytes, timeout: float) -> Reply:
        """Send one push."""
        if self._http is None:
            self._http = HttpPost(self.url, self._headers, auth=self.auth)
        return self._http(body, timeout)

    def send(self, frames: Sequence[Frame], timeout: float) -> Outcome:
        """Push frames; those that are too long or out of time for Loki are mended and pushed again, the rest is not."""
        self._cut = 0
        result = self._send(frames, timeout)
        return replace(result, truncated=self._cut) if self._cut else result

    def _send(self, frames: Sequence[Frame], timeout: float) -> Outcome:
        self._fit(frames)
        reply = self.post(push_body(frames), timeout)
        refused = refusal(reply)
        if refused is None:
            return _outcome(reply)
        if refused.max_line:
            self._max_line = refused.max_line
        if refused.max_line and refused.kinds == 1:
            return self._send_cut(frames, refused, reply, timeout)
        if refused.stale:
            return self._send_in_time(frames, refused, reply, timeout)
        return _outcome(reply)

    def _send_cut(self, frames: Sequence[Frame], refused: Refusal, reply: Reply, timeout: float) -> Outcome:
        long = longer_than(frames, refused.max_line)
        if not refused.accounts_for(long, frames):
            return _outcome(reply)
        return _outcome(self.post(push_body(long), timeout) if self._fit(long) == len(long) else reply)

    def _fit(self, frames: Sequence[Frame]) -> int:
        """Shorten the lines that are longer than Loki said it takes; returns how many."""
        cut = 0
        for frame in longer_than(frames, self._max_line) if self._max_line else ():
            for share in (2, 4, 8, 16, 32):
                shorter = shorten(frame, self._max_line // share)
                if shorter is not None and line_bytes(shorter) <= self._max_line:
                    frame.payload = shorter.payload
                    cut += 1
                    break
        self._cut += cut
        return cut

    def _send_in_time(self, frames: Sequence[Frame], refused: Refusal, reply: Reply, timeout: float) -> Outcome:
        streams = by_key(frames)
        if refused.total and len(streams) > 1:
            # Loki names the lines of one stream only, and has stored those of the others that it liked.
            return self._send_streams(list(streams.values()), timeout)
        late = refused.out_of_time(frames)
        if not late:
            return Outcome(Kind.STALE, describe(reply), server_ns=refused.now_ns)
        if not refused.accounts_for(late, frames):
            found = {id(frame) for frame in late}
            rest = [frame for frame in frames if id(frame) not in found]
            result = self._send(rest, timeout) if rest else Outcome(Kind.DELIVERED)
            if result.kind is not Kind.DELIVERED:
                return result
        for place, frame in enumerate(late):
            frame.time_ns = refused.now_ns + place
        return _outcome(self.post(push_body(late), timeout))

    def _send_streams(self, streams: Sequence[list[Frame]], timeout: float) -> Outcome:
        results = (self._send(stream, timeout) for stream in streams)
        return next((result for result in results if result.kind is not Kind.DELIVERED), Outcome(Kind.DELIVERED))

    def shorten(self, frame: Frame, keep: int) -> Frame | None:
        """Cut the payload of a line."""
        return shorten(frame, keep)

    def name_of(self, frame: Frame) -> str:
        """Kind and id of a line's record."""
        labels, line = _KIND_LABEL.search(frame.key), _RECORD_ID.search(frame.before)
        return f"{labels[1].decode() if labels else 'line'} {line[1].decode() if line else ''}".rstrip()

    def reset(self) -> None:
        """Forget the connections."""
        self._http = None


class LokiDestination(SpooledDestination):
    """The destination that sends records to Loki.

    Args:
        url: base URL of Loki.
        post: what it shares with the platform's other destinations.
        tenant: value of the tenant header.
    """

    def __init__(self, url: str, post: Post, *, tenant: str | None = None) -> None:
        self._labels: dict[tuple[str, ...], bytes] = {}
        self._metadata: dict[tuple[str | None, ...], bytes] = {}
        self._last, self._last_ids = ("", ""), b""
        super().__init__(LokiEmitter(url, tenant=tenant), post)

    def encoded(self, span: FinishedSpan | None, records: Sequence[Record]) -> Iterable[bytes]:  # noqa: ARG002 - the protocol has both
        """One line per record; plain spans live in the trace store only."""
        return [self._encode(record) for record in records if record.kind not in _NO_LINE]

    def session_started(self, record: SessionRecord) -> None:
        """A line with status `running`: a session that hangs is seen. Its last line has the same `record_id`."""
        self.spool.append(self._encode(record))

    def without_person(self, frame: Frame) -> Frame | None:
        """The line with its event and its cost, and nobody in it."""
        return anonymous_frame(frame)

    def _encode(self, record: Record) -> bytes:
        labels = self._labels_of((record.service, record.environment, record.kind, record.level))
        time_ns = record.end_ns or record.start_ns
        return encode_line(record.line(payload=False), record.payload, labels, self._metadata_of(record), time_ns)

    def _metadata_of(self, record: Record) -> bytes:
        """Structured metadata as fields. All but the ids of trace and span repeats within a session."""
        repeated = (record.session_id, record.agent, record.project, record.user, record.task_type,
                    getattr(record, "model", None), getattr(record, "tool", None))  # fmt: skip
        found = self._metadata.get(repeated)
        if found is None:
            if len(self._metadata) >= _MOST_REMEMBERED:
                self._metadata.clear()
            pairs = zip(v.LOG_METADATA[_IDS:], repeated, strict=True)
            found = metadata_fields({name: str(value)[:_LONGEST_METADATA] for name, value in pairs if value})
            self._metadata[repeated] = found
        return self._ids_of(record.trace_id, record.span_id) + found if record.trace_id else found

    def _ids_of(self, trace_id: str, span_id: str) -> bytes:
        """Ids of trace and span as fields. The records of one span come one after the other."""
        if (trace_id, span_id) != self._last:
            trace, span = metadata_field(_TRACE_ID, trace_id.encode()), metadata_field(_SPAN_ID, span_id.encode())
            self._last, self._last_ids = (trace_id, span_id), trace + span
        return self._last_ids

    def _labels_of(self, values: tuple[str, ...]) -> bytes:
        found = self._labels.get(values)
        if found is None:
            found = self._labels[values] = labels_text(values)
        return found

"""Traces for other programs' viewers: Chrome's trace events (Perfetto, chrome://tracing) and speedscope's profiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs_read.amounts import plain
from syndarix_obs_read.answers.trace import TraceSpan
from syndarix_obs_read.export.lanes import Slice, lanes

EXPORTER: Final = "syndarix-obs"
SPEEDSCOPE_SCHEMA: Final = "https://www.speedscope.app/file-format-schema.json"
_MICRO: Final = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Track:
    """One trace: its spans depth first, without lines of the application's log, in lanes.

    Args:
        trace_id: its id.
        begun_ns: when it began, nanoseconds since the epoch.
        spans: what happened.
        slices: the same as times from the beginning, with parents.
        lanes: of each span, from 0.
    """

    trace_id: str
    begun_ns: int
    spans: tuple[TraceSpan, ...]
    slices: tuple[Slice, ...]
    lanes: tuple[int, ...]

    @classmethod
    def of(cls, trace_id: str, begun_ns: int, spans: Sequence[TraceSpan]) -> Track:
        """From the spans of a trace as `answers.trace.tree` gives them."""
        kept = tuple(span for span in spans if span.kind != v.KIND_APP)
        slices = _slices(kept)
        return cls(trace_id, begun_ns, kept, slices, lanes(slices))


def _slices(spans: Sequence[TraceSpan]) -> tuple[Slice, ...]:
    path: list[int] = []
    found = []
    for at, span in enumerate(spans):
        del path[span.depth :]
        start = round(span.offset_ms * 1e6)
        found.append(Slice(start, start + round(span.duration_ms * 1e6), path[-1] if path else None))
        path.append(at)
    return tuple(found)


def chrome(tracks: Sequence[Track], title: str) -> dict[str, Any]:
    """Trace events in JSON: a process for each trace, a thread for each lane, a counter of dollars.

    Times are microseconds from the beginning of the first trace. A span that had to leave its parent's lane is joined
    to it by a flow arrow.
    """
    origin = min((track.begun_ns for track in tracks), default=0)
    events: list[dict[str, Any]] = []
    for process, track in enumerate(tracks, 1):
        shift = track.begun_ns - origin
        events += _names(process, track)
        for at, span in enumerate(track.spans):
            events.append(_slice(process, track, at, shift))
            events += _arrow(process, track, at, shift, span)
        events += _dollars(process, track, shift)
    return {"displayTimeUnit": "ms", "otherData": {"exporter": EXPORTER, "run": title}, "traceEvents": events}


def _names(process: int, track: Track) -> list[dict[str, Any]]:
    said = [{"ph": "M", "name": "process_name", "pid": process, "tid": 0, "args": {"name": f"trace {track.trace_id}"}}]
    for lane in sorted(set(track.lanes)):
        first = next(span for span, own in zip(track.spans, track.lanes, strict=True) if own == lane)
        name = first.agent or first.title
        args = {"name": name if not lane else f"{name}, in parallel {lane}"}
        said.append({"ph": "M", "name": "thread_name", "pid": process, "tid": lane + 1, "args": args})
    return said


def _slice(process: int, track: Track, at: int, shift: int) -> dict[str, Any]:
    span, own = track.spans[at], track.slices[at]
    return {
        "ph": "X", "name": span.title, "cat": span.kind, "pid": process, "tid": track.lanes[at] + 1,
        "ts": (own.start_ns + shift) / 1000, "dur": (own.end_ns - own.start_ns) / 1000, "args": arguments(span),
    }  # fmt: skip


def arguments(span: TraceSpan) -> dict[str, Any]:
    """What a viewer shows of a span beside its time."""
    found: Mapping[str, Any] = {
        "span_id": span.span_id, "parent_id": span.parent_id, "kind": span.kind, "status": span.status,
        "agent": span.agent, "model": span.model, "tool": span.tool, "input_tokens": span.input_tokens,
        "output_tokens": span.output_tokens, "summary": span.summary, "error_type": span.error_type,
        "error_message": span.error_message, "cost_usd": None if span.cost_usd is None else plain(span.cost_usd),
    }  # fmt: skip
    return {name: value for name, value in found.items() if value not in (None, "", 0)}


def _arrow(process: int, track: Track, at: int, shift: int, span: TraceSpan) -> list[dict[str, Any]]:
    own = track.slices[at]
    if own.parent is None or track.lanes[own.parent] == track.lanes[at]:
        return []
    above = track.slices[own.parent]
    begun = min(max(own.start_ns, above.start_ns), above.end_ns)
    common = {"name": "began", "cat": "parent", "id": f"{track.trace_id[:8]}{span.span_id}", "pid": process}
    return [
        {"ph": "s", **common, "tid": track.lanes[own.parent] + 1, "ts": (begun + shift) / 1000},
        {"ph": "f", "bp": "e", **common, "tid": track.lanes[at] + 1, "ts": (own.start_ns + shift) / 1000},
    ]


def _dollars(process: int, track: Track, shift: int) -> list[dict[str, Any]]:
    """The dollars spent so far, as a counter."""
    paid = sorted(
        (own.end_ns, span.cost_usd)
        for own, span in zip(track.slices, track.spans, strict=True)
        if span.cost_usd is not None
    )
    found, total = [], Decimal(0)
    for at_ns, amount in paid:
        total += amount
        found.append({
            "ph": "C", "name": "dollars", "pid": process, "tid": 0, "ts": (at_ns + shift) / 1000,
            "args": {"usd": float(total)},
        })  # fmt: skip
    return found


def speedscope(tracks: Sequence[Track], title: str) -> dict[str, Any]:
    """Profiles: each lane over time, and each trace with tokens and with millionths of a dollar as its width."""
    frames: dict[str, int] = {}
    profiles: list[dict[str, Any]] = []
    for track in tracks:
        short = track.trace_id[:8]
        for lane in sorted(set(track.lanes)):
            name = f"{short} time" if not lane else f"{short} time, in parallel {lane}"
            profiles.append(_timed(track, lane, name, frames))
        profiles += _weighted(track, f"{short} tokens", frames, [_tokens(span) for span in track.spans])
        profiles += _weighted(track, f"{short} millionths of a dollar", frames, [_micro(span) for span in track.spans])
    return {
        "$schema": SPEEDSCOPE_SCHEMA, "name": title, "exporter": EXPORTER, "activeProfileIndex": 0,
        "shared": {"frames": [{"name": name} for name in frames]}, "profiles": profiles,
    }  # fmt: skip


def _frame(span: TraceSpan, frames: dict[str, int]) -> int:
    return frames.setdefault(f"{span.kind} {span.title}", len(frames))


def _timed(track: Track, lane: int, name: str, frames: dict[str, int]) -> dict[str, Any]:
    """One lane as frames that open and close; what is open closes before the next that lies outside it opens."""
    events: list[dict[str, Any]] = []
    opened: list[tuple[int, int, int]] = []
    placed = [at for at, own in enumerate(track.lanes) if own == lane]
    for at in sorted(placed, key=lambda at: (track.slices[at].start_ns, at)):
        own, frame = track.slices[at], _frame(track.spans[at], frames)
        while opened and opened[-1][2] not in _stack(track, at):
            end, closing, _ = opened.pop()
            events.append({"type": "C", "frame": closing, "at": end / 1000})
        events.append({"type": "O", "frame": frame, "at": own.start_ns / 1000})
        opened.append((own.end_ns, frame, at))
    while opened:
        end, closing, _ = opened.pop()
        events.append({"type": "C", "frame": closing, "at": end / 1000})
    ends = [track.slices[at].end_ns for at in placed]
    starts = [track.slices[at].start_ns for at in placed]
    return {
        "type": "evented", "name": name, "unit": "microseconds", "startValue": min(starts) / 1000,
        "endValue": max(ends) / 1000, "events": events,
    }  # fmt: skip


def _stack(track: Track, at: int) -> list[int]:
    """A span with all that it hangs under, the outermost first."""
    found, above = [at], track.slices[at].parent
    while above is not None:
        found.append(above)
        above = track.slices[above].parent
    return found[::-1]


def _tokens(span: TraceSpan) -> float:
    return float(span.input_tokens + span.output_tokens)


def _micro(span: TraceSpan) -> float:
    return float((span.cost_usd or Decimal(0)) * _MICRO)


def _weighted(track: Track, name: str, frames: dict[str, int], weights: Sequence[float]) -> list[dict[str, Any]]:
    """Each span that weighs something under all that it hangs under; none where nothing does."""
    samples, kept = [], []
    for at, weight in enumerate(weights):
        if weight:
            samples.append([_frame(track.spans[each], frames) for each in _stack(track, at)])
            kept.append(weight)
    if not kept:
        return []
    return [{
        "type": "sampled", "name": name, "unit": "none", "startValue": 0, "endValue": sum(kept), "samples": samples,
        "weights": kept,
    }]  # fmt: skip

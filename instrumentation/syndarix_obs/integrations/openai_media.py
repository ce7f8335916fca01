"""OpenAI's pictures, speech, transcripts, moderation and video: billed by tokens, characters, seconds, or not at all.

Each leaves a record. Where neither the answer nor the request says what it is billed by, the record is unpriced.
"""

from __future__ import annotations

from typing import Any

from syndarix_obs import vocabulary as v
from syndarix_obs.integrations.endpoints import Endpoint, as_dict, read_answer
from syndarix_obs.pricing.token_step import UNMETERED
from syndarix_obs.records.finished import FinishedSpan


def _read_images(body: dict[str, Any], span: FinishedSpan) -> None:
    """Pictures themselves are not kept: they are large, and text says more to whoever looks."""
    span.payload[UNMETERED] = True
    read_answer(span, {"usage": body.get("usage")}, output=None, finish_reasons=[], service_tier=None)


def _without_pictures(response: Any) -> Any:
    usage = getattr(response, "usage", None)
    return {} if usage is None else {"usage": as_dict(usage)}


def _whole_images(events: list[Any]) -> dict[str, Any]:
    for event in reversed(events):
        usage = getattr(event, "usage", None)
        if usage is not None:
            return {"usage": as_dict(usage)}
    return {}


def _read_speech(_body: dict[str, Any], span: FinishedSpan) -> None:
    """Speech is billed by the characters or the audio tokens; only the characters are known."""
    span.payload[UNMETERED] = True
    text = span.payload.get("input")
    if isinstance(text, str):
        span.attributes[v.USAGE_INPUT_CHARACTERS] = len(text)


def _whole_speech(events: list[Any]) -> dict[str, Any]:
    return _whole_images(events)


def _read_transcription(body: dict[str, Any], span: FinishedSpan) -> None:
    span.payload[UNMETERED] = True
    usage = body.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    seconds = usage.get("seconds") if usage.get("type") == "duration" else body.get("duration")
    text = body.get("text")
    read_answer(
        span,
        {"usage": usage} if usage.get("input_tokens") is not None else {},
        output=[{"role": "assistant", "content": text}] if isinstance(text, str) else None,
        finish_reasons=[],
        service_tier=None,
    )
    if isinstance(seconds, int | float) and "usage" not in span.payload:
        span.attributes[v.USAGE_AUDIO_SECONDS] = seconds


def _whole_transcription(events: list[Any]) -> dict[str, Any]:
    for event in reversed(events):
        if getattr(event, "type", None) == "transcript.text.done":
            return as_dict(event)
    return {}


def _read_moderation(_body: dict[str, Any], span: FinishedSpan) -> None:
    span.payload["usage"] = {"input_tokens": 0, "output_tokens": 0}  # it is free, and its list says so


def _read_video(body: dict[str, Any], span: FinishedSpan) -> None:
    """A job: billed by the seconds of video that were asked for, which no list of token prices knows."""
    span.payload[UNMETERED] = True
    read_answer(
        span, {"id": body.get("id"), "model": body.get("model")}, output=None, finish_reasons=[], service_tier=None
    )


IMAGES = Endpoint(
    name="images",
    operation=v.OPERATION_GENERATE_CONTENT,
    payload=(("input", "prompt"),),
    read=_read_images,
    is_content=lambda event: "image" in str(getattr(event, "type", "")),
    compact=lambda event: event if getattr(event, "usage", None) is not None else "",
    whole=_whole_images,
    keep=_without_pictures,
)
"""`POST /images/generations`, `/images/edits`, `/images/variations`."""
SPEECH = Endpoint(
    name="audio.speech",
    operation=v.OPERATION_GENERATE_CONTENT,
    payload=(("input", "input"),),
    read=_read_speech,
    whole=_whole_speech,
    keep=lambda _response: None,
    binary=True,
)
"""`POST /audio/speech`."""
TRANSCRIPTION = Endpoint(
    name="audio.transcriptions",
    operation=v.OPERATION_GENERATE_CONTENT,
    payload=(("input", "prompt"),),
    read=_read_transcription,
    is_content=lambda event: str(getattr(event, "type", "")).endswith(".delta"),
    whole=_whole_transcription,
)
"""`POST /audio/transcriptions`, `/audio/translations`."""
MODERATION = Endpoint(
    name="moderations",
    operation=v.OPERATION_GENERATE_CONTENT,
    payload=(("input", "input"),),
    read=_read_moderation,
    keep=lambda _response: None,
)
"""`POST /moderations`."""
VIDEO = Endpoint(
    name="videos", operation=v.OPERATION_GENERATE_CONTENT, payload=(("input", "prompt"),), read=_read_video
)
"""`POST /videos`, `/videos/edits`, `/videos/extensions`, `/videos/{id}/remix`."""

"""The body of an OTLP/HTTP request: its encoding, its limits, and answers in the same form.

Protobuf and JSON, plain or gzip, as the OTLP specification has them. JSON writes ids in hex where protobuf's own JSON
has base64, and may hold fields that this version does not know.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message

from syndarix_obs.delivery.wire import field, varint

M = TypeVar("M", bound=Message)

PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"
MOST_BYTES: Final = 64 * 1024 * 1024
"""Bytes of one request after decompression."""

_IDS: Final = frozenset({"traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id"})
_GZIP_WINDOW: Final = 31
_CODES: Final = {400: 3, 401: 16, 403: 7, 404: 5, 413: 8, 415: 3, 429: 8, 503: 14}


class BadRequest(Exception):
    """The request cannot be taken. `status` is the HTTP status; the message says what to do next."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer. `retry_after_s` is sent with 429 and 503; `message` is why nothing was taken."""

    status: int
    content_type: str
    body: bytes
    retry_after_s: int | None = None
    message: str = ""


def content_type_of(headers: Mapping[str, str]) -> str:
    """`application/x-protobuf` or `application/json`.

    Raises:
        BadRequest: another type.
    """
    given = headers.get("content-type", "").partition(";")[0].strip().lower()
    if given in (PROTOBUF, JSON):
        return given
    raise BadRequest(415, f"Content-Type {given or 'is missing'}: send {PROTOBUF} or {JSON}")


def unpacked(headers: Mapping[str, str], body: bytes) -> bytes:
    """The body without its compression.

    Raises:
        BadRequest: an unknown or broken compression, or too many bytes.
    """
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("identity", ""):
        found = body
    elif encoding == "gzip":
        found = _gunzipped(body)
    else:
        raise BadRequest(415, f"Content-Encoding {encoding!r}: send gzip or none")
    if len(found) > MOST_BYTES:
        raise BadRequest(413, f"the request holds more than {MOST_BYTES:,} bytes: send smaller batches")
    return found


def _gunzipped(body: bytes) -> bytes:
    stream = zlib.decompressobj(_GZIP_WINDOW)
    try:
        found = stream.decompress(body, MOST_BYTES + 1)
    except zlib.error as error:
        raise BadRequest(400, f"the gzip body is broken: {error}") from None
    if not stream.eof and len(found) <= MOST_BYTES:
        raise BadRequest(400, "the gzip body ends too early")
    return found


def parsed(content_type: str, body: bytes, message: M) -> M:
    """The message that a body holds.

    Raises:
        BadRequest: it holds something else.
    """
    try:
        if content_type == PROTOBUF:
            message.ParseFromString(body)
        else:
            json_format.ParseDict(_with_base64_ids(json.loads(body)), message, ignore_unknown_fields=True)
    except (DecodeError, json_format.ParseError, ValueError, RecursionError) as error:
        kind = "protobuf" if content_type == PROTOBUF else "JSON"
        raise BadRequest(400, f"no OTLP in {kind}: {str(error)[:200]}") from None
    return message


def _with_base64_ids(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_base64_ids(each) for each in value]
    if isinstance(value, dict):
        return {key: _base64(each) if key in _IDS else _with_base64_ids(each) for key, each in value.items()}
    return value


def _base64(text: Any) -> Any:
    return base64.b64encode(bytes.fromhex(text)).decode() if isinstance(text, str) else text


def accepted(content_type: str, answer: Message) -> Reply:
    """The answer to a request that was taken, wholly or in part."""
    if content_type == PROTOBUF:
        return Reply(200, PROTOBUF, answer.SerializeToString())
    return Reply(200, JSON, json_format.MessageToJson(answer, indent=None).encode())


def refused(content_type: str, status: int, message: str, retry_after_s: int | None = None) -> Reply:
    """The answer to a request that was not taken: a `google.rpc.Status`."""
    code = _CODES.get(status, 2)
    if content_type == PROTOBUF:
        told = b"\x08" + varint(code) + field(b"\x12", message.encode())
        return Reply(status, PROTOBUF, told, retry_after_s, message)
    return Reply(status, JSON, json.dumps({"code": code, "message": message}).encode(), retry_after_s, message)

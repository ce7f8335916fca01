"""Bodies that the caller read as bytes (`with_streaming_response`, raw streams): decoded on the worker."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any


class Loose:
    """A JSON object as attributes; what is not there is None, as in the clients' models."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)

    def __getattr__(self, _name: str) -> None:
        return None

    def model_dump(self, **_options: Any) -> dict[str, Any]:
        """The object as plain dicts again."""
        return {name: _plain(value) for name, value in self.__dict__.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, Loose):
        return value.model_dump()
    return [_plain(item) for item in value] if isinstance(value, list) else value


def body_from_bytes(
    headers: Mapping[str, str], content: bytes, whole: Callable[[list[Any]], dict[str, Any]]
) -> dict[str, Any]:
    """The answer's body from its bytes; {} where they cannot be read.

    Args:
        headers: HTTP headers of the answer.
        content: the bytes, no longer compressed.
        whole: makes a body of the chunks of a stream.
    """
    text = content.decode("utf-8", "replace")
    if "event-stream" in str(headers.get("content-type", "")):
        return whole(list(chunks_of(text)))
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def chunks_of(text: str) -> Iterator[Loose]:
    """The JSON objects of a server-sent event stream; anything else in it is left out."""
    for line in text.split("\n"):
        if line.startswith("data:"):
            try:
                found = json.loads(line[5:], object_hook=Loose)
            except ValueError:  # the end marker, or a stream that was cut
                continue
            if isinstance(found, Loose):
                yield found


def lines_of(content: bytes) -> Iterator[dict[str, Any]]:
    """The objects of a file of JSON lines; nothing of a file that is none."""
    if content[:1] != b"{":
        return
    for line in content.splitlines():
        try:
            found = json.loads(line)
        except ValueError:  # the end of a file that was not read to its end
            continue
        if isinstance(found, dict):
            yield found


def decompressed(headers: Mapping[str, str], data: bytes) -> bytes:
    """The body without its content encoding, as far as it came; b"" for one that the standard library does not know."""
    encoding = str(headers.get("content-encoding", "") or "").strip().lower()
    if encoding in ("", "identity"):
        return data
    if encoding not in ("gzip", "deflate"):
        return b""
    try:
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 32).decompress(data)  # either header; a cut end is fine
    except zlib.error:
        return b""

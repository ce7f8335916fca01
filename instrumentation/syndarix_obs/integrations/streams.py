"""Streamed answers: watched chunk by chunk without parsing, ended exactly once however the stream ends.

A `Reader` takes the place of the client's own iterator inside its `Stream` object, so the caller keeps the object it
knows. Chunks are only put on a list; the worker makes sense of them.
"""

from __future__ import annotations

import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from syndarix_obs.guard import record_failure
from syndarix_obs.integrations.calls import ProviderCall


class _Reader:
    """What reading in a thread and reading in a task have in common."""

    __slots__ = (
        "__weakref__", "_append", "_call", "_compact", "_is_usage_only", "_iterator", "_last", "_monotonic", "_reading",
        "_waiting",
    )  # fmt: skip

    def __init__(self, iterator: Any, call: ProviderCall, hide_usage: bool) -> None:
        self._iterator = iterator
        self._call = call
        chunks: list[Any] = []
        call.answer.chunks = chunks
        self._append = chunks.append
        self._is_usage_only = call.endpoint.is_usage_only if hide_usage else None
        self._compact = call.endpoint.compact
        self._monotonic = call.source.monotonic
        self._waiting = True  # for the first chunk with content
        self._reading = False
        self._last = self._monotonic()

    def _took(self, chunk: Any) -> bool:
        """Note a chunk; False for one that the caller must not see, because it never asked for it."""
        self._reading = False
        self._last = self._monotonic()
        if self._waiting:
            self._append(chunk)  # whole: the first ones say the model
            return self._look_at(chunk)
        try:
            self._append(self._compact(chunk))
        except Exception:  # noqa: BLE001 - an odd chunk; the worker will say what is odd about it
            self._append(chunk)
        return self._is_usage_only is None or self._look_at(chunk)

    def _look_at(self, chunk: Any) -> bool:
        try:
            if self._waiting and self._call.endpoint.is_content(chunk):
                self._waiting = False
                self._call.first_token()
            return self._is_usage_only is None or not self._is_usage_only(chunk)
        except Exception as error:  # noqa: BLE001 - an odd chunk is the caller's to handle, not a reason to fail
            self._waiting = False
            record_failure("integration_chunk", error)
            return True

    def closed(self) -> None:
        """The response was closed. While a chunk is being read its end is about to be seen, with the reason."""
        if not self._reading:
            self._call.end()

    def __del__(self) -> None:
        """A stream that was dropped ended with its last chunk."""
        call = self._call
        if call.start_ns and not call.end_ns:
            call.end(call.at(self._last))


class Reader(_Reader):
    """The iterator of a sync stream."""

    __slots__ = ()

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        while True:
            self._reading = True
            try:
                chunk = self._iterator.__next__()
            except StopIteration:
                self._call.end()
                raise
            except BaseException as error:
                self._call.failed(error)
                raise
            if self._took(chunk):
                return chunk


class AsyncReader(_Reader):
    """The iterator of an async stream."""

    __slots__ = ()

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        while True:
            self._reading = True
            try:
                chunk = await self._iterator.__anext__()
            except StopAsyncIteration:
                self._call.end()
                raise
            except BaseException as error:
                self._call.failed(error)
                raise
            if self._took(chunk):
                return chunk


def watch_stream(stream: Any, call: ProviderCall, hide_usage: bool) -> None:
    """Put a reader into a client's `Stream` or `AsyncStream`."""
    iterator = stream._iterator
    is_async = hasattr(iterator, "__anext__")
    reader: Reader | AsyncReader
    reader = AsyncReader(iterator, call, hide_usage) if is_async else Reader(iterator, call, hide_usage)
    response = stream.response
    call.answer.headers = response.headers
    stream._iterator = reader
    _on_close(response, "aclose" if is_async else "close", weakref.ref(reader))


def _on_close(response: Any, name: str, reader: weakref.ref[Any]) -> None:
    """Tell the reader when the response is closed, by the stream or by one of the clients' helpers.

    The replacement refers to the response and is kept by it; closing breaks that circle.
    """
    original = getattr(response, name)

    def close(*args: Any, **kwargs: Any) -> Any:
        response.__dict__.pop(name, None)
        found = reader()
        if found is not None:
            found.closed()
        return original(*args, **kwargs)

    setattr(response, name, close)


class _Nothing:
    """Takes the parts of a body of which nothing is kept."""

    def append(self, _part: bytes) -> None:
        """Forget it."""


class _Tee:
    """The body of a response that the caller reads as bytes; keeps the parts and ends the call with the body."""

    def __init__(self, body: Any, call: ProviderCall) -> None:
        self._body = body
        self._call = call
        kept: list[bytes] = []
        call.answer.parts = kept
        self._parts: Any = _Nothing() if call.endpoint.binary else kept

    def __iter__(self) -> Iterator[bytes]:
        for part in self._body:
            self._parts.append(part)
            yield part

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._body:
            self._parts.append(part)
            yield part

    def close(self) -> None:
        self._call.end()
        self._body.close()

    async def aclose(self) -> None:
        self._call.end()
        await self._body.aclose()

    def __del__(self) -> None:
        self._call.end()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._body, name)


_tee_classes: dict[type, Callable[[Any, ProviderCall], Any]] = {}


def _tee_class(body_class: type) -> Callable[[Any, ProviderCall], Any]:
    """A tee of the same kind as the body, sync or async or both, as the HTTP client checks for it."""
    found = _tee_classes.get(body_class)
    if found is None:
        kinds = tuple(c for c in body_class.__mro__ if c.__name__ in ("SyncByteStream", "AsyncByteStream"))
        found = _tee_classes[body_class] = type("Tee", (_Tee, *kinds), {})
    return found


def watch_bytes(response: Any, call: ProviderCall) -> None:
    """Keep what the caller reads from an HTTP response whose body has not been read yet."""
    call.answer.headers = response.headers
    response.stream = _tee_class(type(response.stream))(response.stream, call)

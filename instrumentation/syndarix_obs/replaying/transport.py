"""Puts a transport into the provider clients' HTTP client that answers from the tape.

Everything above it runs for real: the client's own code, its parsing, its streams, its retries.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from syndarix_obs.errors import NotReplayable
from syndarix_obs.integrations.endpoints import Endpoint
from syndarix_obs.integrations.patching import patch
from syndarix_obs.replaying import answers, live, sockets
from syndarix_obs.replaying.player import Player, now_ns
from syndarix_obs.replaying.requests import endpoint_of, split
from syndarix_obs.spans import correlation

_LIBRARIES: Final = ("openai", "anthropic")
_HTTP: Final = ("httpx", "httpx2")
_NOT_OURS: Final = frozenset({"content-encoding", "content-length", "transfer-encoding"})


@contextlib.contextmanager
def installed(player: Player) -> Iterator[None]:
    """Every `openai` and `anthropic` client of the process is answered by the player within the block."""
    with contextlib.ExitStack() as undo:
        swaps = _Swaps(player)
        undo.callback(swaps.restore)
        for name in _LIBRARIES:
            with contextlib.suppress(ImportError):
                base = __import__(f"{name}._base_client", fromlist=["SyncAPIClient", "AsyncAPIClient"])
                for client in (base.SyncAPIClient, base.AsyncAPIClient):
                    undo.callback(patch(client, "request", swaps.adopting))
        yield


class _Swaps:
    """HTTP clients whose transport was replaced, to be put back."""

    def __init__(self, player: Player) -> None:
        self._player = player
        self._before: list[tuple[Any, Any, Any]] = []

    def adopting(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """The client's method that sends everything, with the transport replaced before its first request."""

        def request(client: Any, *args: Any, **kwargs: Any) -> Any:
            self._adopt(client._client)
            return original(client, *args, **kwargs)

        return request

    def _adopt(self, http_client: Any) -> None:
        if any(known is http_client for known, _transport, _mounts in self._before):
            return
        transport, mounts = http_client._transport, http_client._mounts
        self._before.append((http_client, transport, mounts))
        http_client._transport = _transport_class(_library(http_client))(self._player, transport)
        http_client._mounts = {}

    def restore(self) -> None:
        """Give every client its own transport back."""
        for http_client, transport, mounts in self._before:
            http_client._transport, http_client._mounts = transport, mounts
        self._before = []


def _library(http_client: Any) -> Any:
    """The HTTP library that a client is of: `httpx`, or its successor that the clients come with."""
    for cls in type(http_client).__mro__:
        root = cls.__module__.partition(".")[0]
        if root in _HTTP:
            return sys.modules[root]
    raise NotReplayable(f"the HTTP client {type(http_client).__name__} is neither of httpx nor of httpx2")


_classes: dict[str, Any] = {}


def _transport_class(http: Any) -> Any:
    found = _classes.get(http.__name__)
    if found is None:
        bases = (_Playing, http.BaseTransport, http.AsyncBaseTransport)
        found = _classes[http.__name__] = type("ReplayTransport", bases, {"http": http})
    return found


class _Playing:
    """The transport: an answer of the tape, or where that is allowed the real one."""

    http: Any

    def __init__(self, player: Player, real: Any) -> None:
        self._player = player
        self._real = real

    def handle_request(self, request: Any) -> Any:
        """Answer a request."""
        request.read()
        answer, asked = self._answer(request)
        if answer is not None:
            return answer
        changed, start_ns = self._changed(request, asked), now_ns()
        with sockets.allowed():
            response = self._real.handle_request(changed)
            content = response.read()
        return self._lived(changed, response, content, start_ns)

    async def handle_async_request(self, request: Any) -> Any:
        """Answer a request of an async client."""
        await request.aread()
        answer, asked = self._answer(request)
        if answer is not None:
            return answer
        changed, start_ns = self._changed(request, asked), now_ns()
        with sockets.allowed():
            response = await self._real.handle_async_request(changed)
            content = await response.aread()
        return self._lived(changed, response, content, start_ns)

    def _answer(self, request: Any) -> tuple[Any, dict[str, Any]]:
        """The recorded answer, None when the model is to be asked; and the request's body."""
        endpoint = endpoint_of(request.url.path)
        body = _json(request.content)
        if endpoint is None or body is None:
            self._player.fail(
                NotReplayable(f"{request.method} {request.url.path} was not recorded: only model calls are")
            )
            raise AssertionError
        step = self._player.model(correlation.current().agent, split(endpoint, body))
        if step is None:
            return None, body
        try:
            status, headers, content = answers.response_of(step, stream=bool(body.get("stream")), body=body)
        except NotReplayable as error:
            self._player.fail(error)
            raise
        if endpoint.name == "embeddings":
            self._player.note(
                "vectors were never recorded: embeddings were answered with stand-ins, equal for equal texts"
            )
        return self.http.Response(status, headers=headers, content=content, request=request), body

    def _changed(self, request: Any, body: Mapping[str, Any]) -> Any:
        """The request with the fork's changes."""
        endpoint = _endpoint(request)
        made, notes = live.changed(endpoint, body, self._player.changes_for(body))
        for note in notes:
            self._player.note(note)
        headers = {name: value for name, value in request.headers.items() if name.lower() != "content-length"}
        return self.http.Request(
            request.method,
            request.url,
            headers=headers,
            content=json.dumps(made).encode(),
            extensions=request.extensions,
        )

    def _lived(self, request: Any, response: Any, content: bytes, start_ns: int) -> Any:
        endpoint = _endpoint(request)
        provider = "anthropic" if endpoint.name == "messages" else "openai"
        body = _json(request.content) or {}
        self._player.add_live(live.step_of(endpoint, provider, body, response, content, start_ns))
        headers = [(k, value) for k, value in response.headers.items() if k.lower() not in _NOT_OURS]
        return self.http.Response(response.status_code, headers=headers, content=content, request=request)


def _endpoint(request: Any) -> Endpoint:
    """The endpoint of a request that was found to have one."""
    found = endpoint_of(request.url.path)
    if found is None:
        raise NotReplayable(f"{request.url.path} is no endpoint of a model")
    return found


def _json(content: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(content)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None

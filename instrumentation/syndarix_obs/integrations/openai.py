"""The `openai` client: chat, completions, responses, embeddings; sync, async, streamed, raw; compatible providers."""

from __future__ import annotations

from syndarix_obs.integrations.calls import OnHeaders
from syndarix_obs.integrations.openai_chat import CHAT, COMPLETION, EMBEDDINGS
from syndarix_obs.integrations.openai_responses import RESPONSES
from syndarix_obs.integrations.provider_names import ProviderNames
from syndarix_obs.integrations.requests import Undo, Watcher
from syndarix_obs.spans.span import SpanSource

ENDPOINTS = {
    "/chat/completions": CHAT,
    "/completions": COMPLETION,
    "/embeddings": EMBEDDINGS,
    "/responses": RESPONSES,
}
"""Path as the client gives it → endpoint."""


def watch(source: SpanSource, on_headers: OnHeaders, *, request_usage: bool = False) -> Undo:
    """Watch every `openai` client of the process; returns a function that stops it.

    Raises:
        ImportError: the client is not installed.
        KeyError: this version of the client is built differently.
    """
    from openai._base_client import AsyncAPIClient, SyncAPIClient

    watcher = Watcher(source, ENDPOINTS, ProviderNames("openai"), on_headers, request_usage)
    return watcher.watch(SyncAPIClient, AsyncAPIClient)

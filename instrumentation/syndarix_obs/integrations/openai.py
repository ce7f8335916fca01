"""The `openai` client: chat, completions, responses, embeddings; sync, async, streamed, raw; compatible providers."""

from __future__ import annotations

import re

from syndarix_obs.integrations.batches import BATCH_FILE
from syndarix_obs.integrations.calls import OnHeaders
from syndarix_obs.integrations.endpoints import Endpoints
from syndarix_obs.integrations.openai_chat import CHAT, COMPLETION, EMBEDDINGS
from syndarix_obs.integrations.openai_media import IMAGES, MODERATION, SPEECH, TRANSCRIPTION, VIDEO
from syndarix_obs.integrations.openai_responses import COMPACT, RESPONSES, RETRIEVED
from syndarix_obs.integrations.provider_names import ProviderNames
from syndarix_obs.integrations.requests import Undo, Watcher
from syndarix_obs.spans.span import SpanSource

ENDPOINTS = Endpoints(
    {
        "/chat/completions": CHAT,
        "/completions": COMPLETION,
        "/embeddings": EMBEDDINGS,
        "/responses": RESPONSES,
        "/responses?beta=true": RESPONSES,
        "/responses/compact": COMPACT,
        "/images/generations": IMAGES,
        "/images/edits": IMAGES,
        "/images/variations": IMAGES,
        "/audio/speech": SPEECH,
        "/audio/transcriptions": TRANSCRIPTION,
        "/audio/translations": TRANSCRIPTION,
        "/moderations": MODERATION,
        "/videos": VIDEO,
        "/videos/edits": VIDEO,
        "/videos/extensions": VIDEO,
    }
)
"""Path as the client gives it → endpoint."""
ENDPOINTS.routes = (
    ("get", re.compile(r"^/responses/[^/?]+(?:\?beta=true)?$"), RETRIEVED),
    ("post", re.compile(r"^/responses/[^/?]+/cancel(?:\?beta=true)?$"), RETRIEVED),
    ("post", re.compile(r"^/videos/[^/?]+/remix$"), VIDEO),
    ("get", re.compile(r"^/files/[^/?]+/content$"), BATCH_FILE),
)


def watch(source: SpanSource, on_headers: OnHeaders, *, request_usage: bool = False) -> Undo:
    """Watch every `openai` client of the process; returns a function that stops it.

    Raises:
        ImportError: the client is not installed.
        KeyError: this version of the client is built differently.
    """
    from openai._base_client import AsyncAPIClient, SyncAPIClient

    watcher = Watcher(source, ENDPOINTS, ProviderNames("openai"), on_headers, request_usage)
    return watcher.watch(SyncAPIClient, AsyncAPIClient)

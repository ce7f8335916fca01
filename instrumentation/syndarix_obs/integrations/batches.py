"""Results of message batches: what they cost is told when they are fetched, once, however often that is.

A file of results becomes one record with the tokens of all its answers, each priced by its own size and model.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from syndarix_obs import vocabulary as v
from syndarix_obs.integrations.endpoints import Endpoint
from syndarix_obs.pricing.usage import TokenUsage, added, usage_from
from syndarix_obs.records.finished import FinishedSpan

_BATCH: Final = "batch"
_Answer = tuple[str | None, TokenUsage]


def _read_results(body: dict[str, Any], span: FinishedSpan) -> None:
    lines = body.get("lines") or []
    _put(span, _anthropic_answers(lines), [str(line.get("custom_id")) for line in lines])


def _anthropic_answers(lines: Iterable[Mapping[str, Any]]) -> Iterator[_Answer]:
    for line in lines:
        message = (line.get("result") or {}).get("message") or {}
        usage = usage_from("anthropic", message.get("usage"))
        if usage is not None:
            yield message.get("model"), usage


def _read_file(body: dict[str, Any], span: FinishedSpan) -> None:
    lines = body.get("lines") or []
    if not any(str(line.get("id", "")).startswith("batch_req") for line in lines[:1]):
        span.counted = False  # some other file
        return
    _put(span, _openai_answers(lines), [str(line.get("id")) for line in lines])


def _openai_answers(lines: Iterable[Mapping[str, Any]]) -> Iterator[_Answer]:
    for line in lines:
        answer = (line.get("response") or {}).get("body") or {}
        usage = usage_from("openai", answer.get("usage"))
        if usage is not None:
            yield answer.get("model"), usage


def _put(span: FinishedSpan, answers: Iterable[_Answer], ids: list[str]) -> None:
    """All answers into one record, which is the same however often the file is fetched."""
    passes = tuple(answers)
    if not passes:
        span.counted = False  # nothing that was answered, so nothing billed
        return
    models = Counter(model for model, _ in passes if model)
    attributes = span.attributes
    if models:
        attributes[v.GEN_AI_RESPONSE_MODEL] = models.most_common(1)[0][0]
    attributes[v.SERVICE_TIER] = _BATCH
    attributes[v.GEN_AI_RESPONSE_ID] = f"{_BATCH}:{min(ids)}:{max(ids)}:{len(ids)}"
    attributes[v.BATCH_ANSWERS] = len(passes)
    span.name = f"{_BATCH} {attributes.get(v.GEN_AI_RESPONSE_MODEL, '')}".strip()
    span.payload["usage"] = added([usage for _, usage in passes])
    span.passes = passes
    span.polled = True


BATCH_RESULTS = Endpoint(
    name="messages.batches.results",
    operation=v.OPERATION_CHAT,
    payload=(),
    read=_read_results,
    bodiless=True,
    lines=True,
)
"""`GET /v1/messages/batches/{id}/results` of Anthropic."""
BATCH_FILE = Endpoint(
    name="files.content", operation=v.OPERATION_CHAT, payload=(), read=_read_file, bodiless=True, lines=True,
)  # fmt: skip
"""`GET /files/{id}/content` of OpenAI, where the file is a batch's output."""

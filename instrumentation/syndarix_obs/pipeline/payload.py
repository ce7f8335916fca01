"""Payload references become one redacted JSON text; the span keeps sizes and short previews.

This is the first time that anybody looks at the caller's objects, and it happens on the worker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal

from syndarix_obs import vocabulary as v
from syndarix_obs.guard import guarded
from syndarix_obs.pipeline import messages
from syndarix_obs.pipeline.cut import cut, fit, size_of
from syndarix_obs.pipeline.fingerprints import Fingerprints, set_hashes
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.redaction.jsonable import dumps
from syndarix_obs.redaction.step import Redactor

Capture = Literal["none", "metadata", "full"]

ATTRIBUTE_LIMIT = 2_048
"""Bytes of one attribute value; Tempo cuts longer ones by default, and does not say so."""
_CONVERSATION = ("input", "output")
_PREVIEWS = (v.PREVIEW_INPUT, v.PREVIEW_OUTPUT)
_ACROSS = 256
"""Characters behind the end of a preview that are looked at too, so that the cut hides no half of a secret."""
_ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function", "model"})
_STACK = "exception.stacktrace"


class PayloadStep:
    """Turns `span.payload` into `span.payload_json`.

    Args:
        redactor: masks what is kept.
        capture: `full` keeps content, redacted; `metadata` only sizes, roles and counts; `none` no content, and of
            attributes only those that are known to hold none.
        preview_chars: characters of the previews of an LLM call's input and answer; 0 for no previews.
        max_bytes: bytes that a payload may have; longer ones are cut and say so.
        on_truncate: called with the site (`payload` or `attribute`) of every cut.
        fingerprints: makes the keyed hashes of the messages; None for none.
    """

    def __init__(
        self,
        redactor: Redactor,
        *,
        capture: Capture = "full",
        preview_chars: int = 240,
        max_bytes: int = 4_000_000,
        on_truncate: Callable[[str], None] = lambda _site: None,
        fingerprints: Fingerprints | None = None,
    ) -> None:
        self._redactor = redactor
        self._capture = capture
        self._preview_chars = preview_chars
        self._max_bytes = max_bytes
        self._on_truncate = on_truncate
        self._fingerprints = fingerprints

    def __call__(self, span: FinishedSpan) -> None:
        """Change the span in place."""
        if span.payload:
            set_hashes(span)
        if self._capture == "full":
            self._keep(span)
        else:
            self._drop_content(span)
        self._cut_attributes(span)

    def _keep(self, span: FinishedSpan) -> None:
        if not span.payload:
            return
        text, masked = self._redactor.both(span.payload)
        if not text.startswith("{"):
            text = dumps({"unreadable": text})
        if span.attributes.get(v.GEN_AI_OPERATION_NAME) in v.LLM_OPERATIONS:
            self._preview(span, span.payload if masked is None else masked, clean=masked is None)
        text = self._with_fingerprints(text, span)
        short = fit(text, self._max_bytes)
        if short is not text:
            self._on_truncate("payload")
            span.attributes[v.PAYLOAD_TRUNCATED] = True
        span.payload_json = short
        span.attributes[v.PAYLOAD_BYTES] = size_of(short)

    def _with_fingerprints(self, text: str, span: FinishedSpan) -> str:
        """Put in after redaction, which would take a row of digits for an account number."""
        if self._fingerprints is None or span.attributes.get(v.GEN_AI_OPERATION_NAME) not in v.LLM_OPERATIONS:
            return text
        with guarded("fingerprints"):
            hashes = self._fingerprints.of(span.payload)
            if hashes:
                return f'{text[:-1]},"hashes":{dumps(hashes)}}}'
        return text

    @guarded("preview")
    def _preview(self, span: FinishedSpan, payload: Any, *, clean: bool) -> None:
        """Previews of what was asked and answered. Those of a clean payload need no second look, unless they are joined
        from parts: then a secret may stand across a joint."""
        if not isinstance(payload, Mapping) or self._preview_chars <= 0:
            return
        for name in _PREVIEWS:
            span.attributes.pop(name, None)
        texts = (messages.last_input(payload.get("input")), messages.answer(payload.get("output")))
        for name, text, source in zip(_PREVIEWS, texts, _CONVERSATION, strict=True):
            if text:
                joined = messages.joined(payload.get(source))
                span.attributes[name] = self._shortened(self._across(text) if joined else text)
                if clean and not joined and not self._redactor.sees_everything:
                    span.checked = (*span.checked, name)

    def _across(self, text: str) -> str:
        """The joined parts masked; where a secret shows only without the line breaks between them, without these."""
        start = text[: self._preview_chars + _ACROSS]
        whole = start.replace("\n", "")
        masked = self._redactor.text(whole)
        return masked if masked != whole and self._redactor.text(start) == start else self._redactor.text(text)

    def _shortened(self, text: str) -> str:
        if len(text) <= self._preview_chars:
            return text
        return f"{text[: self._preview_chars]}{v.TRUNCATED_SUFFIX} {size_of(text)} bytes"

    def _drop_content(self, span: FinishedSpan) -> None:
        attributes = span.attributes
        for name in (*_PREVIEWS, v.PAYLOAD_BYTES, *v.PAYLOAD_ATTRIBUTES):
            attributes.pop(name, None)
        if self._capture == "none":
            _keep_plain(span)
        if self._capture == "metadata" and span.payload:
            numbers = _numbers(span.payload)
            span.payload_json = dumps(numbers)
            attributes[v.PAYLOAD_BYTES] = sum(n for key, n in numbers.items() if key.endswith("_bytes"))
        for index, event in enumerate(span.events):
            if v.PAYLOAD_ATTRIBUTES.keys() & event.attributes.keys():
                kept = {k: value for k, value in event.attributes.items() if k not in v.PAYLOAD_ATTRIBUTES}
                span.events[index] = replace(event, attributes=kept)

    def _cut_attributes(self, span: FinishedSpan) -> None:
        if _any_long(span.attributes):
            span.attributes = self._cut_each(span.attributes)
        for index, event in enumerate(span.events):
            if _any_long(event.attributes):
                span.events[index] = replace(event, attributes=self._cut_each(event.attributes))

    def _cut_each(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        return {key: self._cut_value(key, value) if _is_long(value) else value for key, value in attributes.items()}

    def _cut_value(self, key: str, value: Any) -> Any:
        if not isinstance(value, str):
            return tuple(self._cut_value(key, item) if _is_long(item) else item for item in value)
        masked = self._redactor.text(value)  # before the cut, which could hide half of a secret
        short = cut(masked, ATTRIBUTE_LIMIT, keep_end=key == _STACK)
        if short is not masked:
            self._on_truncate("attribute")
        return short


def _keep_plain(span: FinishedSpan) -> None:
    """Only attributes that are known to hold no content, by name: a list of those that do would never be complete."""
    span.attributes = {key: value for key, value in span.attributes.items() if key in PLAIN}
    for index, event in enumerate(span.events):
        if event.attributes.keys() - PLAIN:
            kept = {key: value for key, value in event.attributes.items() if key in PLAIN}
            span.events[index] = replace(event, attributes=kept)


PLAIN = (v.ATTRIBUTE_NAMES | v.PLAIN_ATTRIBUTES) - v.CONTENT_ATTRIBUTES


def _any_long(attributes: Mapping[str, Any]) -> bool:
    for value in attributes.values():
        kind = type(value)
        if kind is int or kind is float or kind is bool or (kind is str and len(value) * 4 <= ATTRIBUTE_LIMIT):
            continue
        if _is_long(value):
            return True
    return False


def _is_long(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) * 4 > ATTRIBUTE_LIMIT and size_of(value) > ATTRIBUTE_LIMIT
    return isinstance(value, (list, tuple)) and any(isinstance(item, str) and _is_long(item) for item in value)


def _numbers(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Sizes of every field; of conversations also how many messages there are and whose."""
    numbers: dict[str, Any] = {"capture": "metadata"}
    for name, value in payload.items():
        numbers[f"{name}_bytes"] = size_of(dumps(value))
        if name in _CONVERSATION:
            items = messages.as_list(value)
            numbers[f"{name}_count"] = len(items)
            numbers[f"{name}_roles"] = [_role(item) for item in items]
        elif isinstance(value, (list, tuple)):
            numbers[f"{name}_count"] = len(value)
    return numbers


def _role(item: Any) -> str:
    """A role is one of a few words; what else stands in its place may be anything."""
    role = messages.role(item)
    return role if role in _ROLES else "other"
